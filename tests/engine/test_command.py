"""The program as it is started from a shell: what it reads, where it writes, how it exits."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from rclagent import Diagnosis, FaultType, Telemetry
from rclagent.testing import Fault, GeneratedIncident, IncidentSpec, generate, write_otlp


def run(*arguments: str | Path, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Runs ``rclagent`` in a process of its own."""
    command = [sys.executable, "-m", "rclagent", *map(str, arguments)]
    return subprocess.run(command, input=stdin, capture_output=True, timeout=120)


def answer(done: subprocess.CompletedProcess[bytes]) -> Diagnosis:
    """The diagnosis on stdout of a run that was in order and silent."""
    assert (done.returncode, done.stderr) == (0, b"")
    return Diagnosis.model_validate_json(done.stdout)


@pytest.fixture(scope="module")
def small() -> GeneratedIncident:
    """Pricing answers late, for a minute after four quiet ones."""
    fault = Fault(FaultType.NETWORK_DELAY, "pricing")
    return generate(
        IncidentSpec(seed=7, faults=(fault,), requests_per_s=1.0, baseline_s=240, incident_s=60, lead_s=20)
    )


def test_compressed_protobuf_and_json_give_the_same_answer(small: GeneratedIncident, tmp_path: Path) -> None:
    write_otlp(small.incident, tmp_path / "one" / "now", encoding="protobuf", compress="zst")
    write_otlp(small.baseline, tmp_path / "one" / "quiet", compress="gz")
    write_otlp(small.incident, tmp_path / "two" / "now", compress="gz")
    write_otlp(small.baseline, tmp_path / "two" / "quiet", encoding="protobuf")
    answers = []
    for folder in (tmp_path / "one", tmp_path / "two"):
        done = run("diagnose", folder / "now", "--baseline", folder / "quiet", "-o", "json")
        answers.append(answer(done).model_dump(exclude={"coverage"}))
    assert answers[0] == answers[1]
    assert answers[0]["root_causes"][0]["service"] == "pricing"


def test_protobuf_on_stdin_is_read(small: GeneratedIncident, tmp_path: Path) -> None:
    write_otlp(small.baseline, tmp_path / "quiet")
    (traces,) = write_otlp(Telemetry(spans=small.incident.spans), tmp_path, encoding="protobuf")
    done = run("diagnose", "-", "--baseline", tmp_path / "quiet", "-o", "json", stdin=traces.read_bytes())
    diagnosis = answer(done)
    assert diagnosis.root_causes[0].service == "pricing"
    assert diagnosis.coverage.modalities["logs"].incident == 0


def test_a_healthy_system_exits_0_and_says_so(tmp_path: Path) -> None:
    made = generate(IncidentSpec(seed=6, requests_per_s=1.0, baseline_s=200, incident_s=60))
    write_otlp(made.incident, tmp_path / "now")
    write_otlp(made.baseline, tmp_path / "quiet")
    done = run("diagnose", tmp_path / "now", "--baseline", tmp_path / "quiet")
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"Verdict: healthy" in done.stdout


def test_no_verdict_exits_3_with_an_answer_all_the_same(small: GeneratedIncident, tmp_path: Path) -> None:
    """Without anything to compare with, both the text and the JSON still say where the time goes."""
    write_otlp(Telemetry(spans=small.incident.spans.head(40)), tmp_path)
    done = run("diagnose", tmp_path, "-o", "json", "--at", str(small.incident.spans["start_ns"].min()))
    assert (done.returncode, done.stderr) == (3, b"")
    assert json.loads(done.stdout)["verdict"] == "inconclusive"


def test_what_cannot_be_read_exits_2_with_one_line(tmp_path: Path) -> None:
    damaged = tmp_path / "traces.jsonl"
    damaged.write_bytes(b'{"resourceSpans": [{"scopeSpans": 7}]}\n{"resourceSp')
    for path in (damaged, tmp_path / "missing"):
        done = run("diagnose", path)
        assert (done.returncode, done.stdout) == (2, b"")
        assert done.stderr.count(b"\n") == 1
        assert path.name.encode() in done.stderr
        assert b"Traceback" not in done.stderr
