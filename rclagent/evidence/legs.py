"""Legs channel: which pieces of time became slow.

A leg (rclagent.telemetry.legs) is slow when more of its values exceed the baseline's 95th
percentile (plus a margin) than chance allows, z > 3 from the share above it against 5 %, and either

- it is *felt*: the median rises by more than 5 ms and by more than half of its usual scale, or the mean by
  more than 20 ms and to more than twice its scale while at least 30 % of the values are above, or 10 % with
  z > 8, or a few of them far above: lost packets and pauses hold up some of many calls; or
- it is *clear*, however little it is: z > 8, and the median itself lies above the limit, by two
  standard deviations of the quiet values at least. Such legs tell where a weak fault is; how
  much they matter is weighed by the time that they lose.

How many values are far above is told by their first two moments: sums of s1 of the times above and of s2 of
their squares are those of s1^2 / s2 values, all late by s2 / s1. Quiet values are so late with a probability
of at most v / (v + (s2 / s1)^2), v their variance (Cantelli), whatever their distribution; z > 8 against
that, ten values, and one in 25, make a leg slow.

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
FAR_SHARE: Final = 0.04
"""Share of values far above from which a leg is slow: TCP sends again after 0.2 s or 1 s and doubles that, so
of 10 % of the packets that are lost the moments tell of about half."""
MIN_FAR: Final = 10
"""Fewer values far above happen at once: a pause holds up whatever runs at that moment."""
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
        ``base_std_ms``, ``base_p95_ms``, ``over`` (values above the limit), ``share`` (the same, 0..1),
        ``excess_ms`` (mean above the limit, over all values), ``over_std_ms`` (scatter of those above), ``z``
        and ``slow`` (Boolean), in order of key.
    """
    clocks = store.clocks([window], baseline.clocks)
    seen = store.legs([window], leg_limits(baseline.legs), clocks)
    return (
        judged_legs(seen, baseline.legs)
        .rename({"over_excess_ms": "excess_ms"})
        .select(
            *LEG_KEYS, "n", "base_n", "p50_ms", "base_p50_ms", "mean_ms", "base_mean_ms", "base_std_ms",
            "base_p95_ms", "over", "share", "excess_ms", "over_std_ms", "z", "slow",
        )
        .sort(LEG_KEYS)
    )  # fmt: skip


def peer_calls(legs: pl.DataFrame) -> pl.DataFrame:
    """Who waits for whom that sends no spans: ``service``, ``callee``, each pair once."""
    waits = legs.filter((pl.col("leg") == "store") & (pl.col("caller") != ""))
    return waits.select(pl.col("caller").alias("service"), "callee").unique()


def whole_calls(legs: pl.DataFrame) -> pl.DataFrame:
    """The legs with the whole gap of each call in place of both its halves, to see what telling them apart
    contributes."""
    rest = legs.filter(~pl.col("leg").is_in(["request", "response", "gap"]))
    gaps = legs.filter(pl.col("leg") == "gap")
    halves = (gaps.with_columns(pl.lit(name).alias("leg")) for name in ("request", "response"))
    return pl.concat([rest, gaps, *halves]).sort(LEG_KEYS)


def unrecorded_calls(baseline: Baseline) -> pl.DataFrame:
    """Calls that callers record no span for, of callers that do other things without that callee.

    Returns:
        ``service``, ``operation`` (by which requests enter it), ``callee``: called in most of these requests.
    """
    recorded = baseline.legs.filter(pl.col("leg") == "gap").select(service="caller", callee="callee")
    messages = baseline.legs.filter(pl.col("leg") == "message").select("callee", call="operation")
    entered = baseline.operations.filter(pl.col("requests") > 0)
    calls = (
        baseline.calls.filter((pl.col("callee") != pl.col("service")) & (2 * pl.col("hits") > pl.col("n")))
        .join(recorded, on=["service", "callee"], how="anti")
        .join(messages, on=["callee", "call"], how="anti")
        .select("service", "operation", "callee")
        .unique()
        .join(entered.group_by("service").agg(pl.len().alias("operations")), on="service")
    )
    does_without = pl.len().over("service", "callee") < pl.col("operations")
    return calls.filter(does_without).drop("operations").sort("service", "operation", "callee")


def judged_legs(seen: pl.DataFrame, quiet: pl.DataFrame, *, by: Sequence[str] = ()) -> pl.DataFrame:
    """Legs seen often enough on both sides, with what is usual of them and whether they are slow.

    Args:
        seen: LEG_KEYS, ``n``, ``over``, ``over_excess_ms``, ``over_std_ms``, ``mean_ms``, ``p50_ms``, further
            columns; several incidents at once where ``by`` tells them apart.
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
    often = (share >= 0.3) | ((share >= 0.1) & (pl.col("z") > CERTAIN_Z)) | _is_far()
    felt = ((rise > 5) & (rise > 0.5 * scale)) | ((mean_rise > 20) & (mean_rise > mean_scale) & often)
    clear = (share > 0.5) & (rise > CLEAR * pl.col("base_std_ms")) & (pl.col("z") > CERTAIN_Z)
    real = pl.when(rise > LEAST_MS).then(_with_gap(rise, "p50_ms")).otherwise(_with_gap(mean_rise, "mean_ms"))
    compared = both.with_columns(share.alias("share"), z.alias("z"), *_far()).with_columns(
        ((felt | clear) & real & (pl.col("z") > Z_GATE)).fill_null(False).alias("slow"),
        ((share >= 0.9) & (rise > SHIFTED * pl.col("base_std_ms"))).fill_null(False).alias("shifted"),
    )
    return _discovered(compared, [*by, *LEG_KEYS]).drop("far", "far_chance")


def _discovered(compared: pl.DataFrame, keys: Sequence[str]) -> pl.DataFrame:
    """Of the slow legs those that hold up among so many: one line a leg, ``slow`` corrected."""
    slow = compared.filter("slow").sort(keys)
    # Where few are far above, it is these that have to hold up.
    hits = pl.when(_is_far()).then(pl.col("far").cast(pl.Int64)).otherwise("over")
    usual = pl.max_horizontal(pl.lit(0.05), 1 / (pl.col("base_n") + 1))
    counts = slow.select(hits.alias("hits"), "n", pl.when(_is_far()).then("far_chance").otherwise(usual))
    tails = [binomial_tail(*row) for row in counts.iter_rows()]
    holds = discoveries(tails, max(compared.height, 1), FALSE_DISCOVERIES)
    kept = slow.select(keys).with_columns(pl.Series("holds", holds, dtype=pl.Boolean))
    return compared.join(kept, on=list(keys), how="left").with_columns(
        (pl.col("slow") & (pl.col("shifted") | pl.col("holds").fill_null(False))).alias("slow")
    )


def _far() -> tuple[pl.Expr, pl.Expr]:
    """How many values are far above the limit, ``far``, and the chance of each, ``far_chance``."""
    total = pl.col("over_excess_ms") * pl.col("n")
    squares = pl.col("over") * pl.col("over_std_ms") ** 2 + total**2 / pl.col("over")
    variance = pl.col("base_std_ms") ** 2
    chance = variance / (variance + (squares / total) ** 2)
    return (
        pl.when(total > 0).then(total**2 / squares).otherwise(0.0).fill_null(0.0).alias("far"),
        pl.when(total > 0)
        .then(chance)
        .fill_null(1.0)
        .clip(1 / (pl.col("base_n") + 1), 0.5)
        .alias("far_chance"),
    )


def _is_far() -> pl.Expr:
    share, chance = pl.col("far") / pl.col("n"), pl.col("far_chance")
    z = (share - chance) / (chance * (1 - chance) * (1 / pl.col("n") + 1 / pl.col("base_n"))).sqrt()
    # What a service does itself has bad moments; what is sent is held up where packets are lost.
    between = pl.col("leg") != "self"
    return between & (pl.col("far") >= MIN_FAR) & (share >= FAR_SHARE) & (z > CERTAIN_Z)


def _gaps(legs: pl.DataFrame, prefix: str, keys: Sequence[str]) -> pl.DataFrame:
    """Median and mean of the gap of each call."""
    figures = (pl.col(name).alias(f"{prefix}_{name}") for name in ("p50_ms", "mean_ms"))
    return legs.filter(pl.col("leg") == "gap").select(*keys, *figures)


def _with_gap(rise: pl.Expr, figure: str) -> pl.Expr:
    """Whether the whole gap rises by at least half as much; so where there is no gap. A gap of which no
    figures are told did not rise."""
    rises = pl.col(f"gap_now_{figure}") - pl.col(f"gap_{figure}") >= 0.5 * rise
    return pl.when(pl.col(f"gap_{figure}").is_null()).then(True).otherwise(rises.fill_null(False))
