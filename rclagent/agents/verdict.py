"""What is said of the incident as a whole, how surely, and in which words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rclagent.agents.confidence import GATE_Z, confidence, doubt
from rclagent.agents.ranking import Ranked
from rclagent.agents.wording import fault_sentence, healthy_sentence
from rclagent.core.coverage import Modality
from rclagent.core.diagnosis import RootCause, Verdict
from rclagent.core.evidence import Channel, Evidence, EvidenceKind
from rclagent.core.incident import Incident
from rclagent.evidence.findings import Findings
from rclagent.evidence.logs import ERROR_LEVELS

ENOUGH_TRACES: Final = 20
"""Requests needed on both sides to call an incident healthy: of 20, a change that affects one request
in seven or more shows at least once with 95 % probability (1 - (6/7)^20 = 0.95)."""


LEAST_SCORE: Final = 0.3
"""Incident-wide score from which a candidate is called a fault: that of a change of three in five requests
at five standard deviations, or of 30 % of all lost time. Weaker ones turn up in quiet windows, where of many
operations one always does something else."""


LEAST_FAILURE: Final = 0.1
"""The same where the candidate's evidence is failure itself: one request in ten is worth a call at night."""
CERTAIN_Z: Final = 8.0
"""Distance from which such evidence is beyond doubt."""


def find_verdict(ranked: Sequence[Ranked], findings: Findings, traces: Modality) -> Verdict:
    """``fault`` where a candidate scores LEAST_SCORE, or LEAST_FAILURE if requests fail at it beyond doubt,
    and its strongest evidence passes 3 standard deviations; ``healthy`` where none does, no entry deviates
    and enough requests were seen on both sides; else ``inconclusive``."""
    strong = [item for item in ranked if item.candidate.score >= _least(item, findings)]
    if any(item.strength > GATE_Z for item in strong):
        return Verdict.FAULT
    felt = any(item.channel is Channel.ENTRY for item in findings.evidence.values())
    if not strong and not felt and min(traces.incident, traces.baseline) >= ENOUGH_TRACES:
        return Verdict.HEALTHY
    return Verdict.INCONCLUSIVE


def _least(item: Ranked, findings: Findings) -> float:
    """Score that makes a candidate a fault: less where it fails than where it merely does something else."""
    proof = (findings.evidence[name] for name in item.candidate.evidence)
    fails = any(_tells_of_failure(piece) and piece.strength >= CERTAIN_Z for piece in proof)
    return LEAST_FAILURE if fails else LEAST_SCORE


def _tells_of_failure(piece: Evidence) -> bool:
    appeared = piece.kind is EvidenceKind.LOG_APPEARED and piece.severity in ERROR_LEVELS
    return appeared or piece.kind in (EvidenceKind.ERROR_RATE, EvidenceKind.SILENCE)


def verdict_confidence(verdict: Verdict, ranked: Sequence[Ranked], traces: Modality) -> float:
    """How sure the verdict is, 0..1, were all agents to answer.

    A fault: z / (z + 3) for the strongest evidence of any candidate. Healthy: n / (n + 20) for the n
    requests of the side with fewer. Inconclusive: 0, as nothing is claimed.
    """
    if verdict is Verdict.FAULT:
        return confidence(1.0, doubt(1.0, 0.0, max(item.strength for item in ranked)))
    if verdict is Verdict.HEALTHY:
        return confidence(min(traces.incident, traces.baseline), ENOUGH_TRACES)
    return 0.0


def verdict_sentence(
    verdict: Verdict, causes: Sequence[RootCause], incident: Incident, traces: Modality
) -> str:
    """The verdict in one sentence."""
    if verdict is Verdict.FAULT:
        return fault_sentence(causes)
    if verdict is Verdict.HEALTHY:
        return healthy_sentence(traces.incident, traces.baseline)
    return f"No verdict: {_reason(causes, incident, traces)}."


def _reason(causes: Sequence[RootCause], incident: Incident, traces: Modality) -> str:
    if incident.baseline is None:
        return "without a baseline nothing says what is usual here"
    if causes:
        return f"{causes[0].service} deviates most, but no more than chance may bring about"
    if min(traces.incident, traces.baseline) < ENOUGH_TRACES:
        return (
            f"{traces.incident} requests in the incident window and {traces.baseline} in the baseline "
            f"are too few (at least {ENOUGH_TRACES} each are needed)"
        )
    return "something deviates, but nothing says which component causes it"
