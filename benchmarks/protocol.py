"""The strict protocol: which records belong to a case, by time alone.

The incident lasts from the alarm (the time of the injection) for three minutes. Normal is
everything of the same UTC day before the alarm, less the five minutes after each earlier
alarm, which may still hold what that fault left behind.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce
from operator import or_
from typing import Final

import polars as pl

from rclagent import Telemetry, Window

NS_PER_S: Final = 1_000_000_000
WINDOW_S: Final = 180.0
"""Length of the incident window, seconds."""
HOLE_S: Final = 300.0
"""Left out of the baseline after each earlier alarm, seconds."""
MARGIN_S: Final = 60.0
"""Read around each window, so that traces are whole before they are cut, seconds."""

_DAY_NS: Final = 86_400 * NS_PER_S


def incident_window(alarm_ns: int, window_s: float = WINDOW_S) -> Window:
    """``[alarm, alarm + window_s)``."""
    return Window(alarm_ns, alarm_ns + round(window_s * NS_PER_S))


def baseline_windows(alarm_ns: int, alarms_ns: Iterable[int]) -> list[Window]:
    """The alarm's UTC day up to the alarm, less the time after each earlier alarm.

    Args:
        alarm_ns: Alarm of the case, nanoseconds since the Unix epoch.
        alarms_ns: Alarms of all faults of the day; those not before ``alarm_ns`` are ignored.
    """
    day = Window(alarm_ns - alarm_ns % _DAY_NS, alarm_ns)
    holes = [incident_window(earlier, HOLE_S) for earlier in alarms_ns if earlier < alarm_ns]
    return day.minus(holes)


def joined(windows: Iterable[Window], *, without: Window | None = None) -> list[Window]:
    """The same times as windows in order that do not overlap, less one of them."""
    parts: list[Window] = []
    for window in sorted(windows):
        if parts and window.start_ns <= parts[-1].end_ns:
            parts[-1] = Window(parts[-1].start_ns, max(window.end_ns, parts[-1].end_ns))
        else:
            parts.append(window)
    return parts if without is None else [rest for part in parts for rest in part.minus([without])]


def widened(windows: Iterable[Window]) -> list[Window]:
    """The windows with MARGIN_S more on both sides, so that traces are read whole before they are cut."""
    margin = round(MARGIN_S * NS_PER_S)
    return joined(Window(window.start_ns - margin, window.end_ns + margin) for window in windows)


def recorded(telemetry: Telemetry) -> list[Window]:
    """When spans and log lines were recorded: from record to record, split at silences over MARGIN_S."""
    times = (
        pl.concat([telemetry.spans["start_ns"], telemetry.logs["time_ns"]]).sort().unique(maintain_order=True)
    )
    first = times.diff().fill_null(MARGIN_S * NS_PER_S + 1) > MARGIN_S * NS_PER_S
    runs = pl.DataFrame({"time_ns": times, "run": first.cum_sum()}).group_by("run", maintain_order=True)
    bounds = runs.agg(start=pl.col("time_ns").min(), end=pl.col("time_ns").max() + 1)
    return [Window(start, end) for start, end in bounds.select("start", "end").iter_rows()]


def cut(telemetry: Telemetry, windows: Sequence[Window]) -> Telemetry:
    """The records that belong to the windows.

    A trace belongs as a whole by the start of its root span (its first span where it has no
    root), a log line belongs with its trace, or by its own time where the trace is not known,
    and a metric sample by its own time.
    """
    starts = _trace_starts(telemetry.spans)
    spans = telemetry.spans.join(starts, on="trace_id", how="left", maintain_order="left")
    logs = telemetry.logs.join(starts, on="trace_id", how="left", maintain_order="left")
    return Telemetry(
        spans=spans.filter(_inside("trace_start_ns", windows)).drop("trace_start_ns"),
        logs=logs.with_columns(pl.coalesce("trace_start_ns", "time_ns").alias("trace_start_ns"))
        .filter(_inside("trace_start_ns", windows))
        .drop("trace_start_ns"),
        metrics=telemetry.metrics.filter(_inside("time_ns", windows)),
        sources=telemetry.sources,
    )


def services(*parts: Telemetry) -> tuple[str, ...]:
    """Every service that a span, log line or metric sample names, sorted."""
    columns = [table["service"] for part in parts for table in (part.spans, part.logs, part.metrics)]
    return tuple(sorted({name for column in columns for name in column.unique().drop_nulls()}))


def _trace_starts(spans: pl.DataFrame) -> pl.DataFrame:
    root_start = pl.col("start_ns").filter(pl.col("parent_id").is_null()).min()
    start = pl.coalesce(root_start, pl.col("start_ns").min()).alias("trace_start_ns")
    return spans.group_by("trace_id").agg(start)


def _inside(column: str, windows: Sequence[Window]) -> pl.Expr:
    time = pl.col(column)
    tests = [(time >= window.start_ns) & (time < window.end_ns) for window in windows]
    return reduce(or_, tests, pl.lit(False))
