"""Filters by time."""

from __future__ import annotations

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from rclagent.core.window import Window
from rclagent.telemetry.time_filter import TimeFilter

WINDOWS = st.lists(
    st.tuples(st.integers(0, 60), st.integers(0, 20)).map(lambda pair: Window(pair[0], pair[0] + pair[1])),
    max_size=5,
)


@given(WINDOWS)
def test_a_time_is_kept_exactly_where_a_window_contains_it(windows: list[Window]) -> None:
    keep = TimeFilter.of(windows)
    expected = [time for time in range(90) if any(window.contains(time) for window in windows)]
    times = pl.DataFrame({"time": range(90)}, schema={"time": pl.Int64})
    assert [time for time in range(90) if keep.keeps(time)] == expected
    assert keep.apply(times, pl.col("time"))["time"].to_list() == expected


def test_without_windows_everything_is_kept() -> None:
    keep = TimeFilter.of(None)
    assert keep.keeps(5)
    assert len(keep.apply(pl.DataFrame({"time": [5]}), pl.col("time"))) == 1


def test_rows_without_a_time_pass_so_that_they_can_be_counted() -> None:
    times = pl.DataFrame({"time": [None, 5]}, schema={"time": pl.Int64})
    kept = TimeFilter.of([Window(0, 1)]).apply(times, pl.col("time"))
    assert kept["time"].to_list() == [None]
