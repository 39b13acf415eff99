"""``rclagent diagnose --strategy recursion-of-thought`` against a server that speaks its protocol."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from rclagent import Diagnosis
from rclagent.cli.entry_point import run
from rclagent.llm import Message, Role
from rclagent.testing import RecursingModel

Capture = pytest.CaptureFixture[str]


class ProtocolServer:
    """A small trained model behind OpenAI's format: it takes no tools, and results without an id."""

    def __init__(self) -> None:
        self.heard: list[dict[str, Any]] = []
        self.base_url = ""
        self.takes_tool_messages = True

    def answer(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Status and content."""
        self.heard.append(body)
        if not self.takes_tool_messages and any(turn["role"] == "tool" for turn in body["messages"]):
            problem = "messages with role 'tool' must be a response to a message with 'tool_calls'."
            return 400, {"error": {"message": problem, "type": "invalid_request_error"}}
        messages = [Message(Role(turn["role"]), turn["content"]) for turn in body["messages"]]
        reply = asyncio.run(RecursingModel().complete(messages))
        choice = {
            "index": 0,
            "message": {"role": "assistant", "content": reply.text},
            "finish_reason": "stop",
        }
        usage = {"prompt_tokens": 900, "completion_tokens": 100, "total_tokens": 1000}
        head = {"id": "x", "object": "chat.completion", "created": 0, "model": "ThinkFL"}
        return 200, {**head, "choices": [choice], "usage": usage}


@pytest.fixture
def protocol_server(loopback: None) -> Iterator[ProtocolServer]:
    """A running server."""
    told = ProtocolServer()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            status, answer = told.answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            content = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    told.base_url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield told
    server.shutdown()
    server.server_close()


@pytest.fixture
def command(incident: str, normal: str, protocol_server: ProtocolServer) -> list[str]:
    """Descends every trace: the incident is too clear for a model otherwise."""
    asking = ["--model", "ThinkFL", "--base-url", protocol_server.base_url, "--spend", "all"]
    return [
        "diagnose", incident, "--baseline", normal, *asking, "--strategy", "recursion-of-thought"
    ]  # fmt: skip


def test_a_model_of_the_protocol_is_asked_in_it(
    command: list[str], protocol_server: ProtocolServer, capsys: Capture
) -> None:
    """No tools beside the messages, results without an id, and the lists that it gives in the report."""
    assert run([*command, "-o", "json"]) == 0
    diagnosis = Diagnosis.model_validate_json(capsys.readouterr().out)
    reasoning = diagnosis.agents.reasoning
    assert reasoning is not None and reasoning.strategy == "recursion-of-thought"
    assert reasoning.answered == reasoning.questions == len(diagnosis.agents.traces)
    assert all(ranking.named for ranking in reasoning.rankings)
    assert diagnosis.root_causes[0].service == "pricing"
    assert not any("tools" in body or "response_format" in body for body in protocol_server.heard)
    results = [turn for body in protocol_server.heard for turn in body["messages"] if turn["role"] == "tool"]
    assert results and not any("tool_call_id" in turn for turn in results)


def test_a_server_that_refuses_such_results_is_told_them_in_words(
    command: list[str], protocol_server: ProtocolServer, capsys: Capture
) -> None:
    """OpenAI's own takes a result only after a call of its kind."""
    protocol_server.takes_tool_messages = False
    assert run([*command, "--concurrency", "1", "-o", "json"]) == 0
    diagnosis = Diagnosis.model_validate_json(capsys.readouterr().out)
    reasoning = diagnosis.agents.reasoning
    assert reasoning is not None and reasoning.answered == reasoning.questions
    assert diagnosis.root_causes[0].service == "pricing"
    assert any(
        turn["role"] == "user" and "<tool_response>" in turn["content"]
        for turn in protocol_server.heard[-1]["messages"]
    )


def test_the_plan_says_how_many_traces_are_descended(
    command: list[str], protocol_server: ProtocolServer, capsys: Capture
) -> None:
    """And asks nothing; by hand 12 requests a trace at most."""
    assert run([*command, "--dry-run"]) == 0
    shown = capsys.readouterr().out
    traces = int(shown.split("Traces to descend: ")[1].split(",")[0])
    assert f"At most: {12 * traces} requests" in shown and not protocol_server.heard


def test_without_a_model_it_is_no_strategy(incident: str, capsys: Capture) -> None:
    """One line, and what to do."""
    assert run(["diagnose", incident, "--strategy", "recursion-of-thought"]) == 2
    assert "--strategy needs a model." in capsys.readouterr().err
