"""What a model's claims are worth: as much as the evidence that they cite.

A claim about a component counts by its citations. One that names no evidence, or evidence with another
figure than the one measured (so it was not read), or that points elsewhere, is worth 0; one that points at
the component is worth how far it does so, 0..1: the component's own weight in it over the heaviest. The mean
over all citations is the claim's credit: whoever cites everything at hand gains nothing by it.

Refutation counts the other way round: by evidence seen at the component that points at others.

Credits reorder only the candidates that the measurements leave open (rclagent.agents.margin), and deal their
scores out anew: no score is ever higher than the best one measured, and whoever is outside stays outside.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from rclagent.agents.assertions import Assertion, Citation
from rclagent.agents.margin import moved, open_group
from rclagent.agents.ranking import Ranked
from rclagent.core.report import ModelClaim, Stance
from rclagent.evidence.findings import Findings
from rclagent.evidence.observations import figure

TOLERANCE: Final = 0.01
"""How far a copied figure may be off, as a share of it: models round."""
LEAST_CREDIT: Final = 0.5
"""A claim of less is dropped: its citations mostly speak of others."""

APART: Final = 0.999
"""Scores that were equal differ by this factor once claims tell the candidates apart."""

UNKNOWN_COMPONENT: Final = "no such component"
UNCITED: Final = "no evidence cited"
NO_SUCH_EVIDENCE: Final = "the cited evidence does not exist"
MISREAD: Final = "the cited figures are not those measured"
ELSEWHERE: Final = "the cited evidence points elsewhere"


@dataclass(frozen=True, slots=True)
class Checked:
    """Claims that count, and what became of the others."""

    claims: tuple[ModelClaim, ...] = ()
    """Those that count, in the order in which they were made."""
    dropped: Mapping[str, int] = field(default_factory=dict)
    """The others, counted by reason."""

    def credit(self, service: str) -> float:
        """What the claims say of a service: its best support less its best refutation, -1..1."""
        best = dict.fromkeys(Stance, 0.0)
        for claim in self.claims:
            if claim.service == service:
                best[claim.stance] = max(best[claim.stance], claim.credit)
        return best[Stance.SUPPORTS] - best[Stance.REFUTES]


def check(assertions: Iterable[Assertion], findings: Findings) -> Checked:
    """Holds each claim against what was measured; a claim made twice counts once."""
    known = {*findings.services, *(candidate.component.service for candidate in findings.candidates)}
    kept: dict[tuple[str, Stance, tuple[str, ...]], ModelClaim] = {}
    dropped: Counter[str] = Counter()
    for assertion in assertions:
        found = _checked(assertion, findings, known)
        if isinstance(found, str):
            dropped[found] += 1
        else:
            kept.setdefault((found.service, found.stance, found.evidence), found)
    return Checked(tuple(kept.values()), dict(sorted(dropped.items())))


def reorder(ranked: Sequence[Ranked], credits: Mapping[str, float]) -> list[Ranked]:
    """Candidates in the order that claims give those that are open.

    By hand: scores 1, 0.9 and 0.4, of which the second is fully supported: 0.9 x 1.5 = 1.35 passes 1. It
    gets the score 1, the other 0.9; the third is outside the margin and stays, whatever is claimed.

    Args:
        ranked: By falling score, as measured.
        credits: Service to what claims are worth, -1..1.
    """
    group = open_group(ranked, lambda item: item.score)
    weighed = {id(item): figure(moved(item.score, _of(credits, item))) for item in group}
    ordered = sorted(group, key=lambda item: -weighed[id(item)])
    dealt: list[Ranked] = []
    for item, measured in zip(ordered, group, strict=True):
        score = measured.score
        if dealt and score >= dealt[-1].score and _of(credits, item) != _of(credits, dealt[-1]):
            score = figure(APART * dealt[-1].score)
        dealt.append(replace(item, score=score))
    return [*dealt, *ranked[len(group) :]]


def points_at(findings: Findings, evidence_id: str, service: str) -> float:
    """How far an observation points at a service: its weight in it over the heaviest one's, 0..1."""
    claims = findings.claims.get(evidence_id, ())
    heaviest = max((claim.weight for claim in claims), default=0.0)
    own = max((claim.weight for claim in claims if claim.component.service == service), default=0.0)
    return own / heaviest if heaviest > 0 else 0.0


def _checked(assertion: Assertion, findings: Findings, known: set[str]) -> ModelClaim | str:
    service = assertion.component.strip()
    if service not in known:
        return UNKNOWN_COMPONENT
    if not assertion.citations:
        return UNCITED
    cited = list({citation.id: citation for citation in assertion.citations}.values())
    existing = [citation for citation in cited if citation.id in findings.evidence]
    if not existing:
        return NO_SUCH_EVIDENCE
    read = [citation for citation in existing if _was_read(citation, findings)]
    if not read:
        return MISREAD
    borne = {citation.id: _borne_out(citation.id, service, assertion.stance, findings) for citation in read}
    credit = figure(sum(borne.values()) / len(cited))
    if credit < LEAST_CREDIT:
        return ELSEWHERE
    return ModelClaim(
        service=service,
        stance=assertion.stance,
        evidence=tuple(evidence_id for evidence_id, worth in borne.items() if worth > 0),
        credit=credit,
        reason=assertion.reason,
    )


def _of(credits: Mapping[str, float], item: Ranked) -> float:
    return credits.get(item.candidate.component.service, 0.0)


def _was_read(citation: Citation, findings: Findings) -> bool:
    measured = findings.evidence[citation.id].strength
    return abs(citation.z - measured) <= TOLERANCE * measured


def _borne_out(evidence_id: str, service: str, stance: Stance, findings: Findings) -> float:
    pointing = points_at(findings, evidence_id, service)
    if stance is Stance.SUPPORTS:
        return pointing
    observed = findings.evidence[evidence_id]
    concerned = service in (observed.component.service, observed.peer) or pointing > 0
    owned = bool(findings.claims.get(evidence_id))
    return 1 - pointing if concerned and owned else 0.0


def joint_credit(ballots: Sequence[tuple[float, Checked]], service: str) -> float:
    """Mean of what several answers say of a service, -1..1, each by its weight; 0 without any.

    Args:
        ballots: Weight and claims of each answer to a question that was about the service.
        service: The service.
    """
    total = sum(weight for weight, _ in ballots)
    return sum(weight * claims.credit(service) for weight, claims in ballots) / total if total else 0.0
