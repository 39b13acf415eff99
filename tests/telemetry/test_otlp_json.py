"""OTLP JSON as the Collector's file exporter writes it."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from rclagent.core.telemetry import Telemetry
from rclagent.core.window import Window
from rclagent.errors import FormatError
from rclagent.telemetry.bounds import MAX_BODY_CHARS, NO_ID, NO_TIME, NOT_FINITE, TEXT_CUT
from rclagent.telemetry.json_documents import BROKEN_LINE, INVALID_RECORD, TRUNCATED_LINE
from rclagent.telemetry.otlp_json import read_otlp_json
from rclagent.telemetry.otlp_request import NO_VALUE
from rclagent.telemetry.source import Source
from rclagent.telemetry.time_filter import TimeFilter

NOW = 1_700_000_000_000_000_000


def attributes(**values: str | int | bool | float) -> list[dict[str, Any]]:
    """Key-value list; two underscores in a name stand for a dot."""
    kinds = {str: "stringValue", bool: "boolValue", int: "intValue", float: "doubleValue"}
    return [
        {
            "key": key.replace("__", "."),
            "value": {kinds[type(value)]: str(value) if type(value) is int else value},
        }
        for key, value in values.items()
    ]


RESOURCE = {"attributes": attributes(service__name="cart", k8s__pod__name="cart-1", k8s__node__name="node-a")}


def span(**fields: Any) -> dict[str, Any]:
    """A sound span with some fields changed."""
    plain = {
        "traceId": "5b8aa5a2d2c872e8321cf37308d69df2",
        "spanId": "051581bf3cb55c13",
        "parentSpanId": "",
        "name": "GET /cart",
        "kind": 2,
        "startTimeUnixNano": str(NOW),
        "endTimeUnixNano": str(NOW + 1_000),
    }
    return plain | fields


def traces(*spans: dict[str, Any], resource: dict[str, Any] = RESOURCE) -> str:
    return json.dumps({"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": list(spans)}]}]})


def logs(*records: dict[str, Any]) -> str:
    return json.dumps(
        {"resourceLogs": [{"resource": RESOURCE, "scopeLogs": [{"logRecords": list(records)}]}]}
    )


def metrics(*items: dict[str, Any], resource: dict[str, Any] = RESOURCE) -> str:
    return json.dumps(
        {"resourceMetrics": [{"resource": resource, "scopeMetrics": [{"metrics": list(items)}]}]}
    )


def read(text: str | bytes, keep: TimeFilter | None = None) -> Telemetry:
    data = text.encode() if isinstance(text, str) else text
    return read_otlp_json(Source("traces.json", None, data), keep or TimeFilter.of(None))


def test_a_span_has_all_that_its_resource_and_attributes_say() -> None:
    resource = {"attributes": [*RESOURCE["attributes"], *attributes(service__version="1.2")]}
    item = span(
        parentSpanId="EEE19B7EC3C1B174",
        kind="SPAN_KIND_CLIENT",
        endTimeUnixNano=NOW + 5,
        status={"code": "STATUS_CODE_ERROR"},
        attributes=attributes(http__response__status_code=503, server__address="db", peer__service="orders"),
    )
    (row,) = read(traces(item, resource=resource)).spans.to_dicts()
    assert row == {
        "trace_id": "5b8aa5a2d2c872e8321cf37308d69df2",
        "span_id": "051581bf3cb55c13",
        "parent_id": "eee19b7ec3c1b174",
        "service": "cart",
        "pod": "cart-1",
        "node": "node-a",
        "operation": "GET /cart",
        "kind": "client",
        "start_ns": NOW,
        "end_ns": NOW + 5,
        "error": True,
        "status": "503",
        "peer": "orders",
        "version": "1.2",
    }


def test_unset_and_ok_are_no_errors_and_a_server_has_no_peer() -> None:
    items = [span(status={"code": code}, attributes=attributes(server__address="me")) for code in (0, 1)]
    spans = read(traces(span(), *items)).spans
    assert spans["error"].to_list() == [False] * 3
    assert spans["peer"].to_list() == [None] * 3


def test_snake_case_and_base64_are_tolerated() -> None:
    trace_id, span_id = "5b8aa5a2d2c872e8321cf37308d69df2", "051581bf3cb55c13"
    item = {
        "trace_id": base64.b64encode(bytes.fromhex(trace_id)).decode(),
        "span_id": base64.b64encode(bytes.fromhex(span_id)).decode(),
        "name": "GET",
        "start_time_unix_nano": NOW,
        "end_time_unix_nano": NOW + 1,
        "parent_span_id": None,
    }
    group = {"resource": {"attributes": [{"key": "service.name", "value": {"string_value": "cart"}}]}}
    line = json.dumps({"resource_spans": [group | {"scope_spans": [{"spans": [item]}]}]})
    (row,) = read(line).spans.to_dicts()
    assert (row["trace_id"], row["span_id"], row["parent_id"]) == (trace_id, span_id, None)
    assert (row["service"], row["start_ns"]) == ("cart", NOW)


def test_a_recorded_exception_is_an_error_and_a_log_record() -> None:
    event = {
        "name": "exception",
        "timeUnixNano": str(NOW + 3),
        "attributes": attributes(exception__type="java.io.IOException", exception__message="reset"),
    }
    telemetry = read(traces(span(events=[event, {"name": "retry", "timeUnixNano": str(NOW)}])))
    assert telemetry.spans["error"].to_list() == [True]
    (log,) = telemetry.logs.to_dicts()
    assert (log["time_ns"], log["severity"]) == (NOW + 3, "ERROR")
    assert log["body"] == "java.io.IOException: reset"
    assert (log["trace_id"], log["span_id"]) == (span()["traceId"], span()["spanId"])


def test_log_records_have_body_level_and_place() -> None:
    records: list[dict[str, Any]] = [
        {
            "timeUnixNano": str(NOW),
            "severityNumber": 17,
            "severityText": "E",
            "body": {"stringValue": "failed"},
        },
        {"observedTimeUnixNano": NOW + 1, "severityText": "Information", "body": {"intValue": "7"}},
        {
            "timeUnixNano": str(NOW + 2),
            "body": {"kvlistValue": {"values": attributes(level="warn", n=1)}},
            "traceId": "00000000000000000000000000000000",
        },
        {"timeUnixNano": str(NOW + 3), "body": {"stringValue": "x" * 20_000}},
    ]
    telemetry = read(logs(*records))
    table = telemetry.logs
    assert table["time_ns"].to_list() == [NOW, NOW + 1, NOW + 2, NOW + 3]
    assert table["severity"].to_list() == ["ERROR", "INFO", "WARN", None]
    assert table["body"].to_list()[:3] == ["failed", "7", '{"level":"warn","n":1}']
    assert len(table["body"][3]) == MAX_BODY_CHARS
    assert table["trace_id"].to_list() == [None] * 4
    assert set(table["pod"]) == {"cart-1"}
    assert telemetry.sources[0].repaired == {TEXT_CUT: 1}


def test_every_kind_of_metric_becomes_series() -> None:
    at = {"timeUnixNano": str(NOW)}
    user, system = ({"attributes": attributes(**{"cpu.mode": mode, "a": 1})} for mode in ("user", "system"))
    items = [
        {"name": "mem", "unit": "By", "gauge": {"dataPoints": [at | {"asInt": "12"}]}},
        {
            "name": "cpu.time",
            "unit": "s",
            "sum": {
                "isMonotonic": True,
                "aggregationTemporality": 2,
                "dataPoints": [at | user | {"asDouble": 1.5}, at | system | {"asDouble": "2.5"}],
            },
        },
        {
            "name": "delta",
            "sum": {"isMonotonic": True, "aggregationTemporality": 1, "dataPoints": [at | {"asInt": 3}]},
        },
        {
            "name": "rpc",
            "unit": "ms",
            "histogram": {"aggregationTemporality": 2, "dataPoints": [at | {"count": "4", "sum": 10.5}]},
        },
        {
            "name": "exp",
            "exponentialHistogram": {"aggregationTemporality": 1, "dataPoints": [at | {"count": 2}]},
        },
        {
            "name": "gc",
            "summary": {
                "dataPoints": [
                    at | {"count": 1, "sum": 0.5, "quantileValues": [{"quantile": 0.99, "value": 0.4}]}
                ]
            },
        },
    ]
    rows = [
        tuple(row[key] for key in ("metric", "value", "unit", "cumulative"))
        for row in read(metrics(*items)).metrics.to_dicts()
    ]
    assert rows == [
        ("mem", 12.0, "By", False),
        ("cpu.time{a=1,cpu.mode=user}", 1.5, "s", True),
        ("cpu.time{a=1,cpu.mode=system}", 2.5, "s", True),
        ("delta", 3.0, None, False),
        ("rpc.count", 4.0, "1", True),
        ("rpc.sum", 10.5, "ms", True),
        ("exp.count", 2.0, "1", False),
        ("gc.count", 1.0, "1", True),
        ("gc.sum", 0.5, None, True),
        ("gc{quantile=0.99}", 0.4, None, False),
    ]


def test_samples_without_a_finite_value_are_dropped_and_counted() -> None:
    at: dict[str, Any] = {"timeUnixNano": str(NOW)}
    points = [at | {"asDouble": value} for value in ("NaN", "Infinity", "odd", 1)] + [at, at | {"flags": 1}]
    telemetry = read(metrics({"name": "m", "gauge": {"dataPoints": points}}))
    assert telemetry.metrics["value"].to_list() == [1.0]
    assert telemetry.sources[0].dropped == {NOT_FINITE: 4, NO_VALUE: 1}


def test_a_truncated_last_line_and_a_broken_middle_line_are_dropped_and_counted() -> None:
    line = traces(span())
    telemetry = read("\n".join([line, line.replace(":", "", 1), line, line[:80]]))
    assert len(telemetry.spans) == 2
    assert telemetry.sources[0].dropped == {BROKEN_LINE: 1, TRUNCATED_LINE: 1}


def test_one_bad_record_does_not_cost_the_others_of_its_line() -> None:
    bad = span(attributes={"not": "a list"})
    telemetry = read(traces(span(), bad, span(events=None)))
    assert len(telemetry.spans) == 2
    assert telemetry.sources[0].dropped == {INVALID_RECORD: 1}


@pytest.mark.parametrize("start", [0, -5, "-1", "abc", 2**63, "9" * 30, 1.5e300, None, "1e3"])
def test_times_that_make_no_sense_are_dropped_and_counted(start: object) -> None:
    telemetry = read(traces(span(startTimeUnixNano=start), span()))
    assert len(telemetry.spans) == 1
    assert telemetry.sources[0].dropped == {NO_TIME: 1}


def test_spans_without_ids_are_dropped_and_counted() -> None:
    telemetry = read(traces(span(traceId=""), span(spanId="0" * 16), span()))
    assert len(telemetry.spans) == 1
    assert telemetry.sources[0].dropped == {NO_ID: 2}


def test_a_document_spread_over_lines_and_a_list_of_requests_are_read() -> None:
    request = json.loads(traces(span()))
    assert len(read(json.dumps(request, indent=2)).spans) == 1
    assert len(read(json.dumps([request, request], indent=2)).spans) == 2


def test_a_file_without_one_good_line_is_refused_naming_file_and_line() -> None:
    with pytest.raises(FormatError, match=r"'traces.json', line 2: .*no line"):
        read('\n{"resourceSpans": [\n{"odd": 1}\n')


def test_a_service_that_is_not_named_has_a_name_all_the_same() -> None:
    (row,) = read(traces(span(), resource={"attributes": []})).spans.to_dicts()
    assert row["service"] == "unknown_service"


def test_only_records_inside_the_windows_are_kept_and_the_others_not_counted() -> None:
    keep = TimeFilter.of([Window(NOW, NOW + 1)])
    inside, outside = {"timeUnixNano": str(NOW)}, {"timeUnixNano": str(NOW + 1)}
    points = [inside | {"asInt": 1}, outside | {"asInt": 2}]
    lines = [
        traces(span(), span(startTimeUnixNano=str(NOW + 1))),
        logs(inside, outside),
        metrics({"name": "m", "gauge": {"dataPoints": points}}),
    ]
    telemetry = read("\n".join(lines), keep)
    assert (len(telemetry.spans), len(telemetry.logs), len(telemetry.metrics)) == (1, 1, 1)
    assert telemetry.sources[0].dropped == {}


def test_values_nested_without_end_are_cut() -> None:
    value: dict[str, Any] = {"stringValue": "core"}
    for _ in range(60):
        value = {"arrayValue": {"values": [value]}}
    (body,) = read(logs({"timeUnixNano": str(NOW), "body": value})).logs["body"]
    assert "..." in body and "core" not in body
