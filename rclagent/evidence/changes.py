"""Shares that changed: the comparison that the channels of behaviour have in common.

A log template, a call or a last call is a share of the requests of an operation. It changed when

    |z| > 3 and |p1 - p0| >= 0.4, or |z| > 8 and |p1 - p0| >= 0.15

with z from rclagent.evidence.statistics.share_z, which knows how much the share scatters between
quiet times. A large change of few requests and a smaller one of many count alike; what
branches on data moves with the requests and stays below both.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import polars as pl

MIN_INCIDENT: Final = 3
"""Fewer requests of an operation show nothing about what they do."""
MIN_BASELINE: Final = 8
"""The same of the baseline."""
FULL_Z: Final = 10.0
"""Distance from which a change is as certain as it gets; below, its weight grows with z."""
HALF: Final = 0.5
"""Weight of observations that two services may own."""
TRIALS: Final = ("service", "operation")
"""Key of a trial."""


def changed(z: pl.Expr, difference: pl.Expr) -> pl.Expr:
    """Whether a share changed enough: |z| > 3 by at least 0.4, or |z| > 8 by at least 0.15."""
    return ((z.abs() > 3) & (difference.abs() >= 0.4)) | ((z.abs() > 8) & (difference.abs() >= 0.15))


def weight(z: pl.Expr, difference: pl.Expr) -> pl.Expr:
    """How much a change says, 0..1: min(1, |p1 - p0|) x min(1, |z| / FULL_Z)."""
    return difference.abs().clip(0, 1) * (z.abs() / FULL_Z).clip(0, 1)


def align(
    now: pl.DataFrame,
    before: pl.DataFrame,
    trials: pl.DataFrame,
    base_trials: pl.DataFrame,
    keys: Sequence[str],
) -> pl.DataFrame:
    """Counts of both sides for everything that either side shows; what is not seen has 0 hits.

    Args:
        now: ``keys`` and ``hits`` of the incident.
        before: ``keys``, ``hits`` and ``spread`` of the baseline.
        trials: TRIALS and ``n`` of the incident.
        base_trials: TRIALS and ``n`` of the baseline.
        keys: What tells shares apart, TRIALS among them.

    Returns:
        ``keys``, ``n``, ``hits``, ``base_n``, ``base_hits``, ``spread``, ``change`` (difference of the
        shares), where both sides have enough trials.
    """
    by, on = list(keys), list(TRIALS)
    change = pl.col("hits") / pl.col("n") - pl.col("base_hits") / pl.col("base_n")
    return (
        pl.concat([now.select(by), before.select(by)])
        .unique()
        .join(now.select(*by, "hits"), on=by, how="left")
        .join(before.select(*by, pl.col("hits").alias("base_hits"), "spread"), on=by, how="left")
        .join(trials.select(*on, "n"), on=on, how="left")
        .join(base_trials.select(*on, pl.col("n").alias("base_n")), on=on, how="left")
        .with_columns(pl.col("hits", "base_hits").fill_null(0), pl.col("spread").fill_null(0.0))
        .filter((pl.col("n") >= MIN_INCIDENT) & (pl.col("base_n") >= MIN_BASELINE))
        .with_columns(change.alias("change"))
    )
