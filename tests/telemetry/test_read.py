"""Reading files and folders of any format."""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path
from typing import Literal

import polars as pl
import pytest
import zstandard

from rclagent.core.log import LOG_SCHEMA, LogRecord, logs_to_frame
from rclagent.core.metric import METRIC_SCHEMA, MetricPoint, metrics_to_frame
from rclagent.core.span import SPAN_SCHEMA, Span, SpanKind, spans_to_frame
from rclagent.core.telemetry import Telemetry
from rclagent.core.window import NS_PER_S, Window
from rclagent.errors import FormatError, InputError
from rclagent.telemetry.read import IGNORED, read_telemetry
from rclagent.testing import write_otlp

NOW = 1_700_000_000_000_000_000
TRACES = (
    "TraceID,SpanID,ParentID,PodName,OperationName,StartTimeUnixNano,EndTimeUnixNano,Duration\n"
    f"t,a,root,cart-5d-x2,GET,{NOW},{NOW + 9000},9\n"
)
LOGS = (
    "Timestamp,TimeUnixNano,Node,PodName,Container,TraceID,SpanID,Log\n"
    f'2023-11-14T22:13:20Z,{NOW},n1,cart-5d-x2,server,t,a,"{{""log"":""INFO x\\n""}}"\n'
)
METRICS = "Time,TimeStamp,PodName,Cpu(%)\n2023-11-14 22:13:20 +0000 UTC,1700000000,cart-5d-x2,1.5\n"


def write(folder: Path, files: dict[str, str | bytes]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def otlp_span(service: str, pod: str) -> str:
    resource = {
        "attributes": [
            {"key": "service.name", "value": {"stringValue": service}},
            {"key": "k8s.pod.name", "value": {"stringValue": pod}},
        ]
    }
    span = {
        "traceId": "a" * 32,
        "spanId": "b" * 16,
        "name": "GET",
        "startTimeUnixNano": NOW,
        "endTimeUnixNano": NOW + 1,
    }
    return json.dumps({"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": [span]}]}]})


def test_a_folder_gives_all_that_it_holds_and_lists_what_it_ignores(tmp_path: Path) -> None:
    day = "rca_data/2023-01-30"
    write(
        tmp_path,
        {
            f"{day}/trace/11_51_trace.csv": TRACES,
            f"{day}/trace/11_52_trace.csv.gz": gzip.compress(TRACES.encode()),
            f"{day}/log/11_51_log.csv.zst": zstandard.compress(LOGS.encode()),
            f"{day}/metric/cart-5d-x2_metric.csv": METRICS,
            f"{day}/2023-01-30-fault_list.json": '{"11": [{"inject_pod": "cart-5d-x2"}]}',
            "README.md": "# Notes",
            "empty.csv": "",
        },
    )
    telemetry = read_telemetry([tmp_path])
    assert (len(telemetry.spans), len(telemetry.logs), len(telemetry.metrics)) == (2, 1, 1)
    listed = {str(Path(source.path).relative_to(tmp_path)): source.format for source in telemetry.sources}
    assert listed == {
        "README.md": IGNORED,
        "empty.csv": IGNORED,
        f"{day}/2023-01-30-fault_list.json": IGNORED,
        f"{day}/trace": "nezha",
        f"{day}/log/11_51_log.csv.zst": "nezha",
        f"{day}/metric/cart-5d-x2_metric.csv": "nezha",
    }


def test_the_format_is_found_by_content_not_by_name(tmp_path: Path) -> None:
    write(tmp_path, {"logs.gz": TRACES, "traces.pb": otlp_span("cart", "cart-0")})
    telemetry = read_telemetry([tmp_path])
    assert {source.format for source in telemetry.sources} == {"nezha", "otlp"}
    assert len(telemetry.spans) == 2


@pytest.mark.parametrize("compress", [None, "gz", "zst"])
@pytest.mark.parametrize("encoding", ["json", "protobuf"])
def test_what_is_written_as_otlp_reads_back_the_same(
    encoding: Literal["json", "protobuf"], compress: Literal["gz", "zst"] | None, tmp_path: Path
) -> None:
    trace, top, below = "a" * 32, "b" * 16, "c" * 16
    spans = [
        Span(trace, top, None, "web", "GET /", NOW, NOW + 9, SpanKind.SERVER, "web-1", "n", False, "200"),
        Span(
            trace,
            below,
            top,
            "web",
            "call",
            NOW,
            NOW + 5,
            SpanKind.CLIENT,
            "web-1",
            "n",
            True,
            "503",
            "db",
            "1.2",
        ),
        Span(trace, "d" * 16, below, "db", "query", NOW + 1, NOW, SpanKind.INTERNAL, "db-1", None, False),
    ]
    logs = [
        LogRecord(NOW, "web", 'failed "x"\n', "ERROR", "web-1", "n", trace, top),
        LogRecord(NOW, "db", "ok"),
    ]
    points = [
        MetricPoint(NOW, "cpu.time{mode=user}", 1.5, "web", "web-1", "n", "s", cumulative=True),
        MetricPoint(NOW, "memory.usage", 2e9, "web", "web-1", "n", "By"),
    ]
    telemetry = Telemetry(spans_to_frame(spans), logs_to_frame(logs), metrics_to_frame(points))
    write_otlp(telemetry, tmp_path, encoding=encoding, compress=compress)
    back = read_telemetry([tmp_path])
    for table in ("spans", "logs", "metrics"):
        rows = getattr(telemetry, table)
        assert getattr(back, table).sort(rows.columns).equals(rows.sort(rows.columns)), table
    assert all(source.dropped == {} and source.repaired == {} for source in back.sources)


def test_columns_and_types_are_those_of_the_schemas(tmp_path: Path) -> None:
    telemetry = read_telemetry([write(tmp_path, {"trace.csv": TRACES})])
    assert dict(telemetry.spans.schema) == SPAN_SCHEMA
    assert dict(telemetry.logs.schema) == LOG_SCHEMA
    assert dict(telemetry.metrics.schema) == METRIC_SCHEMA


def test_the_order_of_paths_changes_nothing_but_the_order_of_rows(tmp_path: Path) -> None:
    write(tmp_path, {"a.csv": TRACES, "b.json": otlp_span("cart", "cart-0"), "c.csv": LOGS})
    paths = [tmp_path / name for name in ("a.csv", "b.json", "c.csv")]
    first, second = read_telemetry(paths), read_telemetry(paths[::-1])
    assert first.sources == second.sources
    order = ["trace_id", "span_id"]
    assert first.spans.sort(order).equals(second.spans.sort(order))


def test_only_the_format_asked_for_is_read(tmp_path: Path) -> None:
    write(tmp_path, {"a.csv": TRACES, "b.json": otlp_span("cart", "cart-0")})
    telemetry = read_telemetry([tmp_path], format="otlp")
    assert [source.format for source in telemetry.sources] == [IGNORED, "otlp"]
    with pytest.raises(InputError, match="format 'jaeger'"):
        read_telemetry([tmp_path], format="jaeger")


def test_an_unknown_format_names_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="auto, otlp, jaeger, nezha, aiops, parquet"):
        read_telemetry([tmp_path], format="zipkin")


def test_a_folder_without_telemetry_is_refused_naming_it(tmp_path: Path) -> None:
    write(tmp_path, {"README.md": "# Notes"})
    with pytest.raises(InputError, match="that can be read"):
        read_telemetry([tmp_path])
    (tmp_path / "README.md").unlink()
    with pytest.raises(InputError, match="none of its 0 files"):
        read_telemetry([tmp_path])


def test_a_damaged_file_among_good_ones_is_refused_naming_it(tmp_path: Path) -> None:
    rows = "".join(f"t,{number},root,p,GET,{NOW + number},{NOW},0\n" for number in range(20_000))
    damaged = bytearray(gzip.compress((TRACES + rows).encode()))
    damaged[-5] ^= 0xFF  # part of the checksum at the very end: the head of the file looks sound
    write(tmp_path, {"a.csv": TRACES, "b.csv.gz": bytes(damaged)})
    with pytest.raises(FormatError, match=r"b\.csv\.gz' is damaged"):
        read_telemetry([tmp_path])


def test_windows_leave_out_records_of_other_times_without_counting_them(tmp_path: Path) -> None:
    later = TRACES + TRACES.splitlines()[1].replace(str(NOW), str(NOW + NS_PER_S)) + "\n"
    write(tmp_path, {"a.csv": later, "b.csv": LOGS, "c_metric.csv": METRICS})
    telemetry = read_telemetry([tmp_path], windows=[Window(NOW, NOW + 1)])
    assert (len(telemetry.spans), len(telemetry.logs), len(telemetry.metrics)) == (1, 1, 1)
    assert all(source.dropped == {} for source in telemetry.sources)
    assert read_telemetry([tmp_path], windows=[]).spans.is_empty()


def test_container_metrics_find_their_service_through_the_spans_of_the_pod(tmp_path: Path) -> None:
    point = {"timeUnixNano": str(NOW), "asDouble": 1}
    resource = {"attributes": [{"key": "k8s.pod.name", "value": {"stringValue": "web-5d9c-x2x4z"}}]}
    metric = {"name": "container.cpu.usage", "gauge": {"dataPoints": [point]}}
    metrics = {"resourceMetrics": [{"resource": resource, "scopeMetrics": [{"metrics": [metric]}]}]}
    write(tmp_path, {"m.json": json.dumps(metrics), "t.json": otlp_span("checkout", "web-5d9c-x2x4z")})
    assert read_telemetry([tmp_path]).metrics["service"].to_list() == ["checkout"]


def test_a_real_day_in_windows_is_the_same_as_the_day_cut_to_them(shared_data: Path) -> None:
    day = shared_data / "nezha-tt" / "rca_data" / "2023-01-30"
    start = 1_675_080_000 * NS_PER_S
    windows = [
        Window(start, start + 300 * NS_PER_S),
        Window(start + 3600 * NS_PER_S, start + 3700 * NS_PER_S),
    ]
    whole, part = read_telemetry([day]), read_telemetry([day], windows=windows)
    for table, time in (("spans", "start_ns"), ("logs", "time_ns"), ("metrics", "time_ns")):
        inside = [pl.col(time).is_between(w.start_ns, w.end_ns, closed="left") for w in windows]
        expected = getattr(whole, table).filter(pl.any_horizontal(inside))
        assert 0 < len(expected) < len(getattr(whole, table))
        assert getattr(part, table).equals(expected)


def test_real_folders_are_read_without_their_labels(shared_data: Path, tmp_path: Path) -> None:
    names = ["labels.json", "README.md", "incidents/tt-05.json.gz"]
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(shared_data / "shapleyiq-tt" / name, tmp_path / name)
    telemetry = read_telemetry([tmp_path])
    formats = {Path(source.path).name: source.format for source in telemetry.sources}
    assert formats == {"labels.json": IGNORED, "README.md": IGNORED, "tt-05.json.gz": "jaeger"}


def test_a_single_path_is_one_path_not_its_letters(tmp_path: Path) -> None:
    write(tmp_path, {"11_51_trace.csv": TRACES})
    assert read_telemetry(str(tmp_path)).spans.equals(read_telemetry([tmp_path]).spans)
