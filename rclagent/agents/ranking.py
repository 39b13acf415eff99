"""Ranks the candidates by incident-wide evidence and by what the agents saw.

The incident-wide candidates say how strong the evidence is; the agents say where the alarming
requests lead. A candidate's final score is

    score x (1 + support), support = (deep + wide) / 2 in 0..1

with ``deep`` the share of alarming requests whose root-level report suspects it, times that report's
confidence, and ``wide`` the share of alarming requests in whose trace some agent shows evidence that
it owns (rclagent.agents.support). So the agents reorder within a factor of two, and only by evidence
that exists: of two candidates with equal scores, the one seen in none of the alarming requests loses.
A suspect of the agents that is no candidate gets in by the evidence it owns, or not at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rclagent.agents.confidence import confidence, doubt
from rclagent.agents.evidence_graph import EvidenceGraph
from rclagent.agents.investigation import TraceInvestigation
from rclagent.agents.support import weigh_support
from rclagent.agents.suspicion import weigh
from rclagent.evidence.chance import mere_chance
from rclagent.evidence.findings import Candidate, Findings
from rclagent.evidence.observations import figure


@dataclass(frozen=True, slots=True)
class Ranked:
    """A candidate in its final place."""

    candidate: Candidate
    """With its incident-wide score."""
    score: float
    """Final score, six significant digits."""
    strength: float
    """z score of its strongest evidence."""


def rank_candidates(
    findings: Findings, investigations: Sequence[TraceInvestigation], graph: EvidenceGraph
) -> list[Ranked]:
    """All candidates by falling final score; equal ones in the order that fusion gave them."""
    candidates = [*findings.candidates, *_admitted(findings, investigations, graph)]
    services = {candidate.component.service for candidate in candidates}
    support = weigh_support(services, findings, investigations, graph)
    ranked = [
        Ranked(
            candidate,
            # Rounded before it is compared: sums differ in the last digits between machines.
            score=figure(candidate.score * (1 + support[candidate.component.service].total)),
            strength=max((findings.evidence[key].strength for key in candidate.evidence), default=0.0),
        )
        for candidate in candidates
    ]
    return sorted(ranked, key=lambda item: -item.score)


def cause_confidence(place: int, ranked: Sequence[Ranked]) -> float:
    """How sure one of the candidates is a cause, 0..1: (1 - (1 - c)^2) x (1 - q).

    c is its score against the best other one's and the scatter of its evidence, as with an agent's
    confidence; a wrong first cause needs a better rival *and* misleading evidence, hence the square. q
    is the probability that all of it is mere chance (rclagent.evidence.chance).
    `python -m benchmarks calibrate` compares the whole with how often it is right. By hand: scores 2 and 1
    with strengths of 12 give the first c = 2 / (2 + 1 + 2 x 3 / 12) = 0.57 and so 0.82; where quiet time
    shows as much once in 200 windows q is 0.067, and 0.76 are left.
    """
    own = ranked[place]
    rival = max((other.score for other in ranked if other is not own), default=0.0)
    sure = confidence(own.score, doubt(own.score, rival, own.strength))
    return (1 - (1 - sure) ** 2) * (1 - mere_chance(own.candidate.chance))


def _admitted(
    findings: Findings, investigations: Sequence[TraceInvestigation], graph: EvidenceGraph
) -> list[Candidate]:
    """Suspects of root-level reports that are no candidates, by the evidence that they own."""
    known = {candidate.component.service for candidate in findings.candidates}
    reports = [report for investigation in investigations for report in investigation.root_reports]
    suspects = {report.suspect.service for report in reports if report.suspect is not None} - known
    return [
        Candidate(found.component, found.fault_type, found.weight, found.evidence)
        for found in weigh(findings, {service: graph.explained_by(service) for service in suspects})
    ]
