"""Logs channel: lines that vanished or appeared, given the operation that should log them.

What is compared is P(template | service, operation of the span that logged), so that a change of
the traffic mix largely cancels. A change counts when

    |z| > 3 and |p1 - p0| >= 0.4, or |z| > 8 and |p1 - p0| >= 0.15

(rclagent.evidence.statistics.share_z). Errors that vanish are no evidence: the past was worse. Where
lines name no span, the rate of lines per request of the service is compared, with a higher gate.
When all lines of a service are gone while its spans go on, the collection of logs broke; that
is told as coverage, not as a symptom.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from rclagent.core.baseline import Baseline
from rclagent.core.store import TelemetryStore
from rclagent.core.window import Window
from rclagent.evidence.statistics import rate_z, share_z

MIN_INCIDENT: Final = 3
"""Fewer requests of an operation show nothing about its lines."""
MIN_BASELINE: Final = 8
"""The same of the baseline."""
RATE_GATE: Final = 8.0
"""Gate of z for lines that name no span: bursts of one request are not independent."""
ERROR_LEVELS: Final = ("ERROR", "FATAL", "CRITICAL", "SEVERE", "EMERGENCY", "ALERT")
"""Severities of lines that tell of failure."""

_KEYS: Final = ("service", "operation", "severity", "template")


def changed(z: pl.Expr, difference: pl.Expr) -> pl.Expr:
    """Whether a share changed enough: |z| > 3 by at least 0.4, or |z| > 8 by at least 0.15."""
    return ((z.abs() > 3) & (difference.abs() >= 0.4)) | ((z.abs() > 8) & (difference.abs() >= 0.15))


def silent_services(store: TelemetryStore, window: Window, baseline: Baseline) -> list[str]:
    """Services that logged in the baseline and send spans now, but not one line."""
    seen = store.components([window]).group_by("service").agg(pl.col("logs", "spans").sum())
    before = baseline.components.group_by("service").agg(pl.col("logs").sum().alias("base_logs"))
    return sorted(
        seen.join(before, on="service")
        .filter((pl.col("logs") == 0) & (pl.col("spans") >= MIN_BASELINE) & (pl.col("base_logs") >= MIN_BASELINE))["service"]
        .to_list()
    )  # fmt: skip


def compare_templates(store: TelemetryStore, window: Window, baseline: Baseline) -> pl.DataFrame:
    """Log templates whose frequency changed.

    Returns:
        ``service``, ``operation`` (empty where lines name no span), ``severity``, ``template``,
        ``n``, ``hits``, ``base_n``, ``base_hits``, ``change`` (difference of the shares, or of the rates
        per request), ``z``; in order of key.
    """
    totals = store.operations([window])
    both = _align(store.templates([window]), totals, baseline.templates, baseline.operations)
    change = pl.col("hits") / pl.col("n") - pl.col("base_hits") / pl.col("base_n")
    counts = (pl.col("hits"), pl.col("n"), pl.col("base_hits"), pl.col("base_n"))
    is_rate = pl.col("operation") == ""
    gone_error = pl.col("severity").is_in(ERROR_LEVELS) & (pl.col("change") < 0)
    doubled = pl.max_horizontal("hits", "base_hits") > 2 * pl.min_horizontal(
        pl.col("hits") * pl.col("base_n") / pl.col("n"), pl.col("base_hits") * pl.col("n") / pl.col("base_n")
    )
    silent = silent_services(store, window, baseline)
    return (
        both.with_columns(
            change.alias("change"), pl.when(is_rate).then(rate_z(*counts)).otherwise(share_z(*counts)).alias("z")
        )
        .filter(
            pl.when(is_rate)
            .then((pl.col("z").abs() > RATE_GATE) & doubled)
            .otherwise(changed(pl.col("z"), pl.col("change")))
            & ~gone_error
            & ~pl.col("service").is_in(silent)
        )
        .select(*_KEYS, "n", "hits", "base_n", "base_hits", "change", "z")
        .sort(_KEYS)
    )


def _align(now: pl.DataFrame, totals: pl.DataFrame, before: pl.DataFrame, base_totals: pl.DataFrame) -> pl.DataFrame:
    """Counts of both sides for every template of either; a template not seen has 0 hits."""
    keys = pl.concat([now.select(_KEYS), before.select(_KEYS)]).unique()
    return (
        keys.join(now.select(*_KEYS, "hits"), on=list(_KEYS), how="left")
        .join(before.select(*_KEYS, pl.col("hits").alias("base_hits")), on=list(_KEYS), how="left")
        .join(_trials(totals, "n"), on=["service", "operation"], how="left")
        .join(_trials(base_totals, "base_n"), on=["service", "operation"], how="left")
        .with_columns(pl.col("hits", "base_hits").fill_null(0))
        .filter((pl.col("n") >= MIN_INCIDENT) & (pl.col("base_n") >= MIN_BASELINE))
    )


def _trials(operations: pl.DataFrame, name: str) -> pl.DataFrame:
    """Spans of each operation, and under the empty operation the requests of each service."""
    spans = operations.select("service", "operation", pl.col("n").alias(name))
    requests = operations.group_by("service").agg(pl.col("requests").sum().alias(name))
    return pl.concat([spans, requests.select("service", pl.lit("").alias("operation"), name)])
