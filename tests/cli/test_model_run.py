"""``rclagent diagnose`` with a language model: a process, a server on this machine, and what both leave."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from rclagent import Diagnosis
from rclagent.cli.entry_point import run

if TYPE_CHECKING:
    from tests.cli.conftest import ChatServer

Capture = pytest.CaptureFixture[str]
SECRET = "sk-test-0123456789abcdef"


@pytest.fixture
def command(incident: str, normal: str) -> list[str]:
    """Asks about every span: the incident is too clear for a model otherwise."""
    return ["diagnose", incident, "--baseline", normal, "--spend", "all"]


def test_a_recorded_run_replays_to_the_same_bytes_and_asks_nobody(
    command: list[str], chat_server: ChatServer, tmp_path: Path
) -> None:
    """In two processes, as a user would: what is in memory of the first cannot help the second."""
    command = [sys.executable, "-m", "rclagent", *command, "-o", "json"]
    recording = str(tmp_path / "calls.jsonl")
    asking = ["--model", "tiny", "--base-url", chat_server.base_url, "--record", recording]
    first = subprocess.run(
        [*command, *asking], capture_output=True, env=os.environ | {"OPENAI_API_KEY": SECRET}
    )
    asked = len(chat_server.asked)
    second = subprocess.run([*command, "--replay", recording], capture_output=True)
    assert (first.returncode, second.returncode) == (0, 0)
    assert first.stderr.decode() == (
        f"rclagent: Using model 'tiny' (--model) at {chat_server.base_url} (--base-url),"
        " key from OPENAI_API_KEY.\n"
    )
    assert b"nothing is sent" in second.stderr
    assert first.stdout == second.stdout
    assert asked == len(chat_server.asked) > 50
    assert chat_server.keys == {f"Bearer {SECRET}"}
    assert SECRET not in Path(recording).read_text() + first.stdout.decode()
    diagnosis = Diagnosis.model_validate_json(first.stdout)
    assert diagnosis.agents.reasoning is not None
    assert diagnosis.usage.model_calls == asked
    assert diagnosis.root_causes[0].service == "pricing"


def test_an_exhausted_budget_exits_4_with_the_best_answer(
    command: list[str], chat_server: ChatServer, capsys: Capture
) -> None:
    code = run([*command, "--model", "tiny", "--base-url", chat_server.base_url, "--max-calls", "6"])
    shown = capsys.readouterr()
    assert code == 4
    assert 1 <= len(chat_server.asked) <= 6
    assert "1. pricing: network delay, confidence" in shown.out
    assert "Model 'tiny' (spending all) answered" in shown.out
    assert "the budget does not reach for it" in shown.out


def test_a_dry_run_prints_the_most_that_it_can_take_and_asks_nothing(
    command: list[str], chat_server: ChatServer, capsys: Capture
) -> None:
    asking = ["--model", "tiny", "--base-url", chat_server.base_url, "--max-calls", "12"]
    assert run([*command, *asking, "--price-in", "1", "--price-out", "2", "--dry-run"]) == 0
    shown = capsys.readouterr().out
    most = re.search(r"At most: (\d+) requests and ([\d,]+) tokens, (\d+\.\d{4}) USD", shown)
    assert most is not None
    assert 0 < int(most[1]) <= 12
    assert shown.endswith("Nothing was asked.\n")
    assert chat_server.asked == []


def test_a_run_stays_within_what_the_dry_run_said(
    command: list[str], chat_server: ChatServer, capsys: Capture
) -> None:
    asking = ["--model", "tiny", "--base-url", chat_server.base_url]
    run([*command, *asking, "--dry-run"])
    most = re.search(r"At most: (\d+) requests", capsys.readouterr().out)
    run([*command, *asking])
    assert most is not None
    assert 0 < len(chat_server.asked) <= int(most[1])


def test_a_refused_key_is_a_diagnosis_with_the_exit_code_of_the_measurements(
    command: list[str], chat_server: ChatServer, capsys: Capture
) -> None:
    chat_server.status = 401
    code = run([*command, "--model", "tiny", "--base-url", chat_server.base_url, "-o", "json"])
    diagnosis = Diagnosis.model_validate_json(capsys.readouterr().out)
    assert code == 0
    assert diagnosis.root_causes[0].service == "pricing"
    assert diagnosis.agents.reasoning is not None
    assert diagnosis.agents.reasoning.answered == 0
    assert any("instead of the model" in note for note in diagnosis.coverage.notes)


def test_nobody_there_is_a_diagnosis_that_says_so(command: list[str], capsys: Capture) -> None:
    """Port 9 of this machine answers nobody; time runs out before the last attempt."""
    asking = ["--model", "tiny", "--base-url", "http://127.0.0.1:9/v1", "--max-seconds", "0.5"]
    code = run([*command, *asking, "-o", "json"])
    diagnosis = Diagnosis.model_validate_json(capsys.readouterr().out)
    assert diagnosis.agents.reasoning is not None
    assert diagnosis.agents.reasoning.answered == 0
    assert any("instead of the model" in note for note in diagnosis.coverage.notes)
    assert diagnosis.root_causes[0].service == "pricing"
    assert code == (4 if diagnosis.agents.reasoning.budget_exhausted else 0)


def test_a_clear_incident_asks_nothing(
    incident: str, normal: str, chat_server: ChatServer, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The default spending, with the model named by the environment."""
    monkeypatch.setenv("RCLAGENT_MODEL", "tiny")
    monkeypatch.setenv("OPENAI_BASE_URL", chat_server.base_url)
    assert run(["diagnose", incident, "--baseline", normal]) == 0
    assert "was asked nothing" in capsys.readouterr().out
    assert chat_server.asked == []


def test_ctrl_c_ends_the_asking_and_gives_the_answer_so_far(
    command: list[str], chat_server: ChatServer
) -> None:
    chat_server.wait_s = 30
    asking = ["--model", "tiny", "--base-url", chat_server.base_url, "-o", "json"]
    process = subprocess.Popen(
        [sys.executable, "-m", "rclagent", *command, *asking], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    while process.poll() is None and not chat_server.asked:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    shown, told = process.communicate()
    assert process.returncode == 130
    assert b"Stopping with what is known" in told
    diagnosis = json.loads(shown)
    assert diagnosis["agents"]["reasoning"]["stopped"]
    assert diagnosis["root_causes"][0]["service"] == "pricing"


def test_masked_addresses_are_replayed_with_the_same_option_only(
    command: list[str], chat_server: ChatServer, tmp_path: Path, capsys: Capture
) -> None:
    """The address is part of the name of a call that deviates."""
    for name, source in (("incident", command[1]), ("normal", command[3])):
        (tmp_path / name).mkdir()
        content = (Path(source) / "traces.jsonl").read_text().replace("MGET prices", "MGET 10.9.8.77")
        (tmp_path / name / "traces.jsonl").write_text(content)
    recording = str(tmp_path / "calls.jsonl")
    place, normal = str(tmp_path / "incident"), str(tmp_path / "normal")
    command = ["diagnose", place, "--baseline", normal, "--spend", "all", "--max-calls", "6"]
    asking = ["--model", "tiny", "--base-url", chat_server.base_url]
    run([*command, *asking])
    plain = json.dumps(chat_server.asked)
    chat_server.asked.clear()
    run([*command, *asking, "--mask", "--record", recording])
    masked = json.dumps(chat_server.asked)
    assert "10.9.8.77" in plain
    assert "10.9.8.77" not in masked + Path(recording).read_text()
    assert "masked-ip-" in masked
    capsys.readouterr()
    run([*command, "--replay", recording, "--mask"])
    assert "the model refused the request" not in " ".join(capsys.readouterr().out.split())
    run([*command, "--replay", recording])
    assert "the model refused the request" in " ".join(capsys.readouterr().out.split())


def test_input_that_cannot_be_read_leaves_an_earlier_recording_alone(
    chat_server: ChatServer, tmp_path: Path, capsys: Capture
) -> None:
    recording = tmp_path / "calls.jsonl"
    recording.write_text("earlier")
    asking = ["--model", "tiny", "--base-url", chat_server.base_url, "--record", str(recording)]
    assert run(["diagnose", "no-such-file", *asking]) == 2
    assert recording.read_text() == "earlier"
    assert "cannot be read" in capsys.readouterr().err
