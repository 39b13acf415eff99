"""When something began to differ: the CUSUM of many streams of counts at once.

What a stream shows in a second is put into one number, its gain: the logarithm of how much likelier it is
under "changed" than under "as usual". The sum of gains that starts anew whenever it falls below zero,

    S(t) = max(0, S(t - 1) + gain(t)),

rises while what is seen fits the change better. A change is confirmed where S reaches a threshold h; it
began where the sum of the gains from there up to the confirmation is largest, its most likely place.

How often chance confirms a change is bounded without any approximation, for few requests as for many.
While all is as usual, the exponential of a sum of gains has a mean of at most 1 however long it goes on,
so that the sum ever reaches h with a probability of at most e^-h (Ville's inequality); S is the largest of
the sums over all places to start from. With K streams and N slots of time to start from, some
change is confirmed by chance with a probability of at most K N e^-h. So

    h = log(K N / chance).

A change has to last, and what happens within seconds seldom happens for reasons of its own: the gain of one
slot counts for at most h / LEAST_SLOTS, whatever it shows, which can only make chance rarer. A burst of ten
seconds touches three slots, and so is never a change.

Sources: E. S. Page, Continuous Inspection Schemes (Biometrika 41, 1954); G. Lorden, Procedures for
Reacting to a Change in Distribution (Annals of Mathematical Statistics 42, 1971), theorem 2, for the bound.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log
from typing import Final

import polars as pl

SLOT_S: Final = 5
"""Seconds in a slot of time."""
LEAST_SLOTS: Final = 4
"""Slots that have to show a change before it is confirmed."""

_ROUNDING: Final = 1e-9  # four quarters of the threshold must reach it


@dataclass(frozen=True, slots=True)
class Change:
    """A change that is confirmed."""

    since: int
    """Second in which it most likely began."""
    confirmed: int
    """Slot in which it was beyond chance."""
    strength: float
    """Sum of the gains from there to the end of that slot: how much likelier it is than none, logarithm."""


def log_ratio(hits: pl.Expr, n: pl.Expr, usual: pl.Expr, changed: float) -> pl.Expr:
    """Gain of ``hits`` out of ``n`` when their share is ``changed`` and not ``usual``.

    k log(p1 / p0) + (n - k) log((1 - p1) / (1 - p0)); its exponential has a mean of at most 1 wherever the
    true share is p0 or less.

    Args:
        hits: Count, 0..n.
        n: Trials.
        usual: Largest share p0 that is as usual, in 0..changed, both ends excluded.
        changed: Share p1 after a change, below 1.
    """
    return hits * (changed / usual).log() + (n - hits) * ((1 - changed) / (1 - usual)).log()


def pooled(
    table: pl.DataFrame, keys: Sequence[str], levels: Sequence[Sequence[str]], value: str
) -> pl.DataFrame:
    """Streams, and streams added up: what is spread over many may show too little in each.

    Args:
        table: ``keys``, ``value``, and further columns, which tell lines of a stream apart.
        keys: What tells streams apart.
        levels: Keys that are kept at each level; all others are added up.
        value: Column to add up.

    Returns:
        The columns of ``table`` and ``level``; keys that are not kept are empty.
    """
    rest = [name for name in table.columns if name not in (*keys, value)]
    return pl.concat(
        table.group_by(*level, *rest)
        .agg(pl.col(value).sum())
        .select(
            pl.lit(number).alias("level"),
            *(pl.col(name) if name in level else pl.lit("").alias(name) for name in keys),
            *rest,
            value,
        )
        for number, level in enumerate(levels)
    )


def first_change(gains: pl.DataFrame, chance: float) -> Change | None:
    """The change that is confirmed first; of those confirmed in one slot, the strongest.

    Args:
        gains: ``second`` (Int64, any origin) and ``gain``, one line for each second in which a stream shows
            anything; all other columns tell streams apart.
        chance: Probability, at most, that a change is confirmed though there is none.

    Returns:
        None where no change is confirmed.
    """
    keys = [name for name in gains.columns if name not in ("second", "gain")]
    streams = gains.select(keys).unique().sort(keys).with_row_index("stream")
    if not streams.height:
        return None
    slot = (pl.col("second") // SLOT_S).alias("slot")
    gains = gains.join(streams, on=keys, how="inner").select("stream", slot, "second", "gain")
    threshold = log(streams.height * gains["slot"].n_unique() / chance)
    sums = _cusum(gains, threshold / LEAST_SLOTS)
    reached = sums.filter(pl.col("sum") > threshold * (1 - _ROUNDING))
    first = reached.filter(pl.col("slot") == pl.col("slot").min())
    return _strongest(gains, sums, first) if first.height else None


def _cusum(gains: pl.DataFrame, most: float) -> pl.DataFrame:
    """``stream``, ``slot`` and ``sum`` (S at the end of the slot), where a stream shows anything."""
    total = pl.col("gain").cum_sum().over("stream")
    # A sum that starts anew below zero is the total less its lowest point so far, the start included.
    lowest = pl.min_horizontal(pl.lit(0.0), pl.col("total").cum_min().over("stream"))
    return (
        gains.group_by("stream", "slot")
        .agg(pl.col("gain").sum().clip(upper_bound=most))
        .sort("stream", "slot")
        .with_columns(total.alias("total"))
        .select("stream", "slot", (pl.col("total") - lowest).alias("sum"))
    )


def _strongest(gains: pl.DataFrame, sums: pl.DataFrame, confirmed: pl.DataFrame) -> Change:
    """Of the streams that are confirmed in one slot, the change that is likeliest by their gains."""
    slot = int(confirmed["slot"][0])
    zero = (pl.col("slot") < slot) & (pl.col("sum") == 0)
    anew = sums.filter(zero).group_by("stream").agg(pl.col("slot").max().alias("anew"))
    since = (
        gains.join(confirmed, on="stream", how="semi")
        .join(anew, on="stream", how="left")
        .filter(pl.col("slot") <= slot, pl.col("slot") >= pl.coalesce("anew", "slot"))
        .sort("stream", "second")
        .with_columns(pl.col("gain").cum_sum(reverse=True).over("stream").alias("rest"))
        .sort("rest", "second", "stream", descending=[True, True, False])
    )
    return Change(since=int(since["second"][0]), confirmed=slot, strength=float(since["rest"][0]))
