"""What every record must satisfy."""

from __future__ import annotations

import math

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from rclagent.core.log import LOG_SCHEMA
from rclagent.core.metric import METRIC_SCHEMA
from rclagent.core.span import SPAN_SCHEMA
from rclagent.telemetry import bounds
from rclagent.telemetry.tally import Tally

INT64 = st.integers(-(2**63), 2**63 - 1)


def test_spans_without_id_or_time_are_dropped_and_counted() -> None:
    rows = {
        "trace_id": ["t", "", "t", "t", "t"],
        "span_id": ["a", "b", None, "d", "e"],
        "service": ["s"] * 5,
        "operation": ["o"] * 5,
        "start_ns": [1, 1, 1, 0, 1],
        "end_ns": [2, 2, 2, 2, None],
    }
    tally = Tally()
    frame = bounds.bound_spans(pl.DataFrame(rows), tally)
    assert frame["span_id"].to_list() == ["a"]
    assert dict(frame.schema) == SPAN_SCHEMA
    assert tally.dropped == {bounds.NO_ID: 2, bounds.NO_TIME: 2}


def test_missing_names_are_filled_and_counted() -> None:
    rows = {
        "trace_id": ["t"],
        "span_id": ["a"],
        "service": [""],
        "start_ns": [1],
        "end_ns": [2],
        "parent_id": [""],
    }
    tally = Tally()
    (span,) = bounds.bound_spans(pl.DataFrame(rows), tally).to_dicts()
    assert (span["service"], span["operation"], span["parent_id"]) == ("unknown_service", "(unnamed)", None)
    assert tally.repaired == {bounds.NO_SERVICE: 1, bounds.NO_OPERATION: 1}


def test_long_texts_are_cut_by_characters_and_counted() -> None:
    wide = "ü" * bounds.MAX_NAME_CHARS
    rows = {"time_ns": [1, 1], "service": [wide, wide + "x"], "body": ["b" * 20_000, ""]}
    tally = Tally()
    frame = bounds.bound_logs(pl.DataFrame(rows), tally)
    assert frame["service"].to_list() == [wide, wide]
    assert frame["body"].str.len_chars().to_list() == [bounds.MAX_BODY_CHARS, 0]
    assert dict(frame.schema) == LOG_SCHEMA
    assert tally.repaired == {bounds.TEXT_CUT: 2}


def test_values_that_are_not_finite_are_dropped_and_counted() -> None:
    rows = {
        "time_ns": [1, 1, 1, 1, -5],
        "metric": ["m", "m", "m", None, "m"],
        "value": [1.0, math.nan, math.inf, 1.0, 1.0],
    }
    tally = Tally()
    frame = bounds.bound_metrics(pl.DataFrame(rows), tally)
    assert frame["value"].to_list() == [1.0]
    assert dict(frame.schema) == METRIC_SCHEMA
    assert tally.dropped == {bounds.NOT_FINITE: 2, bounds.NO_METRIC_NAME: 1, bounds.NO_TIME: 1}


@given(INT64, st.sampled_from([1, 1_000, 1_000_000, 1_000_000_000]))
def test_units_are_converted_exactly_or_not_at_all(value: int, unit: int) -> None:
    frame = pl.DataFrame({"value": [value]}, schema={"value": pl.Int64})
    result = frame.select(bounds.scaled_ns(pl.col("value"), unit)).item()
    assert result == (value * unit if abs(value) <= (2**63 - 1) // unit else None)


@given(INT64, INT64)
def test_an_end_is_start_plus_duration_exactly_or_not_at_all(start: int, duration: int) -> None:
    frame = pl.DataFrame({"s": [start], "d": [duration]}, schema={"s": pl.Int64, "d": pl.Int64})
    result = frame.select(bounds.later_ns(pl.col("s"), pl.col("d"))).item()
    fits = start >= 0 and start + duration < 2**63
    assert result == (start + duration if fits else None)
