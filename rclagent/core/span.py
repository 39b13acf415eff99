"""The span record and the columns that hold spans."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import polars as pl


class SpanKind(StrEnum):
    """Role of a span in its trace, as in OpenTelemetry; UNKNOWN where the source names none."""

    SERVER = "server"
    CLIENT = "client"
    PRODUCER = "producer"
    CONSUMER = "consumer"
    INTERNAL = "internal"
    UNKNOWN = "unknown"


SPAN_SCHEMA: Final[dict[str, pl.DataType]] = {
    "trace_id": pl.String(),
    "span_id": pl.String(),
    "parent_id": pl.String(),  # null at the top of a trace
    "service": pl.String(),
    "pod": pl.String(),  # null where the source names none
    "node": pl.String(),  # null where the source names none
    "operation": pl.String(),
    "kind": pl.String(),  # a SpanKind value
    "start_ns": pl.Int64(),  # Unix epoch
    "end_ns": pl.Int64(),  # Unix epoch
    "error": pl.Boolean(),  # null where the source has no status at all
    "status": pl.String(),  # HTTP or gRPC code, or error type; null where none
    "peer": pl.String(),  # remote service, database or address named by a client span
    "version": pl.String(),  # service.version; null where none
}
"""Column names and types of a table of spans."""


@dataclass(frozen=True, slots=True)
class Span:
    """One operation of one service within a trace; a row of a span table."""

    trace_id: str
    """Trace it belongs to."""
    span_id: str
    """Unique within the trace."""
    parent_id: str | None
    """Span that caused it; None at the top."""
    service: str
    """Logical service."""
    operation: str
    """Span name within the service."""
    start_ns: int
    """Start, nanoseconds since the Unix epoch."""
    end_ns: int
    """End, nanoseconds since the Unix epoch."""
    kind: SpanKind = SpanKind.UNKNOWN
    """Role in the trace."""
    pod: str | None = None
    """Instance that ran it."""
    node: str | None = None
    """Machine that ran it."""
    error: bool | None = None
    """Whether it failed; None where the source has no status."""
    status: str | None = None
    """HTTP or gRPC code, or error type."""
    peer: str | None = None
    """Remote service, database or address that a client span names."""
    version: str | None = None
    """Deployed version of the service."""

    @property
    def duration_ns(self) -> int:
        """End less start, in nanoseconds; negative only before repair."""
        return self.end_ns - self.start_ns


def spans_to_frame(spans: list[Span]) -> pl.DataFrame:
    """A span table of the given records, in their order."""
    columns = {name: [getattr(span, name) for span in spans] for name in SPAN_SCHEMA}
    return pl.DataFrame(columns, schema=SPAN_SCHEMA)
