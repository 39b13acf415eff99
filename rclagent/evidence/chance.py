"""Chance: how likely quiet time brings about a deviation as strong as the one at hand.

The incident's own baseline answers. Each piece of it is looked at as though it were an incident
(rclagent.evidence.pieces); s_i is the strongest deviation that a channel sees in piece i of m. Quiet
time shows something of strength s with probability

    P(s) = (m0 min(1, s0 / s)^2 + sum over i of min(1, s_i / s)^2) / (m0 + m)

A piece that showed as much counts whole, one that showed less counts as far as a power law with index 2
lets expect more of it: what happens at half the strength happens at the full one a quarter as often. The
first term stands for m0 pieces seen elsewhere, so that a short baseline claims nothing it cannot
know: their strength s0 is that of generated quiet windows. Of the m pieces the strongest fifth
is left out: what an earlier fault left behind must not excuse the next one.

From there to the probability that the deviation is chance after all, where both were equally likely
before: at least 1 / (1 - 1 / (e P ln P)) for P < 1/e, whatever a fault looks like.

Sources: kernel-smoothed empirical distribution; Sellke, Bayarri and Berger, Calibration of p values for
testing precise null hypotheses (The American Statistician, 2001).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import ceil, e, log
from typing import Final

import polars as pl

from rclagent.core.evidence import Channel, Evidence, EvidenceKind
from rclagent.evidence.fusion import Suspicion
from rclagent.evidence.logs import ERROR_LEVELS
from rclagent.evidence.observations import figure

PRIOR_PIECES: Final = 10
"""Weight of what was seen elsewhere, in pieces."""
PRIOR_STRENGTH: Final = 0.024
"""Strength of the noise in generated quiet windows: with it a strength of 0.3 counts as a fault where three
calm pieces of quiet time are left, and one of 0.15 where there are forty-two."""
PRIOR_LOST: Final = 0.2
"""The same of time lost in slow legs, in units of what users feel (rclagent.evidence.fusion.lost_share): 1 %
of all request time. Legs of many values are never slow by chance, but some have a bad moment."""
PRIOR_FAILURE: Final = 0.004
"""The same of failure itself, which quiet systems seldom show: 0.05 counts after ten minutes, one request in
twenty beyond doubt."""
UNMEASURED: Final = 0.05
"""The same of channels that are not measured piece by piece."""
RESIDUE: Final = 0.2
"""Share of the pieces, the strongest ones and one at least, that may hold what an earlier fault left."""
FAILURES: Final = "failures"
"""Errors, silence, and lines that tell of failure are a channel of their own."""


_CODE: Final = "code"
_PRIORS: Final = {
    Channel.LEGS.value: PRIOR_LOST,
    FAILURES: PRIOR_FAILURE,
    Channel.RESOURCES.value: UNMEASURED,
}


@dataclass(frozen=True, slots=True)
class Chance:
    """Tail probabilities of the strengths that one system's quiet time shows."""

    strengths: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    """Channel to the strength in each piece, without the residue."""

    @staticmethod
    def of(quiet: pl.DataFrame) -> Chance:
        """From a baseline's table (QUIET_SCHEMA)."""
        by_channel = quiet.sort("channel", "strength", "piece").group_by("channel", maintain_order=True)
        found = {str(name): table["strength"].to_list() for (name,), table in by_channel}
        return Chance(
            {
                name: tuple(values[: len(values) - ceil(RESIDUE * len(values))])
                for name, values in found.items()
            }
        )

    def tail(self, channel: str, strength: float) -> float:
        """Probability P that a quiet window shows as much; 1 for nothing. By hand: strength 0.5 after
        pieces of 0.1 and 0: (10 x 0.048^2 + 0.2^2) / 12 = 0.0053."""
        if strength <= 0:
            return 1.0
        seen = self.strengths.get(channel)
        usual = _PRIORS.get(channel, PRIOR_STRENGTH)
        expected = PRIOR_PIECES * min(1.0, usual / strength) ** 2
        expected += sum(min(1.0, other / strength) ** 2 for other in seen or ())
        return min(1.0, expected / (PRIOR_PIECES + len(seen or ())))


def channel_of(evidence: Evidence) -> str:
    """The channel by which quiet time knows an observation."""
    appeared = evidence.kind is EvidenceKind.LOG_APPEARED and evidence.severity in ERROR_LEVELS
    return FAILURES if appeared or evidence.channel is Channel.ERRORS else evidence.channel.value


def temper(suspicion: Suspicion, evidence: Mapping[str, Evidence], chance: Chance, lost: float) -> Suspicion:
    """What is left of a suspicion when each channel counts as far as it is not mere chance.

    A channel that is loud in quiet time is believed less; legs add up, of the others the strongest
    observation counts.

    Args:
        suspicion: As measured.
        evidence: All observations.
        chance: What quiet time shows.
        lost: Time lost in slow legs that the service owns, in units of what users feel: of legs it counts
            here in place of the score, which knows no more than one unit.
    """
    strength: dict[str, float] = defaultdict(float)
    for name, weight in suspicion.weights.items():
        channel = channel_of(evidence[name])
        together = strength[channel] + weight
        strength[channel] = together if channel == Channel.LEGS else max(strength[channel], weight)
    strength[Channel.LEGS] = lost
    tails = {channel: chance.tail(channel, value) for channel, value in strength.items()}
    real = {channel: 1 - mere_chance(tail) for channel, tail in tails.items()}
    weights = {
        name: figure(weight * real[channel_of(evidence[name])]) for name, weight in suspicion.weights.items()
    }
    before, after = _families(suspicion.weights, evidence), _families(weights, evidence)
    return replace(
        suspicion,
        timing=min(1.0, sum(after[Channel.LEGS])),
        code_left=suspicion.code_left * max(after[_CODE]) / max(before[_CODE]) if before[_CODE] else 0.0,
        resources=max(after[Channel.RESOURCES], default=0.0),
        weights=weights,
        chance=min(tails.values(), default=1.0),
    )


def _families(weights: Mapping[str, float], evidence: Mapping[str, Evidence]) -> dict[str, list[float]]:
    """Weights of the observations about time, about resources and about behaviour."""
    families: dict[str, list[float]] = {Channel.LEGS: [], Channel.RESOURCES: [], _CODE: []}
    for name, weight in weights.items():
        families.get(evidence[name].channel, families[_CODE]).append(weight)
    return families


def mere_chance(tail: float) -> float:
    """Probability that a deviation with this tail probability is chance, 0..1/2.

    By hand: P = 0.005 gives 1 / (1 + 1 / 0.0720) = 0.067.
    """
    if tail >= 1 / e:
        return 0.5
    if tail <= 0:
        return 0.0
    return 1 / (1 - 1 / (e * tail * log(tail)))
