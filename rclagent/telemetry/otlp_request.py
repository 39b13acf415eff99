"""Rows of an OTLP export request, whichever encoding it came in.

Decoded JSON and protobuf messages have the same field names; the few places where they
differ are the methods of a Codec.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple, Protocol

from rclagent.telemetry import otlp
from rclagent.telemetry.otlp import Place
from rclagent.telemetry.record_rows import RecordRows
from rclagent.telemetry.severity import severity_of_number

NO_VALUE: Final = "data point without a value"

_COUNT: Final = ".count"
_SUM: Final = ".sum"
_NO_RECORDED_VALUE: Final = 1  # flag of a data point that only says that the series ended


class Codec(Protocol):
    """What differs between the encodings of OTLP."""

    def text_of(self, value: Any) -> str:
        """Attribute value or log body as text."""

    def id_of(self, raw: Any) -> str | None:
        """Trace or span id as hex or base64 text."""

    def number_of(self, point: Any) -> float | None:
        """Value of a gauge's or sum's data point."""

    def total_of(self, point: Any) -> float | None:
        """Sum of a histogram's data point, which is optional."""


def add_traces(resource_spans: Iterable[Any], rows: RecordRows, codec: Codec) -> None:
    """Add every span, and every recorded exception as a log record."""
    for group in resource_spans:
        place = _place(group, codec)
        for scope in group.scope_spans:
            for span in scope.spans:
                start = otlp.time_of(span.start_time_unix_nano)
                if rows.wants(start):
                    _add_span(span, start, place, rows, codec)


def add_logs(resource_logs: Iterable[Any], rows: RecordRows, codec: Codec) -> None:
    """Add every log record."""
    for group in resource_logs:
        place = _place(group, codec)
        for scope in group.scope_logs:
            for record in scope.log_records:
                time = otlp.time_of(record.time_unix_nano) or otlp.time_of(record.observed_time_unix_nano)
                if not rows.wants(time):
                    continue
                number = record.severity_number
                name = severity_of_number(number) if isinstance(number, int) else None
                rows.logs.add(
                    (
                        time,
                        place.service,
                        place.pod,
                        place.node,
                        codec.id_of(record.trace_id),
                        codec.id_of(record.span_id),
                        name or record.severity_text,
                        codec.text_of(record.body),
                    )
                )


def add_metrics(resource_metrics: Iterable[Any], rows: RecordRows, codec: Codec) -> None:
    """Add every data point; of histograms the count and sum, of summaries also the quantiles."""
    for group in resource_metrics:
        place = _place(group, codec)
        for scope in group.scope_metrics:
            for metric in scope.metrics:
                _add_metric(metric, place, rows, codec)


def _place(group: Any, codec: Codec) -> Place:
    resource = group.resource
    return otlp.place_of(_attributes(resource.attributes, codec) if resource else {})


def _attributes(attributes: Iterable[Any], codec: Codec) -> dict[str, str]:
    return {item.key: codec.text_of(item.value) for item in attributes}


def _add_span(span: Any, start: int, place: Place, rows: RecordRows, codec: Codec) -> None:
    trace_id, span_id = codec.id_of(span.trace_id), codec.id_of(span.span_id)
    failed = span.status is not None and otlp.is_error(span.status.code)
    for event in span.events:
        if event.name == otlp.EXCEPTION_EVENT:
            failed = True
            text = otlp.exception_text(_attributes(event.attributes, codec)) or otlp.EXCEPTION_EVENT
            time = otlp.time_of(event.time_unix_nano) or start
            if rows.wants(time):
                rows.logs.add((time, place.service, place.pod, place.node, trace_id, span_id, "ERROR", text))
    kind = otlp.kind_of(span.kind)
    keys = otlp.SPAN_KEYS
    attributes = {item.key: codec.text_of(item.value) for item in span.attributes if item.key in keys}
    rows.spans.add(
        (
            trace_id,
            span_id,
            codec.id_of(span.parent_span_id),
            place.service,
            place.pod,
            place.node,
            span.name,
            kind,
            start,
            otlp.time_of(span.end_time_unix_nano),
            failed,
            otlp.status_of(attributes),
            otlp.peer_of(kind, attributes),
            place.version,
        )
    )


def _add_metric(metric: Any, place: Place, rows: RecordRows, codec: Codec) -> None:
    for sample in _samples(metric, codec):
        point = sample.point
        time = otlp.time_of(point.time_unix_nano)
        if not rows.wants(time):
            continue
        if point.flags == _NO_RECORDED_VALUE:
            rows.tally.drop(NO_VALUE)
            continue
        labels = _attributes(point.attributes, codec)
        if sample.quantile is not None:
            labels["quantile"] = f"{sample.quantile:g}"
        service, pod, node, series = otlp.series_of(place, metric.name + sample.suffix, labels)
        unit = metric.unit if sample.suffix != _COUNT else "1"
        # What came in each interval is a rate, as running totals become one.
        value = (
            otlp.per_second(sample.value, point.start_time_unix_nano, time) if sample.delta else sample.value
        )
        rows.metrics.add((time, service, pod, node, series, value, unit or None, sample.running))


class _Sample(NamedTuple):
    """One number of a data point."""

    point: Any
    value: float | None
    running: bool
    delta: bool = False
    suffix: str = ""
    quantile: float | None = None


def _samples(metric: Any, codec: Codec) -> Iterator[_Sample]:
    if metric.gauge:
        for point in metric.gauge.data_points:
            yield _Sample(point, codec.number_of(point), False)
    if metric.sum:
        kind, rising = metric.sum.aggregation_temporality, bool(metric.sum.is_monotonic)
        running, delta = otlp.is_cumulative(kind, rising), otlp.is_delta(kind, rising)
        for point in metric.sum.data_points:
            yield _Sample(point, codec.number_of(point), running, delta)
    for histogram in (metric.histogram, metric.exponential_histogram):
        if histogram:
            kind = histogram.aggregation_temporality
            running, delta = otlp.is_cumulative(kind, True), otlp.is_delta(kind, True)
            for point in histogram.data_points:
                yield from _totals(point, running, codec.total_of(point), delta)
    if metric.summary:
        for point in metric.summary.data_points:
            yield from _totals(point, True, otlp.number_of(point.sum or 0))
            for item in point.quantile_values:
                quantile = otlp.number_of(item.quantile or 0) or 0.0
                yield _Sample(point, otlp.number_of(item.value or 0), False, quantile=quantile)


def _totals(point: Any, running: bool, total: float | None, delta: bool = False) -> Iterator[_Sample]:
    """Count and sum; a number that is zero may be left out of the JSON."""
    yield _Sample(point, otlp.number_of(point.count or 0), running, delta, _COUNT)
    if total is not None:
        yield _Sample(point, total, running, delta, _SUM)
