"""``rclagent diagnose``."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from rclagent import Diagnosis
from rclagent.cli.entry_point import run
from rclagent.core.incident import Alarm

Capture = pytest.CaptureFixture[str]


def test_the_report_goes_to_stdout_and_nothing_to_stderr(incident: str, normal: str, capsys: Capture) -> None:
    code = run(["diagnose", incident, "--baseline", normal])
    shown = capsys.readouterr()
    assert (code, shown.err) == (0, "")
    assert "1. pricing: network delay, confidence" in shown.out


def test_json_is_the_whole_diagnosis(incident: str, normal: str, alarm_ns: int, capsys: Capture) -> None:
    at = str(alarm_ns)
    assert run(["diagnose", incident, "--baseline", normal, "--at", at, "-o", "json"]) == 0
    diagnosis = Diagnosis.model_validate_json(capsys.readouterr().out)
    assert diagnosis.root_causes[0].service == "pricing"
    assert (diagnosis.incident.alarm_ns, diagnosis.incident.alarm) == (alarm_ns, Alarm.GIVEN)


def test_the_same_input_gives_the_same_bytes(incident: str, normal: str, capsys: Capture) -> None:
    command = ["diagnose", incident, "--baseline", normal, "-o", "json"]
    run(command)
    first = capsys.readouterr().out
    run(command)
    assert capsys.readouterr().out == first


def test_markdown_goes_to_a_file(incident: str, normal: str, tmp_path: Path, capsys: Capture) -> None:
    target = tmp_path / "report.md"
    assert run(["diagnose", incident, "--baseline", normal, "-o", "md", "--out", str(target)]) == 0
    assert target.read_text(encoding="utf-8").startswith("## ")
    assert capsys.readouterr().out == ""


def test_a_profile_stands_in_for_the_baseline(
    incident: str, normal: str, tmp_path: Path, capsys: Capture
) -> None:
    profile = str(tmp_path / "shop.profile")
    assert run(["baseline", "learn", normal, "--out", profile]) == 0
    assert capsys.readouterr().out.startswith("Learned from ")
    assert run(["diagnose", incident, "--profile", profile, "-o", "json"]) == 0
    diagnosis = json.loads(capsys.readouterr().out)
    assert diagnosis["root_causes"][0]["service"] == "pricing"


def test_the_window_is_as_long_as_told(incident: str, normal: str, alarm_ns: int, capsys: Capture) -> None:
    options = ["--at", str(alarm_ns), "--window-s", "60", "-o", "json"]
    run(["diagnose", incident, "--baseline", normal, *options])
    told = json.loads(capsys.readouterr().out)["incident"]
    assert told["end_ns"] - told["start_ns"] == 60_000_000_000


def test_all_spans_get_agents_when_asked_for(incident: str, normal: str, capsys: Capture) -> None:
    command = ["diagnose", incident, "--baseline", normal, "-o", "json", "--spend", "all"]
    assert run(command) == 0
    assert json.loads(capsys.readouterr().out)["agents"]["spans_settled"] == 0


def test_stdin_is_read(incident: str, normal: str) -> None:
    command = [sys.executable, "-m", "rclagent", "diagnose", "-", "--baseline", normal, "-o", "json"]
    traces = (Path(incident) / "traces.jsonl").read_bytes()
    done = subprocess.run(command, input=traces, capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")
    assert json.loads(done.stdout)["root_causes"][0]["service"] == "pricing"


def test_an_answer_that_cannot_be_given_exits_3(tmp_path: Path, capsys: Capture) -> None:
    span = {
        "traceId": "1" * 32,
        "spanId": "2" * 16,
        "name": "GET /",
        "startTimeUnixNano": "1715677200000000000",
        "endTimeUnixNano": "1715677200100000000",
    }
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "web"}}]}
    request = {"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": [span]}]}]}
    (tmp_path / "traces.jsonl").write_text(json.dumps(request) + "\n")
    assert run(["diagnose", str(tmp_path), "--at", "1715677200"]) == 3
    assert capsys.readouterr().err == ""
