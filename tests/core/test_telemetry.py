"""Telemetry put together from parts."""

from __future__ import annotations

import polars as pl

from rclagent.core.coverage import SourceCoverage
from rclagent.core.log import LOG_SCHEMA, LogRecord, logs_to_frame
from rclagent.core.metric import METRIC_SCHEMA, MetricPoint, metrics_to_frame
from rclagent.core.span import SPAN_SCHEMA, Span, spans_to_frame
from rclagent.core.telemetry import Telemetry


def part(number: int) -> Telemetry:
    """One record of each kind from one file."""
    return Telemetry(
        spans=spans_to_frame([Span(f"t{number}", "s", None, "shelf", "op", 0, 1)]),
        logs=logs_to_frame([LogRecord(number, "shelf", "line")]),
        metrics=metrics_to_frame([MetricPoint(number, "cpu", 0.5)]),
        sources=(SourceCoverage(path=f"{number}.json", format="otlp"),),
    )


def test_all_records_and_sources_of_all_parts_are_kept_in_order() -> None:
    both = Telemetry.concat([part(2), part(1)])
    assert both.spans["trace_id"].to_list() == ["t2", "t1"]
    assert both.logs["time_ns"].to_list() == [2, 1]
    assert both.metrics["time_ns"].to_list() == [2, 1]
    assert [source.path for source in both.sources] == ["2.json", "1.json"]


def test_a_part_may_lack_kinds_of_records() -> None:
    both = Telemetry.concat([Telemetry(), part(1), Telemetry(logs=part(2).logs)])
    assert (both.spans.height, both.logs.height, both.metrics.height) == (1, 2, 1)


def test_no_parts_make_empty_telemetry_with_all_columns() -> None:
    nothing = Telemetry.concat([])
    assert nothing.spans.schema == pl.Schema(SPAN_SCHEMA)
    assert nothing.logs.schema == pl.Schema(LOG_SCHEMA)
    assert nothing.metrics.schema == pl.Schema(METRIC_SCHEMA)
    assert nothing.sources == ()
