"""Own time, against counting every nanosecond."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rclagent.core.span import Span, SpanKind, spans_to_frame
from rclagent.telemetry.coded_spans import CodedSpans
from rclagent.telemetry.legs import callees
from rclagent.telemetry.own_time import own_times
from rclagent.telemetry.repair import repair_spans
from rclagent.testing import written


@st.composite
def requests(draw: st.DrawFn) -> list[Span]:
    """A few spans of two services on one clock, children within or beyond their parents."""
    spans: list[Span] = []
    for number in range(draw(st.integers(1, 9))):
        above = spans[draw(st.integers(0, number - 1))] if number else None
        start = draw(st.integers(0, 40))
        spans.append(
            Span(
                trace_id="t",
                span_id=str(number),
                parent_id=above.span_id if above else None,
                service=draw(st.sampled_from(["counter", "shelf"])),
                operation="op",
                start_ns=100 + start,
                end_ns=100 + start + draw(st.integers(0, 30)),
                kind=draw(st.sampled_from([SpanKind.INTERNAL, SpanKind.CLIENT, SpanKind.UNKNOWN])),
            )
        )
    return spans


def covered(spans: CodedSpans, callee: np.ndarray, place: int) -> set[int]:
    """Nanoseconds of a span in which a child runs or its request waits for a call."""
    start, end = int(spans.start_ns[place]), int(spans.end_ns[place])
    times: set[int] = set()
    for other in range(spans.size):
        since, until = int(spans.start_ns[other]), int(spans.end_ns[other])
        if callee[other] >= 0 and spans.entry[other] == spans.entry[place]:
            times |= set(range(since, until))
        if spans.parent[other] == place:
            if spans.entry[other] == other:  # elsewhere: moved inside as far as its length allows
                moved = min(max(since, start), max(start, end - (until - since)))
                since, until = moved, moved + until - since
            times |= set(range(since, until))
    return times & set(range(start, end))


@given(requests())
def test_own_time_is_what_neither_children_nor_calls_of_the_request_cover(drawn: list[Span]) -> None:
    spans = CodedSpans.of(repair_spans(spans_to_frame(drawn)).frame)
    callee = callees(spans)
    everyone = np.ones(spans.size, dtype=np.bool_)
    length = spans.end_ns - spans.start_ns
    expected = [int(length[place]) - len(covered(spans, callee, place)) for place in range(spans.size)]
    assert own_times(spans, callee, everyone).tolist() == expected


@given(requests(), st.data())
def test_only_what_is_wanted_is_worked_out(drawn: list[Span], data: st.DataObject) -> None:
    """And it is the same as among all."""
    spans = CodedSpans.of(repair_spans(spans_to_frame(drawn)).frame)
    callee = callees(spans)
    wanted = np.array(data.draw(st.lists(st.booleans(), min_size=spans.size, max_size=spans.size)))
    everyone = own_times(spans, callee, np.ones(spans.size, dtype=np.bool_))
    assert own_times(spans, callee, wanted).tolist() == np.where(wanted, everyone, 0).tolist()


def own_ms_of_first(text: str) -> float:
    """Own time of the first span of a written trace."""
    spans = repair_spans(written(text).spans).spans
    return float(own_times(spans, callees(spans), np.ones(spans.size, dtype=np.bool_))[0] / 1_000_000)


@pytest.mark.parametrize(("first", "own_ms"), [("error", 50), ("", 70)])
def test_a_request_that_waits_to_ask_again_does_no_work(first: str, own_ms: float) -> None:
    """Attempts at 10..20 and 40..60: the pause of 20 between them is no work where the first failed."""
    text = f"""
        shelf: GET items   0..100
            shelf: query   10..20  client peer=shelf-db {first}
            shelf: query   40..60  client peer=shelf-db
    """
    assert own_ms_of_first(text) == own_ms


def test_what_is_asked_of_somebody_else_is_no_second_attempt() -> None:
    text = """
        shelf: GET items   0..100
            shelf: query   10..20  client peer=shelf-db error
            shelf: query   40..60  client peer=price-db
    """
    assert own_ms_of_first(text) == 70


def test_a_message_takes_no_time_of_whoever_sent_it() -> None:
    """The consumer runs at 20..80, while the request goes on."""
    text = "till: POST order   0..100\n    letters: send mail   20..80  consumer"
    assert own_ms_of_first(text) == 100
