"""``rclagent trace show``."""

from __future__ import annotations

import sys
from pathlib import Path

import polars as pl

from rclagent.cli.exit_code import ExitCode
from rclagent.cli.options import Format, refuse_two_baselines
from rclagent.cli.output import emit
from rclagent.cli.progress import progress
from rclagent.core.baseline import Baseline
from rclagent.engine import learn_baseline
from rclagent.errors import InputError
from rclagent.report.oddness import leg_oddness, oddest_trace, slowest_trace
from rclagent.report.trace_tree import OddLeg, render_trace
from rclagent.telemetry.profile import load_profile
from rclagent.telemetry.read import read_telemetry
from rclagent.telemetry.repair import repair_spans
from rclagent.topology.trace_graph import build_trace_graph


def run_trace_show(
    paths: list[str],
    *,
    trace_id: str | None,
    baseline: list[str] | None,
    profile: Path | None,
    format: Format,
) -> int:
    """Prints one trace as a tree.

    Returns:
        The exit code.

    Raises:
        InputError: Input that cannot be read, no trace in it, or not the one that was named.
    """
    refuse_two_baselines(baseline, profile)
    with progress("Reading telemetry"):
        spans = _spans(paths, trace_id, format)
        normal = _baseline(baseline, profile, format)
        oddness = None if normal is None else leg_oddness(spans, normal.legs, normal.clocks)
        chosen = trace_id or (oddness is not None and oddest_trace(oddness)) or slowest_trace(spans)
        trace = build_trace_graph(spans.filter(pl.col("trace_id") == chosen))
    emit(render_trace(trace, _oddest_legs(oddness, chosen), colour=sys.stdout.isatty()), None)
    return ExitCode.DONE


def _spans(paths: list[str], trace_id: str | None, format: Format) -> pl.DataFrame:
    """Repaired spans: of one trace where it is named, else of all."""
    spans = read_telemetry(paths, format=format.value).spans
    if spans.is_empty():
        raise InputError(f"There are no spans in {', '.join(map(repr, paths))}.", "Name files with traces.")
    if trace_id is not None:
        spans = spans.filter(pl.col("trace_id") == trace_id)
    if spans.is_empty():
        raise InputError(
            f"There is no trace {trace_id!r} in {', '.join(map(repr, paths))}.",
            "Check the id, or leave out --trace-id.",
        )
    return repair_spans(spans).frame


def _baseline(paths: list[str] | None, profile: Path | None, format: Format) -> Baseline | None:
    if profile is not None:
        return load_profile(profile)
    return learn_baseline(paths, format=format.value) if paths else None


def _oddest_legs(oddness: pl.DataFrame | None, trace_id: str) -> dict[str, OddLeg]:
    """The oddest leg of each span of a trace that the baseline knows."""
    if oddness is None:
        return {}
    known = oddness.filter((pl.col("trace_id") == trace_id) & pl.col("p50_ms").is_not_null())
    oddest = known.sort("z", "leg", descending=[True, False]).unique(
        "span_id", keep="first", maintain_order=True
    )
    columns = oddest.select("span_id", "leg", "ms", "p50_ms", "z")
    return {span_id: OddLeg(*leg) for span_id, *leg in columns.iter_rows()}
