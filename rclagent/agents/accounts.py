"""Coverage and agent accounts of a diagnosis: what was seen, missing, repaired and failed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from rclagent.agents.evidence_graph import EvidenceGraph
from rclagent.agents.investigation import TraceInvestigation
from rclagent.core.coverage import Coverage, Modality
from rclagent.core.diagnosis import Agents, Reasoning
from rclagent.core.incident import Incident
from rclagent.core.report import Failed
from rclagent.evidence.findings import Findings

MODALITIES: Final = ("spans", "traces", "logs", "metrics")


def agent_accounts(
    reasoner: str, investigations: Sequence[TraceInvestigation], reasoning: Reasoning | None = None
) -> Agents:
    """What the Dedicated Agents did and reported."""
    results = tuple(result for investigation in investigations for result in investigation.results)
    return Agents(
        reasoner=reasoner,
        traces=tuple(investigation.trace.trace_id for investigation in investigations),
        spawned=len(results),
        failed=sum(isinstance(result, Failed) for result in results),
        spans=sum(investigation.spans for investigation in investigations),
        spans_settled=sum(investigation.settled for investigation in investigations),
        root_reports=tuple(
            report.agent_id for investigation in investigations for report in investigation.root_reports
        ),
        results=results,
        reasoning=reasoning,
    )


def modalities(incident: Incident) -> dict[str, Modality]:
    """Records of each kind inside the incident window and in the baseline."""
    now = incident.store.counts([incident.window])
    before = {} if incident.baseline is None else incident.baseline.counts
    return {name: Modality(incident=now.get(name, 0), baseline=before.get(name, 0)) for name in MODALITIES}


def coverage(
    incident: Incident,
    findings: Findings,
    seen: dict[str, Modality],
    graph: EvidenceGraph,
    agents: Agents,
) -> Coverage:
    """What the answer rests on, and what it could not see."""
    return Coverage(
        sources=sorted(incident.sources, key=lambda source: source.path),
        modalities=seen,
        repairs=dict(sorted(incident.store.repairs().items())),
        missing=list(dict.fromkeys([*_missing(incident, seen), *findings.missing])),
        notes=list(dict.fromkeys([*incident.notes, *findings.notes, *_notes(graph, agents, seen)])),
    )


def _missing(incident: Incident, seen: dict[str, Modality]) -> list[str]:
    sentences = []
    for name in ("spans", "logs", "metrics"):
        if not seen[name].incident:
            sentences.append(f"No {name} were seen in the incident window.")
        elif incident.baseline is not None and not seen[name].baseline:
            sentences.append(
                f"The baseline has no {name}: those of the incident have nothing to compare with."
            )
    return sentences


def _notes(graph: EvidenceGraph, agents: Agents, seen: dict[str, Modality]) -> list[str]:
    sentences = []
    if agents.failed:
        sentences.append(f"{agents.failed} of {agents.spawned} agents failed; that lowers the confidence.")
    if seen["traces"].incident and not agents.traces:
        sentences.append("No request shows a deviation, so no trace was walked by agents.")
    if agents.reasoning is not None:
        sentences += _rested_on(agents.reasoning)
    unexplained = len(graph.unexplained())
    if unexplained:
        subject = "1 observation is" if unexplained == 1 else f"{unexplained} observations are"
        sentences.append(
            f"{subject} charged to nobody: a sign of where trouble is felt, not of who causes it."
        )
    return sentences


def _rested_on(reasoning: Reasoning) -> list[str]:
    """What of a model the answer does not rest on; counts and words of our own."""
    sentences = []
    if reasoning.fell_back:
        sentences.append(f"Settled by measurements instead of the model: {_tally(reasoning.fell_back)}.")
    if reasoning.claims_dropped:
        sentences.append(f"Claims of the model that count nothing: {_tally(reasoning.claims_dropped)}.")
    return sentences


def _tally(counts: Mapping[str, int]) -> str:
    return "; ".join(f"{reason} ({number})" for reason, number in sorted(counts.items()))
