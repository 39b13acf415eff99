"""Logs of the Nezha layout: the message is wrapped in JSON, and the JSON is not always whole."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import polars as pl

from rclagent.core.telemetry import Telemetry
from rclagent.telemetry.bounds import bound_logs
from rclagent.telemetry.csv_table import decode_text, pick_columns, read_table
from rclagent.telemetry.detect import NEZHA
from rclagent.telemetry.nezha import integer, services_of, time_of_text
from rclagent.telemetry.severity import severity_of_body
from rclagent.telemetry.source import Source
from rclagent.telemetry.tally import Tally
from rclagent.telemetry.time_filter import TimeFilter

TEXT_TIME: Final = "time taken from the text column"
JOINED: Final = "row joined to the log line that it continues"
DAMAGED_JSON: Final = "log line read from damaged JSON"
NO_JSON: Final = "log line taken as it is, without JSON around it"

_COLUMNS: Final = {
    "timestamp": "text",
    "timeunixnano": "time_ns",
    "node": "node",
    "podname": "pod",
    "traceid": "trace_id",
    "spanid": "span_id",
    "log": "log",
}
_REQUIRED: Final = ("timeunixnano", "podname", "log")
_RECORD_START: Final = r'^(?:\d{{4}}-\d\d-\d\d[T ][^,"]*,|(?:[^,"]*,){{{0}}}-?\d+,)'
"""A record begins with a date, or has a number in the given column; doubled braces are str.format's."""
_LOG_FIELD: Final = r'^\s*\{.*?"log"\s*:\s*"((?:[^"\\]|\\.)*)"'


def read_nezha_logs(sources: Sequence[Source], keep: TimeFilter, name: str) -> Telemetry:
    """Log lines of the files of one log folder.

    Args:
        sources: Files of one folder.
        keep: Which lines are wanted, by time.
        name: The folder, for the coverage.

    Raises:
        InputError: A file cannot be read.
        FormatError: A file lacks a column that a log line needs.
    """
    tally = Tally()
    frames = [keep.apply(_rows(source, tally), pl.col("time_ns")) for source in sources]
    frame = _unwrapped(pl.concat(frames), tally)
    logs = frame.with_columns(services_of(frame["pod"]), severity_of_body(pl.col("body")).alias("severity"))
    logs = bound_logs(logs, tally)
    return Telemetry(logs=logs, sources=(tally.coverage(name, NEZHA, logs=len(logs)),))


def _rows(source: Source, tally: Tally) -> pl.DataFrame:
    """Rows of one file, the message as it stands in its cell; ``mended`` where the time is the text's."""
    data = source.read(tally)
    header = data.partition(b"\n")[0].decode("utf-8", "replace").strip().replace('"', "").lower().split(",")
    if header[-1] == "log" and set(_REQUIRED) <= set(header) and len(set(header)) == len(header):
        table = _split_lines(decode_text(data, tally), header, tally)
    else:
        table = read_table(data, source.name, tally)
    rows = pick_columns(table, _COLUMNS, _REQUIRED, source.name)
    # Go's zero time, far before 1970, stands where a line had no number; its text is right.
    number = integer(pl.col("time_ns"))
    rows = rows.with_columns(pl.when(number > 0).then(number).alias("time_ns"))
    text = time_of_text(pl.when(pl.col("time_ns").is_null()).then(pl.col("text")))
    rows = rows.with_columns(text.alias("text"))
    mended = pl.col("text").is_not_null().alias("mended")
    return rows.select(pl.exclude("text", "time_ns"), pl.coalesce("time_ns", "text").alias("time_ns"), mended)


def _split_lines(text: str, header: list[str], tally: Tally) -> pl.DataFrame:
    """Cells of a table whose last column is free text.

    The text holds stray commas and quotes that no CSV parser gets right, while the columns
    before it hold neither: so each line is split at its first commas. A line that does not
    begin like a record goes on with the message before it.
    """
    lines = pl.DataFrame({"line": text.split("\n")[1:]}, schema={"line": pl.String})
    lines = lines.select(pl.col("line").str.strip_suffix("\r")).filter(pl.col("line") != "")
    starts = lines["line"].str.contains(_RECORD_START.format(header.index("timeunixnano")))
    if not starts.all():
        tally.repair(JOINED, len(lines.filter(~starts)))
        record = starts.cum_sum().alias("record")
        lines = lines.group_by(record, maintain_order=True).agg(pl.col("line").str.join("\n"))
    cells = pl.col("line").str.splitn(",", len(header)).struct.rename_fields(header)
    return lines.select(cells).unnest("line")


def _unwrapped(frame: pl.DataFrame, tally: Tally) -> pl.DataFrame:
    """Messages, as ``body``, out of the JSON that the container runtime wraps around each line."""
    tally.repair(TEXT_TIME, len(frame.filter("mended")))
    cell = pl.col("log")
    unquoted = cell.str.slice(1).str.strip_suffix('"').str.replace_all('""', '"', literal=True)
    frame = frame.with_columns(pl.when(cell.str.starts_with('"')).then(unquoted).otherwise(cell))
    frame = frame.with_columns(cell.str.json_path_match("$.log").alias("body"))
    if frame["body"].null_count():
        left = pl.when(pl.col("body").is_null()).then(cell)
        wrapped = pl.concat_str([pl.lit('{"log":"'), left.str.extract(_LOG_FIELD, 1), pl.lit('"}')])
        frame = frame.with_columns(wrapped.str.json_path_match("$.log").alias("damaged"))
        tally.repair(DAMAGED_JSON, len(frame) - frame["damaged"].null_count())
        frame = frame.with_columns(pl.coalesce("body", "damaged").alias("body"))
        tally.repair(NO_JSON, frame["body"].null_count())
    return frame.with_columns(pl.coalesce("body", "log").str.strip_chars_end("\r\n").alias("body"))
