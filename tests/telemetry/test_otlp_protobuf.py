"""OTLP in frames: protobuf of every signal, frames compressed one by one, damage."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
import zstandard
from google.protobuf.json_format import ParseDict
from google.protobuf.message import Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from rclagent.core.telemetry import Telemetry
from rclagent.errors import FormatError
from rclagent.telemetry.detect import Layout, detect
from rclagent.telemetry.otlp_json import read_otlp_json
from rclagent.telemetry.otlp_protobuf import BROKEN_FRAME, TRUNCATED_FRAME, read_otlp_frames
from rclagent.telemetry.source import Source
from rclagent.telemetry.time_filter import TimeFilter

NOW = 1_700_000_000_000_000_000
EVERYTHING = TimeFilter.of(None)
RESOURCE = {
    "attributes": [
        {"key": "service.name", "value": {"stringValue": "cart"}},
        {"key": "k8s.pod.name", "value": {"stringValue": "cart-1"}},
    ]
}
SPAN = {
    "traceId": "QUJDREVGR0hJSktMTU5PUA==",
    "spanId": "QUJDREVGR0g=",
    "parentSpanId": "SElKS0xNTk8=",
    "name": "GET",
    "kind": 3,
    "startTimeUnixNano": str(NOW),
    "endTimeUnixNano": str(NOW + 5),
    "status": {"code": 2},
    "attributes": [
        {"key": "http.response.status_code", "value": {"intValue": "503"}},
        {"key": "peer.service", "value": {"stringValue": "orders"}},
    ],
    "events": [
        {
            "name": "exception",
            "timeUnixNano": str(NOW + 1),
            "attributes": [{"key": "exception.type", "value": {"stringValue": "Timeout"}}],
        }
    ],
}
NESTED = {
    "values": [{"key": "ok", "value": {"boolValue": True}}, {"key": "n", "value": {"doubleValue": 1.5}}]
}
LOGS = [
    {
        "timeUnixNano": str(NOW),
        "severityNumber": 17,
        "body": {"stringValue": "failed"},
        "traceId": SPAN["traceId"],
    },
    {"observedTimeUnixNano": str(NOW), "body": {"arrayValue": {"values": [{"kvlistValue": NESTED}]}}},
]
AT = {"timeUnixNano": str(NOW)}
METRICS = [
    {"name": "mem", "unit": "By", "gauge": {"dataPoints": [AT | {"asInt": "12"}]}},
    {
        "name": "cpu",
        "sum": {"isMonotonic": True, "aggregationTemporality": 2, "dataPoints": [AT | {"asDouble": 1.5}]},
    },
    {
        "name": "rpc",
        "histogram": {"aggregationTemporality": 2, "dataPoints": [AT | {"count": "4", "sum": 9.5}, AT]},
    },
    {"name": "exp", "exponentialHistogram": {"dataPoints": [AT | {"count": "2"}]}},
    {
        "name": "gc",
        "summary": {"dataPoints": [AT | {"count": "1", "quantileValues": [{"quantile": 0.5, "value": 2}]}]},
    },
]
REQUESTS: dict[str, tuple[Callable[[], Message], dict[str, object]]] = {
    "traces": (
        ExportTraceServiceRequest,
        {"resourceSpans": [{"resource": RESOURCE, "scopeSpans": [{"spans": [SPAN]}]}]},
    ),
    "logs": (
        ExportLogsServiceRequest,
        {"resourceLogs": [{"resource": RESOURCE, "scopeLogs": [{"logRecords": LOGS}]}]},
    ),
    "metrics": (
        ExportMetricsServiceRequest,
        {"resourceMetrics": [{"resource": RESOURCE, "scopeMetrics": [{"metrics": METRICS}]}]},
    ),
}


def frame(payload: bytes) -> bytes:
    return len(payload).to_bytes(4, "big") + payload


def message(signal: str) -> bytes:
    kind, content = REQUESTS[signal]
    return ParseDict(content, kind()).SerializeToString()


def read(data: bytes) -> Telemetry:
    return read_otlp_frames(Source("telemetry.pb", None, data), EVERYTHING)


@pytest.mark.parametrize("signal", REQUESTS)
def test_protobuf_says_the_same_as_json(signal: str) -> None:
    from_json = read_otlp_json(Source("x", None, json.dumps(REQUESTS[signal][1]).encode()), EVERYTHING)
    from_protobuf = read(frame(message(signal)))
    for table in ("spans", "logs", "metrics"):
        assert getattr(from_protobuf, table).equals(getattr(from_json, table))


def test_signals_may_be_mixed_in_one_file() -> None:
    telemetry = read(b"".join(frame(message(signal)) for signal in REQUESTS))
    assert (len(telemetry.spans), len(telemetry.logs)) == (1, 3)
    assert set(telemetry.metrics["metric"]) >= {"mem", "cpu", "rpc.count", "rpc.sum", "gc{quantile=0.5}"}


@pytest.mark.parametrize("encode", [message, lambda signal: json.dumps(REQUESTS[signal][1]).encode()])
def test_frames_may_be_compressed_one_by_one(encode: Callable[[str], bytes]) -> None:
    data = frame(zstandard.compress(encode("traces"))) * 2
    assert detect(data) is Layout.OTLP_FRAMES
    assert len(read(data).spans) == 2


def test_a_truncated_last_frame_and_a_broken_one_are_dropped_and_counted() -> None:
    good = frame(message("traces"))
    telemetry = read(good + frame(b"\x0a\xff\xff") + good + good[:-3])
    assert len(telemetry.spans) == 2
    assert telemetry.sources[0].dropped == {BROKEN_FRAME: 1, TRUNCATED_FRAME: 1}


def test_an_empty_request_is_no_damage() -> None:
    telemetry = read(frame(b"") + frame(message("logs")))
    assert len(telemetry.logs) == 2
    assert telemetry.sources[0].dropped == {}


def test_a_file_without_one_good_frame_is_refused_naming_file_and_place() -> None:
    with pytest.raises(FormatError, match=r"'telemetry.pb', byte 4: "):
        read(frame(b"\x0a\xff\xff") * 2)
