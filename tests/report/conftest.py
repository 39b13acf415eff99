"""Diagnoses made by hand, for the report tests."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rclagent.core.coverage import Coverage, Modality, SourceCoverage
from rclagent.core.diagnosis import (
    Agents,
    Change,
    ChangeKind,
    Diagnosis,
    Hop,
    IncidentSummary,
    PropagationPath,
    Reasoning,
    RootCause,
    RuledOut,
    Usage,
    Verdict,
)
from rclagent.core.evidence import Channel, Component, Evidence, EvidenceKind, FaultType
from rclagent.core.incident import Alarm

START_NS = 1_675_078_740_000_000_000  # 2023-01-30 11:39:00 UTC


def make_evidence(number: int, service: str, statement: str) -> Evidence:
    """One piece of evidence with the id ``e<number>``."""
    return Evidence(
        id=f"e{number}",
        channel=Channel.LEGS,
        kind=EvidenceKind.RESPONSE_LEG,
        component=Component(service=service),
        strength=10.0 - number,
        statement=statement,
    )


def make_change(service: str, after_s: float, statement: str | None = None) -> Change:
    """A new version, so long after the alarm; negative before it."""
    at_ns = START_NS + round(after_s * 1e9)
    return Change(
        service=service,
        kind=ChangeKind.VERSION,
        earliest_ns=at_ns,
        at_ns=at_ns,
        before=("1.0",),
        after=("1.1",),
        statement=statement or f"{service} changed from 1.0 to 1.1 at {after_s:g} s",
    )


@pytest.fixture
def changed() -> Callable[..., Diagnosis]:
    """The same diagnosis with changes, by service and seconds after the alarm."""

    def change(diagnosis: Diagnosis, *changes: tuple[str, float]) -> Diagnosis:
        return diagnosis.model_copy(update={"changes": tuple(make_change(*each) for each in changes)})

    return change


@pytest.fixture
def fault() -> Diagnosis:
    """A fault with one clear cause, one weak candidate and gaps in what was seen."""
    path = PropagationPath(
        services=("cart", "checkout", "frontend"),
        hops=(
            Hop(source="cart", target="checkout", edge_exists=True, deviates=True, in_order=True),
            Hop(source="checkout", target="frontend", edge_exists=True, deviates=True, in_order=False),
        ),
        verified=False,
        problem="frontend slowed down 8 s before checkout did.",
    )
    return Diagnosis(
        verdict=Verdict.FAULT,
        confidence=0.97,
        summary="cart is slow to reach: a network delay of about 502 ms on its replies.",
        incident=IncidentSummary(
            start_ns=START_NS,
            end_ns=START_NS + 180_000_000_000,
            alarm_ns=START_NS,
            alarm=Alarm.GIVEN,
            entry="frontend",
            entry_operation="GET /cart",
        ),
        root_causes=(
            RootCause(
                rank=1,
                service="cart",
                pod="cart-7d8f",
                node="worker-2",
                fault_type=FaultType.NETWORK_DELAY,
                score=9.1,
                confidence=0.97,
                propagation_path=path,
                evidence=tuple(f"e{number}" for number in range(7)),
                summary="Replies take 502 ms instead of 1.3 ms.",
            ),
            RootCause(
                rank=2,
                service="email",
                fault_type=FaultType.UNKNOWN,
                score=0.4,
                confidence=0.03,
                summary="CPU went from 2 % to 9 %.",
            ),
        ),
        evidence=tuple(
            make_evidence(number, "cart", f"Replies of cart, statement {number}: 502 ms against 1.3 ms.")
            for number in range(7)
        ),
        ruled_out=(RuledOut(service="checkout", reason="waits for cart; its own time is as usual."),),
        agents=Agents(traces=("t1", "t2"), spawned=143, spans=1160, spans_settled=90, failed=1),
        coverage=Coverage(
            sources=[
                SourceCoverage(path="incident/traces.jsonl", format="otlp", dropped={"truncated_line": 1}),
                SourceCoverage(path="incident/metrics.jsonl", format="otlp", repaired={"unit": 2}),
            ],
            modalities={
                "spans": Modality(incident=12_044, baseline=50_310),
                "logs": Modality(incident=0, baseline=0),
                "metrics": Modality(incident=1, baseline=80),
            },
            repairs={"missing_parent": 4},
            missing=["No logs were given."],
            notes=["The baseline holds 3 minutes only."],
        ),
    )


@pytest.fixture
def healthy() -> Diagnosis:
    """Nothing deviates."""
    return Diagnosis(
        verdict=Verdict.HEALTHY,
        confidence=0.9,
        summary="Nothing deviates from the baseline.",
        incident=IncidentSummary(
            start_ns=START_NS, end_ns=START_NS + 1, alarm_ns=START_NS, alarm=Alarm.FOUND
        ),
    )


@pytest.fixture
def reasoned(fault: Diagnosis) -> Diagnosis:
    """The fault, after a model was asked three questions and answered two."""
    reasoning = Reasoning(
        model="tiny",
        spend="suspicious",
        questions=3,
        answered=2,
        claims=3,
        candidates_weighed=("cart", "email"),
        reordered=True,
    )
    return fault.model_copy(
        update={
            "explanation": "The replies of cart are late.\nThe others wait for it.",
            "agents": fault.agents.model_copy(update={"reasoning": reasoning}),
            "usage": Usage(model_calls=4, input_tokens=2000, output_tokens=500, cost_usd=0.0125),
        }
    )
