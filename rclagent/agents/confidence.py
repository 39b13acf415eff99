"""How sure an agent or the synthesizer is: one formula for both."""

from __future__ import annotations

from typing import Final

GATE_Z: Final = 3.0
"""Standard deviations at which an observation begins to count; there it is as likely right as wrong."""


def doubt(weight: float, rival: float, strength: float) -> float:
    """What speaks against a suspect, on the scale of its weight.

    Two things do: the rival that explains the trouble nearly as well, and the chance that the
    suspect's strongest observation is mere scatter. The second shrinks with its z score::

        doubt = rival + weight x GATE_Z / strength

    Args:
        weight: What speaks for the suspect, > 0.
        rival: What speaks for the next best suspect, >= 0, on the same scale.
        strength: z score of the suspect's strongest observation; at 0 the doubt has no bound.
    """
    return rival + weight * GATE_Z / strength if strength > 0 else float("inf")


def confidence(weight: float, against: float) -> float:
    """Sureness in 0..1 from what speaks for and against: ``weight / (weight + against)``.

    It rises with the weight and falls with the doubt. By hand: a weight of 10 with a rival of 5
    and a strength of 6 has a doubt of 5 + 10 x 3 / 6 = 10, so a confidence of 10 / 20 = 0.5;
    without the rival 10 / 15 = 0.67.
    """
    return weight / (weight + against) if weight > 0 else 0.0
