"""What the measurements leave open."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rclagent.agents.margin import MOST_RIVALS, moved, open_group

WEIGHTS = st.lists(st.floats(0, 100), max_size=12).map(lambda weights: sorted(weights, reverse=True))


def itself(weight: float) -> float:
    """A weight is what it weighs."""
    return weight


def test_half_of_the_best_is_a_rival_and_less_is_not() -> None:
    """By hand: 0.5 x 4 = 2."""
    assert list(open_group([4.0, 2.0, 1.99], itself)) == [4.0, 2.0]


def test_nothing_weighs_nothing() -> None:
    """Neither nobody nor suspects without weight are rivals."""
    assert list(open_group([], itself)) == list(open_group([0.0, 0.0], itself)) == []


def test_claims_move_a_weight_by_half_at_most() -> None:
    """By hand: 2 x 1.5, 2 x 0.5, 2 x 1.25."""
    assert (moved(2, 1), moved(2, -1), moved(2, 0.5)) == (3, 1, 2.5)


@given(WEIGHTS)
def test_the_group_is_a_bounded_beginning(weights: list[float]) -> None:
    """It never skips anyone."""
    group = list(open_group(weights, itself))
    assert group == weights[: len(group)] and len(group) <= MOST_RIVALS
