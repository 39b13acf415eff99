"""Jaeger's JSON, as its query API answers and its user interface downloads."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from rclagent.core import names
from rclagent.core.telemetry import Telemetry
from rclagent.telemetry import otlp
from rclagent.telemetry.detect import JAEGER
from rclagent.telemetry.json_documents import AnyObject, decode_documents, fitting, listed
from rclagent.telemetry.otlp import Place, Scalar
from rclagent.telemetry.record_rows import RecordRows
from rclagent.telemetry.source import Source
from rclagent.telemetry.tally import Tally
from rclagent.telemetry.time_filter import TimeFilter

_NS_PER_US: Final = 1_000
_ERROR_EVENTS: Final = frozenset({"error", "exception"})
_LEVEL_KEYS: Final = ("level", "log.level", "severity")
_KIND_OF_ERROR: Final = (names.EXCEPTION_TYPE, "error.kind")
_MESSAGES: Final = (names.EXCEPTION_MESSAGE, "message", "error.object", "stack", "event")
_SPAN_TAGS: Final = otlp.SPAN_KEYS | {names.SPAN_KIND, "error", "otel.status_code"}
_LOG_FIELDS: Final = frozenset({"event", *_LEVEL_KEYS, *_KIND_OF_ERROR, *_MESSAGES})


class Tag(msgspec.Struct, gc=False):
    """A key with a value."""

    key: str = ""
    value: Any = None


class Log(msgspec.Struct, gc=False):
    """Something that happened during a span."""

    timestamp: Scalar = None
    fields: list[Tag] | None = None


class Reference(msgspec.Struct, gc=False):
    """A link to another span."""

    kind: str = msgspec.field(default="", name="refType")
    trace_id: str = msgspec.field(default="", name="traceID")
    span_id: str = msgspec.field(default="", name="spanID")


class Process(msgspec.Struct, gc=False):
    """What ran a span."""

    service: str | None = msgspec.field(default=None, name="serviceName")
    tags: list[Tag] | None = None


class Span(msgspec.Struct, gc=False):
    """One operation."""

    trace_id: str | None = msgspec.field(default=None, name="traceID")
    span_id: str | None = msgspec.field(default=None, name="spanID")
    parent_id: str | None = msgspec.field(default=None, name="parentSpanID")
    operation: str | None = msgspec.field(default=None, name="operationName")
    references: list[Reference] | None = None
    start_us: Scalar = msgspec.field(default=None, name="startTime")
    duration_us: Scalar = msgspec.field(default=None, name="duration")
    tags: list[Tag] | None = None
    logs: list[Log] | None = None
    process_id: str | None = msgspec.field(default=None, name="processID")
    process: Process | None = None


class Trace(msgspec.Struct, gc=False):
    """Spans of one request, and the processes that they name."""

    spans: list[Span] | None = None
    processes: dict[str, Process] | None = None


class Document(msgspec.Struct, gc=False):
    """Answer of the query API."""

    data: list[Trace]


_DECODER: Final = msgspec.json.Decoder(Document)


def read_jaeger(source: Source, keep: TimeFilter) -> Telemetry:
    """Telemetry of a file of Jaeger's JSON.

    Args:
        source: A document with ``data``, a list of traces, one trace, or such documents one a line.
        keep: Which spans are wanted, by start.

    Raises:
        InputError: The file cannot be read.
        FormatError: It holds no trace that can be decoded.
    """
    tally = Tally()
    rows = RecordRows(keep, tally)

    def decode(line: memoryview | bytes) -> Document:
        return _decode(line, tally)

    for document in decode_documents(source.read(tally), decode, source.name, tally):
        for trace in document.data:
            _add_trace(trace, rows)
    return rows.telemetry(source.name, JAEGER)


def _decode(line: memoryview | bytes, tally: Tally) -> Document:
    try:
        return _DECODER.decode(line)
    except msgspec.ValidationError:
        document = msgspec.json.decode(line)
    traces = listed(document.get("data", document) if isinstance(document, dict) else document)
    if not any(isinstance(trace, dict) and "spans" in trace for trace in traces):
        raise msgspec.ValidationError("no trace with spans")
    return msgspec.convert(
        {"data": [_pruned(trace, tally) for trace in fitting(traces, AnyObject, tally)]}, Document
    )


def _pruned(trace: dict[str, Any], tally: Tally) -> dict[str, Any]:
    """The trace with only those spans and processes that fit their types."""
    processes = trace.get("processes")
    named = processes if isinstance(processes, dict) else {}
    return {
        "spans": fitting(trace.get("spans"), Span, tally),
        "processes": {key: value for key, value in named.items() if fitting(value, Process, tally)},
    }


def _add_trace(trace: Trace, rows: RecordRows) -> None:
    processes = trace.processes or {}
    places = {key: _place(process) for key, process in processes.items()}
    for span in trace.spans or ():
        start = otlp.time_of(_microseconds(span.start_us) * _NS_PER_US)
        if rows.wants(start):
            place = places.get(span.process_id or "") or _place(span.process)
            _add_span(span, start, place, rows)


def _place(process: Process | None) -> Place:
    if process is None:
        return otlp.place_of({})
    tags = _tags(process.tags, None)
    instance = tags.get("hostname") or tags.get("ip")
    if instance:  # Jaeger's own clients name the instance so; Kubernetes' name of the pod goes before
        tags.setdefault(names.SERVICE_INSTANCE_ID, instance)
    if process.service:
        tags[names.SERVICE_NAME] = process.service
    return otlp.place_of(tags)


def _add_span(span: Span, start: int, place: Place, rows: RecordRows) -> None:
    tags = _tags(span.tags, _SPAN_TAGS)
    kind = otlp.kind_of(tags.get(names.SPAN_KIND))
    end = start + _microseconds(span.duration_us) * _NS_PER_US if span.duration_us is not None else 0
    failed = tags.get("error", "false").lower() in ("true", "1") or otlp.is_error(
        tags.get("otel.status_code")
    )
    for log in span.logs or ():
        _add_log(log, start, span, place, rows)
    rows.spans.add(
        (
            span.trace_id,
            span.span_id,
            _parent(span),
            place.service,
            place.pod,
            place.node,
            span.operation,
            kind,
            start,
            otlp.time_of(end),
            failed,
            otlp.status_of(tags),
            otlp.peer_of(kind, tags),
            place.version,
        )
    )


def _add_log(log: Log, start: int, span: Span, place: Place, rows: RecordRows) -> None:
    """A span's log becomes a log record where it tells of an error or has a level; others mark progress."""
    fields = _tags(log.fields, _LOG_FIELDS)
    level = next((fields[key] for key in _LEVEL_KEYS if fields.get(key)), None)
    if fields.get("event", "").lower() in _ERROR_EVENTS:
        level = level or "ERROR"
    if level is None:
        return
    parts = [
        next((fields[key] for key in keys if fields.get(key)), "") for keys in (_KIND_OF_ERROR, _MESSAGES)
    ]
    time = otlp.time_of(_microseconds(log.timestamp) * _NS_PER_US) or start
    body = ": ".join(part for part in parts if part)
    if rows.wants(time):
        rows.logs.add((time, place.service, place.pod, place.node, span.trace_id, span.span_id, level, body))


def _parent(span: Span) -> str | None:
    """The span that this one is a child of, else that it follows from; links to other traces are none."""
    own = [reference for reference in span.references or () if reference.trace_id in (span.trace_id, "")]
    for kind in ("CHILD_OF", "FOLLOWS_FROM"):
        for reference in own:
            if reference.kind == kind:
                return reference.span_id
    return span.parent_id


def _microseconds(value: Scalar) -> int:
    try:
        return int(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return 0


def _tags(tags: list[Tag] | None, wanted: frozenset[str] | None) -> dict[str, str]:
    """Wanted tags with plain values as text; booleans in lower case."""
    return {
        tag.key: str(tag.value).lower() if tag.value is True or tag.value is False else str(tag.value)
        for tag in tags or ()
        if (wanted is None or tag.key in wanted) and isinstance(tag.value, str | int | float)
    }
