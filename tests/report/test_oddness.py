"""Oddness of single legs against the baseline."""

from __future__ import annotations

import polars as pl
import pytest

from rclagent.core.baseline import LEG_SCHEMA
from rclagent.core.span import Span, SpanKind, spans_to_frame
from rclagent.report.oddness import leg_oddness, oddest_trace, slowest_trace
from rclagent.telemetry.repair import repair_spans

MS = 1_000_000


def call(trace: str, start_ms: int, answer_ms: int, total_ms: int) -> list[Span]:
    """frontend calls cart; cart answers after ``answer_ms``, frontend has it after ``total_ms``."""
    start = start_ms * MS
    client = Span(
        trace_id=trace,
        span_id="a",
        parent_id=None,
        service="frontend",
        operation="GET /cart",
        start_ns=start,
        end_ns=start + total_ms * MS,
        kind=SpanKind.CLIENT,
    )
    server = Span(
        trace_id=trace,
        span_id="b",
        parent_id="a",
        service="cart",
        operation="GET /cart",
        start_ns=start + MS,
        end_ns=start + (1 + answer_ms) * MS,
        kind=SpanKind.SERVER,
    )
    return [client, server]


@pytest.fixture
def spans() -> pl.DataFrame:
    """A usual trace, one with a slow way back and a long but usual one."""
    traces = call("usual", 0, 10, 12) + call("odd", 1000, 10, 400) + call("long", 2000, 900, 902)
    return repair_spans(spans_to_frame(traces)).frame


@pytest.fixture
def legs() -> pl.DataFrame:
    """What is usual for the call."""
    rows = [
        ("self", "", "cart", 10.0, 1000.0),
        ("request", "frontend", "cart", 1.0, 2.0),
        ("response", "frontend", "cart", 1.0, 3.0),
    ]
    return pl.DataFrame(
        [
            {
                "leg": leg,
                "caller": caller,
                "callee": callee,
                "operation": "GET /cart",
                "n": 100,
                "mean_ms": p50,
                "std_ms": 1.0,
                "p50_ms": p50,
                "p95_ms": p95,
            }
            for leg, caller, callee, p50, p95 in rows
        ],
        schema=LEG_SCHEMA,
    )


def test_the_slow_half_of_a_call_is_odd_and_its_span_is_the_callee(
    spans: pl.DataFrame, legs: pl.DataFrame
) -> None:
    odd = leg_oddness(spans, legs).filter(pl.col("z") >= 3)
    assert odd.select("trace_id", "span_id", "leg").rows() == [("odd", "b", "response")]
    assert odd["ms"].to_list() == [389.0]
    assert odd["excess_ms"].to_list() == [386.0]


def test_a_leg_without_a_baseline_is_not_judged(spans: pl.DataFrame, legs: pl.DataFrame) -> None:
    unknown = leg_oddness(spans, legs.clear())
    assert unknown["z"].to_list() == [0.0] * unknown.height
    assert unknown["p50_ms"].null_count() == unknown.height


def test_the_oddest_trace_need_not_be_the_slowest(spans: pl.DataFrame, legs: pl.DataFrame) -> None:
    assert oddest_trace(leg_oddness(spans, legs)) == "odd"
    assert slowest_trace(spans) == "long"


def test_without_an_odd_leg_no_trace_is_the_oddest(spans: pl.DataFrame, legs: pl.DataFrame) -> None:
    usual = spans.filter(pl.col("trace_id") == "usual")
    assert oddest_trace(leg_oddness(usual, legs)) is None
