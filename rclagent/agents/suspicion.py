"""Turns evidence ids into suspected components, by the claims that fusion attached to them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from rclagent.core.evidence import Channel, Component, FaultType
from rclagent.evidence.findings import Claim, Findings

CODE_FAMILY: Final = frozenset({Channel.LOGS, Channel.CALLS, Channel.ERRORS, Channel.ENTRY})
"""Channels that look at the same requests: together they are one witness."""


@dataclass(frozen=True, slots=True)
class Suspicion:
    """A suspected component with what speaks for it."""

    component: Component
    """Service, with pod and node where the claims name them."""
    fault_type: FaultType
    """Kind of fault that most of the weight speaks for."""
    weight: float
    """What speaks for it, on the scale of candidate scores."""
    strength: float
    """z score of its strongest evidence."""
    evidence: tuple[str, ...]
    """Ids, strongest claim first."""


def weigh(findings: Findings, backing: Mapping[str, Iterable[str]]) -> list[Suspicion]:
    """What the given evidence says about each service, heaviest first.

    Args:
        findings: Evidence and claims.
        backing: Service to the ids brought forward for it; an id with no claim on that service
            counts nothing, and one named twice counts once.

    Returns:
        One suspicion for each service with at least one valid claim. Its weight is the sum of three
        families, as in fusion: all claims on legs; the strongest claim on resources; the strongest
        claim of the code family (logs, calls, errors, entry), because six failing requests seen in
        three ways are still six. By hand: legs of 2 and 3, a CPU of 4, logs of 5 and calls of 1
        weigh 2 + 3 + 4 + 5 = 14.
    """
    found = [_suspicion(findings, service, set(ids)) for service, ids in backing.items()]
    return sorted(
        (suspicion for suspicion in found if suspicion is not None),
        # Names decide last: to rename a service must not change the answer.
        key=lambda suspicion: (-suspicion.weight, -suspicion.strength, suspicion.component.service),
    )


def _suspicion(findings: Findings, service: str, ids: set[str]) -> Suspicion | None:
    claimed = [
        (claim, evidence_id)
        for evidence_id in ids
        for claim in findings.claims.get(evidence_id, ())
        if claim.component.service == service and evidence_id in findings.evidence
    ]
    if not claimed:
        return None
    claimed.sort(key=lambda pair: (-pair[0].weight, -findings.evidence[pair[1]].strength, pair[1]))
    ranked = tuple(dict.fromkeys(evidence_id for _, evidence_id in claimed))
    return Suspicion(
        component=_place([claim for claim, _ in claimed]),
        fault_type=_fault_type([claim for claim, _ in claimed]),
        weight=_joint_weight(findings, claimed),
        strength=max(findings.evidence[evidence_id].strength for evidence_id in ranked),
        evidence=ranked,
    )


def _joint_weight(findings: Findings, claimed: list[tuple[Claim, str]]) -> float:
    weights: defaultdict[Channel, list[float]] = defaultdict(list)
    seen: set[str] = set()
    for claim, evidence_id in claimed:  # Heaviest first: a second claim on the same evidence adds nothing.
        if evidence_id not in seen:
            seen.add(evidence_id)
            weights[findings.evidence[evidence_id].channel].append(claim.weight)
    legs = sum(weights.pop(Channel.LEGS, []))
    resources = max(weights.pop(Channel.RESOURCES, []), default=0.0)
    code = max((weight for channel in CODE_FAMILY for weight in weights[channel]), default=0.0)
    return legs + resources + code


def _place(claims: list[Claim]) -> Component:
    """The place that most of the weight names, the more precise one where two weigh the same."""
    weights: defaultdict[Component, float] = defaultdict(float)
    for claim in claims:
        weights[claim.component] += claim.weight
    return min(
        weights, key=lambda place: (-weights[place], place.pod is None, place.pod or "", place.node or "")
    )


def _fault_type(claims: list[Claim]) -> FaultType:
    weights: defaultdict[FaultType, float] = defaultdict(float)
    for claim in claims:
        weights[claim.fault_type] += claim.weight
    return min(weights, key=lambda kind: (-weights[kind], kind is FaultType.UNKNOWN, kind.value))
