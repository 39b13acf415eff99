"""The formula of confidence, by hand and as a whole."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rclagent.agents.confidence import confidence, doubt

positive = st.floats(min_value=1e-3, max_value=1e3)


def test_the_example_of_the_docstring() -> None:
    """Weight 10, rival 5, strength 6: 0.5; without the rival 0.67."""
    assert confidence(10, doubt(10, 5, 6)) == 0.5
    assert confidence(10, doubt(10, 0, 6)) == pytest.approx(2 / 3)


def test_scatter_alone_gives_no_confidence() -> None:
    """A strength of zero leaves unbounded doubt."""
    assert confidence(10, doubt(10, 0, 0)) == 0


@given(weight=positive, rival=positive, strength=positive, more=positive)
def test_confidence_rises_with_weight_and_strength_and_falls_with_the_rival(
    weight: float, rival: float, strength: float, more: float
) -> None:
    """It stays in 0..1 and is monotone in each of the three."""
    sure = confidence(weight, doubt(weight, rival, strength))
    assert 0 <= sure <= 1
    assert confidence(weight + more, doubt(weight + more, rival, strength)) >= sure - 1e-12
    assert confidence(weight, doubt(weight, rival, strength + more)) >= sure - 1e-12
    assert confidence(weight, doubt(weight, rival + more, strength)) <= sure + 1e-12
