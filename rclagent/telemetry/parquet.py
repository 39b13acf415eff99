"""Parquet tables in the columns that telemetry has in memory: the form for large amounts.

A file holds one table of spans, log lines or metric samples, columns as in SPAN_SCHEMA, LOG_SCHEMA
and METRIC_SCHEMA; which of them, its columns tell. Nothing is parsed or converted, so that millions of
records are there as soon as they are unpacked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from typing import Final

import polars as pl

from rclagent.core.log import LOG_SCHEMA
from rclagent.core.metric import METRIC_SCHEMA
from rclagent.core.span import SPAN_SCHEMA, SpanKind
from rclagent.core.telemetry import Telemetry
from rclagent.errors import FormatError
from rclagent.telemetry.bounds import bound_logs, bound_metrics, bound_spans
from rclagent.telemetry.detect import PARQUET
from rclagent.telemetry.source import Source
from rclagent.telemetry.tally import Tally
from rclagent.telemetry.time_filter import TimeFilter

MAX_ROWS: Final = 200_000_000
"""Rows of one file; more is refused, for a few bytes of Parquet can stand for any number of rows."""
UNKNOWN_KIND: Final = "span kind not known"
UNKNOWN_COLUMN: Final = "column not known"


@dataclass(frozen=True, slots=True)
class _Table:
    """One kind of table."""

    schema: dict[str, pl.DataType]
    required: tuple[str, ...]
    telling: tuple[str, ...]
    """Columns that no other kind has."""
    time: str
    bound: Callable[[pl.DataFrame, Tally], pl.DataFrame]


_TABLES: Final = {
    "spans": _Table(
        schema=SPAN_SCHEMA,
        required=("trace_id", "span_id", "parent_id", "service", "operation", "start_ns", "end_ns"),
        telling=("start_ns", "operation"),
        time="start_ns",
        bound=bound_spans,
    ),
    "logs": _Table(
        schema=LOG_SCHEMA,
        required=("time_ns", "service", "body"),
        telling=("body",),
        time="time_ns",
        bound=bound_logs,
    ),
    "metrics": _Table(
        schema=METRIC_SCHEMA,
        required=("time_ns", "metric", "value"),
        telling=("metric",),
        time="time_ns",
        bound=bound_metrics,
    ),
}


def read_parquet(source: Source, keep: TimeFilter) -> Telemetry:
    """Records of one Parquet file.

    Args:
        source: A table in our columns; of those that need no value any may be missing. Further columns are
            left out and counted.
        keep: Which records are wanted, by time; spans by start.

    Raises:
        InputError: The file cannot be read.
        FormatError: It is damaged or too large, or its columns are not ours: missing, or of another type.
    """
    tally = Tally()
    frame = _read(source, tally)
    name, table = _table_of(frame, source.name)
    records = table.bound(keep.apply(_typed(frame, table, source.name, tally), pl.col(table.time)), tally)
    coverage = tally.coverage(source.name, PARQUET, **{name: records.height})
    return Telemetry(**{name: records}, sources=(coverage,))


def _read(source: Source, tally: Tally) -> pl.DataFrame:
    data = source.read(tally)
    try:
        rows = pl.scan_parquet(BytesIO(data)).select(pl.len()).collect().item()
        if rows <= MAX_ROWS:
            return pl.read_parquet(BytesIO(data)).rechunk()
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, ValueError) as error:
        reason = str(error).partition("\n")[0][:200]
        raise FormatError(
            f"{source.name!r} is damaged: its Parquet data cannot be read ({reason}).", "Write it again."
        ) from error
    raise FormatError(
        f"{source.name!r} holds {rows} rows, more than {MAX_ROWS}.",
        "Split it, for example by time, and give the parts that cover the incident.",
    )


def _table_of(frame: pl.DataFrame, source: str) -> tuple[str, _Table]:
    for name, table in _TABLES.items():
        if set(table.telling) <= set(frame.columns):
            return name, table
    raise FormatError(
        f"{source!r} is Parquet, but no table of spans (no 'start_ns', no 'operation'), log lines (no "
        "'body') or metric samples (no 'metric').",
        "Name the columns as rclagent does, or leave the file out.",
    )


def _typed(frame: pl.DataFrame, table: _Table, source: str, tally: Tally) -> pl.DataFrame:
    """The columns of the schema that the frame has, with its types."""
    for name in table.required:
        if name not in frame.columns:
            raise FormatError(f"{source!r} has no column {name!r}.", "Add it, or leave the file out.")
    tally.repair(UNKNOWN_COLUMN, len(set(frame.columns) - set(table.schema)))
    columns = []
    for name, dtype in table.schema.items():
        if name not in frame.columns:
            continue
        if not _fits(frame.schema[name], dtype):
            raise FormatError(
                f"{source!r}, column {name!r}: its type is {frame.schema[name]}, not {dtype}.",
                "Cast it, times to whole nanoseconds since 1970.",
            )
        # What does not fit 64 bits becomes null, and is counted with what is missing.
        columns.append(pl.col(name).cast(dtype, strict=False))
    frame = frame.select(columns)
    return _with_kinds(frame, tally) if table.schema is SPAN_SCHEMA else frame


def _fits(given: pl.DataType, wanted: pl.DataType) -> bool:
    """Whether values keep their meaning."""
    if given in (wanted, pl.Null):
        return True
    if wanted == pl.String:
        return isinstance(given, pl.Categorical | pl.Enum)
    return given.is_integer() if wanted == pl.Int64 else wanted == pl.Float64 and given.is_numeric()


def _with_kinds(frame: pl.DataFrame, tally: Tally) -> pl.DataFrame:
    """Kinds that are known in lower case; a span that names none is of unknown kind."""
    if "kind" not in frame.columns:
        return frame.with_columns(pl.lit(SpanKind.UNKNOWN.value).alias("kind"))
    kind = pl.col("kind").fill_null(SpanKind.UNKNOWN.value).str.to_lowercase()
    known = frame.select(kind)["kind"].is_in([each.value for each in SpanKind])
    tally.repair(UNKNOWN_KIND, int((~known).sum()))
    return frame.with_columns(
        pl.when(known).then(kind).otherwise(pl.lit(SpanKind.UNKNOWN.value)).alias("kind")
    )
