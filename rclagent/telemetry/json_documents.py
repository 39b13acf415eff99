"""JSON files of one document or of one document a line, damaged lines counted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final, TypeVar

import msgspec

from rclagent.errors import FormatError
from rclagent.telemetry.tally import Tally

TRUNCATED_LINE: Final = "truncated last line"
BROKEN_LINE: Final = "broken line"
INVALID_RECORD: Final = "record with fields of a wrong type"
UNDECODABLE: Final = (msgspec.DecodeError, ValueError, RecursionError)
"""What decoding hostile JSON raises: malformed, not UTF-8 or out of range, nested too deeply."""

T = TypeVar("T")


class AnyObject(msgspec.Struct):
    """Any JSON object."""


def decode_documents(
    data: bytes, decode: Callable[[memoryview | bytes], T], name: str, tally: Tally
) -> Iterator[T]:
    """Each document of a file, one a line, or the only one where it spreads over lines.

    Args:
        data: The file.
        decode: Turns the bytes of one document into a value; raises one of UNDECODABLE.
        name: The file, for the error.
        tally: Told of lines that cannot be decoded.

    Raises:
        FormatError: Not one line can be decoded; names the first of them.
    """
    good, problem = 0, ""
    view = memoryview(data)
    for number, start, end in _lines(data):
        try:
            document = decode(view[start:end])
        except UNDECODABLE as error:
            if not problem:
                problem = f"line {number}: {error}"
                whole = None if good else _whole(data, decode)
                if whole is not None:
                    yield whole
                    return
            tally.drop(BROKEN_LINE if data.find(b"\n", end) >= 0 else TRUNCATED_LINE)
            continue
        good += 1
        yield document
    if not good:
        raise FormatError(
            f"{name!r}, {problem or 'line 1: nothing there'}; no line of the file can be read.",
            "Check that the file is complete and in the format that --format names.",
        )


def fitting(values: object, kind: type[msgspec.Struct], tally: Tally) -> list[dict[str, Any]]:
    """Those of a list of decoded JSON objects that fit a type.

    Args:
        values: Anything; what is no list counts as a list of one, None as an empty one.
        kind: Type that an object must fit.
        tally: Told how many do not.
    """
    good = [value for value in listed(values) if _fits(value, kind)]
    tally.drop(INVALID_RECORD, len(listed(values)) - len(good))
    return good


def listed(values: object) -> list[Any]:
    """The list itself; anything else as a list of one, None as an empty one."""
    if values is None:
        return []
    return values if isinstance(values, list) else [values]


def _fits(value: object, kind: type[msgspec.Struct]) -> bool:
    try:
        msgspec.convert(value, kind)
    except UNDECODABLE:
        return False
    return True


def _lines(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Number, start and end of every line that is not blank; slices, because files are large."""
    number, start = 0, 0
    while start < len(data):
        number += 1
        end = data.find(b"\n", start)
        end = len(data) if end < 0 else end
        if data[start : min(end, start + 16)].strip() or data[start:end].strip():
            yield number, start, end
        start = end + 1


def _whole(data: bytes, decode: Callable[[memoryview | bytes], T]) -> T | None:
    try:
        return decode(data)
    except UNDECODABLE:
        return None
