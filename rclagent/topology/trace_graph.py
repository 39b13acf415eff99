"""One trace as a networkx graph, parent -> child, with times corrected for clock skew."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import index as as_integer
from typing import Any, Final

import networkx as nx
import polars as pl

from rclagent.core.names import VIRTUAL_ROOT
from rclagent.core.span import SPAN_SCHEMA, Span, SpanKind, spans_to_frame
from rclagent.errors import InputError
from rclagent.telemetry.repair import LINK_SCHEMA, repair_spans
from rclagent.topology.clock_skew import clock_offsets

KINDS: Final = {kind.value: kind for kind in SpanKind}
OPTIONAL_TEXT: Final = ("pod", "node", "status", "peer", "version")
INT64_LIMIT: Final = 2**63


@dataclass(frozen=True)
class TraceGraph:
    """One trace: a tree whose nodes are span ids."""

    trace_id: str
    """Trace."""
    graph: nx.DiGraph[str]
    """Parent -> child. Node attributes: ``span`` (Span, times as recorded; None for the virtual
    root), ``start_ns`` and ``end_ns`` (corrected for clock skew), ``self_ns`` (own time: duration
    less the union of the children, clipped) and ``virtual``."""
    root: str
    """Node from which all others descend: the only top, or a virtual root above several."""
    repairs: dict[str, int]
    """Repairs of this trace by kind; ``clock_skew`` counts the spans whose times were corrected."""


def build_trace_graph(spans: pl.DataFrame | Sequence[Span]) -> TraceGraph:
    """The graph of one trace.

    Args:
        spans: Spans of one trace: records, a span table, or the rows of one trace of a repaired one.

    Returns:
        Nodes in depth-first order; each node's successors in order of (corrected start, span id).

    Raises:
        InputError: No span, or spans of several traces.
    """
    frame, repairs = _repaired(spans if isinstance(spans, pl.DataFrame) else spans_to_frame(list(spans)))
    records = [_record(row) for row in frame.select(list(SPAN_SCHEMA)).iter_rows(named=True)]
    position = {row: index for index, row in enumerate(frame["row"])}
    parents = [position.get(parent, -1) for parent in frame["parent_row"]]
    below: list[list[int]] = [[] for _ in records]
    for index, parent in enumerate(parents):
        if parent >= 0:
            below[parent].append(index)
    tops = [index for index, parent in enumerate(parents) if parent < 0]
    # True roots first: an orphan's host must not decide which clock is right.
    first = sorted(tops, key=lambda index: records[index].parent_id is not None)
    offsets = clock_offsets(records, parents, _breadth_first(first, below))
    moved = sum(offset != 0 for offset in offsets)
    if moved:
        repairs["clock_skew"] = moved
    graph, root = _tree(records, offsets, below, tops)
    return TraceGraph(records[0].trace_id, graph, root, dict(sorted(repairs.items())))


def children(graph: nx.DiGraph[str], span_id: str) -> list[str]:
    """Children of a span in order of (corrected start, span id), for graphs built here."""
    return list(graph.successors(span_id))


def trace_graph_to_spans(graph: nx.DiGraph[Any], trace_id: str | None = None) -> pl.DataFrame:
    """A span table of a graph parent -> child that someone else built, or that was built here.

    Args:
        graph: Nodes are span ids. A node either has ``span`` (a Span), or ``service``, ``operation``
            or ``name``, ``start_ns``, and ``end_ns`` or ``duration_ns`` (integers, Unix epoch), and
            optionally ``kind``, ``error``, ``pod``, ``node``, ``status``, ``peer``, ``version``.
            Nodes with a true ``virtual`` are left out.
        trace_id: Trace id of the table; by default the graph's attribute ``trace_id``, or ``trace``.

    Returns:
        Columns of SPAN_SCHEMA in node order, times as given, not repaired.

    Raises:
        InputError: An undirected graph, a node with several parents, or an attribute missing or of
            the wrong type; names the node and the attribute.
    """
    if not graph.is_directed():
        raise InputError(
            "The trace graph is not directed.", "Give a networkx.DiGraph with edges parent -> child."
        )
    name = str(graph.graph.get("trace_id", "trace")) if trace_id is None else trace_id
    real = [node for node, virtual in graph.nodes(data="virtual") if not virtual]
    return spans_to_frame([_node_span(graph, node, name) for node in real])


def _repaired(frame: pl.DataFrame) -> tuple[pl.DataFrame, dict[str, int]]:
    repairs: dict[str, int] = {}
    if set(LINK_SCHEMA) <= set(frame.columns):
        frame = frame.sort("row")
        tops = int((frame["parent_row"] < 0).sum())
        found = {"missing_parent": int(frame["orphan"].sum()), "multiple_roots": int(tops > 1)}
        repairs = {kind: count for kind, count in found.items() if count}
    else:
        repaired = repair_spans(frame)
        frame, repairs = repaired.frame, dict(repaired.counts)
        # What lies outside its parent in the table is not yet corrected.
        repairs.pop("clock_skew", None)
    traces = frame["trace_id"].n_unique()
    if traces != 1:
        raise InputError(
            f"A trace graph holds one trace, and the spans belong to {traces}.",
            "Select the spans of one trace id.",
        )
    return frame, repairs


def _record(row: dict[str, Any]) -> Span:
    return Span(**{**row, "kind": KINDS.get(row["kind"], SpanKind.UNKNOWN)})


def _breadth_first(tops: Sequence[int], below: Sequence[Sequence[int]]) -> list[int]:
    """All indices, one tree after the other, each level by level."""
    order: list[int] = []
    for top in tops:
        reached = len(order)
        order.append(top)
        while reached < len(order):
            order.extend(below[order[reached]])
            reached += 1
    return order


def _tree(
    records: Sequence[Span], offsets: Sequence[int], below: Sequence[Sequence[int]], tops: Sequence[int]
) -> tuple[nx.DiGraph[str], str]:
    starts = [span.start_ns + offset for span, offset in zip(records, offsets, strict=True)]
    ends = [span.end_ns + offset for span, offset in zip(records, offsets, strict=True)]

    def in_order(indices: Iterable[int]) -> list[int]:
        return sorted(indices, key=lambda index: (starts[index], records[index].span_id))

    graph: nx.DiGraph[str] = nx.DiGraph(trace_id=records[0].trace_id)
    root = records[tops[0]].span_id
    if len(tops) > 1:
        root = _virtual_id(records)
        graph.add_node(root, span=None, start_ns=min(starts), end_ns=max(ends), self_ns=0, virtual=True)
    ahead = [(top, root if len(tops) > 1 else None) for top in reversed(in_order(tops))]
    while ahead:
        index, parent = ahead.pop()
        own_id, inner = records[index].span_id, in_order(below[index])
        busy = _covered([(starts[child], ends[child]) for child in inner], starts[index], ends[index])
        graph.add_node(
            own_id,
            span=records[index],
            start_ns=starts[index],
            end_ns=ends[index],
            self_ns=ends[index] - starts[index] - busy,
            virtual=False,
        )
        if parent is not None:
            graph.add_edge(parent, own_id)
        ahead.extend((child, own_id) for child in reversed(inner))
    return graph, root


def _virtual_id(records: Sequence[Span]) -> str:
    taken = {span.span_id for span in records}
    virtual_id = VIRTUAL_ROOT
    while virtual_id in taken:
        virtual_id += "*"
    return virtual_id


def _covered(intervals: Sequence[tuple[int, int]], start: int, end: int) -> int:
    """Length of the union of intervals, given in order of start, within [start, end]."""
    total = 0
    for since, until in intervals:
        since, until = max(since, start), min(until, end)
        if until > since:
            total += until - since
            start = until
    return total


def _node_span(graph: nx.DiGraph[Any], node: Any, trace_id: str) -> Span:
    """The span that a node stands for, with its parent taken from the edges."""
    callers = [caller for caller in graph.predecessors(node) if not graph.nodes[caller].get("virtual")]
    if len(callers) > 1:
        raise InputError(
            f"Node {node!r} of the trace graph has {len(callers)} parents.",
            "Keep the edge from the span that called it.",
        )
    attributes = graph.nodes[node]
    span = attributes.get("span")
    if not isinstance(span, Span):
        span = _described_span(_Node(node, attributes))
    # A parent that is not in the graph is known from the record only.
    parent_id = str(callers[0]) if callers else span.parent_id
    return replace(span, trace_id=trace_id, span_id=str(node), parent_id=parent_id)


@dataclass(frozen=True, slots=True)
class _Node:
    name: Any
    attributes: Mapping[str, Any]

    def wrong(self, attribute: str, expected: str) -> InputError:
        return InputError(
            f"Node {self.name!r} of the trace graph has no {attribute!r} that is {expected}.",
            f"Set the node attribute {attribute!r}.",
        )

    def text(self, attribute: str) -> str:
        value = self.attributes.get(attribute)
        if not isinstance(value, str):
            raise self.wrong(attribute, "a string")
        return value

    def optional_text(self, attribute: str) -> str | None:
        return None if self.attributes.get(attribute) is None else self.text(attribute)

    def nanoseconds(self, attribute: str) -> int:
        given: Any = self.attributes.get(attribute)
        try:
            value = as_integer(given)  # also takes the integers of numpy
        except TypeError:
            raise self.wrong(attribute, "a whole number of nanoseconds") from None
        return self.storable(attribute, value)

    def storable(self, attribute: str, value: int) -> int:
        if not -INT64_LIMIT <= value < INT64_LIMIT:
            raise self.wrong(attribute, "a 64-bit number of nanoseconds since the Unix epoch")
        return value


def _described_span(node: _Node) -> Span:
    start = node.nanoseconds("start_ns")
    if "end_ns" not in node.attributes and "duration_ns" in node.attributes:
        end = node.storable("duration_ns", start + node.nanoseconds("duration_ns"))
    else:
        end = node.nanoseconds("end_ns")
    kind = KINDS.get((node.optional_text("kind") or SpanKind.UNKNOWN).lower())
    if kind is None:
        raise node.wrong("kind", f"one of {', '.join(KINDS)}")
    error = node.attributes.get("error")
    if not (error is None or isinstance(error, bool)):
        raise node.wrong("error", "true or false")
    return Span(
        trace_id="",
        span_id="",
        parent_id=None,
        service=node.text("service"),
        operation=node.text("operation" if "operation" in node.attributes else "name"),
        start_ns=start,
        end_ns=end,
        kind=kind,
        error=error,
        **{name: node.optional_text(name) for name in OPTIONAL_TEXT},
    )
