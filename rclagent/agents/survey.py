"""What the measurements alone conclude, and what they leave open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import networkx as nx

from rclagent.agents.accounts import modalities
from rclagent.agents.asking import characters, conclusion, consolidation, verification
from rclagent.agents.assertions import Conclusion, Judgement
from rclagent.agents.dedicated import investigate_all
from rclagent.agents.evidence_graph import EvidenceGraph, Relation
from rclagent.agents.investigation import TraceInvestigation
from rclagent.agents.margin import open_group
from rclagent.agents.noting import Note, NotingReasoner
from rclagent.agents.questions import Question, Step, all_questions, suspicious_questions
from rclagent.agents.ranking import Ranked, rank_candidates
from rclagent.agents.selection import represented
from rclagent.agents.spending import Spend
from rclagent.agents.statistical import StatisticalReasoner
from rclagent.agents.verdict import find_verdict
from rclagent.core.diagnosis import Verdict
from rclagent.core.incident import Incident
from rclagent.core.report import AgentReport
from rclagent.evidence.findings import Findings
from rclagent.topology.trace_graph import TraceGraph


@dataclass(frozen=True, slots=True)
class Case:
    """An incident as far as it is known when the agents begin."""

    incident: Incident
    """What is to be explained."""
    findings: Findings
    """What was measured."""
    service_graph: nx.DiGraph[str]
    """Caller -> callee."""
    traces: tuple[TraceGraph, ...]
    """Traces to walk."""


@dataclass(frozen=True, slots=True)
class Survey:
    """What the measurements alone conclude, and what they leave open."""

    measured: tuple[TraceInvestigation, ...]
    """The agents' reports."""
    graph: EvidenceGraph
    """All evidence on all of them."""
    open_group: Sequence[Ranked]
    """Candidates whose order is open, best first; empty where nothing is to be decided."""
    questions: tuple[Question, ...]
    """What agents would ask."""
    relations: tuple[list[str], ...]
    """How the candidates within the margin are related: a service, a verb, a service."""
    conclusion_characters: int
    """Length of the synthesizer's request at most; 0 where it has nothing to ask."""


async def survey(case: Case, spend: Spend) -> Survey:
    """Walks the traces by measurements alone and finds what is worth asking."""
    noting = NotingReasoner(StatisticalReasoner(case.findings))
    measured = await investigate_all(case.traces, case.findings, noting, spend_all=spend is Spend.ALL)
    graph = EvidenceGraph(case.findings, measured, case.service_graph)
    group = _open_candidates(case, rank_candidates(case.findings, measured, graph))
    notes = [_in_span_order(investigation, noting.notes) for investigation in measured]
    ids = [investigation.trace.trace_id for investigation in measured]
    standing = represented(case.findings, ids)
    votes = [standing[trace_id] for trace_id in ids]
    services = [item.candidate.component.service for item in group]
    if spend is Spend.ALL:
        questions = all_questions(notes, votes)
    else:
        questions = suspicious_questions(notes, votes, services)
    depths = {agent: depth for each in measured for agent, depth in each.depths.items()}
    consolidating = {question.agent_id for question in questions if question.step is Step.CONSOLIDATE}

    def ahead(question: Question) -> int:
        own = question.step is Step.VERIFY and question.agent_id in consolidating
        return depths[question.agent_id] + own

    relations = _relations(services, graph)
    concludes = len(group) > 1 or (spend is Spend.ALL and bool(group))
    return Survey(
        measured=measured,
        graph=graph,
        open_group=group,
        questions=tuple(
            replace(_sized(question, noting.notes, case.findings), ahead=ahead(question))
            for question in questions
        ),
        relations=relations,
        conclusion_characters=_concluding(case.findings, group, measured, relations) if concludes else 0,
    )


def _sized(question: Question, notes: Mapping[str, Note], findings: Findings) -> Question:
    note = notes[question.agent_id]
    tools = question.rounds > 0
    if question.step is Step.VERIFY:
        prompt = verification(findings, note.task, [seen.evidence.id for seen in note.task.observations])
    else:
        prompt = consolidation(findings, note.task, note.suspicions, note.reports, tools=tools)
    told = question.step is Step.CONSOLIDATE
    return replace(question, characters=characters(prompt, Judgement, tools=tools, reports=told))


def _concluding(
    findings: Findings,
    group: Sequence[Ranked],
    measured: Sequence[TraceInvestigation],
    relations: Sequence[list[str]],
) -> int:
    verdicts = [each for investigation in measured if (each := investigation.verdict) is not None]
    prompt = conclusion(findings, group, verdicts, relations)
    return characters(prompt, Conclusion, tools=False, reports=True)


def _relations(services: Sequence[str], graph: EvidenceGraph) -> tuple[list[str], ...]:
    found = []
    for service in services:
        below = graph.downstream(service)
        near = graph.neighbours(service)
        together = {*near[Relation.SAME_INSTANCE], *near[Relation.SAME_NODE]}
        for other in services:
            if other in below:
                found.append([service, "calls, directly or through others", other])
            elif other in together and service < other:
                found.append([service, "shares a pod or machine with", other])
    return tuple(found)


def _open_candidates(case: Case, ranked: Sequence[Ranked]) -> Sequence[Ranked]:
    """None where the incident is healthy: there is nothing to blame anybody for."""
    seen = modalities(case.incident)["traces"]
    if find_verdict(ranked, case.findings, seen) is Verdict.HEALTHY:
        return ()
    return open_group(ranked, lambda item: item.score)


def _in_span_order(investigation: TraceInvestigation, notes: dict[str, Note]) -> dict[str, Note]:
    return {
        result.agent_id: notes[result.agent_id]
        for result in investigation.results
        if isinstance(result, AgentReport) and result.agent_id in notes
    }
