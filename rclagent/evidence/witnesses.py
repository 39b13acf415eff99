"""Which spans show which observation: the index that agents read instead of tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import polars as pl

from rclagent.core.baseline import LEG_KEYS, Baseline
from rclagent.core.evidence import Evidence, SpanReference
from rclagent.core.store import TelemetryStore
from rclagent.core.window import Window
from rclagent.evidence.entry import entry_limits
from rclagent.evidence.legs import leg_limits

EXAMPLES: Final = 20
"""References that an observation carries at most."""

_COLUMNS: Final = ("evidence_id", "trace_id", "span_id", "pod", "caller_pod", "start_ns", "odd", "excess_ms")


@dataclass(frozen=True, slots=True)
class Observed:
    """What the channels found, one table each, all with ``evidence_id``."""

    legs: pl.DataFrame
    """Slow legs (rclagent.evidence.legs)."""
    logs: pl.DataFrame
    """Changed templates (rclagent.evidence.logs)."""
    calls: pl.DataFrame
    """Changed calls (rclagent.evidence.calls)."""
    breaks: pl.DataFrame
    """Break points (rclagent.evidence.calls)."""
    errors: pl.DataFrame
    """Operations at which errors start (rclagent.evidence.errors)."""
    silence: pl.DataFrame
    """Calls without an answer (rclagent.evidence.errors)."""
    series: pl.DataFrame
    """Resources (rclagent.evidence.resources)."""
    entries: pl.DataFrame
    """Deviating entries (rclagent.evidence.entry)."""


def exhibits(store: TelemetryStore, window: Window, baseline: Baseline, observed: Observed) -> pl.DataFrame:
    """Every span that could show an observation, and whether it does.

    Returns:
        ``evidence_id``, ``trace_id``, ``span_id``, ``pod`` (where the span ran), ``caller_pod``,
        ``start_ns``, ``odd`` (it shows the observation), ``excess_ms`` (over the usual 95th
        percentile and its margin; 0 where it is not about time); sorted.
    """
    legs = observed.legs.select(*LEG_KEYS, "evidence_id").join(
        leg_limits(baseline.legs), on=list(LEG_KEYS), maintain_order="left"
    )
    slow = store.leg_values([window], legs, store.clocks([window], baseline.clocks)).with_columns(
        (pl.col("ms") > pl.col("limit_ms")).alias("odd"),
        (pl.col("ms") - pl.col("limit_ms")).clip(0).alias("excess_ms"),
    )
    named = observed.logs.filter(pl.col("operation") != "")
    limits = entry_limits(baseline.entries)
    entries = store.entry_spans(
        [window],
        observed.entries.select("service", "operation", "evidence_id").join(
            limits, on=["service", "operation"]
        ),
    ).with_columns((pl.col("ms") - pl.col("limit_ms")).clip(0).alias("excess_ms"), pl.col("has").alias("odd"))
    return pl.concat(
        [
            slow.select(_COLUMNS),
            _changes(_lines(store, window, named)),
            _changes(store.call_requests([window], _keys(observed.calls, "callee", "call"), last=False)),
            _changes(store.call_requests([window], _keys(observed.breaks, "callee", "call"), last=True)),
            _changes(store.error_spans([window], _keys(observed.errors, "peer"))),
            _changes(store.attempt_spans([window], _keys(observed.silence, "peer"))),
            entries.with_columns(pl.lit(None, dtype=pl.String).alias("caller_pod")).select(_COLUMNS),
        ]
    ).sort("evidence_id", "trace_id", "span_id")  # fmt: skip


def _lines(store: TelemetryStore, window: Window, named: pl.DataFrame) -> pl.DataFrame:
    """Spans that could have logged the changed lines; of one that is missing after its lead those with it."""
    spans = store.template_spans([window], _keys(named, "severity", "template"))
    leads = named.filter(pl.col("lead").is_not_null()).select(
        "service", "operation", "evidence_id", severity="lead_severity", template="lead"
    )
    led = store.template_spans([window], leads).filter("has").select("evidence_id", "trace_id", "span_id")
    alone = spans.join(leads, on="evidence_id", how="anti")
    return pl.concat([alone, spans.join(led, on=led.columns, how="semi")])


def witnesses(shown: pl.DataFrame) -> pl.DataFrame:
    """The spans that do show an observation: ``trace_id``, ``span_id``, ``evidence_id``, ``excess_ms``,
    ``start_ns``."""
    return (
        shown.filter("odd")
        .select("trace_id", "span_id", "evidence_id", "excess_ms", "start_ns")
        .sort("trace_id", "span_id", "evidence_id")
    )


def with_references(evidence: dict[str, Evidence], seen: pl.DataFrame) -> dict[str, Evidence]:
    """Each observation with the records that show it most."""
    examples = (
        seen.sort("evidence_id", "excess_ms", "trace_id", "span_id", descending=[False, True, False, False])
        .group_by("evidence_id", maintain_order=True)
        .head(EXAMPLES)
    )
    found: dict[str, list[SpanReference]] = {}
    for name, trace_id, span_id in examples.select("evidence_id", "trace_id", "span_id").iter_rows():
        found.setdefault(name, []).append(SpanReference(trace_id=trace_id, span_id=span_id))
    return {
        name: item.model_copy(update={"references": tuple(found[name])}) if name in found else item
        for name, item in evidence.items()
    }


def _keys(table: pl.DataFrame, *more: str) -> pl.DataFrame:
    """Keys of the changes with their evidence, and whether what changed is gone."""
    # Errors and unanswered calls have no further key, and are never evidence by being gone.
    gone = pl.col("change") < 0 if more else pl.lit(False)
    return table.select("service", "operation", *more, "evidence_id", gone.alias("gone"))


def _changes(spans: pl.DataFrame) -> pl.DataFrame:
    """A span shows a change when it lacks what is gone, or has what appeared."""
    return spans.with_columns(
        (pl.col("has") != pl.col("gone")).alias("odd"),
        pl.lit(0.0).alias("excess_ms"),
        pl.lit(None, dtype=pl.String).alias("caller_pod"),
    ).select(_COLUMNS)
