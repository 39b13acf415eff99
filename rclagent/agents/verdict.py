"""What is said of the incident as a whole, how surely, and in which words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from rclagent.agents.confidence import confidence
from rclagent.agents.ranking import Ranked
from rclagent.agents.wording import fault_sentence, healthy_sentence
from rclagent.core.coverage import Modality
from rclagent.core.diagnosis import RootCause, Verdict
from rclagent.core.evidence import Channel
from rclagent.core.incident import Incident
from rclagent.evidence.chance import mere_chance
from rclagent.evidence.findings import Findings

ENOUGH_TRACES: Final = 20
"""Requests needed on both sides to call an incident healthy: of 20, a change that affects one request
in seven or more shows at least once with 95 % probability (1 - (6/7)^20 = 0.95)."""


ALARM: Final = 0.005
"""Probability that quiet time shows as much, below which a candidate is called a fault: five channels look
at each window, so that together they err at most once in forty quiet ones."""
NOTABLE: Final = 0.05
"""Below it a deviation is rare enough not to call the incident healthy."""
NOTABLE_SCORE: Final = 0.15
"""Nor is it healthy where a candidate scores as much, however often quiet time shows it: that is a change
of a third of the requests at five standard deviations, or 15 % of all lost time."""


def find_verdict(ranked: Sequence[Ranked], findings: Findings, traces: Modality) -> Verdict:
    """``fault`` where quiet time hardly ever shows as much as some candidate does (ALARM); ``healthy`` where
    no candidate shows anything notable, no entry deviates, enough requests were seen on both sides and
    failures would have shown; else ``inconclusive``."""
    candidates = [item.candidate for item in ranked]
    if any(item.chance < ALARM for item in candidates):
        return Verdict.FAULT
    notable = any(item.chance < NOTABLE or item.score >= NOTABLE_SCORE for item in candidates)
    felt = any(item.channel is Channel.ENTRY for item in findings.evidence.values())
    enough = min(traces.incident, traces.baseline) >= ENOUGH_TRACES
    if not notable and not felt and enough and findings.sees_failures:
        return Verdict.HEALTHY
    return Verdict.INCONCLUSIVE


def verdict_confidence(verdict: Verdict, ranked: Sequence[Ranked], traces: Modality) -> float:
    """How sure the verdict is, 0..1, were all agents to answer.

    A fault: that its surest candidate is not mere chance (rclagent.evidence.chance). Healthy: n / (n + 20)
    for the n requests of the side with fewer. Inconclusive: 0, as nothing is claimed.
    """
    if verdict is Verdict.FAULT:
        return 1 - mere_chance(min(item.candidate.chance for item in ranked))
    if verdict is Verdict.HEALTHY:
        return confidence(min(traces.incident, traces.baseline), ENOUGH_TRACES)
    return 0.0


def verdict_sentence(
    verdict: Verdict,
    causes: Sequence[RootCause],
    incident: Incident,
    findings: Findings,
    seen: Mapping[str, Modality],
) -> str:
    """The verdict in one sentence, and what it was given without."""
    unseen = [name for name in ("traces", "logs", "metrics") if not seen[name].incident]
    return _judgement(verdict, causes, incident, findings, seen["traces"]) + (
        f" Not seen: {', '.join(unseen)}." if unseen else ""
    )


def _judgement(
    verdict: Verdict, causes: Sequence[RootCause], incident: Incident, findings: Findings, traces: Modality
) -> str:
    if verdict is Verdict.FAULT:
        return fault_sentence(causes)
    if verdict is Verdict.HEALTHY:
        return healthy_sentence(traces.incident, traces.baseline)
    return f"No verdict: {_reason(causes, incident, findings, traces)}."


def _reason(causes: Sequence[RootCause], incident: Incident, findings: Findings, traces: Modality) -> str:
    if incident.baseline is None:
        return "without a baseline nothing says what is usual here"
    if causes and causes[0].chance < 1:
        return (
            f"{causes[0].service} deviates most, but quiet time shows as much in {causes[0].chance:.1%} "
            f"of its windows (a fault is named below {ALARM:.1%})"
        )
    if min(traces.incident, traces.baseline) < ENOUGH_TRACES:
        return (
            f"{traces.incident} requests in the incident window and {traces.baseline} in the baseline "
            f"are too few (at least {ENOUGH_TRACES} each are needed)"
        )
    if not findings.sees_failures:
        return "nothing is slow, but without log lines and span statuses failures would not show"
    return "something deviates, but nothing says which component causes it"
