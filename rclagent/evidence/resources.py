"""Resources channel: what ran out, or changed for good, on a pod or node.

Robust distance of a sample x from a series' baseline:

    z = (x - median) / max(1.4826 MAD, 5 % of |median|, (p99 - median) / 2.33)

that is the median absolute deviation as a standard deviation, a floor of 5 %, and the spread up to
the 99th percentile (2.33 standard deviations of a normal distribution). x is the *second* largest
(or smallest) sample of the window: one odd sample happens at random.

A share of a limit *saturates* at 80 % if z > 8 or it never was half as high before: beyond four
fifths queues grow without bound (an M/M/1 queue at 80 % holds five times its service time). Where
nothing is saturated a share of at least a third with z > 25 counts, as does any other series with
z > 25 that left the range of the baseline, weaker.

Source: robust z score (median and MAD), as in Rousseeuw and Croux 1993.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from rclagent.core.baseline import Baseline
from rclagent.core.store import TelemetryStore
from rclagent.core.window import Window
from rclagent.evidence.metric_names import classified

SATURATED: Final = 0.8
"""Share of a limit from which queues grow without bound."""
SATURATED_Z: Final = 8.0
"""Below it the service always runs that full."""
SUSTAINED: Final = 1 / 3
"""Share of a limit that can hurt at all."""
CHANGED_Z: Final = 25.0
"""Distance from which a change alone counts: the baseline's own spread says little about its far tail."""
MIN_SAMPLES: Final = 2
"""Samples needed in the window."""
MIN_BASELINE: Final = 5
"""Samples needed in the baseline."""

_KEYS: Final = ("service", "pod", "node", "metric")


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
        ``is_node``, ``n``, ``base_n``, ``value`` (second extreme sample), ``base_p50``, ``base_p99``,
        ``level`` (share of the limit 0..1, null where no limit is known), ``z`` (signed),
        ``saturated`` (Boolean), in order of key.
    """
    before = baseline.series.select(
        *_KEYS,
        pl.col("n").alias("base_n"),
        pl.col("p50").alias("base_p50"),
        pl.col("mad").alias("base_mad"),
        pl.col("p99").alias("base_p99"),
        pl.col("low").alias("base_low"),
        pl.col("high").alias("base_high"),
    )
    both = (
        store.series([window])
        .join(before, on=list(_KEYS), how="inner")
        .filter((pl.col("n") >= MIN_SAMPLES) & (pl.col("base_n") >= MIN_BASELINE))
        .with_columns(**classified(pl.col("metric")))
        .filter(~pl.col("is_symptom"))
    )
    figures = (pl.col("base_p50"), pl.col("base_mad"), pl.col("base_p99"))
    up, down = robust_z(pl.col("high"), *figures), robust_z(pl.col("low"), *figures)
    # By sign, for of two samples the second smallest is the larger one.
    rises = up >= -down
    z = pl.when(rises).then(up).otherwise(down)
    value = pl.when(rises).then("high").otherwise("low")
    percent = pl.col("metric").str.contains(r"%|(?i)percent|pct") | (
        pl.max_horizontal("high", "base_high") > 1.5
    )
    level = pl.when(pl.col("is_share")).then(value / pl.when(percent).then(100.0).otherwise(1.0))
    left_range = (pl.col("value") > pl.col("base_high")) | (pl.col("value") < pl.col("base_low"))
    doubled = pl.col("value") >= 2 * pl.col("base_high")
    saturated = (pl.col("level") >= SATURATED) & ((pl.col("z") > SATURATED_Z) | doubled)
    moved = (
        (pl.col("z").abs() > CHANGED_Z)
        & left_range
        & (pl.col("level").is_null() | (pl.col("level") >= SUSTAINED))
    )
    return (
        both.with_columns(value.alias("value"), level.alias("level"), z.alias("z"))
        .with_columns(saturated.fill_null(False).alias("saturated"))
        .filter(pl.col("saturated") | moved)
        .select(
            *_KEYS, "resource", "fault_type", "is_node", "n", "base_n", "value", "base_p50", "base_p99",
            "level", "z", "saturated",
        )
        .sort(_KEYS)
    )  # fmt: skip
