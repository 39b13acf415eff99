"""How sure a share of a few faults is."""

from __future__ import annotations

from math import sqrt
from typing import Final

_Z_95: Final = 1.959963984540054


def wilson(hits: float, n: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share.

    Args:
        hits: Successes, 0..n; a fraction where ties count at their expected value.
        n: Trials.

    Returns:
        Lower and upper bound, 0..1; (0, 1) without trials.

    Source: E. B. Wilson, JASA 22 (1927), equation for the score interval.
    """
    if n == 0:
        return 0.0, 1.0
    share = min(1.0, max(0.0, hits / n))  # sums of floats may leave the range by rounding
    spread = _Z_95**2 / n
    middle = share + spread / 2
    half = _Z_95 * sqrt(share * (1 - share) / n + spread / (4 * n))
    return max(0.0, (middle - half) / (1 + spread)), min(1.0, (middle + half) / (1 + spread))
