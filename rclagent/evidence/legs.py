"""Legs channel: which pieces of time became slow.

A leg (rclagent.telemetry.legs) is slow when more of its values exceed the baseline's 95th
percentile than chance allows, and the change is large enough to be felt:

    z > 3, z from the share of values above p95 + 0.5 ms against 5 %, and either
    the median rises by more than 5 ms and by more than half of its usual scale, or
    the mean rises by more than 20 ms and to more than twice its scale while at least 30 % of
    the values are above, or 10 % with z > 8: lost packets and pauses hold up a few of many calls.

Hundreds of legs are looked at, many with few calls, so of those that pass only the ones count whose exact
probability holds up against that many (rclagent.evidence.statistics.discoveries), or that moved as a
whole, nine in ten values and the median by ten standard deviations.

Each half of a call is compared with its own baseline, so a constant clock skew cancels; its
scale is the usual whole gap of the call, which no clock touches. A half that rises while the gap does not
rise by half as much moved with a clock: that is skew, not delay.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from rclagent.core.baseline import LEG_KEYS, Baseline
from rclagent.core.store import TelemetryStore
from rclagent.core.window import Window
from rclagent.evidence.statistics import Z_GATE, binomial_tail, discoveries, exceedance_z

MIN_BASELINE: Final = 3
"""Fewer values have no spread; what few values can prove, z takes into account."""
MIN_INCIDENT: Final = 3
"""One or two slow values happen at random: first calls, collections of garbage."""
CERTAIN_Z: Final = 8.0
"""Distance from which a share is beyond doubt, as for changes of behaviour (rclagent.evidence.changes)."""
FALSE_DISCOVERIES: Final = 0.01
"""Share of the slow legs that may be chance."""
SHIFTED: Final = 10.0
"""Standard deviations from which a leg has moved as a whole: whatever the distribution, one value in a
hundred at most is that far off (Chebyshev), so three of three come about once in a million times."""
MARGIN_MS: Final = 0.5
"""Added to the 95th percentile: clocks and schedulers are no finer."""


def leg_limits(baseline: pl.DataFrame) -> pl.DataFrame:
    """Above which value a leg is odd: its 95th percentile plus MARGIN_MS, as column ``limit_ms``."""
    return baseline.select(*LEG_KEYS, (pl.col("p95_ms") + MARGIN_MS).alias("limit_ms"))


def compare_legs(store: TelemetryStore, window: Window, baseline: Baseline) -> pl.DataFrame:
    """Every leg seen often enough in both, with its deviation.

    Returns:
        LEG_KEYS, ``n``, ``base_n``, ``p50_ms``, ``base_p50_ms``, ``mean_ms``, ``base_mean_ms``,
        ``base_p95_ms``, ``over`` (values above the limit), ``share`` (the same, 0..1), ``excess_ms`` (mean
        above the limit, over all values), ``over_std_ms`` (scatter of those above), ``z`` and ``slow``
        (Boolean), in order of key.
    """
    quiet = baseline.legs.select(
        *LEG_KEYS,
        pl.col("n").alias("base_n"),
        pl.col("p50_ms").alias("base_p50_ms"),
        pl.col("mean_ms").alias("base_mean_ms"),
        pl.col("p95_ms").alias("base_p95_ms"),
        pl.col("std_ms").alias("base_std_ms"),
        "spread",
    )
    clocks = store.clocks([window], baseline.clocks)
    seen = store.legs([window], leg_limits(baseline.legs), clocks)
    call = ["caller", "callee", "operation"]
    gaps = _gaps(baseline.legs, "gap").join(_gaps(seen, "gap_now"), on=call, how="left")
    both = seen.join(quiet, on=list(LEG_KEYS), how="inner").join(gaps, on=call, how="left")
    both = both.filter((pl.col("base_n") >= MIN_BASELINE) & (pl.col("n") >= MIN_INCIDENT))
    scale = pl.coalesce("gap_p50_ms", "base_p50_ms").abs()
    mean_scale = pl.coalesce("gap_p50_ms", "base_mean_ms").abs()
    rise = pl.col("p50_ms") - pl.col("base_p50_ms")
    mean_rise = pl.col("mean_ms") - pl.col("base_mean_ms")
    share = pl.col("over") / pl.col("n")
    z = exceedance_z(pl.col("over"), pl.col("n"), pl.col("base_n"), pl.col("spread"))
    often = (share >= 0.3) | ((share >= 0.1) & (pl.col("z") > CERTAIN_Z))
    felt = ((rise > 5) & (rise > 0.5 * scale) & _with_gap(rise, "p50_ms")) | (
        (mean_rise > 20) & (mean_rise > mean_scale) & often & _with_gap(mean_rise, "mean_ms")
    )
    compared = both.with_columns(share.alias("share"), z.alias("z")).with_columns(
        (felt & (pl.col("z") > Z_GATE)).alias("slow"),
        ((share >= 0.9) & (rise > SHIFTED * pl.col("base_std_ms"))).alias("shifted"),
    )
    return (
        _discovered(compared)
        .rename({"over_excess_ms": "excess_ms"})
        .select(
            *LEG_KEYS, "n", "base_n", "p50_ms", "base_p50_ms", "mean_ms", "base_mean_ms", "base_p95_ms",
            "over", "share", "excess_ms", "over_std_ms", "z", "slow",
        )
        .sort(LEG_KEYS)
    )  # fmt: skip


def _discovered(compared: pl.DataFrame) -> pl.DataFrame:
    """Of the slow legs those that hold up among so many: one line a leg, ``slow`` corrected."""
    slow = compared.filter("slow").sort(LEG_KEYS)
    counts = slow.select("over", "n", "base_n").iter_rows()
    tails = [binomial_tail(over, n, max(0.05, 1 / (base_n + 1))) for over, n, base_n in counts]
    holds = discoveries(tails, max(compared.height, 1), FALSE_DISCOVERIES)
    kept = slow.select(LEG_KEYS).with_columns(pl.Series("holds", holds, dtype=pl.Boolean))
    return compared.join(kept, on=list(LEG_KEYS), how="left").with_columns(
        (pl.col("slow") & (pl.col("shifted") | pl.col("holds").fill_null(False))).alias("slow")
    )


def _gaps(legs: pl.DataFrame, prefix: str) -> pl.DataFrame:
    """Median and mean of the gap of each call."""
    figures = (pl.col(name).alias(f"{prefix}_{name}") for name in ("p50_ms", "mean_ms"))
    return legs.filter(pl.col("leg") == "gap").select("caller", "callee", "operation", *figures)


def _with_gap(rise: pl.Expr, figure: str) -> pl.Expr:
    """Whether the whole gap rises by at least half as much; so where there is no gap."""
    return (pl.col(f"gap_now_{figure}") - pl.col(f"gap_{figure}") >= 0.5 * rise).fill_null(True)
