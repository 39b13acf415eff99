"""Formats are found by content."""

from __future__ import annotations

import json

import pytest

from rclagent.telemetry.detect import Layout, detect

CASES = {
    b'{"resourceSpans":[]}': Layout.OTLP_JSON,
    b'\n {\n "resource_logs" : [': Layout.OTLP_JSON,
    b'\xef\xbb\xbf{"resourceMetrics":[{': Layout.OTLP_JSON,
    b'garbage line\n{"resourceSpans":[]}\n': Layout.OTLP_JSON,
    b"\x00\x00\x00\x05\x0a\x03abc": Layout.OTLP_FRAMES,
    b"\x00\x00\x00\x40\x28\xb5\x2f\xfd....": Layout.OTLP_FRAMES,
    b'{"data":[{"traceID":"a","spans":[': Layout.JAEGER_JSON,
    b'{"total":0,"data":[{"processes":{},"spans":[{"spanID":"': Layout.JAEGER_JSON,
    b"TraceID,SpanID,ParentID,PodName,OperationName,StartTimeUnixNano,EndTimeUnixNano,Duration\n": (
        Layout.NEZHA_TRACES
    ),
    b"Timestamp,TimeUnixNano,Node,PodName,Container,TraceID,SpanID,Log\r\n": Layout.NEZHA_LOGS,
    b"Time,TimeStamp,PodName,CpuUsage(m)\n": Layout.NEZHA_METRICS,
    b"time,timestamp,frontend_cartservice\n": Layout.NEZHA_METRICS,
    b"timestamp,cmdb_id,span_id,trace_id,duration,type,status_code,operation_name,parent_span\n": (
        Layout.AIOPS_TRACES
    ),
    b'"timestamp","cmdb_id","parent_id","span_id","trace_id","duration"\n': Layout.AIOPS_TRACES,
    b"log_id,timestamp,cmdb_id,log_name,value\n": Layout.AIOPS_LOGS,
    b"timestamp,cmdb_id,kpi_name,value\n": Layout.AIOPS_METRICS,
    b"service,timestamp,rr,sr,mrt,count\n": Layout.AIOPS_METRICS,
    b"PAR1\x15\x04\x15": Layout.PARQUET,
}
NOT_TELEMETRY = (
    b"",
    b"\n\n",
    b"# Read me\n\nThis folder holds traces.\n",
    b"timestamp,level,cmdb_id,failure_type\n1647747326,service,cart,loss\n",
    b"Source,Target,Weight\nfrontend,cart,1\n",
    b"aa00265193e2a75bdbb109b5a286b3a3\n",
    b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR",
    json.dumps({"08": [{"inject_time": "2023-01-29 08:43:04", "inject_pod": "a"}]}).encode(),
    b'[{"incident": "tt-02", "causes": [{"service": "a"}]}]',
    b'{"resource": "spans"}',
)


@pytest.mark.parametrize(("head", "layout"), CASES.items())
def test_a_known_layout_is_recognised(head: bytes, layout: Layout) -> None:
    assert detect(head) is layout


@pytest.mark.parametrize("head", NOT_TELEMETRY)
def test_labels_documents_and_other_files_are_not_telemetry(head: bytes) -> None:
    assert detect(head) is None
