"""How the Dedicated Agents divide one trace among them, worked out once in linear time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from rclagent.agents.observations import ObservationIndex, strongest_first
from rclagent.agents.span_task import Observation, SpanTask
from rclagent.core.names import VIRTUAL_ROOT
from rclagent.core.span import Span
from rclagent.topology.trace_graph import TraceGraph, children

Likeness: TypeAlias = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Family:
    """Nodes of one agent: a single one, or siblings that are alike."""

    nodes: tuple[str, ...]
    """Nodes of the trace graph, in span order."""
    settled: bool
    """Whether nothing deviates in their subtrees, which this agent settles in one step."""


class TracePlan:
    """Who looks after which span of a trace, and what each span shows.

    Siblings share an agent when nothing tells them apart: the same service, instance, operation,
    kind and status, the same observations, and below them either nothing (leaves) or nothing that
    deviates (settled subtrees). Unless ``spend_all``, a subtree without any observation is settled
    by the agent at its top.
    """

    def __init__(self, trace: TraceGraph, index: ObservationIndex, *, spend_all: bool = False) -> None:
        self.trace = trace
        self.order = _depth_first(trace)
        self._position = {node: place for place, node in enumerate(self.order)}
        self._end = self._subtree_ends()
        self._shown = self._observations(index)
        self._deviating = frozenset(self.order) if spend_all else self._ancestry(self._shown)

    @property
    def root(self) -> Family:
        """The agent at the top."""
        return self._family((self.trace.root,))

    @property
    def span_count(self) -> int:
        """Number of spans; a virtual root is none."""
        return len(self.order) - (self.span(self.trace.root) is None)

    def span(self, node: str) -> Span | None:
        """The span of a node; None for the virtual root."""
        span: Span | None = self.trace.graph.nodes[node]["span"]
        return span

    def span_above(self, family: Family) -> str | None:
        """Id of the span above a family's first; None at the top."""
        above = self._parent(family.nodes[0])
        span = None if above is None else self.span(above)
        return None if span is None else span.span_id

    def position(self, node: str) -> int:
        """Place of a node in span order."""
        return self._position[node]

    def children(self, family: Family) -> list[Family]:
        """Agents below an agent, in span order of their first spans."""
        alike: dict[Likeness, list[str]] = {}
        for node in self._nodes_below(family):
            alike.setdefault(self._likeness(node), []).append(node)
        return [self._family(tuple(nodes)) for nodes in alike.values()]

    def task(self, family: Family) -> SpanTask:
        """What the agent of a family gets."""
        first = family.nodes[0]
        spans = tuple(span for node in family.nodes if (span := self.span(node)) is not None)
        return SpanTask(
            agent_id=f"{self.trace.trace_id}/{first}",
            trace_id=self.trace.trace_id,
            spans=spans,
            service=spans[0].service if spans else VIRTUAL_ROOT,
            operation=spans[0].operation if spans else VIRTUAL_ROOT,
            pod=spans[0].pod if spans else None,
            self_ns=tuple(int(self.trace.graph.nodes[span.span_id]["self_ns"]) for span in spans),
            observations=self._joint_observations(family.nodes),
        )

    def subtree_spans(self, family: Family) -> tuple[str, ...]:
        """Ids of all spans at and below the nodes of a family, in span order."""
        return tuple(
            node
            for top in family.nodes
            for node in self.order[self._position[top] : self._end[self._position[top]]]
            if self.span(node) is not None
        )

    def spans_between(self, top: str, bottom: str) -> tuple[str, ...]:
        """Nodes strictly between a span and one of its descendants, from the top down."""
        between: list[str] = []
        node = self._parent(bottom)
        while node is not None and node != top:
            between.append(node)
            node = self._parent(node)
        return tuple(reversed(between))

    def _family(self, nodes: tuple[str, ...]) -> Family:
        return Family(nodes, settled=nodes[0] not in self._deviating)

    def _nodes_below(self, family: Family) -> Iterator[str]:
        for node in family.nodes:
            yield from children(self.trace.graph, node)

    def _likeness(self, node: str) -> Likeness:
        span = self.span(node)
        leaf = not self.trace.graph.succ[node]
        if span is None or not (leaf or node not in self._deviating):
            return (node,)
        seen = frozenset(observation.evidence.id for observation in self._shown.get(node, ()))
        return (
            span.service, span.pod, span.node, span.operation, span.kind, span.error, span.status, seen
        )  # fmt: skip

    def _joint_observations(self, nodes: tuple[str, ...]) -> tuple[Observation, ...]:
        if len(nodes) == 1:
            return self._shown.get(nodes[0], ())
        most: dict[str, Observation] = {}
        for node in nodes:
            for seen in self._shown.get(node, ()):
                known = most.get(seen.evidence.id)
                if known is None or seen.excess_ms > known.excess_ms:
                    most[seen.evidence.id] = seen
        return strongest_first(most.values())

    def _observations(self, index: ObservationIndex) -> dict[str, tuple[Observation, ...]]:
        shown: dict[str, tuple[Observation, ...]] = {}
        for node in self.order:
            span = self.span(node)
            if span is not None:
                parent = self._parent(node)
                seen = index.shown_by(span, None if parent is None else self.span(parent))
                if seen:
                    shown[node] = seen
        return shown

    def _ancestry(self, nodes: dict[str, tuple[Observation, ...]]) -> frozenset[str]:
        """The nodes given and all above them; each node is climbed through once."""
        found: set[str] = set()
        for start in nodes:
            node: str | None = start
            while node is not None and node not in found:
                found.add(node)
                node = self._parent(node)
        return frozenset(found)

    def _subtree_ends(self) -> list[int]:
        """For each place in span order, the place after the last descendant."""
        ends = list(range(1, len(self.order) + 1))
        for place in range(len(self.order) - 1, 0, -1):
            parent = self._parent(self.order[place])
            if parent is not None:
                above = self._position[parent]
                ends[above] = max(ends[above], ends[place])
        return ends

    def _parent(self, node: str) -> str | None:
        return next(iter(self.trace.graph.pred[node]), None)


def _depth_first(trace: TraceGraph) -> list[str]:
    order: list[str] = []
    ahead = [trace.root]
    while ahead:
        node = ahead.pop()
        order.append(node)
        ahead.extend(reversed(children(trace.graph, node)))
    return order
