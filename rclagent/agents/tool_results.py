"""What a tool answers a model: ``ok``, ``no_data`` or ``error``, bounded, saying what was left out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from rclagent.prompting import data_block, fitting

MAX_ROWS: Final = 15
"""Rows of one result."""
MAX_RESULT: Final = 3_000
"""Characters of the rows of one result."""


def ok(rows: Sequence[dict[str, Any]]) -> str:
    """As many of the first rows as fit; ``no_data`` where there is none."""
    if not rows:
        return no_data("nothing of this kind was recorded")
    shown = fitting(rows, MAX_ROWS, MAX_RESULT)
    return data_block([{"status": "ok", "rows": len(rows), "left_out": len(rows) - len(shown)}, *shown])


def no_data(why: str) -> str:
    """Nothing was found, which is an answer."""
    return data_block([{"status": "no_data", "why": why}])


def error(problem: str, **hints: Any) -> str:
    """The call itself was wrong; hints say how to make it right."""
    return data_block([{"status": "error", "problem": problem, **hints}])
