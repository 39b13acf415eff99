"""Telemetry between marks that nothing in it can imitate."""

from __future__ import annotations

import json
from collections.abc import Sequence
from hashlib import blake2b
from typing import Any, Final

# Marks, fences and tags cannot be written with these escaped; JSON reads them as the same.
_ESCAPES: Final = {"<": "\\u003c", ">": "\\u003e", "`": "\\u0060"}


def data_block(rows: Sequence[Any]) -> str:
    """Rows as JSON, a line each, between marks of their own.

    The mark holds a digest of what it encloses, which whoever writes a log line cannot know; besides, no
    angle bracket of the data comes through. The same rows give the same text.
    """
    lines = "\n".join(escaped_json(row) for row in rows) or "(nothing)"
    mark = "data-" + blake2b(lines.encode(), digest_size=5).hexdigest()
    return f"<{mark}>\n{lines}\n</{mark}>"


def fitting(rows: Sequence[Any], most: int, characters: int) -> list[Any]:
    """The rows that fit into a block, in order; one that is too long by itself is left out.

    Args:
        rows: Rows as JSON.
        most: Rows at most.
        characters: Characters of all of them at most.
    """
    kept: list[Any] = []
    size = 0
    for row in rows:
        length = len(escaped_json(row)) + 1
        if len(kept) < most and size + length <= characters:
            kept.append(row)
            size += length
    return kept


def escaped_json(value: Any) -> str:
    """A value as JSON on one line, without angle brackets and backticks."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False, ensure_ascii=False)
    text = text if text.isprintable() else "".join(map(_visible, text))
    for character, escape in _ESCAPES.items():
        text = text.replace(character, escape)
    return text


def _visible(character: str) -> str:
    # What ends a line for a reader, or hides, must not come through; json.dumps escapes the rest of it.
    if character.isascii() or character.isprintable():
        return character
    return "".join(f"\\u{unit:04x}" for unit in _utf16(character))


def _utf16(character: str) -> list[int]:
    units = character.encode("utf-16-be", "surrogatepass")
    return [int.from_bytes(units[place : place + 2], "big") for place in range(0, len(units), 2)]
