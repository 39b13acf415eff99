"""Damaged input of every format ends in telemetry or in an error raised on purpose, never in a traceback."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Callable, Sequence
from io import BytesIO
from pathlib import Path
from typing import Final

import pytest
import zstandard
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from rclagent.core.log import LOG_SCHEMA
from rclagent.core.metric import METRIC_SCHEMA
from rclagent.core.span import SPAN_SCHEMA, Span, spans_to_frame
from rclagent.core.telemetry import Telemetry
from rclagent.core.window import Window
from rclagent.errors import RclError
from rclagent.telemetry.detect import FORMATS
from rclagent.telemetry.read import AUTO, read_telemetry

NOW: Final = 1_700_000_000_000_000_000
RESOURCE: Final = {"attributes": [{"key": "service.name", "value": {"stringValue": "cart"}}]}


def _frames() -> bytes:
    request = ExportTraceServiceRequest()
    group = request.resource_spans.add()
    group.resource.attributes.add(key="service.name").value.string_value = "cart"
    for number in range(3):
        group.scope_spans.add().spans.add(
            trace_id=b"t" * 16,
            span_id=bytes([number + 1]) * 8,
            name="GET",
            kind=2,
            start_time_unix_nano=NOW,
            end_time_unix_nano=NOW + 5,
        ).attributes.add(key="error.type").value.string_value = "timeout"
    frame = request.SerializeToString()
    return (len(frame).to_bytes(4, "big") + frame) * 3


def _otlp_line(number: int) -> str:
    span = {
        "traceId": "a" * 32,
        "spanId": f"{number:016x}",
        "name": "GET /cart",
        "kind": 3,
        "startTimeUnixNano": str(NOW),
        "endTimeUnixNano": NOW + 1000,
        "attributes": [{"key": "http.response.status_code", "value": {"intValue": "500"}}],
        "events": [{"name": "exception", "timeUnixNano": str(NOW), "attributes": []}],
        "status": {"code": 2},
    }
    log = {
        "timeUnixNano": str(NOW),
        "severityNumber": 17,
        "body": {"stringValue": "failed"},
        "traceId": "a" * 32,
    }
    point = {"timeUnixNano": str(NOW), "asDouble": 1.5, "attributes": RESOURCE["attributes"]}
    buckets = {"timeUnixNano": str(NOW), "count": "3", "sum": 4.5}
    metrics = [
        {"name": "cpu", "unit": "1", "gauge": {"dataPoints": [point]}},
        {"name": "time", "histogram": {"aggregationTemporality": 2, "dataPoints": [buckets]}},
    ]
    return json.dumps(
        {
            "resourceSpans": [{"resource": RESOURCE, "scopeSpans": [{"spans": [span]}]}],
            "resourceLogs": [{"resource": RESOURCE, "scopeLogs": [{"logRecords": [log]}]}],
            "resourceMetrics": [{"resource": RESOURCE, "scopeMetrics": [{"metrics": metrics}]}],
        }
    )


def _jaeger() -> str:
    span = {
        "traceID": "abc",
        "spanID": "def",
        "operationName": "GET",
        "references": [{"refType": "CHILD_OF", "traceID": "abc", "spanID": "abc"}],
        "startTime": NOW // 1000,
        "duration": 250,
        "tags": [{"key": "span.kind", "type": "string", "value": "server"}],
        "logs": [{"timestamp": NOW // 1000, "fields": [{"key": "event", "value": "error"}]}],
        "processID": "p1",
    }
    processes = {"p1": {"serviceName": "cart", "tags": [{"key": "hostname", "value": "cart-1"}]}}
    return json.dumps({"data": [{"traceID": "abc", "spans": [span, span], "processes": processes}]}, indent=1)


def _parquet() -> bytes:
    target = BytesIO()
    spans = [Span("a", str(number), None, "cart", "GET", NOW, NOW + 9000) for number in range(3)]
    spans_to_frame(spans).write_parquet(target)
    return target.getvalue()


FILES: Final[dict[str, bytes]] = {
    "otlp.json": "\n".join(_otlp_line(number) for number in range(1, 4)).encode(),
    "otlp.pb": _frames(),
    "jaeger.json": _jaeger().encode(),
    "trace.csv": (
        "TraceID,SpanID,ParentID,PodName,OperationName,StartTimeUnixNano,EndTimeUnixNano,Duration\n"
        + f"a,b,root,cart-5d-x2,GET,{NOW},{NOW + 9000},9\n" * 3
    ).encode(),
    "log.csv": (
        "Timestamp,TimeUnixNano,Node,PodName,Container,TraceID,SpanID,Log\n"
        + f'2023-11-14T22:13:20Z,{NOW},n1,cart-5d-x2,server,a,b,"{{""log"":""12:00 INFO x\\n""}}"\n' * 3
    ).encode(),
    "cart-5d-x2_metric.csv": (
        "Time,TimeStamp,PodName,CpuUsageRate(%),NodeCpuUsageRate(%)\n"
        + "2023-11-14 22:13:20.5 +0000 UTC m=+0.1,1700000000,cart-5d-x2,1.5,NaN\n" * 3
    ).encode(),
    "aiops_trace.csv": (
        "timestamp,cmdb_id,span_id,trace_id,duration,type,status_code,operation_name,parent_span\n"
        + "1700000000000,cart2-0,b,a,100,rpc,0,GET,\n" * 3
    ).encode(),
    "aiops_log.csv": b"log_id,timestamp,cmdb_id,log_name,value\n"
    + b'1,1700000000,cart-0,l,"severity: info, x"\n' * 3,
    "aiops_metric.csv": b"timestamp,cmdb_id,kpi_name,value\n" + b"1700000000,node-1.cart-0,cpu,1.5\n" * 3,
    "aiops_service.csv": b"service,timestamp,rr,sr,mrt,count\n" + b"cart-grpc,1700000000,100,100,2.5,9\n" * 3,
    "spans.parquet": _parquet(),
}
NONSENSE: Final = (
    b"null", b"-1", b"1e999", b"99999999999999999999999", b"NaN", b"true", b'"', b",", b"{}", b"[]",
    b"[" * 3000, b'{"a":' * 2000, b"\x00", b"\xff\xfe", b"\xed\xa0\x80", b"\\ud800", b"\r", b"\n",
    b"-9223372036854775808", b"9223372036854775807", b"0x10", b"'; DROP TABLE", b"\x1b[31m",
    "１２３".encode(), b"9999-99-99 99:99:99", b"2259-12-31 23:59:59", b"-0000", b"inf", b'"k"' * 40,
)  # fmt: skip


def truncate(data: bytes, chance: random.Random) -> bytes:
    return data[: chance.randrange(len(data) + 1)]


def flip(data: bytes, chance: random.Random) -> bytes:
    mangled = bytearray(data)
    for _ in range(chance.randint(1, 8)):
        mangled[chance.randrange(len(mangled))] ^= 1 << chance.randrange(8)
    return bytes(mangled)


def swap_lines(data: bytes, chance: random.Random) -> bytes:
    lines = data.split(b"\n")
    chance.shuffle(lines)
    return b"\n".join(lines)


def insert(data: bytes, chance: random.Random) -> bytes:
    place = chance.randrange(len(data) + 1)
    return data[:place] + chance.choice(NONSENSE) + data[place + chance.choice((0, 1, 10)) :]


def replace_token(data: bytes, chance: random.Random) -> bytes:
    """A JSON value or a cell becomes nonsense, so that the file parses and its content does not."""
    mark = b":" if data.lstrip().startswith(b"{") else b","
    places = [place for place in range(len(data)) if data[place : place + 1] == mark]
    if not places:
        return insert(data, chance)
    start = chance.choice(places) + 1
    ends = [end for end in (data.find(stop, start) for stop in (b",", b"\n", b"}")) if end >= 0]
    return data[:start] + chance.choice(NONSENSE) + data[min(ends, default=start) :]


def repeat_piece(data: bytes, chance: random.Random) -> bytes:
    start, end = sorted(chance.randrange(len(data) + 1) for _ in range(2))
    return data[:end] + data[start:end] * chance.randint(1, 3) + data[end:]


def damaged_gzip(data: bytes, chance: random.Random) -> bytes:
    return chance.choice((truncate, flip))(gzip.compress(data, mtime=0), chance)


def damaged_zstd(data: bytes, chance: random.Random) -> bytes:
    return chance.choice((truncate, flip))(zstandard.compress(data), chance)


def junk(data: bytes, chance: random.Random) -> bytes:
    return chance.randbytes(chance.randint(0, 300))


MANGLERS: Final[tuple[Callable[[bytes, random.Random], bytes], ...]] = (
    truncate, flip, swap_lines, insert, replace_token, replace_token, repeat_piece,
    damaged_gzip, damaged_zstd, junk,
)  # fmt: skip
WINDOWS: Final[tuple[list[Window] | None, ...]] = (None, None, [Window(NOW, NOW + 10**9)], [])


def check(path: Path, format: str, windows: Sequence[Window] | None = None) -> Telemetry | None:
    """Reads a file, and fails unless the outcome is telemetry of the right shape or an RclError."""
    try:
        telemetry = read_telemetry([path], format=format, windows=windows)
    except RclError as error:
        assert error.problem and error.remedy
        return None
    assert dict(telemetry.spans.schema) == SPAN_SCHEMA
    assert dict(telemetry.logs.schema) == LOG_SCHEMA
    assert dict(telemetry.metrics.schema) == METRIC_SCHEMA
    assert telemetry.sources
    return telemetry


@pytest.mark.parametrize("name", FILES)
def test_the_files_that_are_mangled_here_are_readable_when_whole(name: str, tmp_path: Path) -> None:
    """Otherwise the tests below would only see files that are refused at first sight."""
    path = tmp_path / name
    path.write_bytes(FILES[name])
    telemetry = check(path, AUTO)
    assert telemetry is not None
    assert len(telemetry.spans) + len(telemetry.logs) + len(telemetry.metrics) >= 3


def test_a_thousand_mangled_files_end_in_telemetry_or_in_an_error_on_purpose(tmp_path: Path) -> None:
    """Seeded, so that a failure can be seen again; the formats take turns."""
    chance = random.Random(7)
    names = list(FILES)
    readable = 0
    for number in range(1000):
        name = names[number % len(names)]
        data = FILES[name]
        for _ in range(chance.choice((1, 1, 2))):
            data = chance.choice(MANGLERS)(data or b"\n", chance)
        path = tmp_path / chance.choice((name, names[number % 7], "x.gz", "README"))
        path.write_bytes(data)
        format = chance.choice((*[AUTO] * 9, *FORMATS))
        readable += check(path, format, chance.choice(WINDOWS)) is not None
        path.unlink()
    assert 250 < readable < 950  # a mangler that breaks everything, or nothing, would test nothing


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(sorted(FILES)), place=st.floats(0, 1), junk=st.binary(max_size=40), cut=st.booleans()
)
@example(name="otlp.json", place=0.0, junk=b"\xef\xbb\xbf", cut=False)
def test_any_bytes_anywhere_are_borne(
    tmp_path: Path, name: str, place: float, junk: bytes, cut: bool
) -> None:
    """Hypothesis chooses where to write what into which file."""
    data = FILES[name]
    start = int(place * len(data))
    path = tmp_path / name
    path.write_bytes(data[:start] + junk + (b"" if cut else data[start + len(junk) :]))
    check(path, AUTO)


VALUES: Final = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.sampled_from(["otlp.json", "jaeger.json"]), place=st.integers(0), value=VALUES)
def test_any_value_in_place_of_any_value_is_borne(
    tmp_path: Path, name: str, place: int, value: object
) -> None:
    """The document stays JSON; one of its values is of another type."""
    lines = FILES[name].split(b"\n") if name == "otlp.json" else [FILES[name]]
    document = json.loads(lines[0])
    spots = list(_spots(document))
    container, key = spots[place % len(spots)]
    container[key] = value  # type: ignore[index,call-overload]
    path = tmp_path / name
    path.write_text(json.dumps(document) + "\n" + "\n".join(line.decode() for line in lines[1:]))
    check(path, AUTO)


def _spots(value: object) -> list[tuple[dict[str, object] | list[object], object]]:
    """Every place of a JSON document that holds a value."""
    spots: list[tuple[dict[str, object] | list[object], object]] = []
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            spots += [(value, key), *_spots(inner)]
    return spots
