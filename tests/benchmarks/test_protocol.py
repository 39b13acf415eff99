"""Windows and cuts of the strict protocol, worked out by hand."""

from __future__ import annotations

import pytest

from benchmarks.protocol import (
    MARGIN_S,
    baseline_windows,
    cut,
    incident_window,
    joined,
    recorded,
    services,
    widened,
)
from rclagent import Telemetry, Window
from rclagent.core.log import LogRecord, logs_to_frame
from rclagent.core.metric import MetricPoint, metrics_to_frame
from rclagent.core.span import Span, spans_to_frame

S = 1_000_000_000
DAY = 1_675_036_800 * S  # 2023-01-30 00:00 UTC


def span(trace: str, number: int, start_s: float, *, root: bool = False, service: str = "web") -> Span:
    start = DAY + round(start_s * S)
    return Span(trace, str(number), None if root else "1", service, "op", start, start + S)


def log(time_s: float, trace: str | None, body: str) -> LogRecord:
    return LogRecord(DAY + round(time_s * S), "web", body, trace_id=trace)


def test_the_incident_lasts_three_minutes_from_the_alarm() -> None:
    assert incident_window(DAY + 100 * S) == Window(DAY + 100 * S, DAY + 280 * S)


def test_the_baseline_is_the_day_before_the_alarm_less_five_minutes_after_each_earlier_alarm() -> None:
    alarm = DAY + 10_000 * S
    earlier = [DAY + 1_000 * S, DAY + 9_800 * S]
    later = [alarm, DAY + 20_000 * S]
    assert baseline_windows(alarm, [*later, *earlier]) == [
        Window(DAY, DAY + 1_000 * S),
        Window(DAY + 1_300 * S, DAY + 9_800 * S),
    ]


def test_an_alarm_at_midnight_has_no_day_before_it() -> None:
    assert baseline_windows(DAY, [DAY]) == []


def test_reading_windows_are_widened_and_joined() -> None:
    windows = [Window(DAY + 300 * S, DAY + 400 * S), Window(DAY, DAY + 200 * S)]
    margin = round(MARGIN_S * S)
    assert widened(windows) == [Window(DAY - margin, DAY + 400 * S + margin)]


def test_joined_windows_can_leave_one_out() -> None:
    parts = [Window(0, 10), Window(5, 20), Window(30, 40)]
    assert joined(parts, without=Window(15, 35)) == [Window(0, 15), Window(35, 40)]


def test_a_trace_belongs_as_a_whole_by_the_start_of_its_root() -> None:
    """The child of trace a starts after the window and the one of b before it: a clock may be off."""
    spans = [
        span("a", 1, 99, root=True),
        span("a", 2, 101),
        span("b", 1, 100, root=True),
        span("b", 2, 98),
    ]
    kept = cut(Telemetry(spans=spans_to_frame(spans)), [Window(DAY, DAY + 100 * S)])
    assert kept.spans.select("trace_id", "span_id").rows() == [("a", "1"), ("a", "2")]


def test_a_trace_without_a_root_belongs_by_its_first_span() -> None:
    spans = spans_to_frame([span("a", 2, 101), span("a", 3, 99)])
    assert cut(Telemetry(spans=spans), [Window(DAY + 99 * S, DAY + 100 * S)]).spans.height == 2


def test_a_log_line_belongs_with_its_trace_and_else_by_its_own_time() -> None:
    logs = [
        log(101, "a", "with its trace"),
        log(99, None, "by its time"),
        log(99.5, "unknown", "by its time"),
    ]
    late = [log(101, None, "too late"), log(101, "unknown", "too late")]
    telemetry = Telemetry(
        spans=spans_to_frame([span("a", 1, 99, root=True)]), logs=logs_to_frame([*logs, *late])
    )
    kept = cut(telemetry, [Window(DAY, DAY + 100 * S)])
    assert kept.logs["body"].to_list() == ["with its trace", "by its time", "by its time"]
    assert kept.logs.columns == telemetry.logs.columns


@pytest.mark.parametrize(("time_s", "kept"), [(99, 1), (100, 0)])
def test_a_metric_sample_belongs_by_its_own_time(time_s: int, kept: int) -> None:
    metrics = metrics_to_frame([MetricPoint(DAY + time_s * S, "cpu", 1.0, "web")])
    assert cut(Telemetry(metrics=metrics), [Window(DAY, DAY + 100 * S)]).metrics.height == kept


def test_without_windows_nothing_belongs() -> None:
    assert cut(Telemetry(spans=spans_to_frame([span("a", 1, 0, root=True)])), []).spans.height == 0


def test_recorded_time_is_split_at_silences() -> None:
    starts = [0, 30, 60, 300, 301]
    spans = spans_to_frame([span(str(start), 1, start, root=True) for start in starts])
    assert recorded(Telemetry(spans=spans)) == [
        Window(DAY, DAY + 60 * S + 1),
        Window(DAY + 300 * S, DAY + 301 * S + 1),
    ]


def test_nothing_was_recorded_in_empty_telemetry() -> None:
    assert recorded(Telemetry()) == []


def test_candidates_are_the_services_of_spans_logs_and_metrics() -> None:
    telemetry = Telemetry(
        spans=spans_to_frame([span("a", 1, 0, root=True, service="web")]),
        logs=logs_to_frame([LogRecord(DAY, "shop", "hello")]),
    )
    other = Telemetry(
        metrics=metrics_to_frame(
            [MetricPoint(DAY, "cpu", 1.0, "db"), MetricPoint(DAY, "load", 1.0, node="n")]
        )
    )
    assert services(telemetry, other) == ("db", "shop", "web")
