"""Which format a file has, judged by its first bytes and never by its name."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final

OTLP, JAEGER, NEZHA, AIOPS, PARQUET = "otlp", "jaeger", "nezha", "aiops", "parquet"
FORMATS: Final = (OTLP, JAEGER, NEZHA, AIOPS, PARQUET)
"""Names of the formats, as a user gives them."""


class Layout(StrEnum):
    """What one file holds."""

    OTLP_JSON = "otlp json"
    OTLP_FRAMES = "otlp frames"
    JAEGER_JSON = "jaeger json"
    NEZHA_TRACES = "nezha traces"
    NEZHA_LOGS = "nezha logs"
    NEZHA_METRICS = "nezha metrics"
    AIOPS_TRACES = "aiops traces"
    AIOPS_LOGS = "aiops logs"
    AIOPS_METRICS = "aiops metrics"
    PARQUET = "parquet"

    @property
    def family(self) -> str:
        """Name of the format that the layout belongs to."""
        return self.value.partition(" ")[0]


_OTLP_KEY: Final = re.compile(rb'"(?:resource_?(?:Spans|Logs|Metrics)|resource_(?:spans|logs|metrics))"\s*:')
_JAEGER_KEYS: Final = (
    re.compile(rb'"(?:traceID|spanID)"\s*:'),
    re.compile(rb'"(?:spans|processes|processID|operationName)"\s*:'),
)
_ZSTD_MAGIC: Final = b"\x28\xb5\x2f\xfd"
_PARQUET_MAGIC: Final = b"PAR1"
_FIRST_FIELD: Final = 0x0A  # protobuf tag of field 1, length-delimited: every OTLP request starts with it
_MAX_FRAME_BYTES: Final = 1 << 30


def detect(head: bytes) -> Layout | None:
    """Layout of a file from its first bytes; None where it is no telemetry that is known.

    Args:
        head: First bytes, decompressed; some 64 kB are enough.
    """
    if head.startswith(_PARQUET_MAGIC):
        return Layout.PARQUET  # which table it is stands at the end of the file, and its reader looks there
    if _is_framed(head):
        return Layout.OTLP_FRAMES
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    return _detect_table(_header(text)) or _detect_json(text)


def _is_framed(head: bytes) -> bool:
    """Whether the bytes start with a length and an OTLP request (protobuf, or compressed on its own)."""
    size = int.from_bytes(head[:4], "big")
    if len(head) < 6 or not 2 <= size <= _MAX_FRAME_BYTES or head[0] in b"{[":
        return False
    return head[4] == _FIRST_FIELD or head.startswith(_ZSTD_MAGIC, 4)


def _detect_json(text: bytes) -> Layout | None:
    if b"{" not in text[:1024]:
        return None
    if _OTLP_KEY.search(text):
        return Layout.OTLP_JSON
    if all(key.search(text) for key in _JAEGER_KEYS):
        return Layout.JAEGER_JSON
    return None


def _header(text: bytes) -> frozenset[str]:
    first = text.split(b"\n", 1)[0].decode("utf-8", "replace")
    return frozenset(cell.strip().strip('"').lower() for cell in first.split(","))


def _detect_table(header: frozenset[str]) -> Layout | None:
    for layout, columns in _TABLES.items():
        if any(required <= header for required in columns):
            return layout
    return None


_TABLES: Final[dict[Layout, tuple[frozenset[str], ...]]] = {
    Layout.NEZHA_TRACES: (frozenset({"traceid", "spanid", "parentid", "podname", "starttimeunixnano"}),),
    Layout.NEZHA_LOGS: (frozenset({"timeunixnano", "podname", "log"}),),
    Layout.NEZHA_METRICS: (
        frozenset({"time", "timestamp"}),
        frozenset({"time", "podname"}),
        frozenset({"timestamp", "podname"}),
    ),
    Layout.AIOPS_TRACES: (frozenset({"timestamp", "cmdb_id", "span_id", "trace_id", "duration"}),),
    Layout.AIOPS_METRICS: (
        frozenset({"timestamp", "cmdb_id", "kpi_name", "value"}),
        frozenset({"timestamp", "service", "rr", "sr"}),
        frozenset({"timestamp", "service", "mrt"}),
    ),
    Layout.AIOPS_LOGS: (
        frozenset({"timestamp", "cmdb_id", "log_name", "value"}),
        frozenset({"timestamp", "cmdb_id", "log_id", "value"}),
    ),
}
"""Columns, in lower case, of which a table must have at least one set; the first match counts."""
