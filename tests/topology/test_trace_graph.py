"""Trace graphs: built, corrected, and made from graphs of others."""

from __future__ import annotations

import random as random_module
from dataclasses import replace
from typing import Any

import networkx as nx
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rclagent.core.names import VIRTUAL_ROOT
from rclagent.core.span import SPAN_SCHEMA, Span, SpanKind, spans_to_frame
from rclagent.errors import InputError
from rclagent.telemetry.repair import repair_spans
from rclagent.topology.trace_graph import build_trace_graph, children, trace_graph_to_spans

HOUR_NS = 3_600 * 10**9


def span(span_id: str, parent: str | None = None, start: int = 0, end: int = 100, service: str = "a") -> Span:
    """A span in trace ``t``."""
    return Span("t", span_id, parent, service, "op", start, end)


def attribute_of(graph: nx.DiGraph[str], name: str) -> dict[str, Any]:
    """One attribute of all nodes."""
    return {node: data[name] for node, data in graph.nodes(data=True)}


TREE = [
    span("r", None, 0, 100),
    span("late", "r", 60, 80, "b"),
    span("early", "r", 10, 50, "c"),
    span("inner", "early", 40, 50, "c"),
    span("overlap", "r", 40, 70, "d"),
]


def test_nodes_are_spans_and_edges_lead_to_children() -> None:
    trace = build_trace_graph(TREE)
    assert (trace.trace_id, trace.root, trace.repairs) == ("t", "r", {})
    assert set(trace.graph.edges) == {("r", "early"), ("r", "late"), ("r", "overlap"), ("early", "inner")}
    assert trace.graph.nodes["late"]["span"] == TREE[1]


def test_children_come_in_order_of_start_and_span_id() -> None:
    twins = [span("z", "r", 10, 50), span("y", "r", 10, 20)]
    assert children(build_trace_graph([*TREE, *twins]).graph, "r") == ["early", "y", "z", "overlap", "late"]


def test_own_time_is_duration_less_the_union_of_the_children() -> None:
    graph = build_trace_graph(TREE).graph
    assert attribute_of(graph, "self_ns") == {
        "r": 30,
        "early": 30,
        "inner": 10,
        "overlap": 30,
        "late": 20,
    }


def test_children_count_only_inside_their_parent() -> None:
    graph = build_trace_graph([span("r", None, 0, 100), span("c", "r", 90, 500)]).graph
    assert graph.nodes["r"]["self_ns"] == 90


def test_several_tops_hang_below_a_virtual_root_that_spans_them() -> None:
    trace = build_trace_graph([span("b", None, 50, 90), span("a", "gone", 10, 60)])
    assert trace.root == VIRTUAL_ROOT
    assert trace.repairs == {"missing_parent": 1, "multiple_roots": 1}
    assert children(trace.graph, VIRTUAL_ROOT) == ["a", "b"]
    assert trace.graph.nodes[VIRTUAL_ROOT] == {
        "span": None,
        "start_ns": 10,
        "end_ns": 90,
        "self_ns": 0,
        "virtual": True,
    }


def test_a_span_that_is_called_like_the_virtual_root_is_kept() -> None:
    trace = build_trace_graph([span(VIRTUAL_ROOT), span("b")])
    assert trace.graph.number_of_nodes() == 3
    assert trace.graph.nodes[VIRTUAL_ROOT]["span"] == span(VIRTUAL_ROOT)
    assert set(trace.graph.successors(trace.root)) == {VIRTUAL_ROOT, "b"}


def test_one_trace_of_a_repaired_table_gives_the_same_graph_as_its_records() -> None:
    """Its rows do not start at 0, and its links are not computed again."""
    others = [replace(each, trace_id=name) for name in "su" for each in TREE]
    table = repair_spans(spans_to_frame([*others, *TREE])).frame
    cut = build_trace_graph(table.filter(pl.col("trace_id") == "t").reverse())
    whole = build_trace_graph(TREE)
    assert dict(cut.graph.nodes) == dict(whole.graph.nodes)
    assert list(cut.graph.edges) == list(whole.graph.edges)


def test_a_host_whose_clock_is_off_is_corrected_and_counted() -> None:
    moved = [
        replace(each, start_ns=each.start_ns + HOUR_NS, end_ns=each.end_ns + HOUR_NS)
        if each.service == "c"
        else each
        for each in TREE
    ]
    trace = build_trace_graph(moved)
    assert trace.repairs == {"clock_skew": 2}
    assert trace.graph.nodes["early"]["span"].start_ns == 10 + HOUR_NS
    assert trace.graph.nodes["early"]["start_ns"] == 30
    assert trace.graph.nodes["inner"]["start_ns"] == 60
    assert [trace.graph.nodes[node]["self_ns"] for node in ("early", "inner")] == [30, 10]


def test_an_orphan_does_not_decide_which_clock_is_right() -> None:
    trace = build_trace_graph(
        [span("o", "gone", 5, 6, "b"), span("r", None, 1000, 1100), span("c", "r", 40, 50, "b")]
    )
    assert trace.graph.nodes["r"]["start_ns"] == 1000
    assert trace.graph.nodes["c"]["start_ns"] == 1045


@pytest.mark.parametrize(("spans", "traces"), [([], 0), ([span("a"), replace(span("a"), trace_id="u")], 2)])
def test_spans_of_no_trace_or_of_several_are_refused(spans: list[Span], traces: int) -> None:
    with pytest.raises(InputError, match=f"belong to {traces}"):
        build_trace_graph(spans)


def test_a_chain_of_10_000_spans_is_built() -> None:
    chain = [span(str(i), str(i - 1) if i else None, i, 20_000 - i) for i in range(10_000)]
    graph = build_trace_graph(chain).graph
    assert list(graph) == [str(i) for i in range(10_000)]
    assert graph.nodes["9998"]["self_ns"] == 2


def test_5_000_children_of_one_span_are_built() -> None:
    star = [span("r", None, 0, 10_000), *(span(f"{i:04}", "r", 2 * i, 2 * i + 1) for i in range(5_000))]
    trace = build_trace_graph(star)
    assert children(trace.graph, "r") == [f"{i:04}" for i in range(5_000)]
    assert trace.graph.nodes["r"]["self_ns"] == 5_000


MANGLED = st.lists(
    st.builds(
        Span,
        trace_id=st.just("t"),
        span_id=st.sampled_from([*"abcdefg"]),
        parent_id=st.none() | st.sampled_from([*"abcdefg", "gone"]),
        service=st.sampled_from(["s1", "s2", "s3"]),
        operation=st.just("op"),
        start_ns=st.integers(0, 20),
        end_ns=st.integers(0, 30),
        kind=st.sampled_from(SpanKind),
        pod=st.none() | st.sampled_from(["p1", "p2"]),
        node=st.none() | st.sampled_from(["n1", "n2"]),
    ),
    min_size=1,
    max_size=12,
)


@given(MANGLED)
def test_every_trace_is_one_tree_of_all_repaired_spans(spans: list[Span]) -> None:
    trace = build_trace_graph(spans)
    assert nx.is_arborescence(trace.graph)
    assert trace.graph.in_degree(trace.root) == 0
    kept = {node for node, virtual in trace.graph.nodes(data="virtual") if not virtual}
    assert kept == set(repair_spans(spans_to_frame(spans)).frame["span_id"])
    for node, data in trace.graph.nodes(data=True):
        assert 0 <= data["self_ns"] <= data["end_ns"] - data["start_ns"]
        inner = [(trace.graph.nodes[child]["start_ns"], child) for child in children(trace.graph, node)]
        assert inner == sorted(inner)


@settings(max_examples=50)
@given(MANGLED, st.integers(0, 2**32))
def test_neither_row_order_nor_a_shift_of_all_clocks_matters(spans: list[Span], seed: int) -> None:
    still = build_trace_graph(spans)
    moved = [replace(each, start_ns=each.start_ns + HOUR_NS, end_ns=each.end_ns + HOUR_NS) for each in spans]
    random_module.Random(seed).shuffle(moved)
    shifted = build_trace_graph(moved)
    assert list(shifted.graph.edges) == list(still.graph.edges)
    assert shifted.repairs == still.repairs
    assert attribute_of(shifted.graph, "self_ns") == attribute_of(still.graph, "self_ns")
    starts = {node: start - HOUR_NS for node, start in attribute_of(shifted.graph, "start_ns").items()}
    assert starts == attribute_of(still.graph, "start_ns")


@settings(max_examples=50)
@given(MANGLED)
def test_a_built_graph_survives_the_way_through_a_table(spans: list[Span]) -> None:
    """A span that was given a second id keeps it, and orphans keep the parent that they name."""
    once = build_trace_graph(spans)
    again = build_trace_graph(trace_graph_to_spans(once.graph))
    assert again.trace_id == "t"
    assert dict(again.graph.nodes) == dict(once.graph.nodes)
    assert list(again.graph.edges) == list(once.graph.edges)


def foreign() -> nx.DiGraph[str]:
    """A graph as someone else might keep it."""
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_node("r", service="a", operation="GET", start_ns=0, end_ns=100, kind="SERVER", error=False)
    graph.add_node("c", service="b", name="query", start_ns=np.int64(10), duration_ns=20, pod="p", status="5")
    graph.add_edge("r", "c")
    return graph


def test_a_graph_of_others_becomes_a_span_table() -> None:
    table = trace_graph_to_spans(foreign(), "mine")
    assert table.schema == SPAN_SCHEMA
    first, second = table.rows(named=True)
    assert first == {
        **dict.fromkeys(SPAN_SCHEMA),
        "trace_id": "mine",
        "span_id": "r",
        "service": "a",
        "operation": "GET",
        "kind": "server",
        "start_ns": 0,
        "end_ns": 100,
        "error": False,
    }
    assert (second["parent_id"], second["operation"], second["end_ns"]) == ("r", "query", 30)
    assert (second["kind"], second["pod"], second["status"], second["error"]) == ("unknown", "p", "5", None)


def test_an_empty_graph_becomes_an_empty_table() -> None:
    assert trace_graph_to_spans(nx.DiGraph()).schema == SPAN_SCHEMA


@pytest.mark.parametrize("attribute", ["service", "operation", "start_ns", "end_ns"])
def test_a_missing_attribute_is_named_with_its_node(attribute: str) -> None:
    graph = foreign()
    del graph.nodes["r"][attribute]
    named = "name" if attribute == "operation" else attribute
    with pytest.raises(InputError, match=rf"Node 'r' .* no '{named}'"):
        trace_graph_to_spans(graph)


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("service", 7),
        ("pod", 7),
        ("start_ns", 0.5),
        ("end_ns", "late"),
        ("end_ns", 2**63),
        ("kind", "waiter"),
        ("error", "yes"),
    ],
)
def test_an_attribute_of_the_wrong_type_is_named_with_its_node(attribute: str, value: object) -> None:
    graph = foreign()
    graph.nodes["r"][attribute] = value
    with pytest.raises(InputError, match=rf"Node 'r' .* no '{attribute}'"):
        trace_graph_to_spans(graph)


def test_a_duration_beyond_the_end_of_time_is_refused() -> None:
    graph = foreign()
    graph.nodes["c"]["duration_ns"] = 2**63 - 1
    with pytest.raises(InputError, match="Node 'c'"):
        trace_graph_to_spans(graph)


def test_a_node_with_two_parents_is_refused() -> None:
    graph = foreign()
    graph.add_node("s", service="a", operation="GET", start_ns=0, end_ns=100)
    graph.add_edge("s", "c")
    with pytest.raises(InputError, match=r"'c' .* 2 parents"):
        trace_graph_to_spans(graph)


def test_an_undirected_graph_is_refused() -> None:
    with pytest.raises(InputError, match="not directed"):
        trace_graph_to_spans(foreign().to_undirected())  # type: ignore[arg-type]
