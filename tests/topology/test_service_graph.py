"""The service graph, and ways through it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import networkx as nx
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from rclagent.core.span import Span, SpanKind, spans_to_frame
from rclagent.telemetry.repair import repair_spans
from rclagent.topology.service_graph import build_service_graph, callers_path

TRACE = [
    Span("1", "a", None, "front", "GET", 0, 100, SpanKind.SERVER, pod="front-1"),
    Span("1", "b", "a", "front", "call", 10, 90, SpanKind.CLIENT, pod="front-1", error=True),
    Span("1", "c", "b", "shop", "GET", 20, 80, SpanKind.SERVER, pod="shop-2", error=False),
    Span("1", "d", "c", "shop", "render", 30, 70, SpanKind.INTERNAL, pod="shop-2"),
    Span("1", "e", "d", "shop", "GET", 30, 70, SpanKind.SERVER, pod="shop-1"),
    Span("1", "f", "e", "store", "read", 40, 60, SpanKind.SERVER, error=True),
]


def entries_of(spans: list[Span]) -> dict[str, Any]:
    """Traces that enter at each service."""
    return {node: data["entries"] for node, data in graph_of(spans).nodes(data=True)}


def errors_of(spans: list[Span]) -> list[int]:
    """Failed calls of each edge."""
    return [data["errors"] for *_, data in graph_of(spans).edges(data=True)]


def graph_of(spans: list[Span]) -> nx.DiGraph[str]:
    """The service graph of some spans."""
    return build_service_graph(spans_to_frame(spans))


def test_calls_are_counted_where_a_request_enters_a_service() -> None:
    """Spans within a service and calls between its own pods are no edges."""
    twice = [*TRACE, *(replace(each, trace_id="2") for each in TRACE)]
    assert list(graph_of(twice).edges(data=True)) == [
        ("front", "shop", {"calls": 2, "errors": 2}),
        ("shop", "store", {"calls": 2, "errors": 2}),
    ]


def test_a_call_fails_if_the_callee_or_the_callers_client_span_says_so() -> None:
    """An error of a caller's span of another kind is not about the call."""
    fine = [replace(each, error=None) for each in TRACE]
    handler = [replace(each, error=each.span_id == "e") for each in TRACE]
    assert errors_of(TRACE) == [1, 1]
    assert errors_of(fine) == errors_of(handler) == [0, 0]


def test_whom_a_service_calls_that_sends_no_spans_is_in_the_graph() -> None:
    """By the name that calling spans give it; what a callee answered and numeric addresses are nobody new."""
    top, call, answer, *_ = TRACE
    query = Span("1", "q", "c", "shop", "read", 30, 40, SpanKind.CLIENT, peer="shop-db", error=True)
    sent = replace(query, span_id="s", kind=SpanKind.PRODUCER, peer="orders", error=None)
    unnamed = replace(query, span_id="u", peer="10.0.0.7:5432")
    graph = graph_of([top, replace(call, peer="shop-vip"), answer, query, sent, unnamed])
    assert sorted(graph.edges(data=True)) == [
        ("front", "shop", {"calls": 1, "errors": 1}),
        ("shop", "orders", {"calls": 1, "errors": 0}),
        ("shop", "shop-db", {"calls": 1, "errors": 1}),
    ]


def test_services_know_their_spans_pods_and_entries() -> None:
    assert dict(graph_of(TRACE).nodes) == {
        "front": {"spans": 2, "pods": ("front-1",), "entries": 1},
        "shop": {"spans": 3, "pods": ("shop-1", "shop-2"), "entries": 0},
        "store": {"spans": 1, "pods": (), "entries": 0},
    }


def test_services_and_calls_come_in_order_of_name() -> None:
    graph = graph_of([replace(each, service=each.service[::-1]) for each in reversed(TRACE)])
    assert list(graph) == ["erots", "pohs", "tnorf"]
    assert list(graph.edges) == [("pohs", "erots"), ("tnorf", "pohs")]


def test_a_trace_enters_at_its_true_roots_not_at_orphans() -> None:
    orphan = Span("1", "o", "gone", "store", "read", -5, 60)
    second = Span("1", "p", None, "front", "GET", 50, 60)
    assert entries_of([*TRACE, orphan, second]) == {"front": 1, "shop": 0, "store": 0}


def test_a_trace_without_a_true_root_enters_at_its_earliest_top() -> None:
    late = Span("1", "x", "gone", "b", "op", 5, 9)
    early = Span("1", "y", "gone", "a", "op", 3, 9)
    assert entries_of([late, early]) == {"a": 1, "b": 0}


def test_an_empty_table_has_an_empty_graph() -> None:
    assert graph_of([]).number_of_nodes() == 0


def test_whole_traces_of_a_repaired_table_link_by_row_number() -> None:
    table = repair_spans(spans_to_frame([*TRACE, *(replace(each, trace_id="0") for each in TRACE)])).frame
    cut = build_service_graph(table.filter(pl.col("trace_id") == "1"))
    assert nx.utils.graphs_equal(cut, graph_of(TRACE))


SPANS = st.lists(
    st.builds(
        Span,
        trace_id=st.sampled_from(["1", "2"]),
        span_id=st.sampled_from([*"abcdef"]),
        parent_id=st.none() | st.sampled_from([*"abcdef"]),
        service=st.sampled_from(["x", "y", "z"]),
        operation=st.just("op"),
        start_ns=st.integers(0, 9),
        end_ns=st.integers(5, 20),
        kind=st.sampled_from(SpanKind),
        error=st.none() | st.booleans(),
    ),
    max_size=12,
)


@settings(max_examples=50)
@given(SPANS)
def test_every_edge_between_services_is_a_call(spans: list[Span]) -> None:
    """The columns agree with a walk over the spans, row by row."""
    frame = repair_spans(spans_to_frame(spans)).frame
    rows = frame.rows(named=True)
    pairs = [
        (rows[row["parent_row"]]["service"], row["service"])
        for row in rows
        if row["parent_row"] >= 0 and rows[row["parent_row"]]["service"] != row["service"]
    ]
    graph = build_service_graph(frame)
    assert {pair: graph.edges[pair]["calls"] for pair in graph.edges} == Counter(pairs)
    assert all(0 <= data["errors"] <= data["calls"] for *_, data in graph.edges(data=True))
    assert sum(data["spans"] for _, data in graph.nodes(data=True)) == frame.height


def calls(*edges: tuple[str, str, int]) -> nx.DiGraph[str]:
    """A service graph with numbers of calls."""
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_weighted_edges_from(edges, weight="calls")
    return graph


def test_the_path_runs_from_the_source_up_to_the_entry() -> None:
    graph = calls(("front", "shop", 1), ("shop", "store", 1))
    assert callers_path(graph, "store", "front") == ("store", "shop", "front")
    assert callers_path(graph, "front", "front") == ("front",)


def test_the_shortest_path_wins_before_the_busiest() -> None:
    graph = calls(("front", "store", 1), ("front", "shop", 99), ("shop", "store", 99))
    assert callers_path(graph, "store", "front") == ("store", "front")


def test_of_paths_of_one_length_the_busiest_wins_then_the_first_by_name() -> None:
    edges = [("front", "a", 5), ("front", "b", 5), ("front", "c", 5), ("c", "store", 2)]
    tied = calls(*edges, ("b", "store", 2), ("a", "store", 1))
    assert callers_path(tied, "store", "front") == ("store", "b", "front")


def test_there_is_no_path_against_the_calls_or_from_the_unknown() -> None:
    graph = calls(("front", "shop", 1))
    assert callers_path(graph, "front", "shop") is None
    assert callers_path(graph, "nowhere", "front") is None
    assert callers_path(graph, "shop", "nowhere") is None


def test_a_ring_of_calls_does_not_trap_the_path() -> None:
    graph = calls(("front", "a", 1), ("a", "b", 9), ("b", "a", 9))
    assert callers_path(graph, "b", "front") == ("b", "a", "front")
