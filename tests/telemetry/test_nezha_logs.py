"""Logs of the Nezha layout."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from rclagent.core.telemetry import Telemetry
from rclagent.core.window import Window
from rclagent.telemetry.bounds import NO_TIME
from rclagent.telemetry.nezha_logs import DAMAGED_JSON, JOINED, NO_JSON, TEXT_TIME, read_nezha_logs
from rclagent.telemetry.source import Source, open_sources
from rclagent.telemetry.time_filter import TimeFilter

HEADER = "Timestamp,TimeUnixNano,Node,PodName,Container,TraceID,SpanID,Log"
NOW = 1_675_079_459_971_622_667
START = f"2023-01-30T11:50:59.971622667Z,{NOW},n1,ts-cart-service-64469b5b48-5rjvb,server,t,a,"
PLAIN = START + r'"{""log"":""19:50:59.971 INFO  Cart#4 done, \""x\"" ok\n"",""stream"":""stdout""}"'


def read(*rows: str, header: str = HEADER, keep: TimeFilter | None = None) -> Telemetry:
    data = "\n".join([header, *rows, ""]).encode()
    return read_nezha_logs([Source("log.csv", None, data)], keep or TimeFilter.of(None), "log")


def test_a_line_comes_out_of_its_json_with_level_and_place() -> None:
    telemetry = read(PLAIN)
    assert telemetry.logs.to_dicts() == [
        {
            "time_ns": NOW,
            "service": "ts-cart-service",
            "pod": "ts-cart-service-64469b5b48-5rjvb",
            "node": "n1",
            "trace_id": "t",
            "span_id": "a",
            "severity": "INFO",
            "body": '19:50:59.971 INFO  Cart#4 done, "x" ok',
        }
    ]
    assert telemetry.sources[0].repaired == {}


def test_a_time_that_is_no_time_is_taken_from_the_text() -> None:
    """Go's zero time stands in some rows, and just these hold the errors."""
    telemetry = read(PLAIN.replace(str(NOW), "-6795364578871345152"))
    assert telemetry.logs["time_ns"].to_list() == [NOW]
    assert telemetry.sources[0].repaired == {TEXT_TIME: 1}


def test_a_row_without_any_time_is_dropped_and_counted() -> None:
    telemetry = read(PLAIN, PLAIN.replace(str(NOW), "-1").replace("2023-01-30T11:50:59.971622667Z", ""))
    assert len(telemetry.logs) == 1
    assert telemetry.sources[0].dropped == {NO_TIME: 1}


def test_stray_commas_and_quotes_cost_no_row() -> None:
    junk = START + r'"{""log"":""INFO kept\n"",""stream"":""s""}"ulate, distance"][x: "",'
    plain = START + 'ERROR no "json" at all, really'
    unclosed = START + r'"{""log"":""INFO open'
    telemetry = read(junk, plain, unclosed, PLAIN)
    assert telemetry.logs["body"].to_list() == [
        "INFO kept",
        'ERROR no "json" at all, really',
        '{"log":"INFO open',
        '19:50:59.971 INFO  Cart#4 done, "x" ok',
    ]
    assert telemetry.sources[0].repaired == {DAMAGED_JSON: 1, NO_JSON: 2}


def test_a_message_over_several_rows_is_joined() -> None:
    telemetry = read(START + '"ERROR failed', "  at Cart.java:4", '  at Main.java:1"', PLAIN)
    assert telemetry.logs["body"].to_list()[0] == "ERROR failed\n  at Cart.java:4\n  at Main.java:1"
    assert telemetry.sources[0].repaired == {JOINED: 2, NO_JSON: 1}


def test_a_json_line_inside_the_json_is_kept_as_written() -> None:
    row = START + r'"{""log"":""{\""message\"":\""Query\"",\""severity\"":\""info\""}\n""}"'
    (log,) = read(row).logs.to_dicts()
    assert (log["body"], log["severity"]) == ('{"message":"Query","severity":"info"}', "INFO")


def test_other_column_orders_are_read_too() -> None:
    telemetry = read(f'"{{""log"":""INFO x, y""}}",{NOW},p', header="Log,TimeUnixNano,PodName")
    (log,) = telemetry.logs.to_dicts()
    assert (log["body"], log["time_ns"], log["trace_id"]) == ("INFO x, y", NOW, None)


def test_only_lines_inside_the_windows_are_kept_and_nothing_else_counted() -> None:
    early = PLAIN.replace(str(NOW), "-5").replace("2023-01-30", "2023-01-29")
    telemetry = read(PLAIN, early, keep=TimeFilter.of([Window(NOW, NOW + 1)]))
    assert telemetry.logs["time_ns"].to_list() == [NOW]
    assert (telemetry.sources[0].dropped, telemetry.sources[0].repaired) == ({}, {})


def test_real_days_are_read_whole(shared_data: Path) -> None:
    """Rows counted with the standard library's CSV parser; each day has rows with Go's zero time."""
    for day, rows, repaired in (
        ("2023-01-29", 79_432, {DAMAGED_JSON: 2, TEXT_TIME: 29}),
        ("2023-01-30", 94_703, {TEXT_TIME: 79}),
    ):
        folder = shared_data / "nezha-tt" / "rca_data" / day / "log"
        telemetry = read_nezha_logs(open_sources([folder]), TimeFilter.of(None), "log")
        assert (len(telemetry.logs), telemetry.sources[0].dropped) == (rows, {})
        assert telemetry.sources[0].repaired == repaired
        assert telemetry.logs["severity"].null_count() == 0
        start = pl.datetime(*map(int, day.split("-")), time_unit="ns").dt.timestamp("ns")
        in_day = pl.col("time_ns").is_between(start, start + 86_400_000_000_000)
        assert telemetry.logs.select(in_day.all()).item()
