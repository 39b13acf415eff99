"""When each version and pod was visited, worked out by hand and by brute force."""

from __future__ import annotations

import polars as pl
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from rclagent.core.baseline import REVISION_SCHEMA
from rclagent.core.span import Span, spans_to_frame
from rclagent.core.telemetry import Telemetry
from rclagent.core.window import NS_PER_MS, NS_PER_S, Window
from rclagent.telemetry.frame_store import FrameStore
from rclagent.testing import written
from rclagent.testing.spec import START_NS

SHOP = """
    counter: GET /   0..100   pod=c1 version=1
        shelf: GET items   10..20   pod=s1 version=7
        shelf: GET items   30..40   pod=s1 version=7

    counter: GET /   1000..1100   pod=c2 version=1
        shelf: GET items   1010..1020   pod=s2 version=8

    counter: GET /   2000..2100   pod=c1 version=2
        shelf: GET items   2010..2020   pod=s2 version=8
            shelf: SELECT items   2012..2018   client pod=s2 version=8
"""
ALL = [Window(START_NS, START_NS + 100 * NS_PER_S)]


def seen(table: pl.DataFrame) -> list[tuple[object, ...]]:
    """Rows with times in ms after the start."""
    since = ((pl.col("first_ns", "last_ns") - START_NS) // NS_PER_MS).name.keep()
    return table.with_columns(since).rows()


def test_visits_are_counted_by_version_and_pod() -> None:
    """A trace that calls a pod twice visits it once; those around the first and last are of the service."""
    assert seen(FrameStore(written(SHOP)).revisions(ALL)) == [
        ("counter", "1", "c1", 1, 0, 0, 0, 2),
        ("counter", "1", "c2", 1, 1000, 1000, 1, 1),
        ("counter", "2", "c1", 1, 2000, 2000, 2, 0),
        ("shelf", "7", "s1", 1, 0, 0, 0, 2),
        ("shelf", "8", "s2", 2, 1000, 2000, 1, 0),
    ]


def test_only_traces_of_the_windows_count() -> None:
    """The second is in neither."""
    windows = [Window(START_NS + at * NS_PER_S, START_NS + (at + 1) * NS_PER_S) for at in (0, 2)]
    shelf = FrameStore(written(SHOP)).revisions(windows).filter(service="shelf")
    assert seen(shelf) == [
        ("shelf", "7", "s1", 1, 0, 0, 0, 1),
        ("shelf", "8", "s2", 1, 2000, 2000, 1, 0),
    ]


def test_what_is_not_named_is_empty() -> None:
    """Whether it is null or an empty text."""
    spans = written("shelf: GET items   0..10\n\nshelf: GET items   20..30").spans
    spans = spans.with_columns(pod=pl.lit(None, pl.String), version=pl.Series([None, ""], dtype=pl.String))
    assert seen(FrameStore(Telemetry(spans)).revisions(ALL)) == [("shelf", "", "", 2, 0, 20, 0, 0)]


def test_without_spans_the_table_is_empty() -> None:
    """With its columns."""
    table = FrameStore(Telemetry()).revisions(ALL)
    assert (dict(table.schema), table.height) == (REVISION_SCHEMA, 0)


traces = st.lists(
    st.tuples(
        st.integers(0, 9),
        st.lists(
            st.tuples(
                st.sampled_from("ab"), st.sampled_from([None, "1", "2"]), st.sampled_from([None, "p", "q"])
            ),
            min_size=1,
            max_size=4,
        ),
    ),
    max_size=8,
)
Visits = list[tuple[int, list[tuple[str, str | None, str | None]]]]


def recorded(visits: Visits) -> Telemetry:
    """Traces of a root and its children, each on a service of its own pod."""
    spans = []
    for number, (second, children) in enumerate(visits):
        start = START_NS + second * NS_PER_S
        spans.append(Span(f"t{number}", "root", None, "front", "GET", start, start + 100))
        spans += [
            Span(
                f"t{number}",
                f"s{place}",
                "root",
                service,
                "GET",
                start + 1,
                start + 9,
                pod=pod,
                version=version,
            )
            for place, (service, version, pod) in enumerate(children)
        ]
    return Telemetry(spans_to_frame(spans))


@given(traces)
def test_it_is_what_counting_one_by_one_gives(visits: Visits) -> None:
    """Traces that start at the same time included."""
    each = {
        (service, version or "", pod or "", number, second)
        for number, (second, children) in enumerate(visits)
        for service, version, pod in children
    }
    expected = []
    for key in sorted({item[:3] for item in each}):
        own = [item[4] for item in each if item[:3] == key]
        of_service = [item[4] for item in each if item[0] == key[0]]
        before, after = (time < min(own) for time in of_service), (time > max(own) for time in of_service)
        expected.append((*key, len(own), 1000 * min(own), 1000 * max(own), sum(before), sum(after)))
    table = FrameStore(recorded(visits)).revisions(ALL)
    assert seen(table.filter(pl.col("service") != "front")) == expected


def test_the_order_of_the_records_changes_nothing() -> None:
    """Rows and types."""
    spans = written(SHOP).spans
    mixed = FrameStore(Telemetry(spans.sample(fraction=1, shuffle=True, seed=4))).revisions(ALL)
    assert_frame_equal(mixed, FrameStore(Telemetry(spans)).revisions(ALL))
