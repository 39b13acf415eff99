"""The scale benchmark, on an incident that is small enough for a test."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.__main__ import main
from benchmarks.scale import HEADINGS, ScaleResult, rows, size_rows
from benchmarks.stages import Stage

RESULT = ScaleResult(
    n_spans=2_000_000,
    n_logs=0,
    polars=(Stage("polars: read", 0.5, 0.5, 300.0), Stage("polars: sort", 1.5, 3.0, 900.0)),
    rclagent=(
        Stage("read", 1.0, 1.0, 400.0),
        Stage("repair and learn", 2.0, 2.0, 600.0),
        Stage("evidence and graph", 1.0, 1.5, 700.0),
        Stage("choose traces", 0.5, 0.5, 700.0),
        Stage("agents and synthesis", 9.0, 9.0, 700.0),
    ),
    causes=(("pricing", "network_delay"),),
)


def test_work_is_what_comes_between_reading_and_the_agents() -> None:
    """3.5 s of work against 2 s, in CPU time 4 against 3.5."""
    figures = RESULT.to_json()
    assert figures["ratio"] == pytest.approx(1.75)
    assert figures["cpu_ratio"] == pytest.approx(4 / 3.5)
    assert figures["us_per_span"] == pytest.approx(1.75)
    assert figures["peak_rss_mb"] == 700


def test_every_stage_has_a_line_with_its_ratio_to_polars() -> None:
    table = rows([RESULT])
    assert len(table[0]) == len(HEADINGS)
    ratios = {row[1]: row[-1] for row in table}
    assert list(ratios) == [
        "polars: read",
        "polars: sort",
        "= polars",
        "read",
        "repair and learn",
        "evidence and graph",
        "choose traces",
        "agents and synthesis",
        "= work",
    ]
    assert (ratios["= polars"], ratios["read"], ratios["= work"]) == ("1.00", "0.50", "1.75")


def test_every_size_has_a_line_in_the_documents() -> None:
    """13.5 s in all, 3.5 of them work, which is 1.75 us a span and 1.75 times what polars needs."""
    head, line = size_rows([RESULT.to_json()])
    assert len(head) == len(line)
    assert line == ["2,000,000", "0", "13.5", "3.50", "1.75", "700", "1.75"]


def test_an_incident_is_generated_and_both_processes_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The fault is found, and the figures are kept."""
    kept = tmp_path / "scale.json"
    assert main(["scale", "--spans", "6000", "--repeats", "1", "--logs", "--json", "--out", str(kept)]) == 0
    (figures,) = json.loads(capsys.readouterr().out)
    assert json.loads(kept.read_text(encoding="utf-8")) == [figures]
    assert 4500 < figures["n_spans"] < 7500
    assert figures["n_logs"] > 0
    assert figures["causes"] == [["pricing", "network_delay"]]
    assert figures["ratio"] > 0


def test_a_process_that_fails_is_told_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """A seed that the generator refuses."""
    assert main(["scale", "--spans", "10", "--seed", "-1"]) == 1
    assert "no seed" in capsys.readouterr().err
