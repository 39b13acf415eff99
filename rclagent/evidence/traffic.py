"""Traffic: entries that are hardly asked for any more.

A crash of what stands in front shows in nothing but requests that no longer come. Load changes all day
long, so usual is any rate from half of the expected one on, and changed is a sixteenth: below about a fifth
of what is expected the gain is positive. Expected is the entry's share of all requests, in the
minutes before or in the baseline, whichever is smaller (a job that has run its course is no
failure), times the rate of all requests in the minutes before.

An entry has dropped only where it has both by the clock and beside the other entries: when load falls
everywhere, its share stays, and when another entry swamps it, its rate stays. The smaller of both gains
counts; either alone would keep the bound on chance. Both are divided by the dispersion of the
entry's own counts (variance over mean, at least 1): of an entry whose requests come in bursts a pause tells
less. Slots without any request were not recorded, as far as entries can tell, and count on no side.

Source: gains of the Poisson and of the binomial distribution; McCullagh and Nelder, Generalized Linear
Models (1989), chapter 9, for the dispersion.
"""

from __future__ import annotations

from math import log
from typing import Final

import polars as pl

from rclagent.evidence.cusum import SLOT_S, pooled

STILL_USUAL: Final = 1 / 2
"""Of the expected rate: load may halve."""
DROPPED: Final = 1 / 16
"""Of the expected rate: hardly anything is left."""
RECENT: Final = 60
"""Recorded slots that the expected rate is taken from: five minutes."""
LEAST_RECENT: Final = 12
"""Slots that it takes at least: a minute."""
LAG: Final = 12
"""Slots right before are not taken: a minute of a drop must not lower what is expected."""
RARE: Final = 6
"""An entry asked for less than once in so many slots is left out: its pauses outlast any window."""

_ENTRY: Final = ("service", "operation")
_STREAM: Final = ("level", *_ENTRY)


def traffic_gains(requests: pl.DataFrame) -> pl.DataFrame:
    """Gains of a drop, of each entry and of each entry service.

    Args:
        requests: ``service``, ``operation``, ``second``, ``n`` (requests), ``base_n`` (of the entry in the
            baseline).

    Returns:
        ``level``, ``service``, ``operation``, ``second`` (first of each slot), ``gain``; none of the first
        LAG + LEAST_RECENT recorded slots.
    """
    counts = _counts(requests)
    now, mean = pl.col("n"), pl.col("mean")
    share = pl.min_horizontal(mean / pl.col("all_mean"), pl.col("base_share"))
    odds = pl.col("share") / (1 - pl.col("share"))
    by_clock = _poisson(now, pl.col("share") * pl.col("all_mean"))
    beside = _binomial(now, pl.col("all"), odds)
    return (
        _with_recent(counts)
        .filter((mean > 0) & (share < 1))
        .with_columns(share.alias("share"))
        .select(
            *_STREAM,
            second=pl.col("slot") * SLOT_S,
            gain=pl.min_horizontal(by_clock, beside) / (pl.col("var") / mean).clip(1.0),
        )
    )


def _counts(requests: pl.DataFrame) -> pl.DataFrame:
    """Requests ``n`` of each stream that is not rare in each recorded slot, and of ``all`` entries; with its
    share of requests in the baseline, ``base_share``."""
    slot = (pl.col("second") // SLOT_S).alias("slot")
    levels = (_ENTRY, ("service",))
    entries = requests.group_by(_ENTRY).agg(pl.col("base_n").first())
    base_share = pl.col("base_n") / entries["base_n"].sum()
    seen = pooled(requests.select(*_ENTRY, slot, "n"), _ENTRY, levels, "n")
    recorded = requests.group_by(slot).agg(pl.col("n").sum().alias("all"))
    common = seen.group_by(_STREAM).agg(pl.col("n").sum()).filter(pl.col("n") * RARE >= recorded.height)
    return (
        pooled(entries, _ENTRY, levels, "base_n")
        .join(common.select(_STREAM), on=list(_STREAM), how="semi")
        .select(*_STREAM, base_share.alias("base_share"))
        .join(recorded, how="cross")
        .join(seen, on=[*_STREAM, "slot"], how="left")
        .with_columns(pl.col("n").fill_null(0))
        .sort(*_STREAM, "slot")
    )


def _with_recent(counts: pl.DataFrame) -> pl.DataFrame:
    """Mean and variance of a stream, and mean of all, a slot, over the slots before each."""
    mean, var, all_mean = (
        recent.shift(LAG + 1).over(_STREAM)
        for recent in (
            pl.col("n").rolling_mean(RECENT, min_samples=LEAST_RECENT),
            pl.col("n").rolling_var(RECENT, min_samples=LEAST_RECENT),
            pl.col("all").rolling_mean(RECENT, min_samples=LEAST_RECENT),
        )
    )
    return counts.with_columns(mean.alias("mean"), var.alias("var"), all_mean.alias("all_mean")).drop_nulls()


def _poisson(n: pl.Expr, expected: pl.Expr) -> pl.Expr:
    """Gain of n requests where DROPPED of the expected come and not STILL_USUAL of them."""
    return n * log(DROPPED / STILL_USUAL) + (STILL_USUAL - DROPPED) * expected


def _binomial(n: pl.Expr, total: pl.Expr, odds: pl.Expr) -> pl.Expr:
    """Gain of n requests out of all, where one comes DROPPED times the odds and not STILL_USUAL times.

    With odds o an entry has the share o / (1 + o) of all requests.
    """
    others = ((1 + STILL_USUAL * odds) / (1 + DROPPED * odds)).log()
    return n * log(DROPPED / STILL_USUAL) + total * others
