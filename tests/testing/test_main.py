"""The command writes an incident with its truth, and refuses in one line what it cannot do."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from rclagent.telemetry.read import read_telemetry
from rclagent.testing.__main__ import main


def test_the_command_writes_both_parts_and_the_truth(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """And says what to run next."""
    out = tmp_path / "out"
    assert main([str(out), "--fault", "cpu", "--service", "wallet", "--seed", "7", "--requests", "100"]) == 0
    names = sorted(str(path.relative_to(out)) for path in out.rglob("*") if path.is_file())
    assert names == [
        "baseline/logs.jsonl",
        "baseline/metrics.jsonl",
        "baseline/traces.jsonl",
        "incident/logs.jsonl",
        "incident/metrics.jsonl",
        "incident/traces.jsonl",
        "truth.json",
    ]
    truth = json.loads((out / "truth.json").read_text())
    assert truth["services"] == ["wallet"]
    assert truth["fault_types"] == ["cpu"]
    assert truth["inject_time"] == truth["alarm_time"] == "2024-05-14T09:10:00Z"
    assert capsys.readouterr().out.endswith(
        f"rclagent diagnose {out / 'incident'} --baseline {out / 'baseline'}\n"
    )


def test_the_number_of_requests_is_about_as_asked(tmp_path: Path) -> None:
    """In both parts together."""
    main([str(tmp_path), "--requests", "400", "--no-logs", "--no-metrics"])
    spans = read_telemetry([tmp_path / "baseline", tmp_path / "incident"]).spans
    assert 330 < spans["trace_id"].n_unique() < 470


def test_the_number_of_spans_is_about_as_asked_and_the_tables_may_be_parquet(tmp_path: Path) -> None:
    """For amounts that OTLP would take minutes to write."""
    main([str(tmp_path), "--spans", "9000", "--encoding", "parquet", "--no-logs"])
    names = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.parquet"))
    assert names == [
        f"{part}/{kind}.parquet" for part in ("baseline", "incident") for kind in ("metrics", "spans")
    ]
    assert 7500 < len(read_telemetry([tmp_path / "baseline", tmp_path / "incident"]).spans) < 10_500


def test_an_incident_without_a_fault_has_no_truth_to_find(tmp_path: Path) -> None:
    """Healthy is the default."""
    assert main([str(tmp_path), "--requests", "20"]) == 0
    assert json.loads((tmp_path / "truth.json").read_text())["services"] == []


def test_deploys_and_clocks_are_as_asked_for(tmp_path: Path) -> None:
    """Two deploys of the bakery, and a clock that gains a second in a hundred."""
    arguments = ["--system", "bakery", "--requests", "200", "--no-logs", "--no-metrics"]
    main([str(tmp_path / "right"), *arguments])
    deploys = ["--deploy", "menu", "-300", "2.1.0", "--deploy", "oven", "60", "1.1.0"]
    clock = ["--clock-drift-ppm", "10000", "--clock-drift-node", "node-b"]
    main([str(tmp_path / "off"), *arguments, *deploys, *clock])
    right, off = (
        read_telemetry([tmp_path / name / "baseline", tmp_path / name / "incident"]).spans
        for name in ("right", "off")
    )
    assert set(off.filter(service="menu")["version"]) == {"2.0.4", "2.1.0"}
    assert set(off.filter(service="oven")["version"]) == {"1.0.3", "1.1.0"}
    both = off.filter(service="window").join(right, on="span_id", suffix="_right")
    late = both.group_by("node").agg(((pl.col("start_ns") - pl.col("start_ns_right")) / 1e9).max())
    late_s = dict(late.iter_rows())
    assert 6 < late_s.pop("node-b") < 8
    assert set(late_s.values()) == {0}


def test_a_database_may_be_at_fault(tmp_path: Path) -> None:
    """The truth names it."""
    arguments = ["--system", "bakery", "--requests", "50", "--no-logs", "--no-metrics"]
    assert main([str(tmp_path), *arguments, "--fault", "crash", "--service", "main-db"]) == 0
    assert json.loads((tmp_path / "truth.json").read_text())["services"] == ["main-db"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--fault", "cpu"], "Give --service, one of: basket, "),
        (["--fault", "cpu", "--service", "nobody"], "no service 'nobody'"),
        (["--baseline-s", "-200"], "no time"),
        (["--seed", "-1"], "no seed"),
        (["--requests", "0"], "must be positive"),
        (["--deploy", "till", "soon", "5"], "'soon' is no time of a deploy. Give --deploy"),
        (["--deploy", "till", "180", "5"], "outside the data"),
        (["--load-drift", "2"], "its drift within 0..1"),
        (["--clock-drift-node", "nowhere", "--clock-drift-ppm", "5"], "no node 'nowhere'"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(
    arguments: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2, nothing on stdout."""
    assert main([str(tmp_path / "out"), *arguments]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert words in printed.err
    assert printed.err.count("\n") == 1


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 1."""
    taken = tmp_path / "file"
    taken.write_text("")
    assert main([str(taken), "--requests", "20"]) == 1
    assert str(taken) in capsys.readouterr().err
