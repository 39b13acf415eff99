"""Legs: every piece of a trace's time has one owner, worked out by hand on small traces (times in ms)."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rclagent.core.span import Span, SpanKind, spans_to_frame
from rclagent.telemetry.coded_spans import CodedSpans
from rclagent.telemetry.legs import callees, cut_legs
from rclagent.telemetry.own_time import own_times as own_times_of
from rclagent.telemetry.repair import repair_spans
from rclagent.testing import written

MS = 1_000_000

ONE_CALL = """
    counter: GET /   0..120
        counter: call shelf   10..110  client
            shelf: GET items   40..90
"""


def repaired(text: str) -> pl.DataFrame:
    """The span table of a written trace, as the store keeps it."""
    return repair_spans(written(text).spans).frame


def with_calls(frame: pl.DataFrame) -> pl.DataFrame:
    """The same spans with the place of the span that each one called, -1 where it is no call."""
    return frame.with_columns(callee_row=callees(CodedSpans.of(frame)))


def self_times(marked: pl.DataFrame) -> pl.DataFrame:
    """Own time of every span, calls included."""
    spans, everyone = CodedSpans.of(marked), np.ones(marked.height, dtype=np.bool_)
    return marked.select("row", self_ns=own_times_of(spans, marked["callee_row"].to_numpy(), everyone))


def own_times(text: str) -> dict[str, float]:
    """Own time of each span by its operation, in ms."""
    frame = with_calls(repaired(text))
    times = self_times(frame).join(frame.select("row", "operation"), on="row")
    return {operation: own / MS for operation, own in times.select("operation", "self_ns").iter_rows()}


def legs_of(text: str) -> dict[tuple[str, str, str, str], float]:
    """All legs: (leg, caller, callee, operation) to ms."""
    rows = cut_legs(repaired(text)).select("leg", "caller", "callee", "operation", "ms").rows()
    assert len({row[:4] for row in rows}) == len(rows), "two legs of one key: look at them one by one"
    return {row[:4]: row[4] for row in rows}


# Calls


def test_a_client_span_with_the_server_span_that_it_caused_is_a_call() -> None:
    marked = with_calls(repaired(ONE_CALL))
    assert marked["callee_row"].to_list() == [-1, 2, -1]


def test_a_client_span_that_nobody_answered_is_no_call() -> None:
    assert (
        "callee_row" in with_calls(repaired("counter: GET /   0..9\n    counter: ask   1..5  client")).columns
    )
    assert with_calls(repaired("counter: GET /   0..9\n    counter: ask   1..5  client"))[
        "callee_row"
    ].to_list() == [-1, -1]


def test_a_client_span_answered_twice_is_no_call() -> None:
    """A retry under one span: which answer it waited for is not known."""
    retried = """
        counter: GET /   0..120
            counter: call shelf   10..110  client
                shelf: GET items   20..40
                shelf: GET items again   60..100
    """
    assert with_calls(repaired(retried))["callee_row"].to_list() == [-1, -1, -1, -1]
    assert {key[0] for key in legs_of(retried)} == {"self"}
    assert legs_of(retried)["self", "", "counter", "call shelf"] == 100 - 20 - 40


def test_a_span_of_unknown_kind_is_a_call_when_it_only_calls() -> None:
    unknown = """
        counter: GET /   0..120  unknown
            counter: call shelf   10..110  unknown
                shelf: GET items   40..90  unknown
    """
    assert with_calls(repaired(unknown))["callee_row"].to_list() == [-1, 2, -1]


def test_a_request_of_unknown_kind_that_calls_at_once_is_no_call() -> None:
    """The entry of a service does its own work: its whole time is not the callee's."""
    direct = """
        counter: GET /   0..120  unknown
            shelf: GET items   40..90  unknown
    """
    assert with_calls(repaired(direct))["callee_row"].to_list() == [-1, -1]
    assert legs_of(direct) == {
        ("self", "", "counter", "GET /"): 70,
        ("self", "", "shelf", "GET items"): 50,
    }


# Self and store legs


def test_overlapping_children_are_counted_once() -> None:
    """10..40, 30..60 and 55..70 cover 60 of 100."""
    own = own_times(
        """
        shelf: GET items   0..100
            shelf: read   10..40  internal
            shelf: sort   30..60  internal
            shelf: pack   55..70  internal
        """
    )
    assert own == {"GET items": 40, "read": 30, "sort": 30, "pack": 15}


def test_a_child_inside_another_takes_nothing_more() -> None:
    """10..60 covers 20..30; then 80..90 is another gap."""
    own = own_times(
        """
        shelf: GET items   0..100
            shelf: read   10..60  internal
            shelf: sort   20..30  internal
            shelf: pack   80..90  internal
        """
    )
    assert own["GET items"] == 40


def test_a_child_that_outlives_its_parent_takes_only_what_lies_inside() -> None:
    own = own_times(
        """
        shelf: GET items   0..100
            shelf: clean up   80..130  internal
        """
    )
    assert own == {"GET items": 80, "clean up": 50}


@pytest.mark.parametrize("start", [1200, -500, 85])
def test_a_child_on_a_host_whose_clock_is_off_is_moved_inside(start: int) -> None:
    """It took 20 of the parent's 100, whenever its clock says."""
    own = own_times(
        f"""
        counter: GET /   0..100
            shelf: GET items   {start}..{start + 20}
        """
    )
    assert own == {"GET /": 80, "GET items": 20}


def test_a_child_elsewhere_that_took_longer_than_its_parent_covers_all_of_it() -> None:
    own = own_times(
        """
        counter: GET /   0..100
            shelf: GET items   -50..150
        """
    )
    assert own == {"GET /": 0, "GET items": 200}


def test_a_child_of_the_same_instance_is_never_moved() -> None:
    """One clock: what happened after the parent's end takes none of its time."""
    own = own_times(
        """
        shelf: GET items   0..100
            shelf: clean up   150..170  internal
        """
    )
    assert own == {"GET items": 100, "clean up": 20}


def test_waiting_for_a_call_of_the_same_request_is_no_work() -> None:
    """A reactive step waits 40..50 for a call that a sibling makes."""
    own = own_times(
        """
        counter: GET /   0..100
            counter: step   0..50  internal
            counter: call shelf   40..90  client
                shelf: GET items   45..85
        """
    )
    assert own["GET /"] == 10
    assert own["step"] == 40
    assert own["GET items"] == 40


def test_calls_that_overlap_are_waited_for_once() -> None:
    """Calls at 20..60 and 40..80: of its 100 the step waits 60."""
    own = own_times(
        """
        counter: GET /   0..100
            counter: step   0..100  internal
            counter: call shelf   20..60  client
                shelf: GET items   25..55
            counter: call till   40..80  client
                till: POST order   45..75
        """
    )
    assert own["step"] == 40


def test_calls_of_another_request_are_not_waited_for() -> None:
    own = own_times(
        """
        counter: GET /   0..100
            counter: step   0..50  internal

        counter: GET /more   0..100
            counter: call shelf   20..60  client
                shelf: GET items   25..55
        """
    )
    assert own["step"] == 50


def test_a_call_itself_has_no_self_leg() -> None:
    """Its time is the edge's."""
    assert {key for key in legs_of(ONE_CALL) if key[0] in ("self", "store")} == {
        ("self", "", "counter", "GET /"),
        ("self", "", "shelf", "GET items"),
    }


def test_a_client_span_without_children_waits_for_a_store() -> None:
    legs = legs_of(
        """
        shelf: GET items   0..100
            shelf: SELECT items   10..70  client peer=shelf-db
        """
    )
    assert legs == {
        ("self", "", "shelf", "GET items"): 40,
        ("store", "shelf", "shelf-db", "SELECT items"): 60,
    }


@pytest.mark.parametrize("peer", ["", "peer=10.0.0.7:5432"])
def test_a_store_without_a_name_is_that_of_the_service_that_waits(peer: str) -> None:
    """A numeric address is no name."""
    legs = legs_of(f"shelf: GET items   0..100\n    shelf: SELECT items   10..70  client {peer}")
    assert legs["store", "", "shelf", "SELECT items"] == 60


def test_legs_of_one_host_add_up_to_the_request() -> None:
    """Nothing is lost and nothing counted twice: 20 + 30 + 20 + 50 = 120."""
    legs = legs_of(ONE_CALL)
    assert sum(ms for key, ms in legs.items() if key[0] != "gap") == 120


# Request, response and gap


def test_a_call_has_a_request_and_a_response_leg_and_their_sum() -> None:
    """Client 10..110, server 40..90: 30 there, 20 back, 50 together."""
    legs = legs_of(ONE_CALL)
    assert legs["request", "counter", "shelf", "GET items"] == 30
    assert legs["response", "counter", "shelf", "GET items"] == 20
    assert legs["gap", "counter", "shelf", "GET items"] == 50


def test_a_skewed_clock_moves_the_halves_against_each_other_but_not_the_gap() -> None:
    """The server's clock is 1000 ahead: 1030 there, -980 back."""
    legs = legs_of(ONE_CALL.replace("40..90", "1040..1090"))
    assert legs["request", "counter", "shelf", "GET items"] == 1030
    assert legs["response", "counter", "shelf", "GET items"] == -980
    assert legs["gap", "counter", "shelf", "GET items"] == 50


def test_a_message_has_a_leg_of_its_own_only() -> None:
    """The producer waits for no answer: from its end the message lies in a queue, 45..300."""
    legs = legs_of(
        """
        till: POST order   0..100
            till: order placed   40..45  producer
                letters: send mail   300..380  consumer
        """
    )
    calls = {key: ms for key, ms in legs.items() if key[1]}
    assert calls == {("message", "till", "letters", "send mail"): 255}
    assert legs["store", "", "till", "order placed"] == 5


def test_every_consumer_of_a_message_has_a_leg_from_its_topic() -> None:
    """And whoever sends it waits for the broker of that name."""
    legs = legs_of(
        """
        till: POST order   0..100
            till: order placed   40..45  producer peer=orders
                letters: send mail   300..380  consumer
                stock: count   65..80  consumer
        """
    )
    assert {key: ms for key, ms in legs.items() if key[1]} == {
        ("store", "till", "orders", "order placed"): 5,
        ("message", "orders", "letters", "send mail"): 255,
        ("message", "orders", "stock", "count"): 20,
    }


def test_legs_of_a_call_name_the_pods_of_both_ends() -> None:
    text = ONE_CALL.replace("client", "client pod=counter-1").replace("40..90", "40..90  pod=shelf-2")
    ends = cut_legs(repaired(text)).filter(pl.col("caller") != "").select("pod", "caller_pod").unique().rows()
    assert ends == [("shelf-2", "counter-1")]


def test_the_row_of_a_call_is_that_of_the_server_span() -> None:
    frame = repaired(ONE_CALL)
    rows = cut_legs(frame).filter(leg="request").join(frame, on="row")
    assert rows["operation_right"].to_list() == ["GET items"]


def test_a_part_of_the_rows_gives_the_same_legs() -> None:
    """A window holds some of the traces: their row numbers have holes."""
    frame = repaired(f"counter: earlier   0..5\n\n{ONE_CALL}")
    part = frame.filter(pl.col("trace_id") == frame["trace_id"].to_list()[-1])
    assert part["row"].to_list() == [1, 2, 3]
    assert cut_legs(part).filter(leg="self")["ms"].sum() == 70


def test_no_spans_have_no_legs() -> None:
    assert cut_legs(repair_spans(spans_to_frame([])).frame).is_empty()


@st.composite
def trees(draw: st.DrawFn) -> list[Span]:
    """A few spans of one trace in any shape, on three services."""
    spans = []
    for number in range(draw(st.integers(1, 8))):
        start = draw(st.integers(-50, 150))
        spans.append(
            Span(
                trace_id="t",
                span_id=str(number),
                parent_id=str(draw(st.integers(0, number - 1))) if number else None,
                service=draw(st.sampled_from(["counter", "shelf", "till"])),
                operation="op",
                start_ns=start,
                end_ns=start + draw(st.integers(0, 100)),
                kind=draw(st.sampled_from(list(SpanKind))),
            )
        )
    return spans


@given(trees())
def test_own_time_lies_between_nothing_and_the_whole_span(spans: list[Span]) -> None:
    """Whatever the shape, kinds and clocks; one own time a span, in order."""
    marked = with_calls(repair_spans(spans_to_frame(spans)).frame)
    own = self_times(marked)
    assert own["row"].to_list() == marked["row"].to_list()
    length = marked["end_ns"] - marked["start_ns"]
    assert ((own["self_ns"] >= 0) & (own["self_ns"] <= length)).all()


def covered_by_hand(spans: list[Span], span: Span) -> int:
    """Nanoseconds of a span in which any of its children runs, counted one by one."""
    children = [child for child in spans if child.parent_id == span.span_id]
    return sum(
        any(child.start_ns <= time < child.end_ns for child in children)
        for time in range(span.start_ns, span.end_ns)
    )


@given(trees())
def test_own_time_is_what_no_child_covers(spans: list[Span]) -> None:
    """On one host, without calls, against counting each nanosecond."""
    spans = [
        Span(s.trace_id, s.span_id, s.parent_id, "shelf", "op", s.start_ns, s.end_ns, SpanKind.INTERNAL)
        for s in spans
    ]
    marked = with_calls(repair_spans(spans_to_frame(spans)).frame)
    own = dict(self_times(marked).join(marked, on="row").select("span_id", "self_ns").iter_rows())
    assert own == {s.span_id: s.duration_ns - covered_by_hand(spans, s) for s in spans}
