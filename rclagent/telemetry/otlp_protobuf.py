"""OTLP in frames, as the OpenTelemetry Collector's file exporter writes protobuf, or JSON that it compresses.

Each export request stands behind its length: four bytes, most significant first. Neither
its encoding nor its signal is named; both follow from its bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from rclagent.core.telemetry import Telemetry
from rclagent.errors import FormatError
from rclagent.telemetry.detect import OTLP
from rclagent.telemetry.json_documents import UNDECODABLE
from rclagent.telemetry.otlp_json import add_request, decode_request
from rclagent.telemetry.otlp_request import add_logs, add_metrics, add_traces
from rclagent.telemetry.record_rows import RecordRows
from rclagent.telemetry.source import MAX_BYTES, Source, decompress
from rclagent.telemetry.tally import Tally
from rclagent.telemetry.time_filter import TimeFilter

BROKEN_FRAME: Final = "broken frame"
TRUNCATED_FRAME: Final = "truncated last frame"

_LENGTH_BYTES: Final = 4
_MAX_NESTING: Final = 16
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5  # wire types
_FIXED_BYTES: Final = {_FIXED64: 8, _FIXED32: 4}

Field = tuple[int, int]
"""Number and wire type of a protobuf field."""


class ProtobufCodec:
    """What is particular to OTLP in protobuf."""

    def text_of(self, value: Any) -> str:
        """Attribute value or log body as text; lists and maps as compact JSON."""
        if value.WhichOneof("value") == "string_value":
            return str(value.string_value)
        plain = _plain(value, 0)
        return plain if isinstance(plain, str) else msgspec.json.encode(plain).decode()

    def id_of(self, raw: bytes) -> str | None:
        """Ids are bytes; hex as everywhere else."""
        return raw.hex()

    def number_of(self, point: Any) -> float | None:
        """Value of a gauge's or sum's data point."""
        which = point.WhichOneof("value")
        return None if which is None else float(getattr(point, which))

    def total_of(self, point: Any) -> float | None:
        """Sum of a histogram's data point."""
        return float(point.sum) if point.HasField("sum") else None


_CODEC: Final = ProtobufCodec()


def read_otlp_frames(source: Source, keep: TimeFilter) -> Telemetry:
    """Telemetry of a file of length-prefixed export requests.

    Args:
        source: Frames of protobuf, each perhaps compressed with zstd, or of compressed JSON.
        keep: Which records are wanted, by time.

    Raises:
        InputError: The file cannot be read.
        FormatError: Not one frame can be decoded.
    """
    tally = Tally()
    rows = RecordRows(keep, tally)
    data = source.read(tally)
    good, problem = 0, "byte 0: nothing there"
    for start, end in _frames(data, tally):
        try:
            _add_frame(data[start:end], rows)
            good += 1
        except (DecodeError, FormatError, *UNDECODABLE) as error:
            problem = problem if tally.dropped[BROKEN_FRAME] else f"byte {start}: {error}"
            tally.drop(BROKEN_FRAME)
    if not good:
        raise FormatError(
            f"{source.name!r}, {problem}; no frame of the file can be read.",
            "Check that the file is complete and was written by the Collector's file exporter.",
        )
    return rows.telemetry(source.name, OTLP)


def _frames(data: bytes, tally: Tally) -> Iterator[tuple[int, int]]:
    """Start and end of each request."""
    place = 0
    while place < len(data):
        start = place + _LENGTH_BYTES
        place = start + int.from_bytes(data[place:start], "big")
        if place > len(data):
            tally.drop(TRUNCATED_FRAME)
            return
        yield start, place


def _add_frame(frame: bytes, rows: RecordRows) -> None:
    frame = decompress(frame, MAX_BYTES, "A frame")
    if frame.lstrip().startswith(b"{"):
        add_request(decode_request(frame, rows.tally), rows)
        return
    fields = _first_record(frame)
    if (7, _FIXED64) in fields or (8, _FIXED64) in fields:  # start and end of a span
        add_traces(ExportTraceServiceRequest.FromString(frame).resource_spans, rows, _CODEC)
    elif (1, _BYTES) in fields:  # name of a metric; a log record has a time there
        add_metrics(ExportMetricsServiceRequest.FromString(frame).resource_metrics, rows, _CODEC)
    elif fields:
        add_logs(ExportLogsServiceRequest.FromString(frame).resource_logs, rows, _CODEC)


def _first_record(frame: bytes) -> set[Field]:
    """Fields of the first span, log record or metric of a request; empty where it has none.

    The three requests have the same outer shape: field 1 is a resource's group, whose
    field 2 is a scope's group, whose field 2 is a record.

    Raises:
        DecodeError: The bytes are no protobuf.
    """
    for _, group, group_end in _fields(frame, 0, len(frame), (1, _BYTES)):
        for _, scope, scope_end in _fields(frame, group, group_end, (2, _BYTES)):
            for _, record, record_end in _fields(frame, scope, scope_end, (2, _BYTES)):
                return {field for field, *_ in _fields(frame, record, record_end)}
    return set()


def _fields(
    data: bytes, place: int, end: int, wanted: Field | None = None
) -> Iterator[tuple[Field, int, int]]:
    """Each field of a message, or only those wanted, with start and end of its value."""
    while place < end:
        key, place = _varint(data, place, end)
        field = (key >> 3, key & 7)
        if field[1] == _VARINT:
            _, stop = _varint(data, place, end)
        elif field[1] == _BYTES:
            size, place = _varint(data, place, end)
            stop = place + size
        else:
            stop = place + _FIXED_BYTES.get(field[1], end + 1)
        if stop > end:
            raise DecodeError("a field is longer than its message")
        if wanted is None or field == wanted:
            yield field, place, stop
        place = stop


def _varint(data: bytes, place: int, end: int) -> tuple[int, int]:
    """A variable-length number and the place behind it."""
    value = 0
    for shift in range(0, 70, 7):
        if place >= end:
            break
        value |= (data[place] & 0x7F) << shift
        place += 1
        if data[place - 1] < 0x80:
            return value, place
    raise DecodeError("a number does not end")


def _plain(value: Any, depth: int) -> object:
    """A value as JSON can write it; what is nested too deeply is cut."""
    which = value.WhichOneof("value")
    if which is None:
        return ""
    if depth >= _MAX_NESTING:
        return "..."
    content = getattr(value, which)
    if which == "array_value":
        return [_plain(item, depth + 1) for item in content.values]
    if which == "kvlist_value":
        return {item.key: _plain(item.value, depth + 1) for item in content.values}
    return content.hex() if isinstance(content, bytes) else content
