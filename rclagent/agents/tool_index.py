"""Indexes that the agents' tools answer from, built once for an incident."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from rclagent.agents.evidence_graph import EvidenceGraph
from rclagent.agents.investigation import TraceInvestigation
from rclagent.core.incident import Incident
from rclagent.evidence.findings import Findings
from rclagent.topology.trace_graph import TraceGraph

PIECE_S: Final = 30.0
"""Resolution in time of what is known of logs."""
KEPT_LINES: Final = 200
"""Kinds of log lines of a component kept for each piece of time, those that deviate most first."""
KEPT_SERIES: Final = 100
"""Series of a component kept, those that deviate most first."""
SPREAD_FLOOR: Final = 0.05
"""A series that never varied counts as varying by this share of its median."""
MAD_SIGMA: Final = 1.4826
"""Standard deviations in a median absolute deviation of normal values."""

Lookup = Mapping[str, Sequence[Mapping[str, Any]]]
"""Service to rows."""


@dataclass(frozen=True, slots=True)
class ToolIndex:
    """What the tools know."""

    findings: Findings
    """All that was measured."""
    graph: EvidenceGraph
    """Who is next to whom, and who owns what."""
    traces: Mapping[str, TraceGraph]
    """Span id to a walked trace that holds it; of several the first."""
    lines: Lookup
    """Log templates: ``at_s`` (piece of time, seconds after the window's start), ``severity``, ``template``,
    ``operation``, ``share`` and ``usual`` (of the operation's spans that write it)."""
    series: Lookup
    """Metrics: ``metric``, ``node`` and ``pod`` (empty where unknown), ``median``, ``mean`` and ``std``, the
    baseline's ``usual``, ``usual_mean`` and ``usual_std``, and ``z`` (robust, against the baseline). Standard
    deviations are robust, too: median absolute deviations times MAD_SIGMA."""

    @staticmethod
    def build(
        incident: Incident,
        findings: Findings,
        graph: EvidenceGraph,
        investigations: Iterable[TraceInvestigation],
    ) -> ToolIndex:
        """Asks the store once for each kind of table; takes as long as these, so run it in a thread."""
        traces: dict[str, TraceGraph] = {}
        for investigation in investigations:
            for span_id in investigation.trace.graph:
                traces.setdefault(span_id, investigation.trace)
        return ToolIndex(findings, graph, traces, _lines(incident), _series(incident))


def _lines(incident: Incident) -> Lookup:
    keys = ["service", "operation", "severity", "template"]
    table = incident.store.templates([incident.window], PIECE_S)
    if table.is_empty():
        return {}
    table = table.with_columns(
        ((pl.col("piece") - incident.window.start_ns) / 1e9).alias("at_s"),
        (pl.col("hits") / pl.col("n")).alias("share"),
    )
    if incident.baseline is not None and incident.baseline.templates.height:
        usual = incident.baseline.templates.select(*keys, (pl.col("hits") / pl.col("n")).alias("usual"))
        table = table.join(usual, on=keys, how="left").with_columns(pl.col("usual").fill_null(0.0))
    else:
        table = table.with_columns(pl.lit(None, dtype=pl.Float64).alias("usual"))
    change = (pl.col("share") - pl.col("usual").fill_null(pl.col("share"))).abs()
    ordered = table.with_columns(change.alias("change")).sort(
        "service", "at_s", "change", *keys[1:], descending=[False, False, True, False, False, False]
    )
    kept = ordered.group_by("service", "at_s", maintain_order=True).head(KEPT_LINES)
    return _by_service(kept.select("service", "at_s", "operation", "severity", "template", "share", "usual"))


def _series(incident: Incident) -> Lookup:
    if incident.baseline is None or incident.baseline.series.is_empty():
        return {}
    keys = ["service", "pod", "node", "metric"]
    std = MAD_SIGMA * pl.col("mad")
    usual = incident.baseline.series.select(
        *keys,
        pl.col("p50").alias("usual"),
        pl.col("mean").alias("usual_mean"),
        std.alias("usual_std"),
    )
    floor = SPREAD_FLOOR * pl.col("usual").abs()
    spread = pl.max_horizontal("usual_std", floor)
    table = (
        incident.store.series([incident.window])
        .join(usual, on=keys, how="inner")
        .with_columns(((pl.col("p50") - pl.col("usual")) / spread).alias("z"), std.alias("std"))
        .filter(pl.col("z").is_finite() & (pl.col("z").abs() > 0))
        .with_columns(pl.col("z").abs().alias("far"))
        .sort("service", "far", *keys[1:], descending=[False, True, False, False, False])
        .group_by("service", maintain_order=True)
        .head(KEPT_SERIES)
    )
    figures = ("mean", "std", "usual", "usual_mean", "usual_std", "z")
    return _by_service(
        table.select("service", "metric", "node", "pod", pl.col("p50").alias("median"), *figures)
    )


def _by_service(table: pl.DataFrame) -> Lookup:
    rows: defaultdict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for row in table.iter_rows(named=True):
        rows[row.pop("service")].append(row)
    return dict(rows)
