"""The command line, from telemetry on disk to figures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from benchmarks.__main__ import main
from benchmarks.render import END, PICTURE, START
from tests.benchmarks.test_render import WEAKEST

if TYPE_CHECKING:
    from tests.benchmarks.conftest import NezhaSystem


def run(data: Path, out: Path, method: str, *options: str) -> int:
    command = ["run", "--dataset", "nezha", "--data", str(data), "--method", method, "--out", str(out)]
    return main([*command, *options])


def test_a_rule_is_run_and_scored(
    nezha_system: NezhaSystem, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "runs" / "gap.jsonl"
    assert run(nezha_system.write(("11:05:00", "11:15:00")), out, "gap-to-callee") == 0
    capsys.readouterr()
    assert main(["score", str(out), "--json"]) == 0
    score = json.loads(capsys.readouterr().out)
    assert (score["dataset"], score["method"], score["n_faults"]) == ("nezha", "gap-to-callee", 2)
    assert score["first_hit@1"] == 1.0
    assert score["chance"]["first_hit@1"] == 0.5
    assert score["run"]["modalities"] == ["traces", "logs", "metrics"]


def test_several_runs_stand_side_by_side_with_chance(
    nezha_system: NezhaSystem, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = nezha_system.write()
    paths = [tmp_path / f"{method}.jsonl" for method in ("gap-to-callee", "gap-to-caller")]
    for path in paths:
        run(data, path, path.stem, "--modalities", "traces")
    capsys.readouterr()
    assert main(["score", *map(str, paths)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:4] for line in lines[1:]] == [
        ["system", "gap-to-callee", "1", "1.00"],
        ["system", "gap-to-caller", "1", "0.00"],
        ["system", "chance", "1", "0.50"],
    ]


def test_a_run_given_twice_is_refused(
    nezha_system: NezhaSystem, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run.jsonl"
    run(nezha_system.write(), out, "random")
    assert main(["score", str(out), str(out)]) == 2
    assert "is given twice" in capsys.readouterr().err


def test_the_first_faults_alone_can_be_run(
    nezha_system: NezhaSystem, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run.jsonl"
    run(nezha_system.write(("11:05:00", "11:15:00")), out, "random", "--limit", "1")
    assert main(["score", str(out)]) == 0
    assert "only the first 1 faults were run" in capsys.readouterr().out


def test_a_method_that_fails_is_told(
    nezha_system: NezhaSystem, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(nezha_system.write(), tmp_path / "run.jsonl", "math:sqrt") == 0
    assert "2023-01-30 11:05:00 failed and counts as a miss: TypeError" in capsys.readouterr().err


def test_models_are_weighed_against_none(
    nezha_system: NezhaSystem, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A delay that is plain to see leaves nothing to ask anybody."""
    data, out = nezha_system.write(), tmp_path / "models.json"
    assert main(["models", "--data", str(data), "--seeds", "2", "--out", str(out)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[2] for line in lines[1:7]] == [
        "none", "chance", "senseless", "random-citer", "adversary", "oracle",
    ]  # fmt: skip
    groups = json.loads(out.read_text(encoding="utf-8"))["groups"]
    assert {group["calls"] for group in groups} == {0.0}
    assert main(["models"]) == 2
    assert main(["models", "--data", str(data), "--cases", "none of them"]) == 2


def test_bad_input_is_one_line_and_exit_code_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path / "nowhere", tmp_path / "run.jsonl", "random") == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_figures_are_written_into_the_documents_and_checked(
    nezha_system: NezhaSystem, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results = tmp_path / "results"
    results.mkdir()
    (tmp_path / "docs").mkdir()
    documents = [tmp_path / "README.md", tmp_path / "docs" / "benchmarks.md"]
    for path in documents:
        path.write_text(f"# Title\n\n{START}\n{END}\n\nAfter.\n", encoding="utf-8")
    run(nezha_system.write(), tmp_path / "run.jsonl", "gap-to-callee")
    main(["score", str(tmp_path / "run.jsonl"), "--out", str(results / "system.json")])
    (results / "weakest.json").write_text(json.dumps(WEAKEST), encoding="utf-8")
    render = ["render", "--results", str(results), "--root", str(tmp_path)]

    kept = (results / "system.json").read_text(encoding="utf-8")
    assert main([*render, "--check"]) == 1
    assert main(render) == 0
    assert main([*render, "--check"]) == 0
    for path in documents:
        text = path.read_text(encoding="utf-8")
        assert "gap-to-callee" in text and "chance" in text
        assert text.endswith("\n\nAfter.\n")
    (tmp_path / "docs" / PICTURE).write_text("another", encoding="utf-8")
    assert main([*render, "--check"]) == 1
    assert json.loads(kept)[0]["misses"] == []


def test_quiet_windows_come_from_a_recording_the_generator_or_both(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One generated window, kept as JSON and shown as text; without a source there is nothing to judge."""
    out = tmp_path / "quiet.json"
    assert main(["quiet", "--generated", "1", "--out", str(out)]) == 0
    assert capsys.readouterr().out.startswith("Of 1 quiet windows of the generator: ")
    (part,) = json.loads(out.read_text(encoding="utf-8"))
    assert (part["dataset"], part["n_windows"]) == ("quiet", 1)
    assert main(["quiet"]) == 2
    assert "--generated" in capsys.readouterr().err


def test_an_unknown_modality_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["quiet", "--data", str(tmp_path), "--modalities", "smells"]) == 2
    assert capsys.readouterr().err == "Unknown modality 'smells'. Choose from traces, logs, metrics.\n"


def test_modalities_are_dropped_and_shown_side_by_side(
    nezha_system: NezhaSystem, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["modalities", "--data", str(nezha_system.write()), "--limit", "1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[:2] == ["data", "telemetry"]
    assert len([line for line in lines if line.startswith("system 2023-01-30  ")]) == 5
    assert "system 2023-01-30, logs + metrics: only the first 1 faults were run." in lines


def test_the_weakest_delay_is_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "weakest.json"
    assert main(["weakest", "--incidents", "1", "--seed", "1", "--json", "--out", str(out)]) == 0
    content = json.loads(out.read_text(encoding="utf-8"))
    assert json.loads(capsys.readouterr().out) == content
    assert [step["n"] for step in content["strengths"]] == [1] * 10


def test_a_missing_server_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["model-cost", "--data", str(tmp_path), "--server", str(tmp_path / "none.py")]
    assert main(command) == 2
    assert "none.py is no file. Give --server" in capsys.readouterr().err
