"""Resources channel: what ran out, or changed for good, on a pod or node.

Robust distance of a sample x from a series' baseline:

    z = (x - median) / max(1.4826 MAD, 5 % of |median|, (p99 - median) / 2.33)

that is the median absolute deviation as a standard deviation, a floor of 5 %, and the spread up to
the 99th percentile (2.33 standard deviations of a normal distribution). x is the *second* largest
(or smallest) sample of the window: one odd sample happens at random.

A share of a limit, of time or of packets (rclagent.evidence.limits) *saturates* at 80 %, or from where
it hurts (rclagent.evidence.metric_bounds), if z > 8 or it never was half as high before: beyond four
fifths queues grow without bound (an M/M/1 queue at 80 % holds five times its service time). So does a
pool for which somebody waits, and memory for want of which a process is killed. Where nothing is
saturated a share of at least a third with z > 25 counts (of what hurts earlier, in proportion), as does
any other series with z > 25 that left the range of the baseline, weaker; a series of unknown meaning has
to leave it tenfold. Of events that never happened before, such as restarts, one counts.

Source: robust z score (median and MAD), as in Rousseeuw and Croux 1993.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from rclagent.core.baseline import Baseline
from rclagent.core.store import TelemetryStore
from rclagent.core.window import Window
from rclagent.evidence.limits import KEYS, bounded, in_shares, limits_of
from rclagent.evidence.metric_bounds import FULL, ITS_LIMIT
from rclagent.evidence.metric_names import OOM_KILLS, QUEUE, classified
from rclagent.evidence.processors import over_processors

SATURATED_Z: Final = 8.0
"""Below it the service always runs that full."""
SUSTAINED: Final = 1 / 3
"""Share of a limit that can hurt at all."""
CHANGED_Z: Final = 25.0
"""Distance from which a change alone counts: the baseline's own spread says little about its far tail."""
TENFOLD: Final = 9.0
"""How far a series of unknown meaning has to leave its range, in sizes of it: in quiet times the system calls
of idle pods rise sixfold."""
MIN_SAMPLES: Final = 2
"""Samples needed in the window."""
MIN_BASELINE: Final = 5
"""Samples needed in the baseline."""


def robust_z(value: pl.Expr, median: pl.Expr, mad: pl.Expr, p99: pl.Expr) -> pl.Expr:
    """Distance of a sample from a baseline, in robust standard deviations; see the module's formula.

    Returns:
        Dimensionless; where the baseline does not vary at all and is 0, its spread is taken as 1 % of
        the value, so that a first sample above zero is far but finite.
    """
    spread = pl.max_horizontal(
        1.4826 * mad, 0.05 * median.abs(), (p99 - median).abs() / 2.33, 0.01 * value.abs()
    )
    return pl.when(spread > 0).then((value - median) / spread).otherwise(0.0)


def compare_series(store: TelemetryStore, window: Window, baseline: Baseline) -> pl.DataFrame:
    """Series that saturate or changed.

    Returns:
        ``service``, ``pod``, ``node``, ``metric``, ``resource``, ``fault_type`` (null where anonymous),
        ``is_node``, ``is_pool`` (a slow callee fills it), ``n``, ``base_n``, ``value`` (second extreme
        sample, of events the mean; a share where another series tells the limit), ``base_p50``,
        ``base_p99``, ``level`` (share 0..1, null where no limit is known), ``of`` (what it is a share of,
        for people), ``z`` (signed), ``saturated`` (Boolean), in order of key.
    """
    measured = _with_distance(_side_by_side(store, window, baseline))
    fills = (pl.col("level") >= pl.col("full")) & (
        (pl.col("z") > SATURATED_Z) | (pl.col("value") >= 2 * pl.col("base_high"))
    )
    # In a queue nobody waited before, and somebody does now.
    queues = (pl.col("resource") == QUEUE) & (pl.col("value") >= 1) & (pl.col("base_high") < 1)
    happens = pl.col("is_event") & (pl.col("mean") > pl.col("base_high"))
    saturated = pl.any_horizontal(
        pl.col("level").is_not_null() & fills, queues, happens & (pl.col("resource") == OOM_KILLS)
    ).fill_null(False)
    return (
        measured.with_columns(saturated.alias("saturated"))
        .filter(pl.col("saturated") | happens | (_moved() & ~pl.col("is_event")))
        .select(
            *KEYS, "resource", "fault_type", "is_node", "is_pool", "n", "base_n", "value", "base_p50",
            "base_p99", "level", "of", "z", "saturated",
        )
        .sort(KEYS)
    )  # fmt: skip


def _side_by_side(store: TelemetryStore, window: Window, baseline: Baseline) -> pl.DataFrame:
    """Series of window and baseline that may be evidence, as shares of their limits where these are known."""
    now, before = over_processors(store.series([window])), over_processors(baseline.series)
    past = before.select(*KEYS, pl.exclude(KEYS).name.prefix("base_"))
    both = now.join(past, on=list(KEYS), how="inner").filter(
        (pl.col("n") >= MIN_SAMPLES) & (pl.col("base_n") >= MIN_BASELINE)
    )
    both = (
        classified(both)
        .filter(~pl.col("is_symptom"))
        .join(limits_of(now, "high"), on=list(KEYS), how="left")
        .join(limits_of(before, "p50").rename({"limit": "base_limit"}), on=list(KEYS), how="left")
    )
    return in_shares(bounded(both)).filter(~pl.col("is_limit"))


def _with_distance(both: pl.DataFrame) -> pl.DataFrame:
    """Adds ``value``, ``z``, ``level``, and ``full``: the level at which it hurts."""
    figures = (pl.col("base_p50"), pl.col("base_mad"), pl.col("base_p99"))
    up, down = robust_z(pl.col("high"), *figures), robust_z(pl.col("low"), *figures)
    # By sign, for of two samples the second smallest is the larger one.
    rises = up >= -down
    extreme = pl.when(rises).then("high").otherwise("low")
    percent = pl.col("metric").str.contains(r"%|(?i)percent|pct") | (
        pl.max_horizontal("high", "base_high") > 1.5
    )
    level = (
        pl.when("is_part")
        .then(extreme)
        .when("is_share")
        .then(extreme / pl.when(percent).then(100.0).otherwise(1.0))
    )
    return both.with_columns(
        # A single event is in one sample only; a second extreme would hide it.
        pl.when("is_event").then("mean").otherwise(extreme).alias("value"),
        pl.when("is_event")
        .then(robust_z(pl.col("mean"), *figures))
        .when(rises)
        .then(up)
        .otherwise(down)
        .alias("z"),
        level.alias("level"),
        pl.when("is_part").then("full").otherwise(FULL).alias("full"),
        pl.when("is_part").then("of").when(level.is_not_null()).then(pl.lit(ITS_LIMIT)).alias("of"),
    )


def _moved() -> pl.Expr:
    """Whether a series is far from its baseline, outside of its range, and large enough to hurt."""
    value, low, high = pl.col("value"), pl.col("base_low"), pl.col("base_high")
    reach = pl.when(pl.col("resource").is_null()).then(TENFOLD).otherwise(0.0) * pl.max_horizontal(
        low.abs(), high.abs()
    )
    left_range = (value > high + reach) | (value < low - reach)
    large = (
        pl.when(pl.col("level").is_not_null())
        .then(pl.col("level") >= SUSTAINED / FULL * pl.col("full"))
        .otherwise(value.abs() >= pl.col("least"))
    )
    return (pl.col("z").abs() > CHANGED_Z) & left_range & large
