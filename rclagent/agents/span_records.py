"""Spans as recursion of thought shows them: in the nine columns that its models were trained on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeAlias

from rclagent.agents.briefing import name
from rclagent.core.span import Span
from rclagent.core.window import NS_PER_MS
from rclagent.prompting import shown_text

SpanRecord: TypeAlias = Mapping[str, str | int]
"""Column to value."""

COLUMNS: Final = (
    "timestamp",  # start, milliseconds since the Unix epoch
    "cmdb_id",  # instance, or the service where that is not known
    "span_id",
    "trace_id",
    "duration",  # microseconds
    "type",  # role of the span in its trace
    "status_code",
    "operation_name",
    "parent_span",  # empty at the top
)
"""In this order."""
_NS_PER_US: Final = 1_000


def span_record(span: Span) -> SpanRecord:
    """A span in these columns, its texts bounded and screened."""
    values = (
        span.start_ns // NS_PER_MS,
        name(span.pod or span.service),
        shown_text(span.span_id),
        shown_text(span.trace_id),
        span.duration_ns // _NS_PER_US,
        span.kind.value,
        shown_text(span.status or ("error" if span.error else "ok")),
        shown_text(span.operation),
        shown_text(span.parent_id or ""),
    )
    return dict(zip(COLUMNS, values, strict=True))


def as_table(record: SpanRecord) -> str:
    """A header and one row with its number in front, in columns of fixed width."""
    shown = {column: str(record[column]) for column in COLUMNS}
    widths = {column: max(len(column), len(text)) for column, text in shown.items()}
    header = " ".join(column.rjust(widths[column]) for column in COLUMNS)
    row = " ".join(text.rjust(widths[column]) for column, text in shown.items())
    return f"  {header}\n0 {row}"
