"""CSV of the AIOps challenges."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from rclagent.core.telemetry import Telemetry
from rclagent.core.window import Window
from rclagent.telemetry.aiops import NOT_A_NUMBER, read_aiops_logs, read_aiops_metrics, read_aiops_traces
from rclagent.telemetry.bounds import NO_TIME
from rclagent.telemetry.source import Source, open_sources
from rclagent.telemetry.time_filter import TimeFilter

TRACES = "timestamp,cmdb_id,span_id,trace_id,duration,type,status_code,operation_name,parent_span"
LOGS = "log_id,timestamp,cmdb_id,log_name,value"
METRICS = "timestamp,cmdb_id,kpi_name,value"
MS = 1_647_747_340_693
EVERYTHING = TimeFilter.of(None)


def read(
    reader: Callable[[Source, TimeFilter], Telemetry], *rows: str, keep: TimeFilter = EVERYTHING
) -> Telemetry:
    return reader(Source("file.csv", None, "\n".join(rows).encode()), keep)


def test_a_span_has_service_pod_and_status() -> None:
    telemetry = read(read_aiops_traces, TRACES, f"{MS},cartservice2-0,b,t,250,rpc,13,Cart/Get,a")
    (row,) = telemetry.spans.to_dicts()
    assert (row["service"], row["pod"], row["node"]) == ("cartservice", "cartservice2-0", None)
    assert (row["operation"], row["parent_id"], row["kind"]) == ("Cart/Get", "a", "unknown")
    assert (row["start_ns"], row["end_ns"]) == (MS * 10**6, MS * 10**6 + 250_000)
    assert (row["error"], row["status"]) == (True, "13")


@pytest.mark.parametrize(
    ("code", "error"),
    [("0", False), ("200", False), ("302", False), ("Ok", False), ("", False), ("500", True), ("2", True)],
)
def test_codes_that_mean_success_are_no_errors(code: str, error: bool) -> None:
    telemetry = read(read_aiops_traces, TRACES, f"{MS},a-0,b,t,1,rpc,{code},op,")
    assert telemetry.spans["error"].to_list() == [error]


def test_without_a_status_column_there_is_no_status() -> None:
    header = "timestamp,cmdb_id,parent_id,span_id,trace_id,duration"
    (row,) = read(read_aiops_traces, header, f"{MS},docker_003,a,b,t,1").spans.to_dicts()
    assert (row["error"], row["parent_id"], row["service"], row["operation"]) == (
        None,
        "a",
        "docker_003",
        "(unnamed)",
    )


@pytest.mark.parametrize("unit_ns", [1, 1_000, 1_000_000])
def test_the_unit_of_durations_is_the_smallest_in_which_parents_contain_their_children(unit_ns: int) -> None:
    rows = []
    for number in range(10):
        rows.append(f"{MS},a-0,p{number},t{number},{100_000_000 // unit_ns},rpc,0,op,")
        rows.append(f"{MS + 40},b-0,c{number},t{number},{20_000_000 // unit_ns},rpc,0,op,p{number}")
    spans = read(read_aiops_traces, TRACES, *rows).spans
    assert (spans["end_ns"] - spans["start_ns"]).unique().sort().to_list() == [20_000_000, 100_000_000]


@pytest.mark.parametrize("time", ["1647747340", "1647747340000", "1647747340000000", "1647747340000000000"])
def test_the_unit_of_times_is_told_by_their_size(time: str) -> None:
    telemetry = read(read_aiops_logs, LOGS, f"1,{time},a-0,l,x")
    assert telemetry.logs["time_ns"].to_list() == [1_647_747_340 * 10**9]


def test_a_log_line_has_place_and_level() -> None:
    telemetry = read(
        read_aiops_logs, LOGS, '1,1647747298.5,cart-1,l,"severity: info, message: a, b"', "2,,c,l,x"
    )
    (row,) = telemetry.logs.to_dicts()
    assert (row["time_ns"], row["service"], row["pod"]) == (1_647_747_298_500_000_000, "cart", "cart-1")
    assert (row["severity"], row["body"]) == ("INFO", "severity: info, message: a, b")
    assert telemetry.sources[0].dropped == {NO_TIME: 1}


@pytest.mark.parametrize(
    ("cmdb_id", "place"),
    [
        ("node-1.cartservice2-0", ("cartservice", "cartservice2-0", "node-1", "kpi")),
        ("cartservice-0", ("cartservice", "cartservice-0", None, "kpi")),
        ("node-6", (None, None, "node-6", "kpi")),
        ("frontend", ("frontend", None, None, "kpi")),
        ("cart-0.source.a.b", ("cart", "cart-0", None, "kpi{source.a.b}")),
    ],
)
def test_an_id_names_pod_node_or_service(cmdb_id: str, place: tuple[str | None, ...]) -> None:
    (row,) = read(read_aiops_metrics, METRICS, f"1647747298,{cmdb_id},kpi,1.5").metrics.to_dicts()
    assert (row["service"], row["pod"], row["node"], row["metric"]) == place


def test_a_table_of_services_has_a_series_a_column() -> None:
    telemetry = read(read_aiops_metrics, "service,timestamp,rr,mrt", "cart-grpc,1647747298,100,2.5")
    rows = telemetry.metrics.to_dicts()
    assert [(row["service"], row["pod"], row["metric"], row["value"]) for row in rows] == [
        ("cart", None, "rr", 100.0),
        ("cart", None, "mrt", 2.5),
    ]


def test_values_that_are_no_numbers_are_dropped_and_counted() -> None:
    rows = [f"1647747298,a-0,kpi,{value}" for value in ("1", "high", "", "nan")]
    telemetry = read(read_aiops_metrics, METRICS, *rows)
    assert telemetry.metrics["value"].to_list() == [1.0]
    assert telemetry.sources[0].dropped == {NOT_A_NUMBER: 1}


def test_only_records_inside_the_windows_are_kept() -> None:
    keep = TimeFilter.of([Window(MS * 10**6, MS * 10**6 + 1)])
    traces = [f"{MS + more},a-0,b,t,1,rpc,0,op," for more in (0, 1)]
    assert len(read(read_aiops_traces, TRACES, *traces, keep=keep).spans) == 1
    assert len(read(read_aiops_logs, LOGS, f"1,{MS},a-0,l,x", "2,5,a-0,l,x", keep=keep).logs) == 1
    assert len(read(read_aiops_metrics, METRICS, f"{MS},a-0,k,1", "5,a-0,k,1", keep=keep).metrics) == 1


def test_the_real_sample_is_read_whole(shared_data: Path) -> None:
    """Its one trace lasts 13.4 s: durations are in microseconds. Rows counted by the standard library."""
    folder = shared_data / "aiops2022-sample"
    (source,) = open_sources([folder / "trace" / "all" / "trace_jaeger-span.csv"])
    spans = read_aiops_traces(source, EVERYTHING).spans
    root = spans.filter(pl.col("parent_id").is_null())
    assert (len(spans), len(root)) == (26, 1)
    assert (root["end_ns"] - root["start_ns"]).item() == 13_385_835_000
    (source,) = open_sources([folder / "log" / "all" / "logs.csv.gz"])
    telemetry = read_aiops_logs(source, EVERYTHING)
    assert (len(telemetry.logs), telemetry.sources[0].dropped) == (14_434, {})
