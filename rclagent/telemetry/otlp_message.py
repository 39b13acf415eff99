"""Messages of OTLP as msgspec decodes them from JSON.

Names and meaning of the fields are those of the OpenTelemetry protocol; only the fields
that are read stand here. All are optional, and unknown ones are ignored.
"""

from __future__ import annotations

import msgspec

from rclagent.telemetry.otlp import Scalar


class Message(msgspec.Struct, rename="camel", gc=False):
    """Base of the messages: camel case outside, unknown fields ignored, all fields optional."""


class AnyValue(Message):
    """A value of any type; one field is set."""

    string_value: str | None = None
    int_value: int | str | None = None
    double_value: float | str | None = None
    bool_value: bool | None = None
    array_value: ArrayValue | None = None
    kvlist_value: KeyValues | None = None
    bytes_value: str | None = None


class ArrayValue(Message):
    """A list of values."""

    values: list[AnyValue] = []


class KeyValue(Message):
    """An attribute."""

    key: str = ""
    value: AnyValue | None = None


class KeyValues(Message):
    """A map."""

    values: list[KeyValue] = []


class Resource(Message):
    """What produced the telemetry."""

    attributes: list[KeyValue] = []


class Event(Message):
    """Something that happened during a span."""

    name: str = ""
    time_unix_nano: Scalar = None
    attributes: list[KeyValue] = []


class Status(Message):
    """Outcome of a span."""

    code: Scalar = None


class Span(Message):
    """One operation."""

    trace_id: str | None = None
    span_id: str | None = None
    parent_span_id: str | None = None
    name: str = ""
    kind: Scalar = None
    start_time_unix_nano: Scalar = None
    end_time_unix_nano: Scalar = None
    attributes: list[KeyValue] = []
    events: list[Event] = []
    status: Status | None = None


class ScopeSpans(Message):
    """Spans of one instrumentation library."""

    spans: list[Span] = []


class ResourceSpans(Message):
    """Spans of one resource."""

    resource: Resource | None = None
    scope_spans: list[ScopeSpans] = []


class LogRecord(Message):
    """One log record."""

    time_unix_nano: Scalar = None
    observed_time_unix_nano: Scalar = None
    severity_number: Scalar = None
    severity_text: str | None = None
    body: AnyValue | None = None
    trace_id: str | None = None
    span_id: str | None = None


class ScopeLogs(Message):
    """Log records of one instrumentation library."""

    log_records: list[LogRecord] = []


class ResourceLogs(Message):
    """Log records of one resource."""

    resource: Resource | None = None
    scope_logs: list[ScopeLogs] = []


class Quantile(Message):
    """A quantile of a summary."""

    quantile: Scalar = None
    value: Scalar = None


class DataPoint(Message):
    """A data point of any kind of metric."""

    start_time_unix_nano: Scalar = None
    time_unix_nano: Scalar = None
    as_double: Scalar = None
    as_int: Scalar = None
    count: Scalar = None
    sum: Scalar = None
    flags: int | None = None
    attributes: list[KeyValue] = []
    quantile_values: list[Quantile] = []


class Points(Message):
    """Data points of a metric, whatever its kind."""

    data_points: list[DataPoint] = []
    aggregation_temporality: Scalar = None
    is_monotonic: bool | None = None


class Metric(Message):
    """One metric; one of its kinds is set."""

    name: str = ""
    unit: str | None = None
    gauge: Points | None = None
    sum: Points | None = None
    histogram: Points | None = None
    exponential_histogram: Points | None = None
    summary: Points | None = None


class ScopeMetrics(Message):
    """Metrics of one instrumentation library."""

    metrics: list[Metric] = []


class ResourceMetrics(Message):
    """Metrics of one resource."""

    resource: Resource | None = None
    scope_metrics: list[ScopeMetrics] = []


class Request(Message):
    """An export request; in a file usually of one signal."""

    resource_spans: list[ResourceSpans] = []
    resource_logs: list[ResourceLogs] = []
    resource_metrics: list[ResourceMetrics] = []
