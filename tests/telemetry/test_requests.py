"""Steps of a request through a service."""

from __future__ import annotations

import polars as pl

from rclagent.core.span import spans_to_frame
from rclagent.core.window import NS_PER_MS
from rclagent.telemetry import requests
from rclagent.telemetry.coded_spans import CodedSpans
from rclagent.telemetry.legs import callees
from rclagent.telemetry.repair import repair_spans
from rclagent.testing import written
from rclagent.testing.spec import START_NS

CHECKOUT = """
    counter: POST /checkout   0..200
        counter: check basket   10..40  internal
        counter: call till   50..150  client
            till: POST order   9060..9140
                till: price   9070..9080  internal
        counter: call letters   160..190  client
"""


def call_steps(frame: pl.DataFrame) -> pl.DataFrame:
    """Steps of repaired spans by name."""
    spans = CodedSpans.of(frame)
    steps, names = requests.steps_of(spans, callees(spans)), spans.names
    entered, called = (names.operations[names.operation[end]] for end in (steps.request, steps.span))
    return pl.DataFrame(
        {
            "entry_row": spans.row[steps.request],
            "service": entered["service"],
            "operation": entered["operation"],
            "callee": called["service"],
            "call": called["operation"],
            "start_ns": steps.start_ns,
            "row": spans.row[steps.span],
        }
    )


def steps_of(text: str) -> list[tuple[object, ...]]:
    """Steps of a written trace in order: service, operation, callee, call, ms after the start."""
    steps = call_steps(repair_spans(written(text).spans).frame)
    sent_ms = (pl.col("start_ns") - START_NS) / NS_PER_MS
    return steps.sort("start_ns").select("service", "operation", "callee", "call", sent_ms).rows()


def test_steps_are_the_spans_of_the_service_and_the_calls_to_others() -> None:
    """A call that nobody answered is a step of the service itself."""
    assert [row[:4] for row in steps_of(CHECKOUT) if row[0] == "counter"] == [
        ("counter", "POST /checkout", "counter", "check basket"),
        ("counter", "POST /checkout", "counter", "call till"),
        ("counter", "POST /checkout", "till", "POST order"),
        ("counter", "POST /checkout", "counter", "call letters"),
    ]


def test_a_call_is_placed_by_the_clock_of_the_caller() -> None:
    """The till's clock is nine seconds ahead."""
    assert [row[4] for row in steps_of(CHECKOUT) if row[2:4] == ("till", "POST order")] == [50.0]


def test_calls_without_a_span_of_the_caller_are_placed_by_when_they_arrive() -> None:
    """Else all calls of a request would start with it."""
    direct = """
        counter: GET /   0..100
            shelf: GET items   10..20
            till: GET price   30..40
    """
    assert [row[2:] for row in steps_of(direct)] == [
        ("shelf", "GET items", 10.0),
        ("till", "GET price", 30.0),
    ]


def test_a_step_belongs_to_the_service_that_made_it_not_to_those_above() -> None:
    assert [row for row in steps_of(CHECKOUT) if row[0] == "till"] == [
        ("till", "POST order", "till", "price", 9070.0)
    ]


def test_calls_from_deep_within_a_service_belong_to_its_request() -> None:
    deep = """
        counter: GET /   0..100
            counter: render   10..90  internal
                counter: fetch   20..80  internal
                    counter: call shelf   30..70  client
                        shelf: GET items   40..60
    """
    assert ("counter", "GET /", "shelf", "GET items", 30.0) in steps_of(deep)


def test_calls_between_two_instances_of_a_service_are_steps_of_the_first() -> None:
    """The second instance is entered by a request of its own."""
    forwarded = """
        shelf: GET items   0..100  pod=shelf-1
            shelf: GET items   10..90  pod=shelf-2
                shelf: read   20..80  internal pod=shelf-2
    """
    steps = call_steps(repair_spans(written(forwarded).spans).frame).sort("start_ns")
    assert steps.select("entry_row", "call", "row").rows() == [(0, "GET items", 1), (1, "read", 2)]


def test_a_request_that_does_nothing_below_its_entry_has_no_steps() -> None:
    assert steps_of("counter: GET /   0..100") == []


def test_no_spans_have_no_steps() -> None:
    steps = call_steps(repair_spans(spans_to_frame([])).frame)
    assert steps.is_empty()
    assert steps.columns == ["entry_row", "service", "operation", "callee", "call", "start_ns", "row"]
