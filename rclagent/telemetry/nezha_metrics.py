"""Metrics of the Nezha layout: one row a minute, one column a series."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath
from typing import Final

import polars as pl

from rclagent.core.telemetry import Telemetry
from rclagent.core.window import NS_PER_S
from rclagent.errors import FormatError
from rclagent.telemetry.bounds import bound_metrics, scaled_ns
from rclagent.telemetry.csv_table import pick_columns, read_table
from rclagent.telemetry.detect import NEZHA
from rclagent.telemetry.nezha import integer, services_of, time_of_text
from rclagent.telemetry.source import Source
from rclagent.telemetry.tally import Tally
from rclagent.telemetry.time_filter import TimeFilter

NUMBER_TIME: Final = "time taken from the TimeStamp column"
TIMES_DIFFER: Final = "TimeStamp column differs from the text of its row, which is used"
NOT_A_NUMBER: Final = "value is not a number"
NOBODY: Final = "row names neither pod nor service"

_KEYS: Final = {"time": "text", "timestamp": "number", "podname": "pod", "servicename": "service"}
_PLACE_AND_TIME: Final = ("time_ns", "pod", "service")
_NOTES: Final = ("from_number", "differs")
_CLOCKS_AGREE_NS: Final = 5 * NS_PER_S
_FILE_SUFFIX: Final = "_metric"
_UNITS: Final = {"%": "%", "s": "s", "Mi": "MiBy"}
"""UCUM of the units that column names carry in parentheses; others have none."""


def read_nezha_metrics(sources: Sequence[Source], keep: TimeFilter, name: str) -> Telemetry:
    """Series of the files of one metric folder: each column of numbers is one.

    Args:
        sources: Files of one folder.
        keep: Which samples are wanted, by time.
        name: The folder, for the coverage.

    Raises:
        InputError: A file cannot be read.
        FormatError: A file is no table, or lacks both time columns.
    """
    tally = Tally()
    groups: dict[tuple[str, ...], list[pl.DataFrame]] = {}
    for source in sources:
        rows = keep.apply(_rows(source, tally), pl.col("time_ns"))
        tally.repair(NUMBER_TIME, len(rows.filter("from_number")))
        tally.repair(TIMES_DIFFER, len(rows.filter("differs")))
        rows = rows.drop(_NOTES)
        groups.setdefault(tuple(rows.columns), []).append(rows)
    long = [_unpivoted(pl.concat(frames), tally) for frames in groups.values()]
    metrics = bound_metrics(pl.concat(long), tally)
    return Telemetry(metrics=metrics, sources=(tally.coverage(name, NEZHA, metrics=len(metrics)),))


def _rows(source: Source, tally: Tally) -> pl.DataFrame:
    """Rows of one file: time, pod, service, and the columns of numbers as text."""
    table = read_table(source.read(tally), source.name, tally)
    present = {column.lower(): column for column in table.columns}
    if present.keys().isdisjoint(("time", "timestamp")):
        raise FormatError(
            f"{source.name!r}, line 1: there is no column 'Time' or 'TimeStamp'.",
            "Check that the header line is complete.",
        )
    keys = pick_columns(table, _KEYS, (), source.name)
    if present.keys().isdisjoint(("podname", "servicename")):
        stem = PurePath(source.name).name.partition(".csv")[0]
        if stem.endswith(_FILE_SUFFIX):
            keys = keys.with_columns(pl.lit(stem.removesuffix(_FILE_SUFFIX)).alias("pod"))
        else:  # Nezha keeps figures of call edges beside those of pods; whose they are is in no column
            tally.drop(NOBODY, len(table))
            keys, table = keys.clear(), table.clear()
    keys = keys.with_columns(
        time_of_text(pl.col("text")).alias("text"),
        scaled_ns(integer(pl.col("number")), NS_PER_S).alias("number"),
    )
    keys = keys.select(
        pl.coalesce("text", "number").alias("time_ns"),
        "pod",
        pl.coalesce(services_of(keys["pod"]), "service").alias("service"),
        (pl.col("text").is_null() & pl.col("number").is_not_null()).alias("from_number"),
        ((pl.col("text") - pl.col("number")).abs() > _CLOCKS_AGREE_NS).fill_null(False).alias("differs"),
    )
    taken = {*keys.columns}
    values = [column for lower, column in present.items() if lower not in _KEYS and column not in taken]
    return pl.concat([keys, table.select(values)], how="horizontal")


def _unpivoted(frame: pl.DataFrame, tally: Tally) -> pl.DataFrame:
    """One row a sample; a cell without text is no sample."""
    series = [column for column in frame.columns if column not in _PLACE_AND_TIME]
    text = pl.col(series).str.strip_chars().replace("", None)
    texts = frame.select(*_PLACE_AND_TIME, text)
    numbers = texts.with_columns(pl.col(series).cast(pl.Float64, strict=False))
    tally.drop(NOT_A_NUMBER, _null_cells(numbers, series) - _null_cells(texts, series))
    units = {column: _unit(column) for column in series}
    long = numbers.unpivot(series, index=_PLACE_AND_TIME, variable_name="metric", value_name="value")
    unit = pl.col("metric").replace_strict(units, default=None, return_dtype=pl.String)
    return long.drop_nulls("value").with_columns(unit.alias("unit"))


def _null_cells(frame: pl.DataFrame, columns: list[str]) -> int:
    return sum(frame[column].null_count() for column in columns)


def _unit(column: str) -> str | None:
    return _UNITS.get(column.rpartition("(")[2].removesuffix(")")) if column.endswith(")") else None
