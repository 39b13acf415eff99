"""What the measurements leave open: suspects so close that nobody should bet on their order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeVar

OPEN_MARGIN: Final = 0.5
"""A suspect with at least half of the best one's weight is a rival: the summary names it as also suspect,
and by rclagent.agents.ranking.cause_confidence the first one is wrong in one case of nine or more
((0.5 / 1.5)^2 = 0.11)."""
MOST_RIVALS: Final = 5
"""Suspects weighed against each other at most; further ones keep their places."""

T = TypeVar("T")


def open_group(suspects: Sequence[T], weight: Callable[[T], float]) -> Sequence[T]:
    """The first suspects, as far as they are within the margin of the best; one of them where it is clear.

    Args:
        suspects: Heaviest first.
        weight: What speaks for each.
    """
    if not suspects or weight(suspects[0]) <= 0:
        return suspects[:0]
    least = (1 - OPEN_MARGIN) * weight(suspects[0])
    return [suspect for suspect in suspects if weight(suspect) >= least][:MOST_RIVALS]


def moved(weight: float, credit: float) -> float:
    """A weight with what claims are worth: by at most half of it, up or down.

    So a suspect at half of the best one's weight passes it only where claims fully support the one
    (0.5 x 1.5 = 0.75) and refute the other (1 x 0.5).

    Args:
        weight: As measured.
        credit: -1 (refuted) to 1 (supported).
    """
    return weight * (1 + OPEN_MARGIN * credit)
