"""What is said of an incident as a whole."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from rclagent.agents.ranking import Ranked
from rclagent.agents.verdict import find_verdict, verdict_confidence
from rclagent.core.coverage import Modality
from rclagent.core.diagnosis import Verdict
from rclagent.core.evidence import Channel
from rclagent.evidence.findings import Findings

if TYPE_CHECKING:
    from tests.agents.conftest import Measured

ENOUGH = Modality(incident=30, baseline=100)


def ranked(findings: Findings) -> list[Ranked]:
    """The candidates as fusion gave them."""
    return [
        Ranked(item, item.score, max(findings.evidence[name].strength for name in item.evidence))
        for item in findings.candidates
    ]


@pytest.mark.parametrize(
    ("score", "chance", "verdict"),
    [
        (0.3, 0.0049, Verdict.FAULT),
        (0.05, 0.0049, Verdict.FAULT),  # little, but quiet time hardly ever shows it
        (0.3, 0.005, Verdict.INCONCLUSIVE),
        (0.14, 0.049, Verdict.INCONCLUSIVE),  # rare
        (0.14, 0.05, Verdict.HEALTHY),
        (0.15, 0.5, Verdict.INCONCLUSIVE),  # frequent, but much
    ],
)
def test_what_makes_a_fault(measured: Measured, score: float, chance: float, verdict: Verdict) -> None:
    """Of an incident in which one service deviates."""
    measured.observe("e1", "cart", owner="cart")
    measured.candidate("cart", score, "e1", chance=chance)
    findings = measured.findings()
    assert find_verdict(ranked(findings), findings, ENOUGH) is verdict


def test_any_candidate_may_make_a_fault(measured: Measured) -> None:
    """Also one that is not the first."""
    for service, score, chance in (("cart", 0.5, 0.3), ("till", 0.2, 0.001)):
        measured.observe(service, service, owner=service)
        measured.candidate(service, score, service, chance=chance)
    findings = measured.findings()
    assert find_verdict(ranked(findings), findings, ENOUGH) is Verdict.FAULT


@pytest.mark.parametrize(
    ("traces", "felt", "sees_failures", "verdict"),
    [
        (Modality(incident=20, baseline=20), False, True, Verdict.HEALTHY),
        (Modality(incident=19, baseline=99), False, True, Verdict.INCONCLUSIVE),
        (Modality(incident=99, baseline=19), False, True, Verdict.INCONCLUSIVE),
        (ENOUGH, True, True, Verdict.INCONCLUSIVE),  # users feel something that nobody owns
        (ENOUGH, False, False, Verdict.INCONCLUSIVE),  # failures would not show
    ],
)
def test_what_makes_an_incident_healthy(
    measured: Measured, traces: Modality, felt: bool, sees_failures: bool, verdict: Verdict
) -> None:
    if felt:
        measured.observe("entry", "front", channel=Channel.ENTRY)
    findings = replace(measured.findings(), sees_failures=sees_failures)
    assert find_verdict([], findings, traces) is verdict


def test_a_fault_is_as_sure_as_its_surest_candidate_is_not_mere_chance(measured: Measured) -> None:
    """0.001: 1 - 1 / (1 + 1 / 0.018777)."""
    for service, chance in (("cart", 0.3), ("till", 0.001)):
        measured.observe(service, service, owner=service)
        measured.candidate(service, 0.5, service, chance=chance)
    found = ranked(measured.findings())
    assert verdict_confidence(Verdict.FAULT, found, ENOUGH) == pytest.approx(0.981569, abs=1e-6)


def test_healthy_is_as_sure_as_much_was_seen() -> None:
    """30 / (30 + 20)."""
    assert verdict_confidence(Verdict.HEALTHY, [], ENOUGH) == pytest.approx(0.6)
    assert verdict_confidence(Verdict.INCONCLUSIVE, [], ENOUGH) == 0
