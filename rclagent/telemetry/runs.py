"""Scans and searches within runs: neighbouring rows that belong together, such as children of one span."""

from __future__ import annotations

import numpy as np

from rclagent.telemetry.codes import IntArray, starts_of_runs


def ranks_in_runs(keys: IntArray) -> IntArray:
    """Place of each row in its run of equal keys, from 0 on, shape (n,)."""
    starts = starts_of_runs(keys)
    lengths = np.diff(starts, append=keys.size)
    ranks: IntArray = np.arange(keys.size) - np.repeat(starts, lengths)
    return ranks


def ends_of_runs(keys: IntArray) -> IntArray:
    """Last row of each run of equal keys, shape (runs,)."""
    starts = starts_of_runs(keys)
    ends: IntArray = np.append(starts[1:], keys.size) - 1
    return ends[: starts.size]


def running_max(values: IntArray, ranks: IntArray) -> IntArray:
    """Largest value of each run so far, the row's own included, shape (n,).

    Args:
        values: Any integers, shape (n,).
        ranks: ranks_in_runs of the same rows.

    Source: scan by doubling (Hillis and Steele 1986); log2(longest run) rounds over the runs still open.
    """
    reached = values.copy()
    step = 1
    rows = np.flatnonzero(ranks >= step)
    while rows.size:
        reached[rows] = np.maximum(reached[rows], reached[rows - step])
        step *= 2
        rows = rows[ranks[rows] >= step]
    return reached


def running_sum_before(values: IntArray, ranks: IntArray) -> IntArray:
    """Sum of the values of each run before the row, shape (n,)."""
    # Sums over all runs may leave 64 bits, but wrap around, and so do their differences.
    before = np.cumsum(values) - values
    sums: IntArray = before - before[np.arange(values.size) - ranks]
    return sums


def last_not_after(times: IntArray, lows: IntArray, highs: IntArray, at: IntArray) -> IntArray:
    """The last row of each range whose time is not after the one asked for; low - 1 where there is none.

    Args:
        times: Ascending within each range that is asked for.
        lows: First row of each query's range, shape (queries,).
        highs: End of the range, shape (queries,).
        at: Time asked for, shape (queries,).

    Source: binary search, all queries side by side; log2(longest range) rounds.
    """
    low, high = lows.copy(), highs.copy()
    open_ = np.flatnonzero(low < high)
    while open_.size:
        middle = (low[open_] + high[open_]) >> 1
        right = times[middle] <= at[open_]
        low[open_] = np.where(right, middle + 1, low[open_])
        high[open_] = np.where(right, high[open_], middle)
        open_ = open_[low[open_] < high[open_]]
    return low - 1
