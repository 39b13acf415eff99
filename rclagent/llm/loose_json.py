"""JSON objects in what models write: in prose, in fences, with quotes of the wrong kind."""

from __future__ import annotations

import ast
import json
import math
import re
import warnings
from typing import Any, Final, NoReturn

MAX_LENGTH: Final = 200_000
"""Characters looked at; what a model writes beyond is no answer."""
MAX_OBJECTS: Final = 200
"""Places looked at where an object may start."""
_MAX_LITERAL: Final = 20_000  # Python's own parser bounds the depth, but not the time
_FENCE: Final = re.compile(r"```[\w+-]{0,20}[ \t]*\r?\n(.*?)(?:```|\Z)", re.DOTALL)
_THOUGHT: Final = re.compile(r"<think>.*?(?:</think>|\Z)", re.DOTALL)


def without_thoughts(text: str) -> str:
    """The text without what stands between ``<think>`` marks; the closing one may come alone."""
    thought, mark, rest = text.rpartition("</think>")
    if mark and "<think>" not in thought:
        return rest
    return _THOUGHT.sub("", text)


def fenced(text: str) -> list[str]:
    """Contents of the fenced blocks, the last of which may be unfinished."""
    return [match.group(1) for match in _FENCE.finditer(text[:MAX_LENGTH])]


def read_value(text: str) -> Any:
    """The one value that a text is, as JSON or as a Python literal; None where it is neither.

    Numbers that are not finite are not JSON, and make it neither.
    """
    text = text.strip()
    try:
        return _DECODER.decode(text)
    except (ValueError, RecursionError):
        return _literal(text)


def objects_in(text: str) -> list[dict[str, Any]]:
    """JSON objects in a text, in order; those within others are not told apart."""
    text = text[:MAX_LENGTH]
    found: list[dict[str, Any]] = []
    start = text.find("{")
    for _ in range(MAX_OBJECTS):
        if start < 0:
            break
        try:
            value, end = _DECODER.raw_decode(text, start)
        except (ValueError, RecursionError):
            end = start + 1
        else:
            found.append(value)
        start = text.find("{", end)
    return found


def _literal(text: str) -> Any:
    if len(text) > _MAX_LITERAL:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of escapes that Python does not know
            value = ast.literal_eval(text)
        return _DECODER.decode(json.dumps(value, allow_nan=False))
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return None


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text} is too large")
    return value


_DECODER: Final = json.JSONDecoder(parse_constant=_refuse, parse_float=_finite, strict=False)
