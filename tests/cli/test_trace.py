"""``rclagent trace show``."""

from __future__ import annotations

from pathlib import Path

import pytest

from rclagent.cli.entry_point import run
from rclagent.testing import write_otlp, written

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def two_traces(tmp_path: Path) -> str:
    """A short trace and a long one."""
    telemetry = written("""
        web: GET /   0..20
            shop: GET item   5..15  error status=500

        web: GET /   100..400
            shop: GET item   105..390
    """)
    write_otlp(telemetry, tmp_path)
    return str(tmp_path)


def trace_ids(shown: str) -> list[str]:
    """Ids in the titles of what is shown."""
    return [line.split()[1].rstrip(":") for line in shown.splitlines() if line.startswith("trace ")]


def test_without_a_baseline_the_slowest_trace_is_shown(two_traces: str, capsys: Capture) -> None:
    assert run(["trace", "show", two_traces]) == 0
    shown = capsys.readouterr().out
    assert "web GET /  at 0.00 ms, takes 300 ms, own 15.0 ms" in shown
    assert "odd" not in shown


def test_a_trace_is_shown_by_its_id(two_traces: str, capsys: Capture) -> None:
    run(["trace", "show", two_traces])
    slowest = trace_ids(capsys.readouterr().out)[0]
    other = slowest[:-1] + ("1" if slowest.endswith("2") else "2")
    assert run(["trace", "show", two_traces, "--trace-id", other]) == 0
    shown = capsys.readouterr().out
    assert trace_ids(shown) == [other]
    assert "failed 500" in shown


def test_an_id_that_is_not_there_is_told(two_traces: str, capsys: Capture) -> None:
    assert run(["trace", "show", two_traces, "--trace-id", "nonsense"]) == 2
    assert "There is no trace 'nonsense'" in capsys.readouterr().err


def test_files_without_spans_are_told(incident: str, capsys: Capture) -> None:
    assert run(["trace", "show", f"{incident}/metrics.jsonl"]) == 2
    assert "There are no spans in" in capsys.readouterr().err


def test_with_a_baseline_the_oddest_trace_is_shown_with_what_is_odd(
    incident: str, normal: str, capsys: Capture
) -> None:
    assert run(["trace", "show", incident, "--baseline", normal]) == 0
    odd = [line for line in capsys.readouterr().out.splitlines() if "  odd: " in line]
    assert any("pricing" in line for line in odd)


def test_a_profile_judges_as_the_baseline_does(
    incident: str, normal: str, tmp_path: Path, capsys: Capture
) -> None:
    profile = str(tmp_path / "profile")
    run(["baseline", "learn", normal, "--out", profile])
    capsys.readouterr()
    run(["trace", "show", incident, "--profile", profile])
    by_profile = capsys.readouterr().out
    run(["trace", "show", incident, "--baseline", normal])
    assert capsys.readouterr().out == by_profile
