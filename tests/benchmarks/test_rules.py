"""Rules of thumb on spans whose figures can be worked out by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from benchmarks import rules
from benchmarks.cases import CaseView
from benchmarks.methods import Method
from benchmarks.ranking import Ranked
from rclagent import Telemetry, Window
from rclagent.core.metric import MetricPoint, metrics_to_frame
from rclagent.core.span import Span, spans_to_frame

MS = 1_000_000
SECOND = 1000 * MS


def trace(
    number: int, request_ms: int = 1, response_ms: int = 1, shop_ms: int = 4, web_ms: int = 2
) -> list[Span]:
    """``web`` works, calls ``shop``, which asks ``db`` for 3 ms in two overlapping calls."""
    start = number * SECOND
    called = start + web_ms * MS
    served = called + request_ms * MS
    answered = served + shop_ms * MS
    ended = answered + response_ms * MS

    def span(i: str, parent: str | None, service: str, operation: str, a: int, b: int) -> Span:
        return Span(f"t{number}", i, parent, service, operation, a, b)

    return [
        span("1", None, "web", "GET /", start, ended),
        span("2", "1", "web", "HTTP GET", called, ended),
        span("3", "2", "shop", "buy", served, answered),
        span("4", "3", "db", "select", served, served + 2 * MS),
        span("5", "3", "db", "select", served + 1 * MS, served + 3 * MS),
    ]


def case(during: list[Span], before: list[Span] | None = None) -> CaseView:
    normal = [span for n in range(10) for span in trace(n)] if before is None else before
    return CaseView(
        id="one",
        alarm_ns=100 * SECOND,
        window=Window(100 * SECOND, 280 * SECOND),
        telemetry=Telemetry(spans=spans_to_frame(during)),
        baseline=Telemetry(spans=spans_to_frame(normal)),
        baseline_windows=(),
        services=("db", "shop", "web"),
    )


def traces(count: int = 5, **times: int) -> list[Span]:
    return [span for number in range(100, 100 + count) for span in trace(number, **times)]


def scores(ranking: Sequence[Ranked]) -> dict[str, float]:
    return {service: score for service, score, _ in ranking}


def test_a_longer_gap_is_credited_to_the_callee_or_to_the_caller() -> None:
    """The gap rises from 2 ms to 42 ms in every call: excess 40 times a share of 1."""
    delayed = case(traces(response_ms=41))
    assert scores(rules.gap_to_callee(delayed)) == pytest.approx({"shop": 40.0})
    assert scores(rules.gap_to_caller(delayed)) == pytest.approx({"web": 40.0})


def test_excess_counts_the_share_of_slow_values() -> None:
    """Mean rise 40 * 2/5 = 16 ms, times the 2/5 of calls that are slow."""
    some = [*traces(3), *[span for n in (110, 111) for span in trace(n, response_ms=41)]]
    assert scores(rules.gap_to_callee(case(some))) == pytest.approx({"shop": 16 * 0.4})


def test_own_time_leaves_out_the_union_of_the_children() -> None:
    """``buy`` lasts 24 ms instead of 4, of which its overlapping children cover 3; web's gap is unchanged."""
    assert scores(rules.own_time(case(traces(shop_ms=24)))) == pytest.approx({"shop": 20.0})


def test_own_time_clips_children_that_outlive_their_parent() -> None:
    """A child longer than its parent leaves it no own time, and none below zero."""
    late = [replace(span, end_ns=span.end_ns + SECOND) if span.span_id == "5" else span for span in traces()]
    assert [service for service, _, _ in rules.own_time(case(late))] == ["db"]


def test_whole_duration_names_every_service_above_the_delay_in_standard_deviations() -> None:
    """40 ms over a spread of nothing, which counts as half a millisecond: z = 80."""
    found = scores(rules.whole_duration(case(traces(shop_ms=44))))
    assert found == pytest.approx({"shop": 80.0, "web": 80.0})


def test_the_deepest_slow_service_comes_first() -> None:
    assert rules.deepest_anomalous(case(traces(shop_ms=44))) == [("shop", 2.0, None), ("web", 1.0, None)]


def test_services_that_call_each_other_have_one_depth() -> None:
    ring = [Span("r", "9", "5", "shop", "back", 0, 1), Span("r", "5", None, "db", "select", 0, 2)]
    found = rules.deepest_anomalous(case([*traces(shop_ms=44), *ring]))
    assert found == [("shop", 2.0, None), ("web", 1.0, None)]


@pytest.mark.parametrize(
    ("percent", "first"),
    [(95.0, "db"), (59.0, "shop")],
)
def test_cpu_near_its_limit_wins_over_the_gap(percent: float, first: str) -> None:
    usage = [MetricPoint(n * SECOND, "CpuUsageRate(%)", 2.0 + n % 2, "db", "db-1") for n in range(20)]
    peak = [MetricPoint(100 * SECOND, "CpuUsageRate(%)", percent, "db", "db-1")]
    delayed = case(traces(response_ms=41))
    busy = replace(
        delayed,
        telemetry=replace(delayed.telemetry, metrics=metrics_to_frame(peak)),
        baseline=replace(delayed.baseline, metrics=metrics_to_frame(usage)),
    )
    assert rules.cpu_else_gap(busy)[0][0] == first


RULES: list[Method] = [
    rules.gap_to_callee,
    rules.gap_to_caller,
    rules.own_time,
    rules.whole_duration,
    rules.deepest_anomalous,
    rules.cpu_else_gap,
]


@pytest.mark.parametrize("rule", RULES)
def test_nobody_is_named_where_nothing_rose(rule: Method) -> None:
    assert rule(case(traces())) == []


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("spans", [[], traces(2, response_ms=41)])
def test_too_few_values_name_nobody(rule: Method, spans: list[Span]) -> None:
    assert rule(case(spans)) == []


@pytest.mark.parametrize("rule", RULES)
def test_repeated_rows_and_their_order_do_not_matter(rule: Method) -> None:
    spans = [*traces(4, response_ms=41, shop_ms=30), *traces(5)]
    assert rule(case([*spans, *spans][::-1])) == rule(case(spans))
