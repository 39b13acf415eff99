"""Tables that grow record by record, for formats whose records are nested and met one at a time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Generic, TypeVar

import polars as pl

from rclagent.core.log import LOG_SCHEMA
from rclagent.core.metric import METRIC_SCHEMA
from rclagent.core.span import SPAN_SCHEMA
from rclagent.core.telemetry import Telemetry
from rclagent.telemetry.bounds import bound_logs, bound_metrics, bound_spans
from rclagent.telemetry.severity import severity_of_body, severity_of_name
from rclagent.telemetry.tally import Tally
from rclagent.telemetry.time_filter import TimeFilter

Text = str | None
SpanRow = tuple[Text, Text, Text, Text, Text, Text, Text, str, int, int, bool | None, Text, Text, Text]
"""A span in the order of SPAN_SCHEMA; a time of 0 is unusable, ids are hex or base64."""
LogRow = tuple[int, Text, Text, Text, Text, Text, Text, str]
"""A log record in the order of LOG_SCHEMA; the severity as the source spells it."""
MetricRow = tuple[int, Text, Text, Text, Text, float | None, Text, bool]
"""A sample in the order of METRIC_SCHEMA."""

Row = TypeVar("Row", SpanRow, LogRow, MetricRow)

_CHUNK: Final = 100_000
"""Rows that wait as Python objects, some ten times as large as in columns."""
_ID_HEX_CHARS: Final = {24: 32, 12: 16}
"""Length of a trace or span id in base64, and in hex."""


class RowTable(Generic[Row]):
    """Rows of one kind.

    Args:
        schema: Columns in the order of the rows.
    """

    def __init__(self, schema: Mapping[str, pl.DataType]) -> None:
        self._schema = dict(schema)
        self._rows: list[Row] = []
        self._frames: list[pl.DataFrame] = []

    def add(self, row: Row) -> None:
        """Append one row."""
        self._rows.append(row)
        if len(self._rows) >= _CHUNK:
            self._flush()

    def frame(self) -> pl.DataFrame:
        """All rows so far."""
        self._flush()
        return pl.concat(self._frames) if self._frames else pl.DataFrame(schema=self._schema)

    def _flush(self) -> None:
        if self._rows:
            columns = zip(*self._rows, strict=True)
            self._frames.append(
                pl.DataFrame(dict(zip(self._schema, columns, strict=True)), schema=self._schema)
            )
            self._rows = []


class RecordRows:
    """Spans, logs and metrics of one file.

    Args:
        keep: Which records are wanted; rows of other times need not be added.
        tally: Told what is dropped and mended.
    """

    def __init__(self, keep: TimeFilter, tally: Tally) -> None:
        self.keep = keep
        self.tally = tally
        self.spans: RowTable[SpanRow] = RowTable(SPAN_SCHEMA)
        self.logs: RowTable[LogRow] = RowTable(LOG_SCHEMA)
        self.metrics: RowTable[MetricRow] = RowTable(METRIC_SCHEMA)

    def wants(self, time_ns: int) -> bool:
        """Whether to add a record of this time; those without a usable one are added, to be counted."""
        return time_ns == 0 or self.keep.keeps(time_ns)

    def telemetry(self, name: str, format_name: str) -> Telemetry:
        """Everything added, bounded and counted.

        Args:
            name: The file.
            format_name: Format that it was read as.
        """
        spans = bound_spans(
            self.spans.frame().with_columns(_hex_ids("trace_id", "span_id", "parent_id")), self.tally
        )
        logs = bound_logs(self._logs(), self.tally)
        metrics = bound_metrics(self.metrics.frame(), self.tally)
        coverage = self.tally.coverage(
            name, format_name, spans=len(spans), logs=len(logs), metrics=len(metrics)
        )
        return Telemetry(spans, logs, metrics, (coverage,))

    def _logs(self) -> pl.DataFrame:
        level = pl.coalesce(severity_of_name(pl.col("severity")), severity_of_body(pl.col("body")))
        return self.logs.frame().with_columns(level.alias("severity"), *_hex_ids("trace_id", "span_id"))


def _hex_ids(*columns: str) -> list[pl.Expr]:
    return [_hex_id(pl.col(column)).alias(column) for column in columns]


def _hex_id(text: pl.Expr) -> pl.Expr:
    """Lower-case hex; null where there is no id or only zeros, which mean none."""
    encoded = text.str.ends_with("=") & text.str.len_bytes().is_in(list(_ID_HEX_CHARS))
    decoded = pl.when(encoded).then(text).str.decode("base64", strict=False).bin.encode("hex")
    lower = pl.coalesce(decoded, text.str.to_lowercase())
    return pl.when(~lower.str.contains("^0*$")).then(lower)
