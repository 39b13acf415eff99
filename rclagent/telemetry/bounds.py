"""What every record must satisfy, whatever format it came in: usable times, bounded texts, finite values.

Readers bring rows into the columns of the schema; what stands here drops or cuts what
cannot be used, counts it, and gives the columns their types.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from rclagent.core.log import LOG_SCHEMA
from rclagent.core.metric import METRIC_SCHEMA
from rclagent.core.span import SPAN_SCHEMA
from rclagent.telemetry.tally import Tally

MAX_TIME_NS: Final = 2**63 - 1
"""Last nanosecond that 64 bits hold, in the year 2262."""
MAX_NAME_CHARS: Final = 512
"""Names, ids and codes are cut here."""
MAX_BODY_CHARS: Final = 16_384
"""Log messages are cut here."""
UNKNOWN_SERVICE: Final = "unknown_service"
"""Service of records that name none, as OpenTelemetry has it."""
UNNAMED: Final = "(unnamed)"
"""Operation of spans that name none."""

NO_TIME: Final = "no usable time"
NO_ID: Final = "no trace or span id"
NO_METRIC_NAME: Final = "no metric name"
NOT_FINITE: Final = "value is not a finite number"
TEXT_CUT: Final = "long text cut"
NO_SERVICE: Final = "service not named"
NO_OPERATION: Final = "operation not named"


def bound_spans(frame: pl.DataFrame, tally: Tally) -> pl.DataFrame:
    """A span table fit for use.

    Args:
        frame: Columns of SPAN_SCHEMA, missing ones allowed; ids and times null where unusable.
        tally: Told what was dropped and mended.

    Returns:
        Columns and types of SPAN_SCHEMA, in the order of the rows given.
    """
    frame = _with_schema(frame, SPAN_SCHEMA)
    frame = _drop(frame, pl.col("trace_id", "span_id").is_null(), NO_ID, tally)
    frame = _drop(frame, ~pl.col("start_ns", "end_ns").ge(1).fill_null(False), NO_TIME, tally)
    frame = _fill(frame, "service", UNKNOWN_SERVICE, NO_SERVICE, tally)
    frame = _fill(frame, "operation", UNNAMED, NO_OPERATION, tally)
    return _cut(frame, tally)


def bound_logs(frame: pl.DataFrame, tally: Tally) -> pl.DataFrame:
    """A log table fit for use.

    Args:
        frame: Columns of LOG_SCHEMA, missing ones allowed; times null where unusable.
        tally: Told what was dropped and mended.

    Returns:
        Columns and types of LOG_SCHEMA, in the order of the rows given.
    """
    frame = _with_schema(frame, LOG_SCHEMA)
    frame = _drop(frame, ~pl.col("time_ns").ge(1).fill_null(False), NO_TIME, tally)
    frame = _fill(frame, "service", UNKNOWN_SERVICE, NO_SERVICE, tally)
    return _cut(frame.with_columns(pl.col("body").fill_null("")), tally)


def bound_metrics(frame: pl.DataFrame, tally: Tally) -> pl.DataFrame:
    """A metric table fit for use.

    Args:
        frame: Columns of METRIC_SCHEMA, missing ones allowed; times null where unusable.
        tally: Told what was dropped and mended.

    Returns:
        Columns and types of METRIC_SCHEMA, in the order of the rows given.
    """
    frame = _with_schema(frame, METRIC_SCHEMA)
    frame = _drop(frame, pl.col("metric").is_null(), NO_METRIC_NAME, tally)
    frame = _drop(frame, ~pl.col("time_ns").ge(1).fill_null(False), NO_TIME, tally)
    frame = _drop(frame, ~pl.col("value").is_finite().fill_null(False), NOT_FINITE, tally)
    return _cut(frame.with_columns(pl.col("cumulative").fill_null(False)), tally)


def scaled_ns(value: pl.Expr, unit_ns: int) -> pl.Expr:
    """Nanoseconds of a count of longer units; null where they do not fit 64 bits.

    Args:
        value: Int64.
        unit_ns: Nanoseconds of one unit.
    """
    limit = MAX_TIME_NS // unit_ns
    return pl.when(value.is_between(-limit, limit)).then(value * unit_ns)


def later_ns(start: pl.Expr, duration: pl.Expr) -> pl.Expr:
    """Start plus duration, both in nanoseconds; null where the sum does not fit 64 bits.

    Args:
        start: Int64, positive.
        duration: Int64, of either sign.
    """
    return pl.when((start >= 0) & (duration <= MAX_TIME_NS - start)).then(start + duration)


def _with_schema(frame: pl.DataFrame, schema: dict[str, pl.DataType]) -> pl.DataFrame:
    """The schema's columns with its types; empty text is no text, except in a message."""
    columns = []
    for name, dtype in schema.items():
        column = pl.col(name) if name in frame.columns else pl.lit(None)
        if dtype == pl.String() and name != "body":
            column = column.cast(pl.String).replace("", None)
        columns.append(column.cast(dtype, strict=False).alias(name))
    return frame.select(columns)


def _drop(frame: pl.DataFrame, bad: pl.Expr, reason: str, tally: Tally) -> pl.DataFrame:
    count = frame.select(pl.any_horizontal(bad).sum()).item()
    tally.drop(reason, count)
    return frame.remove(pl.any_horizontal(bad)) if count else frame


def _fill(frame: pl.DataFrame, column: str, value: str, reason: str, tally: Tally) -> pl.DataFrame:
    missing = frame[column].null_count()
    tally.repair(reason, missing)
    return frame.with_columns(pl.col(column).fill_null(value)) if missing else frame


def _cut(frame: pl.DataFrame, tally: Tally) -> pl.DataFrame:
    """Texts no longer than their bound; each cut is counted."""
    for name, dtype in frame.schema.items():
        limit = MAX_BODY_CHARS if name == "body" else MAX_NAME_CHARS
        if dtype != pl.String:
            continue
        # Bytes are known without looking at the text, and there are never more characters than bytes.
        longest = frame[name].str.len_bytes().max()
        if isinstance(longest, int) and longest > limit:
            tally.repair(TEXT_CUT, len(frame.filter(pl.col(name).str.len_chars() > limit)))
            frame = frame.with_columns(pl.col(name).str.slice(0, limit))
    return frame
