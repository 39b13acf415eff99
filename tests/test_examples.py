"""The examples run as they stand, and say what they should."""

from __future__ import annotations

import ast
import runpy
from pathlib import Path

import pytest

from rclagent import FaultType
from rclagent.testing import Fault, IncidentSpec, generate, write_otlp

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
TESTED = {"diagnose_files.py", "diagnose_networkx.py", "own_model.py", "own_reasoner.py"}

Capture = pytest.CaptureFixture[str]


def output(name: str, capsys: Capture) -> list[str]:
    """Lines that an example prints."""
    runpy.run_path(str(EXAMPLES / name), run_name="__main__")
    shown = capsys.readouterr()
    assert shown.err == ""
    return shown.out.splitlines()


def test_there_is_a_test_for_each_example() -> None:
    assert {path.name for path in EXAMPLES.glob("*.py")} == TESTED


def test_files_are_diagnosed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    fault = Fault(FaultType.CPU, "stock")
    made = generate(
        IncidentSpec(seed=1, faults=(fault,), requests_per_s=1.0, baseline_s=300, incident_s=120, lead_s=20)
    )
    write_otlp(made.incident, tmp_path / "incident")
    write_otlp(made.baseline, tmp_path / "baseline")
    monkeypatch.setattr("sys.argv", ["", str(tmp_path / "incident"), str(tmp_path / "baseline")])
    lines = output("diagnose_files.py", capsys)
    assert lines[0].startswith("Most likely at fault is stock")
    assert lines[1].startswith("1. stock: cpu, confidence ")
    assert lines[2].startswith("   ")


def test_networkx_graphs_are_diagnosed(capsys: Capture) -> None:
    lines = output("diagnose_networkx.py", capsys)
    assert lines[0] == "fault"
    assert lines[1].startswith("Most likely at fault is prices")
    assert lines[-1] == "prices -> cart -> shop (verified)"


def test_a_reasoner_of_ones_own_thinks_for_the_agents(capsys: Capture) -> None:
    lines = output("own_reasoner.py", capsys)
    assert lines[0].endswith("agents thought deepest first.")
    assert any("suspects pricing" in line for line in lines[1:-1])
    assert lines[-1] == "All evidence together: pricing."


def test_a_model_of_ones_own_answers(capsys: Capture) -> None:
    lines = output("own_model.py", capsys)
    assert lines == ["You said cache? (1 call)"]


def test_a_model_of_ones_own_takes_less_than_thirty_lines() -> None:
    tree = ast.parse((EXAMPLES / "own_model.py").read_text(encoding="utf-8"))
    (model,) = (node for node in tree.body if isinstance(node, ast.ClassDef))
    assert model.end_lineno is not None
    assert model.end_lineno - model.lineno < 30
