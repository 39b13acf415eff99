"""How sure it is that a candidate is a cause, worked out by hand."""

from __future__ import annotations

import pytest

from rclagent.agents.ranking import Ranked, cause_confidence
from rclagent.core.evidence import Component, FaultType
from rclagent.evidence.findings import Candidate


def ranked(score: float, strength: float = 12.0, chance: float = 0.0) -> Ranked:
    """A candidate."""
    candidate = Candidate(Component(service="till"), FaultType.UNKNOWN, score, (), chance)
    return Ranked(candidate, score, strength)


def test_a_cause_is_as_sure_as_rivals_and_scatter_leave_it() -> None:
    """c = 2 / (2 + 1 + 2 x 3 / 12) = 0.5714 and 1 / (1 + 2 + 1 x 3 / 12) = 0.3077; 1 - (1 - c)^2."""
    both = [ranked(2.0), ranked(1.0)]
    assert cause_confidence(0, both) == pytest.approx(0.81633, abs=1e-5)
    assert cause_confidence(1, both) == pytest.approx(0.52071, abs=1e-5)


def test_a_cause_without_rival_is_doubted_for_its_scatter_alone() -> None:
    """c = 1 / (1 + 3 / 12) = 0.8."""
    assert cause_confidence(0, [ranked(2.0)]) == pytest.approx(0.96)


@pytest.mark.parametrize(("chance", "left"), [(0.005, 0.93283), (1.0, 0.5)])
def test_what_may_be_mere_chance_is_less_sure(chance: float, left: float) -> None:
    """Of 0.81633 as much as is not mere chance: 1 - 1 / (1 + 1 / 0.0720) after one in 200 windows."""
    both = [ranked(2.0, chance=chance), ranked(1.0)]
    assert cause_confidence(0, both) == pytest.approx(0.81633 * left, abs=1e-5)
