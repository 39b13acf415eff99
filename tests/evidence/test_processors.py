"""Processors of a machine, taken together."""

from __future__ import annotations

import polars as pl
import pytest

from rclagent.core.baseline import SERIES_SCHEMA
from rclagent.evidence.processors import over_processors

FIGURES = ("mean", "p50", "mad", "p99", "low", "high")


def table(*rows: tuple[str, float], node: str = "n1", n: int = 3) -> pl.DataFrame:
    """Series of a machine, all figures alike."""
    columns = {"service": "", "pod": "", "node": node, "n": n}
    records = [columns | {"metric": metric} | dict.fromkeys(FIGURES, value) for metric, value in rows]
    return pl.DataFrame(records, schema=SERIES_SCHEMA)


@pytest.mark.parametrize(
    ("first", "second", "merged"),
    [
        (
            "node_cpu_seconds_total{cpu=0,mode=idle}",
            "node_cpu_seconds_total{cpu=1,mode=idle}",
            "node_cpu_seconds_total{mode=idle}",
        ),
        (
            "system.cpu.time{cpu=cpu0,state=idle}",
            "system.cpu.time{cpu=cpu1,state=idle}",
            "system.cpu.time{state=idle}",
        ),
        (
            "system.cpu.time{cpu.logical_number=0,cpu.mode=idle}",
            "system.cpu.time{cpu.logical_number=1,cpu.mode=idle}",
            "system.cpu.time{cpu.mode=idle}",
        ),
        (
            'node_cpu_seconds_total{mode="idle", cpu="0"}',
            'node_cpu_seconds_total{mode="idle", cpu="1"}',
            'node_cpu_seconds_total{mode="idle"}',
        ),
        (
            "system_cpu_time_seconds_total{cpu=cpu0;state=idle}",
            "system_cpu_time_seconds_total{cpu=cpu1;state=idle}",
            "system_cpu_time_seconds_total{state=idle}",
        ),
    ],
)
def test_processors_are_one_series_of_their_mean(first: str, second: str, merged: str) -> None:
    """One idle, one busy for four fifths: (1.0 + 0.2) / 2."""
    row = over_processors(table((first, 1.0), (second, 0.2))).row(0, named=True)
    assert row["metric"] == merged
    assert [row[figure] for figure in FIGURES] == pytest.approx([0.6] * 6)
    assert row["n"] == 3


def test_modes_and_machines_stay_apart() -> None:
    modes = table(
        ("node_cpu_seconds_total{cpu=0,mode=idle}", 1.0), ("node_cpu_seconds_total{cpu=0,mode=user}", 0.5)
    )
    other = table(("node_cpu_seconds_total{cpu=0,mode=idle}", 0.3), node="n2")
    merged = over_processors(pl.concat([modes, other]))
    assert merged.select("node", "metric", "p50").rows() == [
        ("n1", "node_cpu_seconds_total{mode=idle}", 1.0),
        ("n1", "node_cpu_seconds_total{mode=user}", 0.5),
        ("n2", "node_cpu_seconds_total{mode=idle}", 0.3),
    ]


def test_the_processor_with_the_fewest_samples_counts() -> None:
    few = table(("node_cpu_seconds_total{cpu=0,mode=idle}", 1.0), n=1)
    many = table(("node_cpu_seconds_total{cpu=1,mode=idle}", 1.0), n=9)
    assert over_processors(pl.concat([many, few]))["n"].to_list() == [1]


def test_other_series_stay_as_they_are() -> None:
    series = table(("container_cpu_usage_seconds_total{cpu=total}", 1.0), ("node_cpu_seconds_total", 0.5))
    assert over_processors(series).equals(series.sort("metric"))


def test_no_series_give_none() -> None:
    assert over_processors(table()).is_empty()
