"""Repairs of span tables: each kind alone, then what holds for any table."""

from __future__ import annotations

from dataclasses import replace

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rclagent.core.span import SPAN_SCHEMA, Span, SpanKind, spans_to_frame
from rclagent.errors import InputError
from rclagent.telemetry.repair import LINK_SCHEMA, RepairedSpans, repair_spans


def span(span_id: str, parent: str | None = None, start: int = 0, end: int = 100, **fields: object) -> Span:
    """A span of service ``a`` in trace ``t`` unless told otherwise."""
    plain = Span("t", span_id, parent, "a", "op", start, end)
    return replace(plain, **fields)  # type: ignore[arg-type]


def repair(*spans: Span) -> RepairedSpans:
    """The repaired table of some spans."""
    return repair_spans(spans_to_frame(list(spans)))


def column(repaired: RepairedSpans, name: str) -> dict[str, object]:
    """Values of one column by span id."""
    return dict(zip(repaired.frame["span_id"], repaired.frame[name], strict=True))


def parents(repaired: RepairedSpans) -> dict[str, str | None]:
    """Span id of each span's parent row."""
    ids = repaired.frame["span_id"].to_list()
    rows = repaired.frame["parent_row"].to_list()
    return {own: ids[row] if row >= 0 else None for own, row in zip(ids, rows, strict=True)}


def test_a_sound_trace_is_linked_and_nothing_is_counted() -> None:
    """Row, parent, root, depth and trace start of a three-span chain."""
    repaired = repair(span("c", "b", 20, 80), span("a", None, 0, 100), span("b", "a", 10, 90))
    assert repaired.counts == {}
    assert repaired.frame["span_id"].to_list() == ["a", "b", "c"]
    assert repaired.frame["row"].to_list() == [0, 1, 2]
    assert repaired.frame["parent_row"].to_list() == [-1, 0, 1]
    assert repaired.frame["root_row"].to_list() == [0, 0, 0]
    assert repaired.frame["depth"].to_list() == [0, 1, 2]
    assert repaired.frame["trace_ns"].to_list() == [0, 0, 0]
    assert repaired.frame["orphan"].to_list() == [False, False, False]


def test_an_empty_table_stays_empty_with_all_columns() -> None:
    repaired = repair()
    assert repaired.counts == {}
    assert repaired.frame.schema == {**SPAN_SCHEMA, **LINK_SCHEMA}


def test_parents_are_matched_within_the_same_trace_only() -> None:
    repaired = repair(span("a"), span("b", "a", trace_id="u"))
    assert repaired.frame["parent_row"].to_list() == [-1, -1]
    assert repaired.counts == {"missing_parent": 1}


def test_identical_rows_are_kept_once() -> None:
    repaired = repair(span("a"), span("a"), span("a"))
    assert repaired.frame.height == 1
    assert repaired.counts == {"duplicate_identical": 2}


def test_of_conflicting_rows_the_longest_is_kept() -> None:
    repaired = repair(span("a", end=50), span("a", end=70), span("a", end=60))
    assert repaired.frame["end_ns"].to_list() == [70]
    assert repaired.counts == {"duplicate_conflicting": 2}


def test_of_conflicting_rows_as_long_as_each_other_the_one_with_more_fields_is_kept() -> None:
    repaired = repair(span("a"), span("a", status="500", pod="p"), span("a", status="200"))
    assert repaired.frame["status"].to_list() == ["500"]


SHARED = (
    span("r", None, 0, 100),
    span("x", "r", 10, 90, kind=SpanKind.CLIENT),
    span("x", "r", 20, 80, kind=SpanKind.SERVER, service="b"),
    span("below", "x", 30, 40, service="b"),
    span("retry", "x", 11, 12, service="a"),
)


def test_a_span_id_shared_by_client_and_server_is_split() -> None:
    repaired = repair(*SHARED)
    assert repaired.counts == {"shared_span_id": 1}
    assert parents(repaired) == {
        "r": None,
        "x": "r",
        "x~server": "x",
        "below": "x~server",
        "retry": "x",
    }
    assert column(repaired, "service")["x~server"] == "b"


def test_a_shared_id_is_split_by_service_where_no_kind_is_known() -> None:
    unknown = [replace(each, kind=SpanKind.UNKNOWN) for each in SHARED]
    assert parents(repair(*unknown)) == parents(repair(*SHARED))


def test_a_shared_id_within_one_service_gives_the_server_all_children() -> None:
    one_service = [replace(each, service="a") for each in SHARED]
    assert parents(repair(*one_service))["retry"] == "x~server"


def test_children_of_a_third_service_hang_below_the_server_that_called_it() -> None:
    assert parents(repair(*SHARED, span("third", "x", 50, 60, service="c")))["third"] == "x~server"


def test_a_second_version_of_a_shared_span_is_a_conflicting_duplicate() -> None:
    repaired = repair(*SHARED, span("x", "r", 20, 70, kind=SpanKind.SERVER, service="b"))
    assert repaired.counts == {"duplicate_conflicting": 1, "shared_span_id": 1}
    assert column(repaired, "end_ns")["x~server"] == 80


def test_the_server_half_gets_an_id_that_no_other_span_has() -> None:
    repaired = repair(*SHARED, span("x~server", "r", 1, 2))
    assert repaired.frame["span_id"].n_unique() == repaired.frame.height == 6
    assert parents(repaired)["x~server~server"] == "x"


def test_a_missing_parent_makes_an_orphan_top() -> None:
    repaired = repair(span("a"), span("b", "gone"))
    assert repaired.counts == {"missing_parent": 1, "multiple_roots": 1}
    assert column(repaired, "orphan") == {"a": False, "b": True}


def test_the_trace_starts_at_its_earliest_true_root_not_at_an_earlier_orphan() -> None:
    repaired = repair(span("late", start=50), span("root", start=40), span("orphan", "gone", start=10))
    assert set(repaired.frame["trace_ns"]) == {40}


def test_the_trace_starts_at_its_earliest_top_where_no_true_root_is_there() -> None:
    repaired = repair(span("b", "gone", start=20), span("a", "gone", start=10))
    assert set(repaired.frame["trace_ns"]) == {10}


def test_a_span_that_is_its_own_parent_becomes_a_true_root() -> None:
    repaired = repair(span("a", "a"), span("b", "a"))
    assert repaired.counts == {"self_parent": 1}
    assert parents(repaired) == {"a": None, "b": "a"}
    assert repaired.frame["parent_id"].to_list() == [None, "a"]


@pytest.mark.parametrize("length", [2, 3, 4, 7, 8])
def test_a_cycle_is_cut_above_its_earliest_span(length: int) -> None:
    """Also with a tail that leads into the cycle, and starts before it."""
    ring = [span(f"r{i}", f"r{(i + 1) % length}", start=10 + (i + 3) % length) for i in range(length)]
    repaired = repair(*ring, span("tail1", "r1", start=1), span("tail2", "tail1", start=0))
    first = min(ring, key=lambda each: each.start_ns).span_id
    assert repaired.counts["cycle"] == 1
    assert [own for own, parent in parents(repaired).items() if parent is None] == [first]
    assert repaired.frame["depth"].max() == max(length - 1, 2 + (int(first[1:]) - 1) % length)


def test_each_of_several_cycles_is_cut_once() -> None:
    rings = [span(f"{n}{i}", f"{n}{1 - i}", start=i) for n in "abc" for i in range(2)]
    assert repair(*rings).counts["cycle"] == 3


def test_a_span_that_ends_before_it_starts_ends_at_its_start() -> None:
    repaired = repair(span("a", start=50, end=40))
    assert repaired.frame["end_ns"].to_list() == [50]
    assert repaired.counts == {"negative_duration": 1}


def test_zero_durations_are_counted_and_kept() -> None:
    repaired = repair(span("a", start=50, end=50))
    assert repaired.frame["end_ns"].to_list() == [50]
    assert repaired.counts == {"zero_duration": 1}


@pytest.mark.parametrize(("start", "end"), [(-1, 50), (50, 101)])
def test_children_outside_their_parent_are_counted_by_whether_a_clock_is_shared(start: int, end: int) -> None:
    own_service = span("b", "a", start, end)
    own_node = replace(own_service, service="z", node="n")
    elsewhere = replace(own_service, service="z", node="m")
    top = span("a", node="n")
    assert repair(top, own_service).counts == {"outlives_parent": 1}
    assert repair(top, own_node).counts == {"outlives_parent": 1}
    assert repair(top, elsewhere).counts == {"clock_skew": 1}


def test_a_child_elsewhere_that_lasts_longer_than_its_parent_is_no_clock_skew() -> None:
    """101 of 100: no clock puts it inside, so nobody waits for its end; it starts too early all the same."""
    child = span("b", "a", 50, 151, service="z")
    assert repair(span("a"), child).counts == {}
    assert repair(span("a"), replace(child, start_ns=-1)).counts == {"clock_skew": 1}


@pytest.mark.parametrize(("service", "odd"), [("a", "outlives_parent"), ("z", "clock_skew")])
def test_a_message_may_end_late_but_not_start_early(service: str, odd: str) -> None:
    consumer = span("b", "a", 50, 120, service=service, kind=SpanKind.CONSUMER)
    sender = span("a", kind=SpanKind.PRODUCER)
    assert repair(sender, consumer).counts == {}
    assert repair(sender, replace(consumer, start_ns=-1)).counts == {odd: 1}


def test_the_entry_is_where_the_request_enters_the_service_instance() -> None:
    """Another service, another known pod, a served call within one pod; null pods say nothing."""
    repaired = repair(
        span("a", None, pod="p1"),
        span("b", "a", 1, 99, pod="p1", kind=SpanKind.CLIENT),
        span("c", "b", 2, 98, service="b"),
        span("d", "c", 3, 97, service="b", pod="q1", kind=SpanKind.PRODUCER),
        span("e", "d", 4, 96, service="b", pod="q2"),
        span("f", "e", 5, 95, service="b", pod="q2", kind=SpanKind.CLIENT),
        span("g", "f", 6, 94, service="b", pod="q2", kind=SpanKind.SERVER),
        span("h", "g", 7, 93, service="b"),
    )
    ids = repaired.frame["span_id"].to_list()
    entries = [ids[row] for row in repaired.frame["entry_row"]]
    assert dict(zip(ids, entries, strict=True)) == {
        "a": "a",
        "b": "a",
        "c": "c",
        "d": "c",
        "e": "e",
        "f": "e",
        "g": "g",
        "h": "g",
    }


def chain(length: int) -> pl.DataFrame:
    """One trace in which each span has one child."""
    index = pl.int_range(length, eager=True)
    return (
        spans_to_frame([span("0", None)])
        .select(pl.all().repeat_by(length).explode())
        .with_columns(
            span_id=index.cast(pl.String),
            parent_id=(index - 1).set(index == 0, None).cast(pl.String),
            start_ns=index,
            end_ns=2 * length - index,
        )
    )


def test_a_chain_of_50_000_spans_is_linked_to_its_end() -> None:
    repaired = repair_spans(chain(50_000).reverse())
    assert repaired.counts == {}
    assert repaired.frame["depth"].to_list() == list(range(50_000))
    assert repaired.frame["root_row"].unique().to_list() == [0]


def test_a_ring_of_50_000_spans_is_cut_once() -> None:
    ring = chain(50_000).with_columns(pl.col("parent_id").fill_null("49999"))
    repaired = repair_spans(ring)
    assert repaired.counts == {"cycle": 1}
    assert repaired.frame["depth"].max() == 49_999


def test_a_star_of_5_000_children_hangs_below_one_root() -> None:
    star = chain(5_001).with_columns(parent_id=pl.when(pl.col("parent_id").is_not_null()).then(pl.lit("0")))
    repaired = repair_spans(star)
    assert repaired.counts == {}
    assert repaired.frame["parent_row"].value_counts(sort=True).row(0) == (0, 5_000)


def test_a_missing_column_is_named() -> None:
    with pytest.raises(InputError, match="'pod'"):
        repair_spans(spans_to_frame([span("a")]).drop("pod"))


def test_a_null_in_a_required_column_is_named() -> None:
    with pytest.raises(InputError, match="1 rows without 'service'"):
        repair_spans(spans_to_frame([span("a")]).with_columns(service=pl.lit(None, dtype=pl.String)))


def test_a_column_of_another_type_is_refused() -> None:
    with pytest.raises(InputError, match="another type"):
        repair_spans(spans_to_frame([span("a")]).with_columns(start_ns=pl.lit("yesterday")))


IDS = st.sampled_from([*"abcdefg", "a~server"])
MANGLED = st.lists(
    st.builds(
        Span,
        trace_id=st.sampled_from(["t1", "t2"]),
        span_id=IDS,
        parent_id=st.none() | IDS | st.just("gone"),
        service=st.sampled_from(["s1", "s2", "s3"]),
        operation=st.sampled_from(["get", "put"]),
        start_ns=st.integers(0, 20),
        end_ns=st.integers(0, 30),
        kind=st.sampled_from(SpanKind),
        pod=st.none() | st.sampled_from(["p1", "p2"]),
        node=st.none() | st.just("n1"),
        error=st.none() | st.booleans(),
    ),
    max_size=14,
)


@given(MANGLED)
def test_every_span_is_kept_once_less_the_duplicates_counted(spans: list[Span]) -> None:
    repaired = repair(*spans)
    dropped = sum(repaired.counts.get(f"duplicate_{kind}", 0) for kind in ("identical", "conflicting"))
    assert repaired.frame.height == len(spans) - dropped
    assert repaired.frame.select(pl.struct("trace_id", "span_id").is_unique().all()).item()
    split = repaired.counts.get("shared_span_id", 0)
    assert repaired.frame.height == len({(each.trace_id, each.span_id) for each in spans}) + split


@given(MANGLED)
def test_links_form_one_forest_that_agrees_with_itself(spans: list[Span]) -> None:
    """Depth falls by one towards the parent, so there is no cycle; the root is the parent's root."""
    frame = repair(*spans).frame
    assert frame["row"].to_list() == list(range(frame.height))
    for row in frame.iter_rows(named=True):
        if row["parent_row"] < 0:
            assert (row["depth"], row["root_row"], row["entry_row"]) == (0, row["row"], row["row"])
            assert row["orphan"] == (row["parent_id"] is not None)
            continue
        parent = frame.row(row["parent_row"], named=True)
        assert (row["trace_id"], row["parent_id"]) == (parent["trace_id"], parent["span_id"])
        assert (row["depth"], row["root_row"]) == (parent["depth"] + 1, parent["root_row"])
        assert row["entry_row"] in (row["row"], parent["entry_row"])
        assert not row["orphan"]


@given(MANGLED)
def test_repairing_twice_changes_nothing(spans: list[Span]) -> None:
    once = repair(*spans)
    twice = repair_spans(once.frame)
    assert twice.frame.equals(once.frame)
    mended = {"cycle", "self_parent", "negative_duration", "shared_span_id", "duplicate_identical"}
    assert not {*mended, "duplicate_conflicting"} & set(twice.counts)


@given(MANGLED, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(spans: list[Span], random: object) -> None:
    shuffled = list(spans)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert repair(*shuffled).counts == repair(*spans).counts
    assert repair(*shuffled).frame.equals(repair(*spans).frame)


@settings(max_examples=50)
@given(MANGLED, st.sampled_from([-(10**15), 3_600 * 10**9, 1_700_000_000 * 10**9]))
def test_shifting_all_clocks_shifts_times_and_nothing_else(spans: list[Span], shift: int) -> None:
    moved = repair(
        *(replace(each, start_ns=each.start_ns + shift, end_ns=each.end_ns + shift) for each in spans)
    )
    still = repair(*spans)
    times = ["start_ns", "end_ns", "trace_ns"]
    assert moved.frame.with_columns(pl.col(times) - shift).equals(still.frame)
    assert moved.counts == still.counts
