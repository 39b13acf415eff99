"""OTLP's JSON from columns: the lines that the OpenTelemetry Collector's file exporter writes.

Texts are put together by polars, a column at a time; a Python object for each span would
take longer than generating it.
"""

from __future__ import annotations

import json
from typing import Final

import polars as pl

from rclagent.core import names
from rclagent.core.span import SpanKind

_RESOURCE: Final = {
    "service": names.SERVICE_NAME,
    "version": names.SERVICE_VERSION,
    "pod": names.K8S_POD_NAME,
    "node": names.K8S_NODE_NAME,
}
_KIND_NUMBERS: Final = {
    SpanKind.UNKNOWN.value: "0",
    SpanKind.INTERNAL.value: "1",
    SpanKind.SERVER.value: "2",
    SpanKind.CLIENT.value: "3",
    SpanKind.PRODUCER.value: "4",
    SpanKind.CONSUMER.value: "5",
}
_SEVERITY_NUMBERS: Final = {
    "TRACE": "1",
    "DEBUG": "5",
    "INFO": "9",
    "WARN": "13",
    "ERROR": "17",
    "FATAL": "21",
}
_SCOPE: Final = '"scope":{"name":"rclagent.testing"}'
_SUM: Final = '"sum":{"isMonotonic":true,"aggregationTemporality":2,'  # 2: cumulative
_GAUGE: Final = '"gauge":{'


def trace_lines(spans: pl.DataFrame, batch: int) -> list[str]:
    """One export request for each ``batch`` spans in order of time; spans of one resource stand together."""
    span = _object(
        traceId=_quoted("trace_id"),
        spanId=_quoted("span_id"),
        parentSpanId=_quoted("parent_id"),
        name=_quoted("operation"),
        kind=pl.col("kind").replace_strict(_KIND_NUMBERS),
        startTimeUnixNano=_digits("start_ns"),
        endTimeUnixNano=_digits("end_ns"),
        attributes=_span_attributes(),
        status=pl.when("error").then(pl.lit('{"code":2}')).otherwise(pl.lit("{}")),
    )
    ordered = _ordered(spans, "start_ns", "trace_id", "span_id")
    return _requests(_batched(ordered, span, batch), "Spans", "spans")


def log_lines(logs: pl.DataFrame, batch: int) -> list[str]:
    """One export request for each ``batch`` log records in order of time."""
    record = _object(
        timeUnixNano=_digits("time_ns"),
        severityNumber=pl.col("severity").replace_strict(_SEVERITY_NUMBERS, default="0"),
        severityText=_quoted("severity"),
        body=_object(stringValue=_quoted("body")),
        traceId=_quoted("trace_id"),
        spanId=_quoted("span_id"),
    )
    ordered = _ordered(logs, "time_ns", "trace_id", "span_id")
    return _requests(_batched(ordered, record, batch), "Logs", "logRecords")


def metric_lines(metrics: pl.DataFrame, batch: int) -> list[str]:
    """One export request for each ``batch`` data points in order of time, grouped by metric."""
    ordered = _ordered(metrics, "time_ns", "metric")
    series = ordered["metric"].unique().to_list()
    point = _object(
        timeUnixNano=_digits("time_ns"),
        asDouble=_number("value"),
        attributes=pl.col("metric").replace_strict(
            {name: _labels(name) for name in series}, return_dtype=pl.String
        ),
    )
    head = _members(
        name=pl.col("metric").replace_strict(
            {name: _plain_name(name) for name in series}, return_dtype=pl.String
        ),
        unit=_quoted("unit"),
    )
    kind = pl.when("cumulative").then(pl.lit(_SUM)).otherwise(pl.lit(_GAUGE))
    points = _batched(ordered, point, batch).with_columns(
        ordered.select(head.alias("head"), kind.alias("kind")).get_columns()
    )
    grouped = points.group_by("batch", *_RESOURCE, "head", "kind", maintain_order=True).agg(_joined("record"))
    metric = _text("{", pl.col("head"), ",", pl.col("kind"), '"dataPoints":[', pl.col("record"), "]}}")
    return _requests(grouped.with_columns(metric.alias("record")), "Metrics", "metrics")


def _ordered(frame: pl.DataFrame, *first: str) -> pl.DataFrame:
    """Sorted by all columns, so that the order of the rows given does not matter."""
    return frame.sort(*first, *(name for name in frame.columns if name not in first), nulls_last=True)


def _batched(ordered: pl.DataFrame, record: pl.Expr, batch: int) -> pl.DataFrame:
    """Number of the request, resource and text of each record."""
    version = pl.col("version") if "version" in ordered.columns else pl.lit(None, pl.String).alias("version")
    return ordered.select(
        (pl.int_range(pl.len()) // batch).alias("batch"),
        "service",
        version,
        "pod",
        "node",
        record.alias("record"),
    )


def _requests(records: pl.DataFrame, kind: str, inner: str) -> list[str]:
    """Group records by request and resource, and write what stands around them."""
    resource = _text('{"resource":{"attributes":[', _attributes(_RESOURCE), ']},"scope', kind, '":[{', _SCOPE)
    groups = records.group_by("batch", *_RESOURCE, maintain_order=True).agg(_joined("record"))
    written = groups.select(
        "batch", _text(resource, f',"{inner}":[', pl.col("record"), "]}]}").alias("record")
    )
    requests = written.group_by("batch", maintain_order=True).agg(_joined("record"))
    return requests.select(_text(f'{{"resource{kind}":[', pl.col("record"), "]}"))["literal"].to_list()


def _span_attributes() -> pl.Expr:
    code = pl.col("status").str.contains(r"^\d{1,18}$")
    status = (
        pl.when(code)
        .then(_text('{"key":"', names.HTTP_STATUS_CODE, '","value":{"intValue":"', pl.col("status"), '"}}'))
        .otherwise(_attribute("status", names.ERROR_TYPE))
    )
    return _text(
        "[",
        pl.concat_str(status, _attribute("peer", names.SERVICE_PEER_NAME), separator=",", ignore_nulls=True),
        "]",
    )


def _attributes(keys: dict[str, str]) -> pl.Expr:
    """Attributes from columns, without those that are null."""
    return pl.concat_str(
        [_attribute(column, key) for column, key in keys.items()], separator=",", ignore_nulls=True
    )


def _attribute(column: str, key: str) -> pl.Expr:
    return _text(f'{{"key":"{key}","value":{{"stringValue":', _quoted(column), "}}")


def _labels(series: str) -> str:
    """Attribute list of a series name: ``name{key=value,...}``."""
    inside = series.partition("{")[2].removesuffix("}")
    pairs = [pair.partition("=") for pair in inside.split(",") if pair]
    return json.dumps(
        [{"key": key, "value": {"stringValue": value}} for key, _, value in pairs], separators=(",", ":")
    )


def _plain_name(series: str) -> str:
    return json.dumps(series.partition("{")[0])


def _object(**members: pl.Expr) -> pl.Expr:
    """A JSON object without the members that are null."""
    return _text("{", _members(**members), "}")


def _members(**members: pl.Expr) -> pl.Expr:
    pairs = [_text(f'"{key}":', value) for key, value in members.items()]
    return pl.concat_str(pairs, separator=",", ignore_nulls=True)


def _text(*parts: str | pl.Expr) -> pl.Expr:
    """Parts one after the other; null where one of them is."""
    return pl.concat_str([pl.lit(part) if isinstance(part, str) else part for part in parts]).alias("literal")


def _quoted(column: str) -> pl.Expr:
    """A JSON string; polars escapes whole structs only, so the struct's own text is cut off."""
    encoded = pl.struct(pl.col(column).alias("v")).struct.json_encode()
    return pl.when(pl.col(column).is_not_null()).then(encoded.str.slice(5).str.head(-1))


def _digits(column: str) -> pl.Expr:
    """A 64-bit number, which protobuf's JSON mapping writes as text."""
    return _text('"', pl.col(column).cast(pl.String), '"')


def _number(column: str) -> pl.Expr:
    """A JSON number; protobuf's JSON mapping writes those that JSON lacks as text."""
    number = pl.col(column).cast(pl.String)
    special = _text('"', number.replace({"inf": "Infinity", "-inf": "-Infinity"}), '"')
    return pl.when(pl.col(column).is_finite()).then(number).otherwise(special)


def _joined(column: str) -> pl.Expr:
    return pl.col(column).str.join(",")
