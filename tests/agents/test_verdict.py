"""What is said of an incident as a whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from rclagent.agents.ranking import Ranked
from rclagent.agents.verdict import find_verdict
from rclagent.core.coverage import Modality
from rclagent.core.diagnosis import Verdict
from rclagent.core.evidence import Channel

if TYPE_CHECKING:
    from tests.agents.conftest import Measured

ENOUGH = Modality(incident=30, baseline=100)


def verdict_of(measured: Measured, score: float, channel: Channel, strength: float) -> Verdict:
    """Of an incident in which one service deviates."""
    measured.observe("e1", "cart", owner="cart", channel=channel, strength=strength)
    measured.candidate("cart", score, "e1")
    findings = measured.findings()
    return find_verdict([Ranked(findings.candidates[0], score, strength)], findings, ENOUGH)


@pytest.mark.parametrize(
    ("score", "channel", "strength", "verdict"),
    [
        (0.3, Channel.CALLS, 4.0, Verdict.FAULT),
        (0.29, Channel.CALLS, 20.0, Verdict.HEALTHY),  # something else is done, and not by many
        (0.1, Channel.ERRORS, 8.0, Verdict.FAULT),  # one request in ten fails beyond doubt
        (0.1, Channel.ERRORS, 7.9, Verdict.HEALTHY),
        (0.09, Channel.ERRORS, 20.0, Verdict.HEALTHY),
        (0.5, Channel.LEGS, 2.9, Verdict.INCONCLUSIVE),  # much, but perhaps by chance
    ],
)
def test_what_makes_a_fault(
    measured: Measured, score: float, channel: Channel, strength: float, verdict: Verdict
) -> None:
    assert verdict_of(measured, score, channel, strength) is verdict
