"""Metrics of the Nezha layout."""

from __future__ import annotations

from pathlib import Path

import pytest

from rclagent.core.telemetry import Telemetry
from rclagent.core.window import Window
from rclagent.errors import FormatError
from rclagent.telemetry.bounds import NO_TIME, NOT_FINITE
from rclagent.telemetry.nezha_metrics import (
    NOBODY,
    NOT_A_NUMBER,
    NUMBER_TIME,
    TIMES_DIFFER,
    read_nezha_metrics,
)
from rclagent.telemetry.source import Source, open_sources
from rclagent.telemetry.time_filter import TimeFilter

HEADER = "Time,TimeStamp,PodName,CpuUsageRate(%),SyscallRead,NodeCpuUsageRate(%)"
TEXT = "2023-01-30 11:39:52.981792341 +0000 UTC m=+0.158622650"
NOW = 1_675_078_792_981_792_341
POD = "ts-cart-service-5f55b6cf68-qmx8k"


def read(*rows: str, name: str = f"metric/{POD}_metric.csv", keep: TimeFilter | None = None) -> Telemetry:
    source = Source(name, None, "\n".join(rows).encode())
    return read_nezha_metrics([source], keep or TimeFilter.of(None), "metric")


def test_each_column_of_numbers_is_a_series_of_the_pod() -> None:
    rows = read(HEADER, f"{TEXT},1675078792,{POD},1.5,3,2").metrics.to_dicts()
    assert [(row["metric"], row["value"], row["unit"]) for row in rows] == [
        ("CpuUsageRate(%)", 1.5, "%"),
        ("SyscallRead", 3.0, None),
        ("NodeCpuUsageRate(%)", 2.0, "%"),
    ]
    assert {(row["time_ns"], row["service"], row["pod"]) for row in rows} == {(NOW, "ts-cart-service", POD)}


def test_the_entry_is_a_service_without_a_pod() -> None:
    header = "Time,TimeStamp,ServiceName,SuccessRate(%),LatencyP50(s)"
    rows = read(
        header, f"{TEXT},1675078792,Frontend,100,0.2", name="metric/front_service.csv"
    ).metrics.to_dicts()
    assert [(row["service"], row["pod"], row["metric"], row["unit"]) for row in rows] == [
        ("Frontend", None, "SuccessRate(%)", "%"),
        ("Frontend", None, "LatencyP50(s)", "s"),
    ]


def test_the_text_is_the_right_time_where_the_number_differs() -> None:
    telemetry = read(HEADER, f"{TEXT},1875078792,{POD},1,,")
    assert telemetry.metrics["time_ns"].to_list() == [NOW]
    assert telemetry.sources[0].repaired == {TIMES_DIFFER: 1}


def test_the_number_stands_in_for_a_text_that_is_no_time() -> None:
    telemetry = read(HEADER, f"yesterday,1675078792,{POD},1,,", f"yesterday,today,{POD},1,,")
    assert telemetry.metrics["time_ns"].to_list() == [1_675_078_792_000_000_000]
    assert telemetry.sources[0].repaired == {NUMBER_TIME: 1}
    assert telemetry.sources[0].dropped == {NO_TIME: 1}


def test_empty_cells_are_no_samples_and_other_text_is_counted() -> None:
    telemetry = read(HEADER, f"{TEXT},1675078792,{POD},,high,NaN", f"{TEXT},1675078792,{POD},inf,1, ")
    assert telemetry.metrics["value"].to_list() == [1.0]
    assert telemetry.sources[0].dropped == {NOT_A_NUMBER: 1, NOT_FINITE: 2}


def test_a_file_named_after_its_pod_need_not_name_it_in_a_column() -> None:
    (row,) = read("Time,TimeStamp,CpuUsage(m)", f"{TEXT},1675078792,7").metrics.to_dicts()
    assert (row["service"], row["pod"]) == ("ts-cart-service", POD)


def test_figures_that_belong_to_nobody_are_left_out_visibly() -> None:
    header = "time,timestamp,frontend_cartservice"
    telemetry = read(header, f"{TEXT},1675078792,0.2", name="metric/source_50.csv")
    assert len(telemetry.metrics) == 0
    assert telemetry.sources[0].dropped == {NOBODY: 1}


def test_files_with_different_columns_are_read_together() -> None:
    files = [
        Source("a_metric.csv", None, f"{HEADER}\n{TEXT},1,{POD},1,2,3".encode()),
        Source("b_metric.csv", None, f"Time,PodName,Disk\n{TEXT},{POD},4".encode()),
        Source("source_50.csv", None, f"time,timestamp,a_b\n{TEXT},1,0.1".encode()),
        Source("c_metric.csv", None, b"Time,TimeStamp,PodName"),
    ]
    telemetry = read_nezha_metrics(files, TimeFilter.of(None), "metric")
    assert telemetry.metrics["value"].to_list() == [1.0, 2.0, 3.0, 4.0]


def test_a_table_without_a_time_is_refused() -> None:
    with pytest.raises(FormatError, match="no column 'Time'"):
        read("PodName,CpuUsage(m)", f"{POD},1")


def test_only_samples_inside_the_windows_are_kept_and_nothing_else_counted() -> None:
    other = TEXT.replace("-30 ", "-29 ")
    keep = TimeFilter.of([Window(NOW, NOW + 1)])
    telemetry = read(HEADER, f"{TEXT},1675078792,{POD},1,,", f"{other},1,{POD},odd,NaN,3", keep=keep)
    assert telemetry.metrics["time_ns"].to_list() == [NOW]
    assert (telemetry.sources[0].dropped, telemetry.sources[0].repaired) == ({}, {})


def test_a_real_day_is_read_whole(shared_data: Path) -> None:
    """34,086 rows of 19 series and 741 of 5, less the quantiles that are NaN where nobody called."""
    folder = shared_data / "nezha-tt" / "rca_data" / "2023-01-30" / "metric"
    telemetry = read_nezha_metrics(open_sources([folder]), TimeFilter.of(None), "metric")
    (source,) = telemetry.sources
    assert len(telemetry.metrics) + source.dropped[NOT_FINITE] == 34_086 * 19 + 741 * 5
    assert (set(source.dropped), source.repaired) == ({NOT_FINITE}, {})
    assert telemetry.metrics["service"].n_unique() == 47
