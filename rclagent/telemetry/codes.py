"""Names as small numbers, which group and compare many times faster than text."""

from __future__ import annotations

from math import prod
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

_TABLE_SLOTS: Final = 1 << 20
"""Keys below this, or below four times their number, are counted in a table in place of a sort."""


def codes_of(frame: pl.DataFrame, *columns: str) -> list[IntArray]:
    """Numbers for the names of each column: 0, 1 ... as they appear, -1 for null, shape (n,) each."""
    # Categories of its own keep the numbers of a column small, whatever else the process has seen.
    casts = (pl.col(name).cast(pl.Categorical(pl.Categories.random())) for name in columns)
    coded = frame.select(cast.to_physical().cast(pl.Int64).fill_null(-1) for cast in casts)
    return [coded[name].to_numpy() for name in columns]


def dense(keys: IntArray) -> tuple[IntArray, IntArray]:
    """Number keys from 0 on, in their order.

    Args:
        keys: At least 0, shape (n,).

    Returns:
        The number of each key, shape (n,); and where each distinct key stands first, shape (distinct,).
    """
    most = int(keys.max(initial=-1))
    if not _fits_table(most + 1, keys.size):
        _, first, numbers = np.unique(keys, return_index=True, return_inverse=True)
        return numbers, first
    table = np.full(most + 1, -1, dtype=np.int64)
    table[keys[::-1]] = np.arange(keys.size - 1, -1, -1)  # of equal keys the first is written last
    seen = table >= 0
    return (np.cumsum(seen) - 1)[keys], table[seen]


def numbered(*columns: IntArray) -> tuple[IntArray, IntArray]:
    """Number combinations of codes from 0 on, in order of the codes.

    Args:
        columns: Codes of any sign, shape (n,) each.

    Returns:
        The number of each row's combination, shape (n,); and where each stands first, shape (distinct,).
    """
    number, width = np.zeros(columns[0].size, dtype=np.int64), 1
    for column in columns:
        least, span = _range(column)
        if not _fits_table(width * span, number.size):
            number, first = dense(number)  # so that no product leaves 64 bits
            width = first.size
        _append(number, column, least, span)
        width *= span
    return dense(number)


def counted(*columns: IntArray) -> tuple[list[IntArray], IntArray]:
    """The different combinations of codes in their order, and how often each occurs.

    Args:
        columns: Codes of any sign, shape (n,) each.

    Returns:
        The columns of the combinations, and their counts, shape (distinct,) each.
    """
    ranges = [_range(column) for column in columns]
    if not _fits_table(prod(span for _, span in ranges), columns[0].size):
        numbers, example = numbered(*columns)
        return [column[example] for column in columns], np.bincount(numbers, minlength=example.size)
    number = np.zeros(columns[0].size, dtype=np.int64)
    for column, (least, span) in zip(columns, ranges, strict=True):
        _append(number, column, least, span)
    counts = np.bincount(number)
    present = np.flatnonzero(counts)
    found, rest = [], present
    for least, span in reversed(ranges):
        rest, code = np.divmod(rest, span)
        found.append(code + least)
    return found[::-1], counts[present]


def distinct(keys: IntArray) -> IntArray:
    """Each distinct key once, in order."""
    ordered = np.sort(keys, kind="stable")  # quick where keys are nearly in order, as those of rows are
    return ordered[starts_of_runs(ordered)]


def starts_of_runs(keys: IntArray) -> IntArray:
    """Where each run of equal keys starts, shape (runs,)."""
    if not keys.size:
        return np.zeros(0, dtype=np.int64)
    changes: IntArray = np.flatnonzero(keys[1:] != keys[:-1]) + 1
    return np.concatenate([[0], changes])


def contains(ordered: IntArray, asked: IntArray) -> BoolArray:
    """Which of the keys asked for are in an ascending array."""
    if not ordered.size:
        return np.zeros(asked.size, dtype=np.bool_)
    place = np.minimum(np.searchsorted(ordered, asked), ordered.size - 1)
    found: BoolArray = ordered[place] == asked
    return found


def _fits_table(width: int, size: int) -> bool:
    return width <= max(_TABLE_SLOTS, 4 * size)


def _range(column: IntArray) -> tuple[int, int]:
    """Least code, and how many there may be from it to the largest."""
    least = int(column.min(initial=0))
    return least, int(column.max(initial=0)) - least + 1


def _append(number: IntArray, column: IntArray, least: int, span: int) -> None:
    """Adds a digit, in place: fresh memory for millions of rows costs more than the sums."""
    number *= span
    number += column
    number -= least
