"""Traces of the Nezha layout, and what its readers share."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rclagent.core.span import SPAN_SCHEMA
from rclagent.core.telemetry import Telemetry
from rclagent.core.window import Window
from rclagent.errors import FormatError
from rclagent.telemetry.bounds import NO_ID, NO_TIME
from rclagent.telemetry.csv_table import BAD_QUOTES, NOT_UTF8
from rclagent.telemetry.nezha import NO_END, read_nezha_traces, service_of_pod, time_of_text
from rclagent.telemetry.source import Source, open_sources
from rclagent.telemetry.time_filter import TimeFilter

HEADER = "TraceID,SpanID,ParentID,PodName,OperationName,StartTimeUnixNano,EndTimeUnixNano,Duration"
NOW = 1_675_079_501_299_000_000
ROW = f"t,a,root,ts-cart-service-6f6cfc45b-d9pnv,GET /cart,{NOW},{NOW + 5_000},5"


def read(*rows: str, keep: TimeFilter | None = None) -> Telemetry:
    data = "\n".join([HEADER, *rows]).encode("utf-8", "surrogateescape")
    return read_nezha_traces([Source("trace.csv", None, data)], keep or TimeFilter.of(None), "trace")


def test_a_span_has_service_pod_and_times_and_no_status() -> None:
    (row,) = read(ROW).spans.to_dicts()
    assert row == dict.fromkeys(SPAN_SCHEMA) | {
        "trace_id": "t",
        "span_id": "a",
        "service": "ts-cart-service",
        "pod": "ts-cart-service-6f6cfc45b-d9pnv",
        "operation": "GET /cart",
        "kind": "unknown",
        "start_ns": NOW,
        "end_ns": NOW + 5_000,
    }


def test_rows_that_files_repeat_are_left_to_the_repair() -> None:
    files = [Source(f"{name}.csv", None, f"{HEADER}\n{ROW}\n".encode()) for name in "ab"]
    telemetry = read_nezha_traces(files, TimeFilter.of(None), "trace")
    assert len(telemetry.spans) == 2
    assert [(source.path, source.spans) for source in telemetry.sources] == [("trace", 2)]


def test_a_missing_end_comes_from_the_duration_in_microseconds() -> None:
    telemetry = read(f"t,a,root,p,GET,{NOW},,7", f"t,b,root,p,GET,{NOW},,")
    assert telemetry.spans["end_ns"].to_list() == [NOW + 7_000]
    assert telemetry.sources[0].repaired == {NO_END: 1}
    assert telemetry.sources[0].dropped == {NO_TIME: 1}


def test_rows_without_ids_or_times_are_dropped_and_counted() -> None:
    telemetry = read(ROW, ",a,root,p,GET,1,2,3", HEADER, "t,a", "t,b,root,p,GET,-5,9,9")
    assert len(telemetry.spans) == 1
    assert telemetry.sources[0].dropped == {NO_ID: 1, NO_TIME: 3}


def test_odd_quotes_and_bytes_are_borne_and_said() -> None:
    telemetry = read(ROW, f't,b,root,p,"GET,{NOW},{NOW},0', f"t,c,root,p,\udcff,{NOW},{NOW},0")
    assert "a" in telemetry.spans["span_id"]
    assert telemetry.sources[0].repaired == {BAD_QUOTES: 1, NOT_UTF8: 1}


def test_a_table_without_a_needed_column_is_refused_naming_it() -> None:
    data = HEADER.replace("PodName,", "").encode()
    with pytest.raises(FormatError, match=r"'trace.csv', line 1: there is no column 'podname'"):
        read_nezha_traces([Source("trace.csv", None, data)], TimeFilter.of(None), "trace")


def test_only_spans_inside_the_windows_are_kept_and_the_others_not_counted() -> None:
    telemetry = read(ROW, ROW.replace(str(NOW), str(NOW - 1)), keep=TimeFilter.of([Window(NOW, NOW + 1)]))
    assert telemetry.spans["start_ns"].to_list() == [NOW]
    assert telemetry.sources[0].dropped == {}


@pytest.mark.parametrize(
    ("pod", "service"),
    [
        ("ts-order-service-5b67c48447-fj8b7", "ts-order-service"),
        ("cart-579f59597d-wc2lz", "cart"),
        ("redis-0", "redis-0"),
        ("frontend", "frontend"),
        ("-a-b", "-a-b"),
        ("", ""),
    ],
)
def test_a_service_is_its_pods_name_without_the_last_two_parts(pod: str, service: str) -> None:
    assert service_of_pod(pod) == service


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2023-01-30 11:39:52.981792341 +0000 UTC m=+0.158622650", 1_675_078_792_981_792_341),
        ("2023-01-30T11:39:52.98Z", 1_675_078_792_980_000_000),
        ("2023-01-30T11:39:52", 1_675_078_792_000_000_000),
        ("2023-01-30 19:39:52 +08:00", 1_675_078_792_000_000_000),
        ("2023-01-30 07:09:52.5 -0430", 1_675_078_792_500_000_000),
        ("2023-13-30 11:39:52", None),
        ("9999-01-30 11:39:52", None),
        ("1675078792", None),
        ("", None),
        (None, None),
    ],
)
def test_times_as_text_are_exact_to_the_nanosecond(text: str | None, time: int | None) -> None:
    frame = pl.DataFrame({"text": [text]}, schema={"text": pl.String})
    assert frame.select(time_of_text(pl.col("text"))).item() == time


@given(st.datetimes().map(str))
def test_a_time_of_any_year_is_right_or_refused(text: str) -> None:
    frame = pl.DataFrame({"text": [text]}, schema={"text": pl.String})
    time = frame.select(time_of_text(pl.col("text"))).item()
    assert (time is not None) == (1970 <= int(text[:4]) <= 2259)
    assert time is None or time >= 0


def test_a_real_day_is_read_whole(shared_data: Path) -> None:
    """51 files of one day; rows counted with the standard library's CSV parser."""
    folder = shared_data / "nezha-tt" / "rca_data" / "2023-01-30" / "trace"
    telemetry = read_nezha_traces(open_sources([folder]), TimeFilter.of(None), str(folder))
    (source,) = telemetry.sources
    assert (len(telemetry.spans), source.dropped, source.repaired) == (179_170, {}, {})
    assert telemetry.spans["service"].str.starts_with("ts-").all()
