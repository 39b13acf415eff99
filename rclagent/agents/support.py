"""How far the agents' reports back each candidate."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rclagent.agents.evidence_graph import EvidenceGraph
from rclagent.agents.investigation import TraceInvestigation
from rclagent.agents.selection import represented
from rclagent.evidence.findings import Findings


@dataclass(frozen=True, slots=True)
class Support:
    """What the walked traces say about one service; each figure is a share in 0..1."""

    deep: float
    """Alarming requests whose root-level report suspects the service, times the report's confidence."""
    wide: float
    """Alarming requests in whose trace some agent shows evidence owned by the service."""

    @property
    def total(self) -> float:
        """Mean of both views."""
        return (self.deep + self.wide) / 2


def weigh_support(
    services: Iterable[str],
    findings: Findings,
    investigations: Sequence[TraceInvestigation],
    graph: EvidenceGraph,
) -> Mapping[str, Support]:
    """Support of each service by the walked traces, each counted by the requests it stands for.

    A trace without an alarm has no vote (rclagent.agents.selection.represented); without any
    walked trace nobody has support.
    """
    votes = represented(findings, [investigation.trace.trace_id for investigation in investigations])
    total = sum(votes.values())
    deep: dict[str, float] = {}
    for investigation in investigations:
        verdict = investigation.verdict
        if verdict is not None and verdict.suspect is not None:
            service = verdict.suspect.service
            vote = votes[investigation.trace.trace_id] * verdict.confidence
            deep[service] = deep.get(service, 0.0) + vote
    return {service: _support(service, deep, votes, total, graph) for service in services}


def _support(
    service: str, deep: Mapping[str, float], votes: Mapping[str, int], total: int, graph: EvidenceGraph
) -> Support:
    if not total:
        return Support(0.0, 0.0)
    seen = sum(votes.get(trace_id, 0) for trace_id in graph.shown_in(service))
    return Support(deep.get(service, 0.0) / total, seen / total)
