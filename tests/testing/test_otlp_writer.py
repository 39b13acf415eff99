"""OTLP files say what the tables say, in all their forms, and the same each time."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import polars as pl
import pytest
import zstandard
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from polars.testing import assert_frame_equal

from rclagent.core.metric import MetricPoint, metrics_to_frame
from rclagent.core.telemetry import Telemetry
from rclagent.errors import InputError
from rclagent.telemetry.read import read_telemetry
from rclagent.testing import GeneratedIncident, IncidentSpec, generate, write_otlp, written
from rclagent.testing.otlp_writer import Compression, Encoding

HOSTILE = 'quote " back\\slash \x1b[31m \x00 \u2028 {id} </b> é \U0001f600'


@pytest.fixture(scope="module")
def small() -> Telemetry:
    """A minute of the shop, some requests of which fail."""
    return generate(IncidentSpec(requests_per_s=2, baseline_s=60, incident_s=60, error_share=0.05)).incident


def same(left: pl.DataFrame, right: pl.DataFrame) -> None:
    """Equal up to the order of the rows."""
    assert_frame_equal(left, right, check_row_order=False, check_exact=True)


@pytest.mark.parametrize("compress", [None, "gz", "zst"])
@pytest.mark.parametrize("encoding", ["json", "protobuf"])
def test_what_is_written_reads_back(
    small: Telemetry, tmp_path: Path, compress: Compression | None, encoding: Encoding
) -> None:
    """Every span, line and sample with every column."""
    write_otlp(small, tmp_path, compress=compress, encoding=encoding)
    again = read_telemetry([tmp_path])
    same(again.spans, small.spans)
    same(again.logs, small.logs)
    same(again.metrics, small.metrics)


def test_hostile_text_reads_back_as_it_was(tmp_path: Path) -> None:
    """Quotes, control characters and line separators do not break out of their string."""
    telemetry = written("a: get 0..10\n    | 1 INFO text")
    hostile = Telemetry(
        spans=telemetry.spans.with_columns(pl.lit(HOSTILE).alias("operation")),
        logs=telemetry.logs.with_columns(pl.lit(HOSTILE).alias("body")),
    )
    write_otlp(hostile, tmp_path)
    again = read_telemetry([tmp_path])
    assert again.spans["operation"].to_list() == [HOSTILE]
    assert again.logs["body"].to_list() == [HOSTILE]


def test_the_order_of_rows_does_not_change_a_byte(small: Telemetry, tmp_path: Path) -> None:
    """Nor does writing a second time."""
    shuffled = Telemetry(
        spans=small.spans.sample(fraction=1, shuffle=True, seed=1),
        logs=small.logs.sample(fraction=1, shuffle=True, seed=2),
        metrics=small.metrics.sample(fraction=1, shuffle=True, seed=3),
    )
    first = [path.read_bytes() for path in write_otlp(small, tmp_path / "a", compress="gz")]
    second = [path.read_bytes() for path in write_otlp(shuffled, tmp_path / "b", compress="gz")]
    assert len(first) == 3
    assert first == second


def test_equal_specs_give_equal_bytes(tmp_path: Path) -> None:
    """From chance to file."""
    spec = IncidentSpec(requests_per_s=1, baseline_s=60, incident_s=60)
    contents = [
        [path.read_bytes() for path in write_otlp(generate(spec).incident, tmp_path / name)] for name in "ab"
    ]
    assert contents[0] == contents[1]


def test_compressed_files_hold_the_same_bytes(small: Telemetry, tmp_path: Path) -> None:
    """Compression is of the whole file."""
    plain = [path.read_bytes() for path in write_otlp(small, tmp_path / "plain")]
    packed = [
        gzip.decompress(path.read_bytes()) for path in write_otlp(small, tmp_path / "gz", compress="gz")
    ]
    frames = [path.read_bytes() for path in write_otlp(small, tmp_path / "zst", compress="zst")]
    assert packed == plain
    assert [zstandard.ZstdDecompressor().decompress(frame) for frame in frames] == plain


def test_json_is_what_the_collector_writes(tmp_path: Path) -> None:
    """One request a line; ids in hexadecimal, times as text, one block a resource."""
    telemetry = written("""
        a: get 0..10
            a: call b 1..9 client error status=500 peer=b
                b: call b 2..8
    """)
    (path,) = write_otlp(telemetry, tmp_path)
    (line,) = path.read_text(encoding="utf-8").splitlines()
    request = json.loads(line)
    assert [each["resource"]["attributes"][0] for each in request["resourceSpans"]] == [
        {"key": "service.name", "value": {"stringValue": name}} for name in "ab"
    ]
    assert request["resourceSpans"][0]["scopeSpans"][0]["spans"][1] == {
        "traceId": "00000000000000000000000000000001",
        "spanId": "0000000000000002",
        "parentSpanId": "0000000000000001",
        "name": "call b",
        "kind": 3,
        "startTimeUnixNano": "1715677200001000000",
        "endTimeUnixNano": "1715677200009000000",
        "attributes": [
            {"key": "http.response.status_code", "value": {"intValue": "500"}},
            {"key": "service.peer.name", "value": {"stringValue": "b"}},
        ],
        "status": {"code": 2},
    }


def test_protobuf_is_messages_with_their_length(small: Telemetry, tmp_path: Path) -> None:
    """Four bytes, big-endian, then an export request."""
    path = write_otlp(small, tmp_path, encoding="protobuf")[0]
    content = path.read_bytes()
    spans = 0
    while content:
        length = int.from_bytes(content[:4], "big")
        request = ExportTraceServiceRequest.FromString(content[4 : 4 + length])
        spans += sum(len(scope.spans) for each in request.resource_spans for scope in each.scope_spans)
        content = content[4 + length :]
    assert path.name == "traces.binpb"
    assert spans == small.spans.height


def test_protobuf_refuses_ids_that_are_not_hexadecimal(tmp_path: Path) -> None:
    """With a way out."""
    with pytest.raises(InputError, match="Write JSON instead"):
        write_otlp(written("a: get 0..10 id=first"), tmp_path, encoding="protobuf")


def test_a_missing_modality_has_no_file(healthy: GeneratedIncident, tmp_path: Path) -> None:
    """And files of an earlier call do not stay beside the new ones."""
    write_otlp(healthy.incident, tmp_path)
    paths = write_otlp(written("a: get 0..10"), tmp_path, compress="gz")
    assert [path.name for path in paths] == ["traces.jsonl.gz"]
    assert [path.name for path in tmp_path.iterdir()] == ["traces.jsonl.gz"]


def test_numbers_that_json_lacks_are_written_as_text(tmp_path: Path) -> None:
    """As protobuf's JSON mapping has it."""
    values = [float("nan"), float("inf"), float("-inf"), 1e300, 0.1]
    points = [
        MetricPoint(1_715_677_200_000_000_000 + i, "m", value, node="n") for i, value in enumerate(values)
    ]
    (path,) = write_otlp(Telemetry(metrics=metrics_to_frame(points)), tmp_path)
    metric = json.loads(path.read_text())["resourceMetrics"][0]["scopeMetrics"][0]["metrics"][0]
    written_values = [point["asDouble"] for point in metric["gauge"]["dataPoints"]]
    assert written_values == ["NaN", "Infinity", "-Infinity", 1e300, 0.1]
