"""The CSV of the AIOps challenges: traces, logs and metrics by ``cmdb_id``.

A ``cmdb_id`` names a pod (``cartservice2-0``), a pod on a node (``node-1.cartservice2-0``),
a node, a service, or a pod followed by what the figure is about. Replicas of a service in
another zone have a 2 behind its name.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from rclagent.core.span import SpanKind
from rclagent.core.telemetry import Telemetry
from rclagent.telemetry.bounds import bound_logs, bound_metrics, bound_spans, later_ns, scaled_ns
from rclagent.telemetry.csv_table import pick_columns, read_table
from rclagent.telemetry.detect import AIOPS
from rclagent.telemetry.severity import severity_of_body
from rclagent.telemetry.source import Source
from rclagent.telemetry.tally import Tally
from rclagent.telemetry.time_filter import TimeFilter

NOT_A_NUMBER: Final = "value is not a number"

_SPAN_COLUMNS: Final = {
    "timestamp": "time",
    "cmdb_id": "cmdb_id",
    "span_id": "span_id",
    "trace_id": "trace_id",
    "duration": "duration",
    "type": "type",
    "status_code": "status",
    "operation_name": "operation",
    "parent_span": "parent_span",
    "parent_id": "parent_id",
}
_SPAN_REQUIRED: Final = ("timestamp", "cmdb_id", "span_id", "trace_id", "duration")
_LOG_COLUMNS: Final = {"timestamp": "time", "cmdb_id": "cmdb_id", "value": "body"}
_POINT_COLUMNS: Final = {"timestamp": "time", "cmdb_id": "cmdb_id", "kpi_name": "metric", "value": "value"}

_NODE: Final = r"^(node-?\d+)(?:\.|$)"
_ABOUT: Final = r"^[^.]+\.(.+)$"
_REPLICA: Final = r"2?-\d+$"
_PROTOCOL: Final = r"-(?:grpc|http)$"
_OK_CODES: Final = ("", "0", "ok", "unset")

_DURATION_UNITS_NS: Final = (1, 1_000, 1_000_000)
_TELLING_NS: Final = 5_000_000
"""A child that starts later than this after its parent tells the unit; times have steps of 1 ms."""
_TELLING_PAIRS: Final = 5
_CONTAINED_SHARE: Final = 0.8
"""Asynchronous children may start when the parent has ended, but they are the exception."""
_DEFAULT_UNIT_NS: Final = 1_000


def read_aiops_traces(source: Source, keep: TimeFilter) -> Telemetry:
    """Spans of one file; the unit of its durations is found from the data.

    Args:
        source: A table with ``timestamp, cmdb_id, span_id, trace_id, duration`` and more.
        keep: Which spans are wanted, by start.

    Raises:
        InputError: The file cannot be read.
        FormatError: It is no table.
    """
    tally = Tally()
    table = read_table(source.read(tally), source.name, tally)
    frame = pick_columns(table, _SPAN_COLUMNS, _SPAN_REQUIRED, source.name)
    frame = frame.with_columns(
        _time_ns(pl.col("time")).alias("start_ns"),
        pl.col("duration")
        .str.strip_chars()
        .cast(pl.Float64, strict=False)
        .round()
        .cast(pl.Int64, strict=False),
        _present(pl.coalesce("parent_span", "parent_id")).alias("parent_id"),
        pl.coalesce("operation", "type").alias("operation"),
        pl.lit(SpanKind.UNKNOWN.value).alias("kind"),
        _failed("status_code" in {column.lower() for column in table.columns}).alias("error"),
        *_place(pl.col("cmdb_id")),
    )
    unit = _duration_unit_ns(frame)
    end = later_ns(pl.col("start_ns"), scaled_ns(pl.col("duration"), unit)).alias("end_ns")
    spans = bound_spans(keep.apply(frame, pl.col("start_ns")).with_columns(end), tally)
    return Telemetry(spans=spans, sources=(tally.coverage(source.name, AIOPS, spans=len(spans)),))


def read_aiops_logs(source: Source, keep: TimeFilter) -> Telemetry:
    """Log lines of one file.

    Args:
        source: A table with ``timestamp, cmdb_id, value``.
        keep: Which lines are wanted, by time.

    Raises:
        InputError: The file cannot be read.
        FormatError: It is no table.
    """
    tally = Tally()
    table = read_table(source.read(tally), source.name, tally)
    frame = pick_columns(table, _LOG_COLUMNS, _LOG_COLUMNS, source.name)
    frame = keep.apply(frame.with_columns(_time_ns(pl.col("time")).alias("time_ns")), pl.col("time_ns"))
    logs = frame.with_columns(severity_of_body(pl.col("body")).alias("severity"), *_place(pl.col("cmdb_id")))
    logs = bound_logs(logs, tally)
    return Telemetry(logs=logs, sources=(tally.coverage(source.name, AIOPS, logs=len(logs)),))


def read_aiops_metrics(source: Source, keep: TimeFilter) -> Telemetry:
    """Series of one file: a row a sample, or a row a service and minute with a column a series.

    Args:
        source: A table with ``timestamp, cmdb_id, kpi_name, value``, or with ``service, timestamp``
            and columns of numbers.
        keep: Which samples are wanted, by time.

    Raises:
        InputError: The file cannot be read.
        FormatError: It is no table.
    """
    tally = Tally()
    table = read_table(source.read(tally), source.name, tally)
    columns = {column.lower(): column for column in table.columns}
    if "kpi_name" not in columns and "service" in columns:
        series = [
            column for lower, column in columns.items() if lower not in ("service", "timestamp", "cmdb_id")
        ]
        table = table.rename({columns["service"]: "service_id", columns["timestamp"]: "timestamp"}).unpivot(
            series, index=["timestamp", "service_id"], variable_name="kpi_name"
        )
        table = table.with_columns(pl.col("service_id").str.replace(_PROTOCOL, "").alias("cmdb_id"))
    frame = pick_columns(table, _POINT_COLUMNS, _POINT_COLUMNS, source.name)
    frame = keep.apply(frame.with_columns(_time_ns(pl.col("time")).alias("time_ns")), pl.col("time_ns"))
    about = pl.col("cmdb_id").str.replace(_NODE, "").str.extract(_ABOUT, 1)
    text = _present(pl.col("value"))
    frame = frame.filter(text.is_not_null()).with_columns(
        text.cast(pl.Float64, strict=False).alias("value"),
        pl.coalesce(pl.concat_str("metric", pl.lit("{"), about, pl.lit("}")), "metric").alias("metric"),
        *_place(pl.col("cmdb_id")),
    )
    tally.drop(NOT_A_NUMBER, frame["value"].null_count())
    metrics = bound_metrics(frame.drop_nulls("value"), tally)
    return Telemetry(metrics=metrics, sources=(tally.coverage(source.name, AIOPS, metrics=len(metrics)),))


def _place(cmdb_id: pl.Expr) -> list[pl.Expr]:
    """``service``, ``pod`` and ``node``; a name without a number behind it is a service's."""
    node = cmdb_id.str.extract(_NODE, 1)
    name = cmdb_id.str.replace(_NODE, "").str.extract(r"^([^.]+)", 1)
    pod = pl.when(name.str.contains(_REPLICA)).then(name)
    return [name.str.replace(_REPLICA, "").alias("service"), pod.alias("pod"), node.alias("node")]


def _present(text: pl.Expr) -> pl.Expr:
    """Text, or null where the cell is empty or pandas wrote that it was."""
    stripped = text.str.strip_chars()
    return pl.when(~stripped.str.to_lowercase().is_in(["", "nan", "null", "none"])).then(stripped)


def _time_ns(text: pl.Expr) -> pl.Expr:
    """Nanoseconds of times in s, ms, us or ns, told apart by their size: 10^11 s are in the year 5138."""
    number = text.str.strip_chars().cast(pl.Float64, strict=False)
    whole = text.str.strip_chars().str.extract(r"^(\d+)", 1).cast(pl.Int64, strict=False)
    fraction_us = (number * 10**6).round().cast(pl.Int64, strict=False)
    return (
        pl.when(whole < 10**11)
        .then(scaled_ns(fraction_us, 1_000))
        .when(whole < 10**14)
        .then(scaled_ns(whole, 10**6))
        .when(whole < 10**17)
        .then(scaled_ns(whole, 10**3))
        .otherwise(whole)
    )


def _failed(has_status: bool) -> pl.Expr:
    """Whether the status code means failure; null where the table has no such column."""
    if not has_status:
        return pl.lit(None, dtype=pl.Boolean)
    code = pl.col("status").fill_null("").str.strip_chars().str.to_lowercase()
    http_fine = code.cast(pl.Int64, strict=False).is_between(100, 399).fill_null(False)
    return ~(code.is_in(_OK_CODES) | http_fine)


def _duration_unit_ns(frame: pl.DataFrame) -> int:
    """Nanoseconds of the unit of ``duration``: the smallest with which parents contain their children.

    Args:
        frame: ``trace_id, span_id, parent_id, start_ns, duration`` of all spans of a file.
    """
    parents = frame.select("trace_id", pl.col("span_id").alias("parent_id"), "start_ns", "duration")
    offset = (pl.col("start_ns") - pl.col("start_ns_right")).cast(pl.Float64).alias("offset")
    pairs = (
        frame.select("trace_id", "parent_id", "start_ns")
        .join(parents, on=["trace_id", "parent_id"], how="inner")
        .select(offset, pl.col("duration").cast(pl.Float64))
        .filter(pl.col("offset") > _TELLING_NS)
    )
    for unit in _DURATION_UNITS_NS if len(pairs) >= _TELLING_PAIRS else ():
        if pairs.select((pl.col("offset") <= pl.col("duration") * unit).mean()).item() >= _CONTAINED_SHARE:
            return unit
    return _DEFAULT_UNIT_NS
