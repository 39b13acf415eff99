"""Rules of thumb, each a few lines: the controls beside which every figure is printed.

A rule compares values by key (service and operation, or caller, callee and operation) in the
incident with the same key before. A service takes its best key; a service without a key that
rose is not named. ``z`` is the rise of the mean in standard deviations of the baseline (half a
millisecond at least); ``excess`` is the rise of the mean times the share of values over the
baseline's 95th percentile.
"""

from __future__ import annotations

from typing import Final

import networkx as nx
import polars as pl

from benchmarks.cases import CaseView
from benchmarks.ranking import Ranked

MIN_BASELINE: Final = 8
"""Values that a key needs in the baseline."""
MIN_INCIDENT: Final = 3
"""Values that a key needs in the incident."""

_TRACE: Final = "trace_id"
_MS: Final = (pl.col("end_ns") - pl.col("start_ns")) / 1e6
_CALL: Final = ["caller", "service", "operation"]
_PLACE: Final = ["service", "operation"]


def gap_to_callee(case: CaseView) -> list[Ranked]:
    """Largest excess of the gap between a caller's span and the callee's span below it; callee blamed."""
    return _ranked(_gap_rises(case), "service", "excess")


def gap_to_caller(case: CaseView) -> list[Ranked]:
    """The same gap, with the caller blamed."""
    return _ranked(_gap_rises(case), "caller", "excess")


def own_time(case: CaseView) -> list[Ranked]:
    """Largest excess of a span's duration less the union of its children."""
    rises = _rises(_own_times(case.baseline.spans), _own_times(case.telemetry.spans), _PLACE)
    return _ranked(rises, "service", "excess")


def whole_duration(case: CaseView) -> list[Ranked]:
    """Largest z of the duration of a service's operations."""
    return _ranked(_durations(case), "service", "z")


def deepest_anomalous(case: CaseView) -> list[Ranked]:
    """The anomalous service with the longest way from an entry in the call graph.

    Anomalous: an operation's duration rose by more than three standard deviations, or its median
    lies over the baseline's 95th percentile by 5 ms.
    """
    slow = (pl.col("z") > 3) | (pl.col("median") > pl.col("p95") + 5)
    anomalous = set(_durations(case).filter(slow)["service"])
    depths = _depths(pl.concat([_calls(part.spans) for part in (case.baseline, case.telemetry)]))
    return [(service, 1.0 + depths.get(service, 0), None) for service in sorted(anomalous)]


def cpu_else_gap(case: CaseView) -> list[Ranked]:
    """Services whose CPU is near its limit and unusually so; where there is none, gap to callee."""
    return _cpu_near_limit(case) or gap_to_callee(case)


def _cpu_near_limit(case: CaseView) -> list[Ranked]:
    """z = (largest - baseline mean) / std (one point at least), where z > 8 and the largest >= 60 %."""
    usage = pl.col("metric").str.contains(r"(?i)^cpu.*(%|percent|util)") & pl.col("service").is_not_null()
    before, during = (part.metrics.filter(usage) for part in (case.baseline, case.telemetry))
    normal = before.group_by("service", "pod").agg(mean=pl.col("value").mean(), std=pl.col("value").std())
    peak = during.group_by("service", "pod").agg(largest=pl.col("value").max())
    spread = pl.col("std").fill_null(0).clip(lower_bound=1.0)
    rises = peak.join(normal, on=["service", "pod"], nulls_equal=True).with_columns(
        z=(pl.col("largest") - pl.col("mean")) / spread
    )
    near = rises.filter((pl.col("z") > 8) & (pl.col("largest") >= 60))
    return _ranked(near, "service", "z")


def _gap_rises(case: CaseView) -> pl.DataFrame:
    return _rises(_gaps(case.baseline.spans), _gaps(case.telemetry.spans), _CALL)


def _durations(case: CaseView) -> pl.DataFrame:
    before, during = (_spans(part.spans).with_columns(ms=_MS) for part in (case.baseline, case.telemetry))
    return _rises(before, during, _PLACE)


def _rises(before: pl.DataFrame, during: pl.DataFrame, keys: list[str]) -> pl.DataFrame:
    """One row a key with enough values: ``z``, ``excess``, ``median`` (incident), ``p95`` (baseline)."""
    value = pl.col("ms")
    normal = before.group_by(keys).agg(
        n=pl.len(), mean=value.mean(), std=value.std(), p95=value.quantile(0.95, "linear")
    )
    incident = (
        during.join(normal.filter(pl.col("n") >= MIN_BASELINE), on=keys)
        .group_by(keys)
        .agg(
            pl.len().alias("n"),
            (value.mean() - pl.col("mean").first()).alias("rise"),
            (value > pl.col("p95")).mean().alias("share"),
            value.median().alias("median"),
            pl.col("std", "p95").first(),
        )
        .filter(pl.col("n") >= MIN_INCIDENT)
    )
    return incident.with_columns(
        z=pl.col("rise") / pl.col("std").clip(lower_bound=0.5),
        excess=pl.col("rise") * pl.col("share"),
    )


def _ranked(rises: pl.DataFrame, service: str, score: str) -> list[Ranked]:
    best = rises.group_by(pl.col(service).alias("name")).agg(pl.col(score).max().alias("score"))
    named = best.filter(pl.col("score") > 0).sort(["score", "name"], descending=[True, False])
    return [(name, value, None) for name, value in named.select("name", "score").iter_rows()]


def _spans(spans: pl.DataFrame) -> pl.DataFrame:
    """Each span once, in an order that does not depend on the files'."""
    ordered = spans.sort(_TRACE, "span_id", "start_ns", "end_ns", "service", "operation")
    return ordered.unique([_TRACE, "span_id"], keep="first", maintain_order=True)


def _children(spans: pl.DataFrame) -> pl.DataFrame:
    """Spans with their parent's ``caller`` (service), ``from_ns`` and ``to_ns``."""
    once = _spans(spans)
    parents = once.select(
        _TRACE,
        pl.col("span_id").alias("parent_id"),
        pl.col("service").alias("caller"),
        pl.col("start_ns").alias("from_ns"),
        pl.col("end_ns").alias("to_ns"),
    )
    return once.join(parents, on=[_TRACE, "parent_id"], maintain_order="left")


def _calls(spans: pl.DataFrame) -> pl.DataFrame:
    """Children in another service than their parent's."""
    return _children(spans).filter(pl.col("service") != pl.col("caller"))


def _gaps(spans: pl.DataFrame) -> pl.DataFrame:
    return _calls(spans).with_columns(ms=(pl.col("to_ns") - pl.col("from_ns")) / 1e6 - _MS)


def _own_times(spans: pl.DataFrame) -> pl.DataFrame:
    of_parent = [_TRACE, "parent_id"]
    bounds = pl.col("from_ns"), pl.col("to_ns")
    inside = _children(spans).with_columns(pl.col("start_ns", "end_ns").clip(*bounds))
    after_earlier = pl.max_horizontal("start_ns", pl.col("end_ns").cum_max().shift(1).over(of_parent))
    covered = (
        inside.sort(*of_parent, "start_ns", "end_ns")
        .with_columns(covered_ns=(pl.col("end_ns") - after_earlier).clip(lower_bound=0))
        .group_by(of_parent)
        .agg(pl.col("covered_ns").sum())
        .rename({"parent_id": "span_id"})
    )
    joined = _spans(spans).join(covered, on=[_TRACE, "span_id"], how="left", maintain_order="left")
    return joined.with_columns(ms=_MS - pl.col("covered_ns").fill_null(0) / 1e6)


def _depths(calls: pl.DataFrame) -> dict[str, int]:
    """Longest way to each service in the call graph, services that call each other in a ring as one."""
    edges = calls.select("caller", "service").unique().sort("caller", "service")
    rings = nx.condensation(nx.DiGraph(list(edges.iter_rows())))
    depths: dict[int, int] = {}
    for ring in nx.topological_sort(rings):
        depths[ring] = max((depths[above] + 1 for above in rings.predecessors(ring)), default=0)
    return {service: depths[ring] for ring in rings for service in rings.nodes[ring]["members"]}
