"""``rclagent diagnose`` with real servers that fail: an answer each time, the truth, and no limit passed.

The servers are processes of their own; what they count is held against what the diagnosis says.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final
from urllib.request import ProxyHandler, build_opener

import pytest

from rclagent import Diagnosis, ModelAccess, learn_baseline, save_profile
from rclagent.agents.ledger import GIVEN_UP, NO_REPLY, NOT_ASKED, OUT_OF_BUDGET, REFUSED, UNUSABLE
from rclagent.cli import model_run
from rclagent.cli.entry_point import run
from rclagent.core.diagnosis import Reasoning
from rclagent.core.evidence import FaultType
from rclagent.llm import RetryPolicy
from rclagent.testing import Fault, IncidentSpec, generate, write_otlp

SECRET: Final = "sk-test-0123456789abcdef"
SPEC: Final = IncidentSpec(
    seed=6,
    faults=(Fault(FaultType.NETWORK_DELAY, "pricing"), Fault(FaultType.CRASH, "opinions")),
    requests_per_s=0.5,
    baseline_s=300,
    incident_s=80,
    lead_s=0,
)
"""Two causes at once, so that the measurements leave something open."""

StartServer = Callable[..., str]


@dataclass(frozen=True)
class Outcome:
    """What a run of the command left behind."""

    code: int
    diagnosis: Diagnosis
    written: str
    """All of it: report, messages, recording."""

    @property
    def reasoning(self) -> Reasoning:
        """What it says of the model."""
        assert self.diagnosis.agents.reasoning is not None
        return self.diagnosis.agents.reasoning


Diagnose = Callable[..., Outcome]

pytestmark = pytest.mark.usefixtures("loopback")


@pytest.fixture
def server(latency_server: StartServer) -> StartServer:
    """Starts the stand-in server with options, and gives its address; it takes a moment for each answer."""
    return partial(latency_server, "--latency", "0.002")


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Diagnoses two faults at once against a profile."""
    place = tmp_path_factory.mktemp("ambiguous")
    made = generate(SPEC)
    write_otlp(made.incident, place / "incident")
    write_otlp(made.baseline, place / "baseline")
    save_profile(learn_baseline([place / "baseline"]), place / "profile")
    return ["diagnose", str(place / "incident"), "--profile", str(place / "profile"), "-o", "json"]


@pytest.fixture(scope="module")
def measured(command: list[str], tmp_path_factory: pytest.TempPathFactory) -> Diagnosis:
    """The answer without a model."""
    path = tmp_path_factory.mktemp("measured") / "report.json"
    assert run([*command, "--out", str(path)]) == 0
    return Diagnosis.model_validate_json(path.read_bytes())


@pytest.fixture
def diagnose(
    command: list[str],
    measured: Diagnosis,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Diagnose:
    """Runs the command with a server, and checks what holds for every server."""
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)

    def asked(url: str, *options: str) -> Outcome:
        recording = tmp_path / "calls.jsonl"
        asking = ["--model", "tiny", "--base-url", url, "--record", str(recording)]
        code = run([*command, *asking, *options])
        shown = capsys.readouterr()
        outcome = Outcome(
            code, Diagnosis.model_validate_json(shown.out), shown.out + shown.err + recording.read_text()
        )
        reasoning = outcome.reasoning
        assert code == (4 if reasoning.budget_exhausted else 0)
        assert outcome.diagnosis.root_causes == measured.root_causes
        assert outcome.diagnosis.verdict == measured.verdict
        assert outcome.diagnosis.agents.failed == 0
        assert reasoning.answered + sum(reasoning.fell_back.values()) == reasoning.questions > 0
        notes = " ".join(outcome.diagnosis.coverage.notes)
        assert all(f"{reason} ({number})" in notes for reason, number in reasoning.fell_back.items())
        assert SECRET not in outcome.written
        return outcome

    return asked


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests are repeated after hundredths of a second."""
    access = partial(ModelAccess, retry=RetryPolicy(first_wait_s=0.01, longest_wait_s=0.05))
    monkeypatch.setattr(model_run, "ModelAccess", access)


def counted(url: str) -> dict[str, Any]:
    """What a server has counted."""
    with build_opener(ProxyHandler({})).open(f"{url.removesuffix('/v1')}/stats") as answer:
        told: dict[str, Any] = json.load(answer)
    return told


@pytest.mark.parametrize(
    ("failing", "failure", "reasons"),
    [
        (("--every-429", "5", "--retry-after", "0.01"), "429", {NO_REPLY}),
        (("--every-500", "5"), "500", {NO_REPLY}),
        (("--every-hang", "20"), "hang", {NO_REPLY}),
        (("--reject-above", "2", "--latency", "0.03", "--retry-after", "0.01"), "rejected", {NO_REPLY}),
        (("--every-malformed", "2"), "malformed", {UNUSABLE}),
        (("--every-truncated", "2"), "truncated", {UNUSABLE}),
        (("--every-unknown-tool", "1"), "unknown_tool", {UNUSABLE}),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
@pytest.mark.usefixtures("hurried")
def test_a_server_that_fails_now_and_then_is_asked_again(
    server: StartServer, diagnose: Diagnose, failing: tuple[str, ...], failure: str, reasons: set[str]
) -> None:
    """Most questions are answered, and every request is counted, the failed ones as well."""
    url = server(*failing)
    outcome = diagnose(url, "--spend", "all", "--max-calls", "60", "--timeout", "1")
    told, usage = counted(url), outcome.diagnosis.usage
    assert told["failures"][failure] > 0
    assert usage.model_calls == told["calls"] <= 60
    assert usage.input_characters == told["prompt_chars"]
    assert outcome.reasoning.answered > 0
    assert set(outcome.reasoning.fell_back) <= reasons | {OUT_OF_BUDGET, NOT_ASKED}


@pytest.mark.parametrize(
    "useless",
    [("--every-empty", "1"), ("--every-malformed", "1")],
    ids=lambda options: options[0],
)
def test_a_server_that_never_says_anything_of_use_is_answered_by_measurements(
    server: StartServer, diagnose: Diagnose, useless: tuple[str, ...]
) -> None:
    """Each question takes its one repair, and the coverage says what became of it."""
    url = server(*useless)
    outcome = diagnose(url)
    assert outcome.reasoning.answered == 0
    assert outcome.reasoning.fell_back == {UNUSABLE: outcome.reasoning.questions}
    assert outcome.diagnosis.usage.model_calls == counted(url)["calls"] > 0


@pytest.mark.parametrize(
    "manner",
    [
        ("--always-tool", "--parallel-tools", "--no-echo"),
        ("--mode", "text"),
        ("--mode", "react", "--always-tool"),
        ("--mode", "tool_call_tag", "--think"),
        ("--fence", "--think", "--jitter", "0.002"),
    ],
    ids=" ".join,
)
def test_whatever_the_manner_of_a_senseless_server_the_ranking_is_the_measured_one(
    server: StartServer, diagnose: Diagnose, manner: tuple[str, ...]
) -> None:
    """Components that there are not, and evidence that there is not, count nothing and are counted."""
    url = server(*manner)
    outcome = diagnose(url)
    assert outcome.diagnosis.usage.model_calls == counted(url)["calls"] > 0
    assert outcome.reasoning.claims_dropped or outcome.reasoning.fell_back


@pytest.mark.usefixtures("hurried")
def test_no_server_hears_more_requests_than_allowed(server: StartServer, diagnose: Diagnose) -> None:
    """Though every third is refused, and repeated."""
    url = server("--every-429", "3", "--retry-after", "0.01")
    outcome = diagnose(url, "--spend", "all", "--max-calls", "17")
    assert outcome.code == 4
    assert 0 < counted(url)["calls"] <= 17


def test_no_server_reads_and_writes_more_tokens_than_allowed(server: StartServer, diagnose: Diagnose) -> None:
    """Four characters are a token of that server."""
    url = server()
    outcome = diagnose(url, "--spend", "all", "--max-tokens", "60000")
    told, usage = counted(url), outcome.diagnosis.usage
    assert outcome.code == 4 and outcome.reasoning.answered > 0
    assert (
        (told["prompt_chars"] + told["answer_chars"]) / 4 <= usage.input_tokens + usage.output_tokens <= 60000
    )


def test_time_ends_what_a_server_without_answers_is_asked(server: StartServer, diagnose: Diagnose) -> None:
    """It heard requests for a second or so, not for the minute that one of them may take."""
    url = server("--every-hang", "1")
    outcome = diagnose(url, "--max-seconds", "1")
    assert outcome.code == 4
    assert outcome.reasoning.fell_back == {OUT_OF_BUDGET: outcome.reasoning.questions}
    assert counted(url)["busy_seconds"] < 20


@pytest.mark.usefixtures("hurried")
def test_a_server_that_only_hangs_is_given_up_without_any_limit(
    server: StartServer, diagnose: Diagnose
) -> None:
    """Of more than a hundred questions a few are asked; the others do not wait."""
    url = server("--every-hang", "1")
    outcome = diagnose(url, "--spend", "all", "--timeout", "0.5")
    reasoning = outcome.reasoning
    assert set(reasoning.fell_back) <= {NO_REPLY, GIVEN_UP}
    assert reasoning.fell_back[GIVEN_UP] > reasoning.questions / 2
    assert counted(url)["calls"] == outcome.diagnosis.usage.model_calls < reasoning.questions
    assert reasoning.problems == (
        "The model 'tiny' did not answer within 0.5 s. Allow more with --timeout, or use a faster model.",
    )


def test_nobody_there_is_found_out_once(diagnose: Diagnose) -> None:
    """Without any limit, and as a user has it: with the usual waits."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
    outcome = diagnose(url, "--spend", "all")
    reasoning = outcome.reasoning
    assert set(reasoning.fell_back) <= {NO_REPLY, GIVEN_UP}
    assert reasoning.fell_back[GIVEN_UP] > reasoning.questions / 2
    assert outcome.diagnosis.usage.model_calls <= 4 * 16
    (problem,) = reasoning.problems
    assert problem.startswith(f"{url} cannot be reached: ") and "Check that the server runs" in problem


def test_a_refused_key_is_one_clear_line(server: StartServer, diagnose: Diagnose) -> None:
    """Nobody tries it again once it is refused."""
    url = server("--api-key", "another")
    outcome = diagnose(url, "--spend", "all", "--concurrency", "1")
    assert outcome.reasoning.fell_back == {REFUSED: 1, GIVEN_UP: outcome.reasoning.questions - 1}
    (problem,) = outcome.reasoning.problems
    assert "answered with status 401: wrong API key. Check the key" in problem


def test_the_text_report_of_a_process_says_it_once(command: list[str], server: StartServer) -> None:
    """As a user reads it, without a traceback."""
    url = server("--api-key", "another")
    asking = ["--model", "tiny", "--base-url", url, "-o", "text"]
    done = subprocess.run(
        [sys.executable, "-m", "rclagent", *command, *asking],
        capture_output=True,
        text=True,
        env=os.environ | {"OPENAI_API_KEY": SECRET},
    )
    text = " ".join(done.stdout.split())
    assert done.returncode == 0
    assert done.stderr.splitlines() == [
        f"rclagent: Using model 'tiny' (--model) at {url} (--base-url), key from OPENAI_API_KEY."
    ]
    assert text.count("What the model failed with:") == 1 and text.count("status 401") == 1
    assert text.count("answered 0 of 2 questions") == 1
