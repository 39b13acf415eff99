"""Logs channel: lines that vanished or appeared, given the operation that should log them.

What is compared is P(template | service, operation of the span that logged), so that a change of
the traffic mix largely cancels (rclagent.evidence.changes). Errors that vanish are no evidence: the past
was worse. And a line that
usually follows another is looked for where the other is: P(template | the line before it), since how far a
request gets varies with what it asks for. Where
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
from rclagent.evidence.changes import MIN_BASELINE, MIN_INCIDENT, align, changed, weight
from rclagent.evidence.statistics import rate_z, share_z

RATE_GATE: Final = 8.0
"""Gate of z for lines that name no span: bursts of one request are not independent."""
ERROR_LEVELS: Final = ("ERROR", "FATAL", "CRITICAL", "SEVERE", "EMERGENCY", "ALERT")
"""Severities of lines that tell of failure."""

FOLLOWED: Final = 0.95
"""Share of the quiet spans in which a line follows its lead, from which its absence means something."""

TEMPLATE_KEYS: Final = ("service", "operation", "severity", "template")
"""Key of a template."""
LEAD_KEYS: Final = (*TEMPLATE_KEYS, "lead_severity", "lead")
"""Key of a template by the line that it follows."""


def silent_services(store: TelemetryStore, window: Window, baseline: Baseline) -> list[str]:
    """Services that logged in the baseline and send spans now, but not one line."""
    seen = store.components([window]).group_by("service").agg(pl.col("logs", "spans").sum())
    before = baseline.components.group_by("service").agg(pl.col("logs").sum().alias("base_logs"))
    goes_on = (pl.col("spans") >= MIN_BASELINE) & (pl.col("base_logs") >= MIN_BASELINE)
    silent = seen.join(before, on="service").filter((pl.col("logs") == 0) & goes_on)
    return sorted(silent["service"].to_list())


def compare_templates(
    store: TelemetryStore, window: Window, baseline: Baseline, *, led: bool = True
) -> pl.DataFrame:
    """Log templates whose frequency changed.

    Args:
        store: Telemetry of the incident.
        window: Its time.
        baseline: What is usual.
        led: Whether a line is also looked for where its usual lead is.

    Returns:
        ``service``, ``operation`` (empty where lines name no span), ``severity``, ``template``,
        ``n``, ``hits``, ``base_n``, ``base_hits``, ``change`` (difference of the shares, or of the rates
        per request), ``z``, ``lead_severity`` and ``lead`` (line after which it is missing; null where it is
        compared with all spans of the operation); in order of key.
    """
    both = align(
        store.templates([window]),
        baseline.templates,
        _trials(store.operations([window])),
        _trials(baseline.operations),
        TEMPLATE_KEYS,
    )
    now = store.sequences([window], baseline.sequences)
    missing = missing_lines(align_leads(now, baseline.sequences))
    return (
        stronger(changed_lines(both), missing if led else missing.clear())
        .filter(~pl.col("service").is_in(silent_services(store, window, baseline)))
        # Logs that only the incident has were collected for the first time, not written for the first time.
        .filter(pl.lit(not baseline.templates.is_empty()))
        .sort(TEMPLATE_KEYS)
    )


def changed_lines(both: pl.DataFrame) -> pl.DataFrame:
    """Of two sides of templates (rclagent.evidence.changes.align) those that changed, with ``z``."""
    counts = (pl.col("hits"), pl.col("n"), pl.col("base_hits"), pl.col("base_n"))
    is_rate = pl.col("operation") == ""
    z = pl.when(is_rate).then(rate_z(*counts)).otherwise(share_z(*counts, pl.col("spread")))
    rate, base_rate = pl.col("hits") / pl.col("n"), pl.col("base_hits") / pl.col("base_n")
    doubled = pl.max_horizontal(rate, base_rate) > 2 * pl.min_horizontal(rate, base_rate)
    rate_changed = (pl.col("z").abs() > RATE_GATE) & doubled
    share_changed = changed(pl.col("z"), pl.col("change"))
    gone_error = pl.col("severity").is_in(ERROR_LEVELS) & (pl.col("change") < 0)
    return (
        both.with_columns(z.alias("z"))
        .filter(pl.when(is_rate).then(rate_changed).otherwise(share_changed) & ~gone_error)
        .drop("spread")
    )


def align_leads(now: pl.DataFrame, before: pl.DataFrame) -> pl.DataFrame:
    """Both sides of the lines that usually follow another one, as rclagent.evidence.changes.align has it.

    Args:
        now: LEAD_KEYS, ``n``, ``hits`` of the incident.
        before: SEQUENCE_SCHEMA.
    """
    usual = before.select(
        *LEAD_KEYS, pl.col("n").alias("base_n"), pl.col("hits").alias("base_hits"), "spread"
    )
    change = pl.col("hits") / pl.col("n") - pl.col("base_hits") / pl.col("base_n")
    return (
        now.join(usual, on=list(LEAD_KEYS), how="inner")
        .filter((pl.col("n") >= MIN_INCIDENT) & (pl.col("base_n") >= MIN_BASELINE))
        .with_columns(change.alias("change"))
    )


def missing_lines(both: pl.DataFrame) -> pl.DataFrame:
    """Of two sides of sequences (align_leads) those whose line stays out after its lead, with ``z``."""
    followed = pl.col("base_hits") >= FOLLOWED * pl.col("base_n")
    return changed_lines(both.filter(followed)).filter(pl.col("change") < 0)


def stronger(alone: pl.DataFrame, led: pl.DataFrame) -> pl.DataFrame:
    """Of each template the comparison that says more; LEAD_KEYS (those of the lead null where it is compared
    with all spans) and the figures."""
    columns = [*TEMPLATE_KEYS, "n", "hits", "base_n", "base_hits", "change", "z"]
    lead = ("lead_severity", "lead")
    none = [pl.lit(None, dtype=pl.String).alias(name) for name in lead]
    return (
        pl.concat([alone.select(*columns, *none), led.select(*columns, *lead)])
        .sort(weight(pl.col("z"), pl.col("change")), pl.col("lead").is_null(), descending=True)
        .unique(TEMPLATE_KEYS, keep="first", maintain_order=True)
    )


def _trials(operations: pl.DataFrame) -> pl.DataFrame:
    """Spans of each operation, and under the empty operation the requests of each service."""
    requests = operations.group_by("service").agg(pl.col("requests").sum().alias("n"))
    return pl.concat(
        [
            operations.select("service", "operation", "n"),
            requests.select("service", pl.lit("").alias("operation"), "n"),
        ]
    )
