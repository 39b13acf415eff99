"""The Nezha layout: CSV of traces, logs and metrics in folders ``trace``, ``log`` and ``metric`` of a day.

Here are the traces, and what all three share; see nezha_logs and nezha_metrics. Files of
one folder are read together. A service is its pod's name without the last two dash parts;
spans have no kind and no status.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import polars as pl

from rclagent.core.span import SpanKind
from rclagent.core.telemetry import Telemetry
from rclagent.core.window import NS_PER_S
from rclagent.telemetry.bounds import bound_spans, later_ns, scaled_ns
from rclagent.telemetry.csv_table import pick_columns, read_table
from rclagent.telemetry.detect import NEZHA
from rclagent.telemetry.source import Source
from rclagent.telemetry.tally import Tally
from rclagent.telemetry.time_filter import TimeFilter

NO_END: Final = "end taken from the duration"

_NS_PER_US: Final = 1_000
_COLUMNS: Final = {
    "traceid": "trace_id",
    "spanid": "span_id",
    "parentid": "parent_id",
    "podname": "pod",
    "operationname": "operation",
    "starttimeunixnano": "start_ns",
    "endtimeunixnano": "end_ns",
    "duration": "duration_us",
}
_REQUIRED: Final = ("traceid", "spanid", "podname", "starttimeunixnano")
_ROOT: Final = "root"
"""Parent of a span at the top."""
_TIME: Final = (
    r"^((?:19[7-9]\d|20\d\d|21\d\d|22[0-5]\d)-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)"
    r"(\.\d{1,9})?\d*\s*([+-]\d\d:?\d\d)?"
)
"""Date (in years that 64 bits of nanoseconds hold), time, fraction and zone."""


def read_nezha_traces(sources: Sequence[Source], keep: TimeFilter, name: str) -> Telemetry:
    """Spans of the files of one trace folder; rows that several files repeat are left in.

    Args:
        sources: Files of one folder.
        keep: Which spans are wanted, by start.
        name: The folder, for the coverage.

    Raises:
        InputError: A file cannot be read.
        FormatError: A file is no table, or lacks a column that a span needs.
    """
    tally = Tally()
    start, end, duration = (pl.col(column) for column in ("start_ns", "end_ns", "duration_us"))
    frames = []
    for source in sources:
        table = read_table(source.read(tally), source.name, tally)
        table = pick_columns(table, _COLUMNS, _REQUIRED, source.name)
        frames.append(keep.apply(table.with_columns(integer(start), integer(end), integer(duration)), start))
    frame = pl.concat(frames)
    from_duration = later_ns(start, scaled_ns(duration, _NS_PER_US))
    tally.repair(NO_END, frame.select((end.is_null() & from_duration.is_not_null()).sum()).item())
    spans = frame.with_columns(
        pl.coalesce(end, from_duration).alias("end_ns"),
        pl.col("parent_id").replace(_ROOT, None),
        services_of(frame["pod"]),
        pl.lit(SpanKind.UNKNOWN.value).alias("kind"),
    )
    spans = bound_spans(spans, tally)
    return Telemetry(spans=spans, sources=(tally.coverage(name, NEZHA, spans=len(spans)),))


def service_of_pod(pod: str) -> str:
    """A pod's name without its last two dash parts; the name itself where it has fewer than three."""
    parts = pod.rsplit("-", 2)
    return parts[0] if len(parts) == 3 and parts[0] else pod


def services_of(pods: pl.Series) -> pl.Series:
    """Service of each pod, named ``service``; by distinct pods, of which there are few."""
    distinct = pods.drop_nulls().unique()
    services = pl.Series([service_of_pod(pod) for pod in distinct], dtype=pl.String)
    return pods.replace_strict(distinct, services, default=None, return_dtype=pl.String).alias("service")


def integer(text: pl.Expr) -> pl.Expr:
    """64-bit number of each text; null where it is none."""
    return text.str.strip_chars().cast(pl.Int64, strict=False)


def time_of_text(text: pl.Expr) -> pl.Expr:
    """Nanoseconds since the Unix epoch of ``2023-01-30 11:39:52.98 +0000``; UTC where no zone is given.

    Args:
        text: Times as text, ISO 8601 or as Go prints them; what follows the zone is ignored.

    Returns:
        Int64; null where there is no time between 1970 and 2259.
    """
    parts = text.str.extract_groups(_TIME)
    date, time, fraction, zone = (parts.struct.field(str(number)) for number in range(1, 5))
    moment = pl.concat_str([date, time], separator=" ").str.to_datetime("%Y-%m-%d %H:%M:%S", strict=False)
    nanoseconds = fraction.str.slice(1).str.pad_end(9, "0").cast(pl.Int64).fill_null(0)
    hours, minutes = (zone.str.slice(place, 2).cast(pl.Int64, strict=False) for place in (1, -2))
    sign = pl.when(zone.str.starts_with("-")).then(-1).otherwise(1)
    offset_s = (sign * (hours * 3600 + minutes * 60)).fill_null(0)
    return (moment.dt.epoch("s") - offset_s) * NS_PER_S + nanoseconds
