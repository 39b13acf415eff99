"""An incident of which only one trace is known, with what is usual learned from the day before it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import polars as pl

from benchmarks.datasets import MODALITIES
from benchmarks.methods import incident_of
from benchmarks.nezha import day_folders, load_case, read_day, read_faults
from benchmarks.protocol import NS_PER_S
from rclagent import Incident, InputError, Telemetry


def trace_incident(data: Path, day: str, trace_id: str) -> Incident:
    """One trace of a recording in the Nezha layout as an incident; its baseline is learned here.

    The window is the trace's own time. Of it there are the trace, its log lines and those of no trace, and
    the metric samples. Normal is, by the strict protocol, what was recorded of the day before the trace,
    less the five minutes after each alarm before it, its own fault's included; and the fault-free minutes.

    Args:
        data: Folder that holds ``rca_data``.
        day: Name of a folder in it.
        trace_id: The trace.

    Raises:
        InputError: There is no such day, or no such trace in it.
    """
    (folder,) = day_folders(data, day)
    spans = read_day(folder, ["traces"]).spans.filter(pl.col("trace_id") == trace_id)
    if spans.is_empty():
        raise InputError(f"{folder} has no trace {trace_id}.", "Give --data the published recording.")
    start_ns, end_ns = spans.select(pl.col("start_ns").min(), pl.col("end_ns").max()).row(0)
    faults = read_faults(folder / f"{folder.name}-fault_list.json")
    view = load_case(
        trace_id,
        folder,
        data / "construct_data" / folder.name,
        start_ns,
        [fault.alarm_ns for fault in faults if fault.alarm_ns < start_ns],
        MODALITIES,
        (end_ns + 1 - start_ns) / NS_PER_S,
    )
    own = pl.col("trace_id") == trace_id
    telemetry = Telemetry(
        spans=view.telemetry.spans.filter(own),
        logs=view.telemetry.logs.filter(own | pl.col("trace_id").is_null()),
        metrics=view.telemetry.metrics,
        sources=view.telemetry.sources,
    )
    return incident_of(replace(view, telemetry=telemetry))
