"""The synthesizer: root-level reports, Global Evidence Graph and incident-wide candidates in one answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

import networkx as nx

from rclagent.agents.accounts import agent_accounts, coverage, modalities
from rclagent.agents.deviations import find_deviations
from rclagent.agents.evidence_graph import EvidenceGraph
from rclagent.agents.investigation import TraceInvestigation
from rclagent.agents.propagation import propagation_path
from rclagent.agents.ranking import Ranked, cause_confidence, rank_candidates
from rclagent.agents.thought import Thought
from rclagent.agents.trust import reorder
from rclagent.agents.verdict import find_verdict, verdict_confidence, verdict_sentence
from rclagent.agents.wording import cause_sentence
from rclagent.core.diagnosis import (
    Agents,
    Diagnosis,
    IncidentSummary,
    PropagationPath,
    RootCause,
    RuledOut,
    Usage,
)
from rclagent.core.evidence import Evidence
from rclagent.core.incident import Incident
from rclagent.evidence.findings import Findings
from rclagent.evidence.observations import figure

LOW_SHARE: Final = 0.02
"""A candidate below this share of the best score is ruled out, not listed as a cause."""
AGENTS_SHARE: Final = 0.5
"""Part of the confidence that rests on the agents; the rest stands on the incident-wide evidence."""

PathFinder: TypeAlias = Callable[[str], PropagationPath | None]


def synthesize(
    incident: Incident,
    findings: Findings,
    investigations: Sequence[TraceInvestigation],
    service_graph: nx.DiGraph[str],
    *,
    reasoner: str = "statistical",
    thought: Thought | None = None,
) -> Diagnosis:
    """The one answer to an incident.

    Args:
        incident: What was to be explained.
        findings: What was measured over all of it.
        investigations: What the agents found in the walked traces, in the order they were chosen.
        service_graph: Caller -> callee over all traces.
        reasoner: Name of how the agents thought.
        thought: What a language model adds; candidates are then ranked by what agents conclude without it,
            and its claims reorder those that this leaves open.

    Returns:
        Every candidate is listed, best first (rclagent.agents.ranking), except those ruled out.
        Figures have six significant digits; the same input gives the same bytes.
    """
    graph = EvidenceGraph(findings, investigations, service_graph)
    seen = modalities(incident)
    ranked = rank_candidates(findings, investigations if thought is None else thought.measured, graph)
    reasoning = None
    if thought is not None:
        measured, ranked = ranked, reorder(ranked, thought.credits)
        reasoning = thought.reasoning.model_copy(update={"reordered": _order(ranked) != _order(measured)})
    agents = agent_accounts(reasoner, investigations, reasoning)
    listed = [item for item in ranked if item.score >= LOW_SHARE * ranked[0].score]
    deviations = find_deviations(findings, investigations, incident.store)

    def path_from(service: str) -> PropagationPath | None:
        return propagation_path(service, findings, investigations, service_graph, deviations, incident.window)

    causes = tuple(_cause(place, listed, findings, agents, path_from) for place in range(len(listed)))
    verdict = find_verdict(listed, findings, seen["traces"])
    return Diagnosis(
        verdict=verdict,
        confidence=figure(verdict_confidence(verdict, listed, seen["traces"]) * _answered(agents)),
        summary=verdict_sentence(verdict, causes, incident, findings, seen),
        incident=_incident_summary(incident, findings),
        root_causes=causes,
        evidence=tuple(_rounded(findings.evidence[key]) for key in sorted(findings.evidence)),
        ruled_out=(*findings.ruled_out, *(_low(item, listed[0], graph) for item in ranked[len(listed) :])),
        explanation="" if thought is None else thought.explanation,
        changes=findings.changes,
        agents=agents,
        coverage=coverage(incident, findings, seen, graph, agents),
        usage=Usage() if thought is None else thought.usage,
    )


def _cause(
    place: int, listed: Sequence[Ranked], findings: Findings, agents: Agents, path_from: PathFinder
) -> RootCause:
    candidate = listed[place].candidate
    component = candidate.component
    proof = [findings.evidence[key] for key in candidate.evidence]
    return RootCause(
        rank=place + 1,
        service=component.service,
        pod=component.pod,
        node=component.node,
        fault_type=candidate.fault_type,
        score=listed[place].score,
        confidence=figure(cause_confidence(place, listed) * _answered(agents)),
        chance=candidate.chance,
        propagation_path=path_from(component.service),
        evidence=candidate.evidence,
        summary=cause_sentence(component.service, component.pod, candidate.fault_type, proof),
    )


def _order(ranked: Sequence[Ranked]) -> list[str]:
    return [item.candidate.component.service for item in ranked]


def _answered(agents: Agents) -> float:
    """1 where all agents answered; failures take away at most the part that rests on agents."""
    return 1 - AGENTS_SHARE * agents.failed / agents.spawned if agents.spawned else 1.0


def _incident_summary(incident: Incident, findings: Findings) -> IncidentSummary:
    entry = findings.entries[0] if findings.entries else None
    return IncidentSummary(
        start_ns=incident.window.start_ns,
        end_ns=incident.window.end_ns,
        alarm_ns=incident.alarm_ns,
        alarm=incident.alarm,
        entry=None if entry is None else entry.service,
        entry_operation=None if entry is None else entry.operation,
    )


def _low(item: Ranked, best: Ranked, graph: EvidenceGraph) -> RuledOut:
    """A candidate that hardly counts beside the best one."""
    service, cause = item.candidate.component.service, best.candidate.component.service
    related = " and calls it, directly or through others" if cause in graph.downstream(service) else ""
    return RuledOut(
        service=service,
        reason=f"Has less than {LOW_SHARE:.0%} of the score of {cause}{related}.",
        evidence=item.candidate.evidence,
    )


def _rounded(evidence: Evidence) -> Evidence:
    return evidence.model_copy(
        update={
            "strength": figure(evidence.strength),
            "incident": {name: figure(value) for name, value in evidence.incident.items()},
            "baseline": {name: figure(value) for name, value in evidence.baseline.items()},
        }
    )
