"""OTLP JSON, as the OpenTelemetry Collector's file exporter writes it: one export request a line.

A line is decoded into typed structs. One that does not fit, because one record of
thousands has a wrong type or the field names are in snake case, is decoded again without
types, and its records are tried one by one.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Final

import msgspec

from rclagent.core.telemetry import Telemetry
from rclagent.telemetry.detect import OTLP
from rclagent.telemetry.json_documents import AnyObject, decode_documents, fitting, listed
from rclagent.telemetry.otlp import number_of
from rclagent.telemetry.otlp_message import AnyValue, DataPoint, LogRecord, Metric, Request, Resource, Span
from rclagent.telemetry.otlp_request import add_logs, add_metrics, add_traces
from rclagent.telemetry.record_rows import RecordRows
from rclagent.telemetry.source import Source
from rclagent.telemetry.tally import Tally
from rclagent.telemetry.time_filter import TimeFilter

_MAX_NESTING: Final = 16


class JsonCodec:
    """What is particular to OTLP in JSON."""

    def text_of(self, value: AnyValue | None) -> str:
        """Attribute value or log body as text; lists and maps as compact JSON."""
        if value is None:
            return ""
        if value.string_value is not None:
            return value.string_value
        plain = _plain(value, 0)
        return plain if isinstance(plain, str) else msgspec.json.encode(plain).decode()

    def id_of(self, raw: str | None) -> str | None:
        """Ids are text already."""
        return raw

    def number_of(self, point: DataPoint) -> float | None:
        """Value of a gauge's or sum's data point."""
        return number_of(point.as_int if point.as_double is None else point.as_double)

    def total_of(self, point: DataPoint) -> float | None:
        """Sum of a histogram's data point."""
        return number_of(point.sum)


_CODEC: Final = JsonCodec()
_DECODER: Final = msgspec.json.Decoder(Request)


def read_otlp_json(source: Source, keep: TimeFilter) -> Telemetry:
    """Telemetry of a file of OTLP JSON.

    Args:
        source: JSON lines of export requests of any signals, or one JSON document.
        keep: Which records are wanted, by time.

    Raises:
        InputError: The file cannot be read.
        FormatError: Not one line can be decoded.
    """
    tally = Tally()
    rows = RecordRows(keep, tally)

    def decode(line: memoryview | bytes) -> Request:
        return decode_request(line, tally)

    for request in decode_documents(source.read(tally), decode, source.name, tally):
        add_request(request, rows)
    return rows.telemetry(source.name, OTLP)


def decode_request(line: memoryview | bytes, tally: Tally) -> Request:
    """An export request from its JSON.

    Args:
        line: JSON text.
        tally: Told of records left out because they have fields of a wrong type.

    Raises:
        One of UNDECODABLE: The line is no JSON, or no export request.
    """
    try:
        request = _DECODER.decode(line)
    except msgspec.ValidationError:
        return _salvage(msgspec.json.decode(line), tally)
    if request.resource_spans or request.resource_logs or request.resource_metrics:
        return request
    return _salvage(msgspec.json.decode(line), tally)


def add_request(request: Request, rows: RecordRows) -> None:
    """Add all records of a request."""
    add_traces(request.resource_spans, rows, _CODEC)
    add_logs(request.resource_logs, rows, _CODEC)
    add_metrics(request.resource_metrics, rows, _CODEC)


def _plain(value: AnyValue, depth: int) -> object:
    """A value as JSON can write it; what is nested too deeply is cut."""
    if depth >= _MAX_NESTING:
        return "..."
    if value.array_value is not None:
        return [_plain(item, depth + 1) for item in value.array_value.values]
    if value.kvlist_value is not None:
        items = value.kvlist_value.values
        return {item.key: _plain(item.value, depth + 1) if item.value else None for item in items}
    if value.string_value is not None:
        return value.string_value
    if value.int_value is not None:
        return _integer(value.int_value)
    if value.double_value is not None:
        return value.double_value
    return value.bool_value if value.bool_value is not None else value.bytes_value or ""


def _integer(value: int | str) -> int | str:
    """64-bit numbers are text in OTLP's JSON; what is no such number stays as it is."""
    try:
        number = int(value)
    except ValueError:
        return value
    return number if abs(number) < 2**63 else str(value)


def _salvage(document: object, tally: Tally) -> Request:
    """What is good of a request whose fields are in snake case, or some of whose records do not fit."""
    request = Request()
    for item in listed(document):
        camel = _camel(item)
        if not isinstance(camel, dict) or not any(signal in camel for signal, *_ in _SIGNALS):
            raise msgspec.ValidationError("neither resourceSpans nor resourceLogs nor resourceMetrics")
        part = msgspec.convert(_pruned(camel, tally), Request)
        request.resource_spans += part.resource_spans
        request.resource_logs += part.resource_logs
        request.resource_metrics += part.resource_metrics
    return request


def _camel(value: Any) -> Any:
    """The same document with field names in camel case, without nulls, which mean absent."""
    if isinstance(value, dict):
        return {_camel_name(key): _camel(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_camel(item) for item in value]
    return value


@lru_cache(maxsize=1024)
def _camel_name(name: str) -> str:
    return re.sub(r"_([a-z])", lambda match: match.group(1).upper(), name)


def _pruned(document: dict[str, Any], tally: Tally) -> dict[str, list[dict[str, Any]]]:
    """The groups of each signal, with only those records that fit their type."""
    return {
        signal: [
            {
                "resource": next(iter(fitting(group.get("resource"), Resource, tally)), None),
                scopes: [
                    {records: fitting(scope.get(records), kind, tally)}
                    for scope in fitting(group.get(scopes), AnyObject, tally)
                ],
            }
            for group in fitting(document.get(signal), AnyObject, tally)
        ]
        for signal, scopes, records, kind in _SIGNALS
    }


_SIGNALS: Final = (
    ("resourceSpans", "scopeSpans", "spans", Span),
    ("resourceLogs", "scopeLogs", "logRecords", LogRecord),
    ("resourceMetrics", "scopeMetrics", "metrics", Metric),
)
"""Names of the groups, scopes and records of each signal, and the type of a record."""
