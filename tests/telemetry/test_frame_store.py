"""The embedded store: every aggregate worked out by hand on a few traces, and the same in any row order."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from rclagent.core.evidence import FaultType
from rclagent.core.log import LogRecord, logs_to_frame
from rclagent.core.metric import MetricPoint, metrics_to_frame
from rclagent.core.span import Span, SpanKind, spans_to_frame
from rclagent.core.store import TelemetryStore
from rclagent.core.telemetry import Telemetry
from rclagent.core.window import NS_PER_S, Window
from rclagent.evidence.learning import learn
from rclagent.telemetry.frame_store import FrameStore
from rclagent.testing import Fault, IncidentSpec, generate, repeated, written
from rclagent.testing.spec import START_NS

SHOP = """
    counter: GET /   0..120   pod=counter-1 node=n1
        | 5 INFO home page for visitor 7
        | 6 INFO home page for visitor 8
        counter: call shelf   10..110  client pod=counter-1
            shelf: GET items   40..90  pod=shelf-1
                shelf: SELECT items   50..80  client pod=shelf-1 peer=shelf-db

    counter: GET /   1000..1200   pod=counter-2
        | 1005 INFO home page for visitor 9
        counter: call shelf   1010..1190  client pod=counter-2 error
            shelf: GET items   1040..1090  pod=shelf-2 error
                | 1050 ERROR no price for item 5

    counter: GET /   2000..2030   pod=counter-1

    depot: POST /restock   3000..3010
"""
LATER = [Window(START_NS, START_NS + 1000 * NS_PER_S)]
ALL = [Window(START_NS - NS_PER_S, START_NS + 100 * NS_PER_S)]


def after(seconds: float) -> int:
    """A time after the start of the written telemetry."""
    return START_NS + round(seconds * NS_PER_S)


def store_of(text: str) -> FrameStore:
    """A store of written traces."""
    return FrameStore(written(text))


def sampled(points: list[MetricPoint]) -> FrameStore:
    """A store of metric samples alone."""
    return FrameStore(Telemetry(metrics=metrics_to_frame(points)))


def point(second: float, value: float, metric: str = "cpu", cumulative: bool = False) -> MetricPoint:
    """A sample of the shelf."""
    return MetricPoint(after(second), metric, value, "shelf", "shelf-0", "n1", cumulative=cumulative)


@pytest.fixture(scope="module")
def shop() -> FrameStore:
    """Four requests of two entries."""
    return store_of(SHOP)


def test_the_store_is_what_the_channels_ask_for(shop: FrameStore) -> None:
    def counted(store: TelemetryStore) -> int:
        return store.counts(ALL)["spans"]

    assert counted(shop) == 9


def test_records_are_counted_by_kind(shop: FrameStore) -> None:
    assert shop.counts(ALL) == {"spans": 9, "traces": 4, "logs": 4, "metrics": 0}
    assert shop.counts([]) == {"spans": 0, "traces": 0, "logs": 0, "metrics": 0}


def test_the_extent_reaches_from_the_first_trace_to_the_last_end(shop: FrameStore) -> None:
    assert shop.extent() == Window(after(0), after(3.01) + 1)


def test_the_extent_falls_back_on_logs_then_metrics() -> None:
    logs = logs_to_frame([LogRecord(70, "shelf", "b"), LogRecord(50, "shelf", "a")])
    metrics = metrics_to_frame([MetricPoint(20, "cpu", 0.5)])
    assert FrameStore(Telemetry(logs=logs, metrics=metrics)).extent() == Window(50, 71)
    assert FrameStore(Telemetry(metrics=metrics)).extent() == Window(20, 21)
    assert FrameStore(Telemetry()).extent() is None


def test_a_trace_belongs_to_a_window_as_a_whole_by_the_start_of_its_root() -> None:
    """One span of it is an hour off, and another starts before the root."""
    store = store_of(
        """
        counter: GET /   0..100
            shelf: GET items   3600000..3600050
            till: GET price   -5..50
        """
    )
    assert store.counts([Window(after(0), after(1))])["spans"] == 3
    assert store.counts([Window(after(1), after(9999))])["spans"] == 0


def test_windows_are_half_open_and_may_be_several(shop: FrameStore) -> None:
    first, last = Window(after(0), after(1)), Window(after(3), after(3) + 1)
    assert shop.counts([first])["traces"] == 1
    assert shop.counts([first, last])["traces"] == 2
    assert shop.counts([Window(after(0), after(1) + 1)])["traces"] == 2


def test_a_line_belongs_with_its_trace_and_by_its_own_time_where_it_names_none() -> None:
    trace = written("counter: GET /   0..100")
    ids = trace.spans.row(0, named=True)
    late = LogRecord(after(60), "counter", "done", trace_id=ids["trace_id"], span_id=ids["span_id"])
    store = FrameStore(Telemetry(trace.spans, logs_to_frame([late, LogRecord(after(60), "counter", "tick")])))
    assert store.counts([Window(after(0), after(1))])["logs"] == 1
    assert store.counts([Window(after(60), after(61))])["logs"] == 1


def test_components_are_all_that_any_record_names() -> None:
    trace = written("counter: GET /   0..100  node=n1\n    | 5 INFO hello")
    store = FrameStore(
        Telemetry(
            trace.spans,
            pl.concat([trace.logs, logs_to_frame([LogRecord(after(1), "letters", "tick")])]),
            metrics_to_frame([point(1, 0.5), point(2, 0.5), MetricPoint(after(1), "load", 1.0, node="n1")]),
        )
    )
    assert store.components(ALL).rows() == [
        ("counter", "counter-0", "n1", 1, 1, 0),
        ("letters", "", "", 0, 1, 0),
        ("shelf", "shelf-0", "n1", 0, 0, 2),
    ]


def test_operations_count_spans_and_the_requests_among_them(shop: FrameStore) -> None:
    assert shop.operations(ALL).rows() == [
        ("counter", "GET /", 3, 3),
        ("counter", "call shelf", 2, 0),
        ("depot", "POST /restock", 1, 1),
        ("shelf", "GET items", 2, 2),
        ("shelf", "SELECT items", 1, 0),
    ]


def test_legs_have_mean_spread_median_and_95th_percentile(shop: FrameStore) -> None:
    """Request legs 30 and 30; response legs 20 and 100; own time of the entry 20, 20 and 30."""
    legs = {row[:4]: row[4:] for row in shop.legs(ALL).rows()}
    assert legs["request", "counter", "shelf", "GET items"] == (2, 30, 0, 30, 30)
    assert legs["response", "counter", "shelf", "GET items"] == (2, 60, 40, 60, 100)
    assert legs["gap", "counter", "shelf", "GET items"] == (2, 90, 40, 90, 130)
    n, mean, std, p50, p95 = legs["self", "", "counter", "GET /"]
    assert (n, p50, p95) == (3, 20, 30)
    assert mean == pytest.approx(70 / 3)
    assert std == pytest.approx((200 / 9) ** 0.5)
    assert legs["store", "shelf", "shelf-db", "SELECT items"][1] == 30


def test_legs_are_counted_above_their_limits(shop: FrameStore) -> None:
    """Of 20 and 100 one is above 40, by 60: 30 on average over both."""
    keys = shop.legs(ALL).filter(leg="response").select("leg", "caller", "callee", "operation")
    row = shop.legs(ALL, keys.with_columns(limit_ms=pl.lit(40.0))).filter(leg="response").row(0, named=True)
    assert (row["over"], row["over_excess_ms"], row["over_std_ms"]) == (1, 30, 0)
    other = shop.legs(ALL, keys.with_columns(limit_ms=pl.lit(40.0))).filter(leg="gap").row(0, named=True)
    assert (other["n"], other["over"], other["over_excess_ms"]) == (2, 0, None)


def test_single_values_of_a_leg_come_with_span_pods_and_what_the_keys_carry(shop: FrameStore) -> None:
    keys = (
        shop.legs(ALL)
        .filter(leg="response")
        .select("leg", "caller", "callee", "operation", evidence_id=pl.lit("e1"))
    )
    values = shop.leg_values(ALL, keys)
    assert values.select("evidence_id", "ms", "pod", "caller_pod", "start_ns").rows() == [
        ("e1", 20, "shelf-1", "counter-1", after(0.04)),
        ("e1", 100, "shelf-2", "counter-2", after(1.04)),
    ]


def test_templates_are_counted_by_the_operation_of_the_span_that_logged(shop: FrameStore) -> None:
    """Two lines of one span are one hit: of three home pages two wrote the line."""
    assert shop.templates(ALL).rows() == [
        ("counter", "GET /", "INFO", "home page for visitor <*>", 3, 2),
        ("shelf", "GET items", "ERROR", "no price for item <*>", 2, 1),
    ]


def test_lines_that_name_no_span_are_counted_by_the_requests_of_their_service(shop: FrameStore) -> None:
    """Each line counts; a service without requests has nothing to be counted by."""
    spans = written(SHOP).spans
    lines = [LogRecord(after(1), "counter", f"tick {n}") for n in range(7)]
    store = FrameStore(Telemetry(spans, logs_to_frame([*lines, LogRecord(after(1), "cron", "tick 9")])))
    assert store.templates(ALL).rows() == [("counter", "", "", "tick <*>", 3, 7)]


def test_spans_that_did_and_did_not_log_a_template(shop: FrameStore) -> None:
    keys = (
        shop.templates(ALL).filter(service="counter").select("service", "operation", "severity", "template")
    )
    assert shop.template_spans(ALL, keys).select("pod", "has").rows() == [
        ("counter-1", True),
        ("counter-2", True),
        ("counter-1", False),
    ]


def test_lines_are_counted_after_the_line_that_usually_leads_them_in() -> None:
    """Or after the one that did so at another time, given by name."""
    priced = """
        shelf: GET items   0..50
            | 1 INFO asked for item 7
            | 2 INFO price of item 7 known

        shelf: GET items   1000..1050
            | 1001 INFO asked for item 8
            | 1002 INFO no price
    """
    store = store_of(priced)
    table = store.sequences(ALL)
    assert table.select("service", "operation", "lead", "template", "n", "hits").rows() == [
        ("shelf", "GET items", "asked for item <*>", "no price", 2, 1),
        ("shelf", "GET items", "asked for item <*>", "price of item <*> known", 2, 1),
    ]
    later = store.sequences([Window(after(1), after(2))], table)
    assert later.select("template", "n", "hits").rows() == [
        ("no price", 1, 1),
        ("price of item <*> known", 1, 0),
    ]
    assert store.sequences([Window(after(1), after(2))])["template"].to_list() == ["no price"]


def test_shares_by_piece_of_time_tell_the_start_of_each(shop: FrameStore) -> None:
    """Pieces of two seconds from the first trace on: two requests of the counter and one."""
    first, second = after(0), after(2)
    figures = ("piece", "n", "hits")
    assert shop.templates(ALL, 2.0).select("service", *figures).rows() == [
        ("counter", first, 2, 2),
        ("counter", second, 1, 0),
        ("shelf", first, 2, 1),
    ]
    called = shop.calls(ALL, 2.0).filter(service="counter", callee="shelf")
    assert called.select(figures).rows() == [(first, 2, 2), (second, 1, 0)]
    ended = shop.breaks(ALL, 2.0).filter(service="counter")
    assert ended.select("callee", *figures).rows() == [
        ("", first, 2, 0),
        ("", second, 1, 1),
        ("shelf", first, 2, 2),
        ("shelf", second, 1, 0),
    ]
    lines = written("shelf: GET items   0..9\n    | 1 INFO asked\n    | 2 INFO priced")
    assert FrameStore(repeated(lines, 3)).sequences(ALL, None, 2.0).select(figures).rows() == [
        (first, 2, 2),
        (second, 1, 1),
    ]


def test_errors_by_piece_of_time_are_those_that_start_there() -> None:
    """Of three spans that fail in a row the last; a span without a status is no trial."""
    store = store_of(ERRORS)
    assert store.error_pieces(ALL, 1.0).rows() == [
        ("counter", "call shelf", after(0), 1, 0),
        ("counter", "call shelf", after(1), 1, 1),
        ("counter", "call shelf", after(2), 1, 0),
        ("shelf", "GET items", after(0), 1, 1),
        ("shelf", "GET items", after(2), 1, 0),
    ]


def test_legs_by_piece_of_time_tell_the_start_of_each(shop: FrameStore) -> None:
    """The entry takes 20 ms itself in two of three requests, and 30 in the last."""
    limits = shop.legs(ALL).select("leg", "caller", "callee", "operation", limit_ms=pl.lit(25.0))
    own = shop.leg_pieces(ALL, limits, 2.0).filter(leg="self", callee="counter")
    assert own.select("piece", "n", "over", "mean_ms", "p50_ms").rows() == [
        (after(0), 2, 0, None, None),
        (after(2), 1, 1, 30, 30),
    ]


def test_calls_are_counted_by_request_however_often_made() -> None:
    store = store_of(
        """
        counter: GET /   0..100
            shelf: GET items   10..20
            shelf: GET items   30..40
            counter: render   50..60  internal

        counter: GET /   1000..1100
        """
    )
    assert store.calls(ALL).rows() == [
        ("counter", "GET /", "counter", "render", 2, 1),
        ("counter", "GET /", "shelf", "GET items", 2, 1),
    ]


def test_the_last_call_of_each_request_is_the_one_sent_last(shop: FrameStore) -> None:
    """By the caller's clock, whoever answers first; local steps are no calls; no call at all counts too."""
    store = store_of(
        """
        counter: GET /   0..100
            counter: call shelf   10..90  client
                shelf: GET items   5020..5030
            counter: call till   20..40  client
                till: GET price   25..35
            counter: render   95..99  internal

        counter: GET /   1000..1100
            counter: call shelf   1010..1090  client
                shelf: GET items   1020..1030

        counter: GET /   2000..2100
        """
    )
    assert store.breaks(ALL).filter(service="counter").rows() == [
        ("counter", "GET /", "", "", 3, 1),
        ("counter", "GET /", "shelf", "GET items", 3, 1),
        ("counter", "GET /", "till", "GET price", 3, 1),
    ]


@pytest.mark.parametrize(("last", "has"), [(False, [True, True, False]), (True, [False, True, False])])
def test_requests_that_made_a_call_and_those_that_made_it_last(last: bool, has: list[bool]) -> None:
    store = store_of(
        """
        counter: GET /   0..100
            shelf: GET items   10..20
            till: GET price   30..40

        counter: GET /   1000..1100
            shelf: GET items   1010..1020

        counter: GET /   2000..2100
        """
    )
    keys = store.calls(ALL).filter(callee="shelf").select("service", "operation", "callee", "call")
    requests = store.call_requests(ALL, keys, last=last)
    assert requests["has"].to_list() == has
    assert requests["start_ns"].to_list() == [after(0), after(1), after(2)]


ERRORS = """
    counter: GET /   0..100  error
        counter: call shelf   10..90  client error
            shelf: GET items   20..80  error

    counter: GET /   1000..1100  error
        counter: call shelf   1010..1090  client error

    counter: GET /   2000..2100
        counter: call shelf   2010..2090  client
            shelf: GET items   2020..2080
"""


def test_an_error_is_credited_to_the_deepest_failed_span() -> None:
    """And to the caller's span where nobody answered: an outgoing one."""
    assert store_of(ERRORS).errors(ALL).rows() == [
        ("counter", "GET /", "", 3, 2, 0, 0, 0),
        ("counter", "call shelf", "", 3, 2, 1, 1, 1),
        ("shelf", "GET items", "", 2, 1, 1, 0, 0),
    ]


def test_a_call_that_failed_although_its_callee_did_not_was_answered() -> None:
    """The caller gave up: the error starts at an outgoing call, but somebody was there."""
    late = store_of(
        """
        counter: GET /   0..100
            counter: call shelf   10..90  client error
                shelf: GET items   20..95
        """
    )
    errors = late.errors(ALL).filter(operation="call shelf")
    assert errors.select("deepest", "outgoing", "unanswered").rows() == [(1, 1, 0)]


QUERIES = """
    shelf: GET items   0..100
        shelf: query   10..30  client peer=shelf-db error
        shelf: query   40..60  client peer=price-db

    shelf: GET items   1000..1100
        shelf: query   1010..1030  client peer=shelf-db
"""


def test_calls_of_one_name_are_told_apart_by_the_peer_that_they_name() -> None:
    """Store legs, errors and attempts: 20 ms each, and of the two of shelf-db one failed."""
    store = store_of(QUERIES)
    assert store.legs(ALL).filter(leg="store").select(
        "caller", "callee", "operation", "n", "p50_ms"
    ).rows() == [
        ("shelf", "price-db", "query", 1, 20),
        ("shelf", "shelf-db", "query", 2, 20),
    ]
    errors = store.errors(ALL).filter(operation="query")
    assert errors.select("peer", "n", "failed", "unanswered").rows() == [
        ("price-db", 1, 0, 0),
        ("shelf-db", 2, 1, 1),
    ]
    assert store.attempts(ALL).rows() == [
        ("shelf", "query", "price-db", "GET items", 1, "", 1),
        ("shelf", "query", "shelf-db", "GET items", 1, "", 2),
    ]
    keys = pl.DataFrame({"service": ["shelf"], "operation": ["query"], "peer": ["price-db"]})
    assert store.attempt_spans(ALL, keys)["start_ns"].to_list() == [after(0.04)]


def test_a_peer_that_sends_no_spans_has_no_pods() -> None:
    """The pod of the waiting span is the caller's."""
    store = store_of(QUERIES.replace("peer=price-db", "peer=price-db pod=shelf-1"))
    keys = store.legs(ALL).filter(callee="price-db").select("leg", "caller", "callee", "operation")
    assert store.leg_values(ALL, keys).select("ms", "pod", "caller_pod").rows() == [(20, None, "shelf-1")]


def test_messages_are_tried_where_they_could_be_sent() -> None:
    """One was handled, one was not, and one that the broker refused is an error that nobody answered."""
    store = store_of(
        """
        till: POST order   0..100
            till: order placed   40..45  producer peer=orders
                letters: send mail   300..380  consumer

        till: POST order   1000..1100
            till: order placed   1040..1045  producer peer=orders

        till: POST order   2000..2100
            till: order placed   2040..2045  producer peer=orders error
        """
    )
    assert store.attempts(ALL).rows() == [
        ("till", "order placed", "orders", "POST order", 1, "", 1),
        ("till", "order placed", "orders", "POST order", 1, "letters", 1),
    ]
    errors = store.errors(ALL).filter(operation="order placed")
    assert errors.select("peer", "failed", "outgoing", "unanswered").rows() == [("orders", 1, 0, 1)]


def test_spans_without_a_status_are_not_counted() -> None:
    spans = written(ERRORS).spans.with_columns(
        error=pl.when(pl.col("service") == "shelf").then(None).otherwise("error")
    )
    assert {row[0] for row in FrameStore(Telemetry(spans)).errors(ALL).rows()} == {"counter"}


def test_spans_at_which_errors_start() -> None:
    keys = pl.DataFrame({"service": ["counter"], "operation": ["call shelf"], "evidence_id": ["e1"]})
    spans = store_of(ERRORS).error_spans(ALL, keys)
    assert spans.sort("start_ns").select("evidence_id", "has").rows() == [
        ("e1", False),
        ("e1", True),
        ("e1", False),
    ]


def test_calls_tried_are_counted_by_who_answered() -> None:
    """And by the request and the place in it: the name of a calling span may stand for many callees."""
    store = store_of(ERRORS)
    assert store.attempts(ALL).rows() == [
        ("counter", "call shelf", "", "GET /", 1, "", 1),
        ("counter", "call shelf", "", "GET /", 1, "shelf", 2),
    ]
    keys = pl.DataFrame({"service": ["counter"], "operation": ["call shelf"]})
    assert store.attempt_spans(ALL, keys).sort("start_ns")["has"].to_list() == [False, True, False]


def test_leaf_spans_of_unknown_kind_may_be_calls_that_nobody_answered() -> None:
    unknown = ERRORS.replace("client", "unknown")
    assert store_of(unknown).attempts(ALL).filter(operation="call shelf").rows() == [
        ("counter", "call shelf", "", "GET /", 1, "", 1),
        ("counter", "call shelf", "", "GET /", 1, "shelf", 2),
    ]


def test_calls_of_one_name_are_told_apart_by_their_place_in_the_request() -> None:
    store = store_of(
        """
        counter: GET /   0..100
            counter: GET   10..20  client
                shelf: GET items   12..18
            counter: GET   30..40  client
                till: GET price   32..38
        """
    )
    assert store.attempts(ALL).select("place", "callee").rows() == [(1, "shelf"), (2, "till")]


def test_entries_are_the_tops_of_traces_with_their_whole_duration(shop: FrameStore) -> None:
    """120, 200 and 30: mean 350 / 3, median 120."""
    rows = shop.entries(ALL).rows()
    assert rows[0][:5] == ("counter", "GET /", 0, 3, 0)
    assert rows[0][5:] == pytest.approx((350 / 3, 120, 200))
    assert rows[1] == ("depot", "POST /restock", 0, 1, 0, 10, 10, 10)


def test_a_span_whose_parent_is_not_in_the_data_is_no_entry() -> None:
    spans = [
        Span("t1", "a", None, "counter", "GET /", after(0), after(1), SpanKind.SERVER),
        Span("t1", "b", "lost", "shelf", "GET items", after(0), after(1), SpanKind.SERVER),
        Span("t2", "c", "lost", "shelf", "GET items", after(0), after(1), SpanKind.SERVER),
    ]
    store = FrameStore(Telemetry(spans_to_frame(spans)))
    assert store.entries(ALL).select("service", "n").rows() == [("counter", 1)]


def test_entries_by_time_bucket(shop: FrameStore) -> None:
    """Buckets of two seconds are counted from the start of the window."""
    windows = [Window(after(1), after(9))]
    rows = shop.entries(windows, bucket_s=2.0).select("service", "bucket_ns", "n").rows()
    assert rows == [("counter", after(1), 2), ("depot", after(3), 1)]


def test_entries_above_their_limits(shop: FrameStore) -> None:
    """120, 200 and 30 against 100; an entry without a limit has none above it."""
    limits = pl.DataFrame({"service": ["counter"], "operation": ["GET /"], "limit_ms": [100.0]})
    assert shop.entries(ALL, limits)["over"].to_list() == [2, 0]
    spans = shop.entry_spans(ALL, limits.with_columns(evidence_id=pl.lit("e1")))
    assert spans.sort("start_ns").select("ms", "has").rows() == [(120, True), (200, True), (30, False)]


def test_a_request_that_fails_shows_the_trouble_of_its_entry_however_fast() -> None:
    limits = pl.DataFrame({"service": ["counter"], "operation": ["GET /"], "limit_ms": [1000.0]})
    assert store_of(ERRORS).entry_spans(ALL, limits).sort("start_ns")["has"].to_list() == [True, True, False]


def test_a_series_has_robust_figures() -> None:
    """1 2 3 4 10: median 3, deviations 2 1 0 1 7 with median 1, second extremes 2 and 4."""
    store = sampled([point(second, value) for second, value in enumerate([3.0, 10.0, 1.0, 4.0, 2.0])])
    assert store.series(ALL).rows() == [
        ("shelf", "shelf-0", "n1", "cpu", 5, pytest.approx(4.0), 3.0, 1.0, 10.0, 2.0, 4.0)
    ]


def test_a_series_of_one_sample_is_its_own_extreme() -> None:
    assert sampled([point(1, 0.5)]).series(ALL).select("low", "high").rows() == [(0.5, 0.5)]


def test_missing_names_are_empty() -> None:
    store = sampled([MetricPoint(after(1), "load", 2.0, node="n1")])
    assert store.series(ALL).select("service", "pod", "node").rows() == [("", "", "n1")]


def test_running_totals_become_rates() -> None:
    """100 more in 10 s, 50 more in 20 s; a fall is a restart, and its rate is not known."""
    totals = [(0, 1000.0), (10, 1100.0), (30, 1150.0), (40, 3.0), (50, 13.0)]
    store = sampled([point(second, value, "requests_total", cumulative=True) for second, value in totals])
    assert store.samples(ALL).select("time_ns", "value").rows() == [
        (after(10), 10.0),
        (after(30), 2.5),
        (after(50), 1.0),
    ]


def test_rates_of_one_series_never_mix_with_another() -> None:
    store = sampled(
        [
            MetricPoint(after(time), "total", value, "shelf", pod, cumulative=True)
            for pod, samples in (("a", [(0, 0.0), (20, 20.0)]), ("b", [(10, 500.0), (20, 505.0)]))
            for time, value in samples
        ]
    )
    assert store.samples(ALL).select("pod", "value").rows() == [("a", 1.0), ("b", 0.5)]


def test_one_sample_of_a_total_has_no_rate() -> None:
    assert sampled([point(1, 7.0, cumulative=True)]).series(ALL).is_empty()


@pytest.mark.parametrize("values", [(0.2, 0.9), (0.9, 0.2)])
def test_a_sample_that_comes_twice_counts_once_whatever_the_order(values: tuple[float, float]) -> None:
    """Where the two differ, the larger is kept."""
    store = sampled([point(1, values[0]), point(1, values[1]), point(2, 0.5)])
    assert store.samples(ALL)["value"].to_list() == [0.9, 0.5]


def test_spans_of_chosen_traces_are_whole_and_repaired(shop: FrameStore) -> None:
    trace = shop.spans_in(ALL)["trace_id"][0]
    spans = shop.spans([trace])
    assert spans["operation"].to_list() == ["GET /", "call shelf", "GET items", "SELECT items"]
    assert spans["parent_row"].to_list() == [-1, 0, 1, 2]
    assert shop.spans([]).is_empty()
    assert shop.spans(["no such trace"]).is_empty()


def test_repairs_are_counted() -> None:
    spans = written("counter: GET /   0..100").spans
    assert FrameStore(Telemetry(pl.concat([spans, spans]))).repairs() == {"duplicate_identical": 1}


def by_piece(store: FrameStore, windows: list[Window]) -> pl.DataFrame:
    """Legs by piece of time."""
    limits = store.legs(windows).select(
        "leg", "caller", "callee", "operation", limit_ms=0.9 * pl.col("p50_ms")
    )
    return store.leg_pieces(windows, limits, 2.0)


def errors_by_piece(store: FrameStore, windows: list[Window]) -> pl.DataFrame:
    """Errors by piece of time."""
    return store.error_pieces(windows, 2.0)


def templates_by_piece(store: FrameStore, windows: list[Window]) -> pl.DataFrame:
    """Log templates by piece of time."""
    return store.templates(windows, 2.0)


ASKED: list[Callable[[FrameStore, list[Window]], pl.DataFrame]] = [
    FrameStore.components,
    FrameStore.operations,
    FrameStore.clocks,
    FrameStore.legs,
    FrameStore.templates,
    FrameStore.sequences,
    FrameStore.calls,
    FrameStore.breaks,
    FrameStore.errors,
    FrameStore.attempts,
    FrameStore.entries,
    FrameStore.series,
    FrameStore.samples,
    FrameStore.spans_in,
    by_piece,
    errors_by_piece,
    templates_by_piece,
]


@pytest.mark.parametrize("kept", ["nothing", "spans", "logs", "metrics"])
def test_what_is_missing_makes_an_empty_table_of_the_same_columns(kept: str) -> None:
    """Telemetry of one kind alone, of none, and a window in which nothing happened."""
    whole = Telemetry(*everything())
    full = FrameStore(whole)
    part = FrameStore(Telemetry(**{kept: getattr(whole, kept)}) if kept != "nothing" else Telemetry())
    for ask in ASKED:
        expected = ask(full, ALL)
        assert expected.height, ask.__name__
        for table in (ask(part, ALL), ask(full, []), ask(part, [Window(0, 9)])):
            assert table.schema == expected.schema, ask.__name__


def everything() -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Spans, logs and metrics."""
    telemetry = repeated(written(SHOP.replace("| 6 INFO home page", "| 6 INFO front page")), 3)
    return telemetry.spans, telemetry.logs, metrics_to_frame([point(second, second) for second in range(5)])


def shuffled(table: pl.DataFrame) -> pl.DataFrame:
    """The same rows in another order."""
    return table.sample(fraction=1, shuffle=True, seed=5)


def test_aggregates_do_not_depend_on_the_order_of_the_rows() -> None:
    """To the last digit, on an incident of every kind of record."""
    fault = Fault(FaultType.EXCEPTION, "pricing")
    telemetry = generate(
        IncidentSpec(seed=4, faults=(fault,), baseline_s=60, incident_s=60, metric_interval_s=10)
    ).incident
    mixed = Telemetry(shuffled(telemetry.spans), shuffled(telemetry.logs), shuffled(telemetry.metrics))
    stores = FrameStore(telemetry), FrameStore(mixed)
    for ask in ASKED:
        one, other = (ask(store, LATER) for store in stores)
        assert one.height, ask.__name__
        assert_frame_equal(one, other, check_exact=True)


def test_a_learned_baseline_is_what_the_store_answers(shop: FrameStore) -> None:
    """And how much each share scatters."""
    baseline = learn(shop, ALL)
    assert baseline.windows == tuple(ALL)
    assert baseline.counts == shop.counts(ALL)
    for name in ("legs", "templates", "sequences", "calls", "breaks"):
        assert_frame_equal(getattr(baseline, name).drop("spread"), getattr(shop, name)(ALL))
    assert_frame_equal(baseline.series, shop.series(ALL))
