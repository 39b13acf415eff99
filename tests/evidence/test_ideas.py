"""Rules of the evidence step left out one at a time, to see what each contributes."""

from __future__ import annotations

from functools import cache

import pytest

from rclagent.core.evidence import EvidenceKind, FaultType, Idea
from rclagent.core.incident import Incident
from rclagent.engine.loading import incident_from_telemetry
from rclagent.evidence.collect import collect_evidence
from rclagent.evidence.findings import Findings
from rclagent.testing import Fault, IncidentSpec, generate


@cache
def incident(fault_type: FaultType) -> Incident:
    """A fault at the pricing service of the shop, at half of the requests where it is one of the code."""
    share = 0.5 if fault_type is FaultType.EXCEPTION else 1.0
    made = generate(
        IncidentSpec(seed=3, faults=(Fault(fault_type, "pricing", share=share),), requests_per_s=2)
    )
    return incident_from_telemetry(made.incident, alarm_ns=made.alarm_ns, baseline_telemetry=made.baseline)


def found(fault_type: FaultType, *without: Idea) -> Findings:
    """What is measured of it without some rules."""
    return collect_evidence(incident(fault_type), without)


def kinds(findings: Findings) -> set[EvidenceKind]:
    """Kinds of observations."""
    return {evidence.kind for evidence in findings.evidence.values()}


@pytest.mark.parametrize("fault_type", [FaultType.NETWORK_DELAY, FaultType.EXCEPTION])
@pytest.mark.parametrize("idea", Idea)
def test_without_any_one_rule_there_is_still_an_answer(fault_type: FaultType, idea: Idea) -> None:
    assert found(fault_type, idea).candidates


def test_without_halves_both_of_a_slow_call_look_alike() -> None:
    evidence = found(FaultType.NETWORK_DELAY, Idea.HALVES).evidence.values()
    requests, responses = (
        {
            (item.peer, item.component.service, item.operation, item.strength)
            for item in evidence
            if item.kind is kind
        }
        for kind in (EvidenceKind.REQUEST_LEG, EvidenceKind.RESPONSE_LEG)
    )
    assert requests == responses != set()


def test_without_negatives_nothing_speaks_against_a_mechanism() -> None:
    whole, blind = (found(FaultType.NETWORK_DELAY, *without) for without in ((), (Idea.NEGATIVES,)))
    assert blind.candidates[0].score >= whole.candidates[0].score


def test_without_break_points_none_is_seen() -> None:
    assert EvidenceKind.BREAK_POINT in kinds(found(FaultType.EXCEPTION))
    assert EvidenceKind.BREAK_POINT not in kinds(found(FaultType.EXCEPTION, Idea.BREAK_POINTS))


def test_without_leads_lines_are_compared_with_all_requests() -> None:
    whole, blind = (found(FaultType.EXCEPTION, *without) for without in ((), (Idea.LEADS,)))
    assert any("after «" in evidence.statement for evidence in whole.evidence.values())
    assert not any("after «" in evidence.statement for evidence in blind.evidence.values())


def test_channels_that_see_the_same_requests_add_up_without_the_one_witness() -> None:
    whole, summed = (found(FaultType.EXCEPTION, *without) for without in ((), (Idea.ONE_WITNESS,)))
    assert summed.candidates[0].score > 1.5 * whole.candidates[0].score


def test_without_chance_strengths_count_as_measured() -> None:
    whole, measured = (found(FaultType.EXCEPTION, *without) for without in ((), (Idea.CHANCE,)))
    assert measured.candidates[0].chance == 1
    assert measured.candidates[0].score > whole.candidates[0].score
