"""Legs channel: which pieces of time became slow.

A leg (rclagent.telemetry.legs) is slow when more of its values exceed the baseline's 95th
percentile (plus a margin) than chance allows, z > 3 from the share above it against 5 %, and either

- it is *felt*: the median rises by more than 5 ms and by more than half of its usual scale, or the mean by
  more than 20 ms and to more than twice its scale while at least 30 % of the values are above, or 10 % with
  z > 8: lost packets and pauses hold up a few of many calls; or
- it is *clear*, however little it is: z > 8, and the median itself lies above the limit, by two
  standard deviations of the quiet values at least. Such legs tell where a weak fault is; how
  much they matter is weighed by the time that they lose.

Hundreds of legs are looked at, many with few calls, so of those that pass only the ones count whose exact
probability holds up against that many (rclagent.evidence.statistics.discoveries), or that moved as a
whole, nine in ten values and the median by ten standard deviations.

Each half of a call is compared with its own baseline, so a constant clock skew cancels; its
scale is the usual whole gap of the call, which no clock touches. A half that rises while the gap does not
rise by half as much moved with a clock: that is skew, not delay.
"""

from __future__ import annotations

from collections.abc import Sequence
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
CLEAR: Final = 2.0
"""Standard deviations by which the median of a leg that is little but clearly slower rises: half of
the values then lie where quiet ones are one in twenty."""
MARGIN_MS: Final = 0.5
"""Added to the 95th percentile at most: clocks and schedulers are no finer."""
MARGIN: Final = 0.5
"""The same in standard deviations of the leg, of which it may be the smaller: where quiet values are
alike, clocks and schedulers are finer."""
LEAST_MS: Final = 0.1
"""No rise below it counts: clocks are corrected by as much."""


def leg_limits(baseline: pl.DataFrame) -> pl.DataFrame:
    """Above which value a leg is odd, as column ``limit_ms``: its 95th percentile and a margin of half a
    standard deviation, at least LEAST_MS and at most MARGIN_MS."""
    margin = (MARGIN * pl.col("std_ms")).clip(LEAST_MS, MARGIN_MS)
    return baseline.select(*LEG_KEYS, (pl.col("p95_ms") + margin).alias("limit_ms"))


def compare_legs(store: TelemetryStore, window: Window, baseline: Baseline) -> pl.DataFrame:
    """Every leg seen often enough in both, with its deviation.

    Returns:
        LEG_KEYS, ``n``, ``base_n``, ``p50_ms``, ``base_p50_ms``, ``mean_ms``, ``base_mean_ms``,
        ``base_p95_ms``, ``over`` (values above the limit), ``share`` (the same, 0..1), ``excess_ms`` (mean
        above the limit, over all values), ``over_std_ms`` (scatter of those above), ``z`` and ``slow``
        (Boolean), in order of key.
    """
    clocks = store.clocks([window], baseline.clocks)
    seen = store.legs([window], leg_limits(baseline.legs), clocks)
    return (
        judged_legs(seen, baseline.legs)
        .rename({"over_excess_ms": "excess_ms"})
        .select(
            *LEG_KEYS, "n", "base_n", "p50_ms", "base_p50_ms", "mean_ms", "base_mean_ms", "base_p95_ms",
            "over", "share", "excess_ms", "over_std_ms", "z", "slow",
        )
        .sort(LEG_KEYS)
    )  # fmt: skip


def whole_calls(legs: pl.DataFrame) -> pl.DataFrame:
    """The legs with the whole gap of each call in place of both its halves, to see what telling them apart
    contributes."""
    rest = legs.filter(~pl.col("leg").is_in(["request", "response", "gap"]))
    gaps = legs.filter(pl.col("leg") == "gap")
    halves = (gaps.with_columns(pl.lit(name).alias("leg")) for name in ("request", "response"))
    return pl.concat([rest, gaps, *halves]).sort(LEG_KEYS)


def judged_legs(seen: pl.DataFrame, quiet: pl.DataFrame, *, by: Sequence[str] = ()) -> pl.DataFrame:
    """Legs seen often enough on both sides, with what is usual of them and whether they are slow.

    Args:
        seen: LEG_KEYS, ``n``, ``over``, ``mean_ms``, ``p50_ms``, further columns; several incidents
            at once where ``by`` tells them apart.
        quiet: Legs of the baseline (LEG_SCHEMA).
        by: Columns that tell incidents apart.

    Returns:
        The columns of ``seen``, those of ``quiet`` with ``base_``, ``share``, ``z``, ``slow``.
    """
    usual = quiet.select(*LEG_KEYS, pl.exclude(*LEG_KEYS, "spread").name.prefix("base_"), "spread")
    call = ["caller", "callee", "operation"]
    both = (
        seen.join(usual, on=list(LEG_KEYS), how="inner")
        .join(_gaps(quiet, "gap", call), on=call, how="left")
        .join(_gaps(seen, "gap_now", [*by, *call]), on=[*by, *call], how="left")
        .filter((pl.col("base_n") >= MIN_BASELINE) & (pl.col("n") >= MIN_INCIDENT))
    )
    scale = pl.coalesce("gap_p50_ms", "base_p50_ms").abs()
    mean_scale = pl.coalesce("gap_p50_ms", "base_mean_ms").abs()
    rise = pl.col("p50_ms") - pl.col("base_p50_ms")
    mean_rise = pl.col("mean_ms") - pl.col("base_mean_ms")
    share = pl.col("over") / pl.col("n")
    z = exceedance_z(pl.col("over"), pl.col("n"), pl.col("base_n"), pl.col("spread"))
    often = (share >= 0.3) | ((share >= 0.1) & (pl.col("z") > CERTAIN_Z))
    felt = ((rise > 5) & (rise > 0.5 * scale)) | ((mean_rise > 20) & (mean_rise > mean_scale) & often)
    clear = (share > 0.5) & (rise > CLEAR * pl.col("base_std_ms")) & (pl.col("z") > CERTAIN_Z)
    real = pl.when(rise > LEAST_MS).then(_with_gap(rise, "p50_ms")).otherwise(_with_gap(mean_rise, "mean_ms"))
    compared = both.with_columns(share.alias("share"), z.alias("z")).with_columns(
        ((felt | clear) & real & (pl.col("z") > Z_GATE)).fill_null(False).alias("slow"),
        ((share >= 0.9) & (rise > SHIFTED * pl.col("base_std_ms"))).fill_null(False).alias("shifted"),
    )
    return _discovered(compared, [*by, *LEG_KEYS])


def _discovered(compared: pl.DataFrame, keys: Sequence[str]) -> pl.DataFrame:
    """Of the slow legs those that hold up among so many: one line a leg, ``slow`` corrected."""
    slow = compared.filter("slow").sort(keys)
    counts = slow.select("over", "n", "base_n").iter_rows()
    tails = [binomial_tail(over, n, max(0.05, 1 / (base_n + 1))) for over, n, base_n in counts]
    holds = discoveries(tails, max(compared.height, 1), FALSE_DISCOVERIES)
    kept = slow.select(keys).with_columns(pl.Series("holds", holds, dtype=pl.Boolean))
    return compared.join(kept, on=list(keys), how="left").with_columns(
        (pl.col("slow") & (pl.col("shifted") | pl.col("holds").fill_null(False))).alias("slow")
    )


def _gaps(legs: pl.DataFrame, prefix: str, keys: Sequence[str]) -> pl.DataFrame:
    """Median and mean of the gap of each call."""
    figures = (pl.col(name).alias(f"{prefix}_{name}") for name in ("p50_ms", "mean_ms"))
    return legs.filter(pl.col("leg") == "gap").select(*keys, *figures)


def _with_gap(rise: pl.Expr, figure: str) -> pl.Expr:
    """Whether the whole gap rises by at least half as much; so where there is no gap. A gap of which no
    figures are told did not rise."""
    rises = pl.col(f"gap_now_{figure}") - pl.col(f"gap_{figure}") >= 0.5 * rise
    return pl.when(pl.col(f"gap_{figure}").is_null()).then(True).otherwise(rises.fill_null(False))
