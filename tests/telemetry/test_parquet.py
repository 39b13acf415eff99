"""Parquet tables in rclagent's own columns."""

from __future__ import annotations

import gzip
from io import BytesIO
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from rclagent.core.log import LogRecord, logs_to_frame
from rclagent.core.metric import MetricPoint, metrics_to_frame
from rclagent.core.span import SPAN_SCHEMA, Span, SpanKind, spans_to_frame
from rclagent.core.telemetry import Telemetry
from rclagent.core.window import Window
from rclagent.errors import FormatError
from rclagent.telemetry.parquet import MAX_ROWS, UNKNOWN_COLUMN, UNKNOWN_KIND
from rclagent.telemetry.read import read_telemetry
from rclagent.testing import write_parquet

SPANS = spans_to_frame(
    [
        Span("t", "a", None, "cart", "GET /", 10, 90, SpanKind.SERVER, "cart-0", "n1", False, "200"),
        Span("t", "b", "a", "cart", "query", 20, 30, SpanKind.CLIENT, peer="db"),
    ]
)
LOGS = logs_to_frame([LogRecord(15, "cart", "hello", "INFO", trace_id="t", span_id="a")])
METRICS = metrics_to_frame([MetricPoint(60, "cpu", 0.5, "cart", cumulative=True)])


def packed(frame: pl.DataFrame) -> bytes:
    """The bytes of a Parquet file."""
    target = BytesIO()
    frame.write_parquet(target)
    return target.getvalue()


def read(folder: Path, frame: pl.DataFrame, windows: list[Window] | None = None) -> Telemetry:
    """A table, written and read."""
    path = folder / "table.parquet"
    path.write_bytes(packed(frame))
    return read_telemetry([path], windows=windows)


def refusal(folder: Path, frame: pl.DataFrame) -> str:
    """What is said of a table that cannot be used."""
    with pytest.raises(FormatError) as caught:
        read(folder, frame)
    assert "table.parquet" in caught.value.problem
    return str(caught.value)


def test_what_was_written_reads_back(tmp_path: Path) -> None:
    """Found by content, row for row."""
    paths = write_parquet(Telemetry(SPANS, LOGS, METRICS), tmp_path)
    assert [path.name for path in paths] == ["spans.parquet", "logs.parquet", "metrics.parquet"]
    telemetry = read_telemetry([tmp_path])
    assert_frame_equal(telemetry.spans, SPANS)
    assert_frame_equal(telemetry.logs, LOGS)
    assert_frame_equal(telemetry.metrics, METRICS)
    assert {source.format for source in telemetry.sources} == {"parquet"}
    assert [source.logs for source in telemetry.sources] == [1, 0, 0]


def test_what_is_missing_is_not_written_and_not_left_over(tmp_path: Path) -> None:
    write_parquet(Telemetry(SPANS, LOGS), tmp_path)
    write_parquet(Telemetry(SPANS), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["spans.parquet"]


def test_a_file_may_be_compressed_once_more_and_have_any_name(tmp_path: Path) -> None:
    path = tmp_path / "export"
    path.write_bytes(gzip.compress(packed(SPANS)))
    assert_frame_equal(read_telemetry([path]).spans, SPANS)


def test_only_the_records_of_the_windows_are_kept(tmp_path: Path) -> None:
    assert read(tmp_path, SPANS, [Window(20, 21)]).spans["span_id"].to_list() == ["b"]


def test_columns_that_need_no_value_may_be_missing_and_others_are_left_out(tmp_path: Path) -> None:
    few = SPANS.drop("pod", "kind", "version").with_columns(shoe_size=pl.lit(43))
    telemetry = read(tmp_path, few)
    assert telemetry.spans.schema == SPAN_SCHEMA
    assert telemetry.spans["pod"].to_list() == [None, None]
    assert telemetry.spans["kind"].to_list() == ["unknown", "unknown"]
    assert telemetry.sources[0].repaired == {UNKNOWN_COLUMN: 1}


def test_types_that_keep_their_meaning_are_taken(tmp_path: Path) -> None:
    """Dictionaries of names, narrower or unsigned numbers."""
    other = SPANS.with_columns(
        pl.col("service").cast(pl.Categorical),
        pl.col("start_ns").cast(pl.UInt64),
        pl.col("end_ns").cast(pl.Int32),
    )
    assert_frame_equal(read(tmp_path, other).spans, SPANS)


def test_kinds_are_taken_in_any_case_and_unknown_ones_counted(tmp_path: Path) -> None:
    telemetry = read(tmp_path, SPANS.with_columns(kind=pl.Series(["Server", "butler"])))
    assert telemetry.spans["kind"].to_list() == ["server", "unknown"]
    assert telemetry.sources[0].repaired == {UNKNOWN_KIND: 1}


def test_records_that_cannot_be_used_are_dropped_and_counted(tmp_path: Path) -> None:
    """As in any other format; a time that fits no 64 bits is none."""
    late = SPANS.with_columns(end_ns=pl.Series([90, 2**63], dtype=pl.UInt64))
    telemetry = read(tmp_path, late)
    assert telemetry.spans["span_id"].to_list() == ["a"]
    assert telemetry.sources[0].dropped == {"no usable time": 1}


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        (pl.DataFrame({"x": [1]}), "no table of spans"),
        (SPANS.drop("end_ns"), "no column 'end_ns'"),
        (LOGS.drop("time_ns"), "no column 'time_ns'"),
        (METRICS.drop("value"), "no column 'value'"),
        (SPANS.with_columns(pl.col("start_ns").cast(pl.Float64)), "column 'start_ns': its type is Float64"),
        (SPANS.with_columns(pl.col("start_ns").cast(pl.Datetime("ns"))), "column 'start_ns': its type is"),
        (SPANS.with_columns(pl.lit(7).alias("service")), "column 'service': its type is Int32"),
        (METRICS.with_columns(pl.lit("0.5").alias("value")), "column 'value': its type is String"),
    ],
)
def test_other_columns_are_refused_naming_them(tmp_path: Path, frame: pl.DataFrame, words: str) -> None:
    assert words in refusal(tmp_path, frame)


def test_a_damaged_file_is_refused_naming_it(tmp_path: Path) -> None:
    path = tmp_path / "table.parquet"
    path.write_bytes(packed(SPANS)[:-20])
    with pytest.raises(FormatError, match=r"table\.parquet.* is damaged"):
        read_telemetry([path])


def test_a_small_file_of_too_many_rows_is_refused(tmp_path: Path) -> None:
    """Equal values take no room on disk, and all of it in memory."""
    path = tmp_path / "bomb.parquet"
    pl.LazyFrame({"body": pl.repeat(None, MAX_ROWS + 1, dtype=pl.Null, eager=True)}).sink_parquet(path)
    assert path.stat().st_size < 10_000_000
    with pytest.raises(FormatError, match=rf"more than {MAX_ROWS}"):
        read_telemetry([path])
