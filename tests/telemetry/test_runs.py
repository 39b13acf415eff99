"""Scans and searches within runs, against loops."""

from __future__ import annotations

from itertools import groupby

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rclagent.telemetry.runs import (
    ends_of_runs,
    last_not_after,
    ranks_in_runs,
    running_max,
    running_sum_before,
)

LARGEST = 2**63 - 1
RUNS = st.lists(st.lists(st.integers(0, 9) | st.just(LARGEST), min_size=1, max_size=9), max_size=5)


def flat(runs: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    """Keys of the runs, and their values."""
    keys = [number for number, run in enumerate(runs) for _ in run]
    return np.array(keys, dtype=np.int64), np.array([value for run in runs for value in run], dtype=np.int64)


@given(st.lists(st.integers(0, 2), max_size=20))
def test_rows_are_ranked_within_their_run(keys: list[int]) -> None:
    lengths = [len(list(run)) for _, run in groupby(keys)]
    array = np.array(keys, dtype=np.int64)
    assert ranks_in_runs(array).tolist() == [rank for length in lengths for rank in range(length)]
    assert ends_of_runs(array).tolist() == [sum(lengths[: number + 1]) - 1 for number in range(len(lengths))]


@given(RUNS)
def test_the_largest_so_far_never_comes_from_another_run(runs: list[list[int]]) -> None:
    keys, values = flat(runs)
    expected = [max(run[: rank + 1]) for run in runs for rank in range(len(run))]
    assert running_max(values, ranks_in_runs(keys)).tolist() == expected


@given(RUNS)
def test_sums_start_anew_in_each_run(runs: list[list[int]]) -> None:
    """Even where the sum over all runs leaves 64 bits."""
    runs = [[value for value in run if value < LARGEST] + run[:1] for run in runs]
    runs = [[*run[:-1], LARGEST] for run in runs]
    keys, values = flat(runs)
    expected = [sum(run[:rank]) for run in runs for rank in range(len(run))]
    assert running_sum_before(values, ranks_in_runs(keys)).tolist() == expected


@given(st.lists(st.lists(st.integers(0, 9), max_size=6).map(sorted), min_size=1, max_size=4), st.data())
def test_the_last_time_not_after_the_one_asked_for_is_found_in_its_range(
    runs: list[list[int]], data: st.DataObject
) -> None:
    queries = data.draw(st.lists(st.tuples(st.integers(0, len(runs) - 1), st.integers(-1, 10)), max_size=8))
    starts = [sum(map(len, runs[:number])) for number in range(len(runs) + 1)]
    times = np.array([time for run in runs for time in run], dtype=np.int64)
    low = np.array([starts[run] for run, _ in queries], dtype=np.int64)
    high = np.array([starts[run + 1] for run, _ in queries], dtype=np.int64)
    at = np.array([time for _, time in queries], dtype=np.int64)
    expected = [starts[run] + sum(time <= limit for time in runs[run]) - 1 for run, limit in queries]
    assert last_not_after(times, low, high, at).tolist() == expected
