"""Write telemetry as OTLP files, in the forms of the OpenTelemetry Collector's file exporter."""

from __future__ import annotations

import gzip
import json
from base64 import b64encode
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final, Literal

import polars as pl
import zstandard
from google.protobuf.json_format import ParseDict
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from rclagent.core.telemetry import Telemetry
from rclagent.errors import InputError
from rclagent.testing.otlp_json import log_lines, metric_lines, trace_lines

BATCH: Final = 2_000
"""Records in one export request."""

Encoding = Literal["json", "protobuf"]
"""``json``: one request a line; ``protobuf``: four bytes of length (big-endian), then the message."""
Compression = Literal["gz", "zst"]
"""Of the whole file."""

_FORMS: Final = [form + end for form in (".jsonl", ".binpb") for end in ("", ".gz", ".zst")]
_IDS: Final = frozenset({"traceId", "spanId", "parentSpanId"})
_Request = (
    type[ExportTraceServiceRequest] | type[ExportLogsServiceRequest] | type[ExportMetricsServiceRequest]
)
_KINDS: Final[dict[str, tuple[Callable[[pl.DataFrame, int], list[str]], _Request]]] = {
    "traces": (trace_lines, ExportTraceServiceRequest),
    "logs": (log_lines, ExportLogsServiceRequest),
    "metrics": (metric_lines, ExportMetricsServiceRequest),
}


def write_otlp(
    telemetry: Telemetry, folder: Path, *, compress: Compression | None = None, encoding: Encoding = "json"
) -> list[Path]:
    """Write one file for each modality that has records, in place of those of an earlier call.

    OTLP cannot say that a source has no status: such spans read back as not failed.

    Args:
        telemetry: What to write; the order of its rows does not matter.
        folder: Where to; made where it is missing. Each file appears when it is complete.
        compress: How, if at all.
        encoding: JSON lines or length-prefixed protobuf.

    Returns:
        The files: ``traces``, ``logs``, ``metrics`` with ``.jsonl`` or ``.binpb``, then ``.gz`` or ``.zst``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tables = {"traces": telemetry.spans, "logs": telemetry.logs, "metrics": telemetry.metrics}
    paths = []
    for name, table in tables.items():
        for form in _FORMS:  # a file left from another form would be read as well, and count twice
            (folder / (name + form)).unlink(missing_ok=True)
        if table.is_empty():
            continue
        write_lines, request = _KINDS[name]
        lines = write_lines(table, BATCH)
        content = _json(lines) if encoding == "json" else _protobuf(lines, request)
        suffix = (".jsonl" if encoding == "json" else ".binpb") + (f".{compress}" if compress else "")
        path = folder / (name + suffix)
        unfinished = path.with_name(path.name + ".partial")
        unfinished.write_bytes(_compressed(content, compress))
        unfinished.replace(path)
        paths.append(path)
    return paths


def _json(lines: Iterable[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


def _protobuf(lines: Iterable[str], request: _Request) -> bytes:
    """The same requests as messages, made from their JSON so that both encodings say the same."""
    parts = []
    for line in lines:
        fields = json.loads(line, object_hook=_with_base64_ids)
        message = ParseDict(fields, request()).SerializeToString(deterministic=True)
        parts += [len(message).to_bytes(4, "big"), message]
    return b"".join(parts)


def _with_base64_ids(fields: dict[str, object]) -> dict[str, object]:
    """Ids as protobuf's JSON mapping has them; OTLP's JSON writes them in hexadecimal instead."""
    for name in _IDS & fields.keys():
        text = str(fields[name])
        try:
            fields[name] = b64encode(bytes.fromhex(text)).decode()
        except ValueError as error:
            raise InputError(
                f"The id {text!r} is not hexadecimal, and protobuf has ids of bytes.", "Write JSON instead."
            ) from error
    return fields


def _compressed(content: bytes, compress: Compression | None) -> bytes:
    if compress == "gz":
        return gzip.compress(content, mtime=0)  # no time of writing: the same telemetry gives the same bytes
    if compress == "zst":
        return zstandard.ZstdCompressor().compress(content)
    return content
