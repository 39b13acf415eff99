"""A generated incident on disk, for the tests of the commands: pricing answers late, from ALARM_NS on."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from rclagent.core.evidence import FaultType
from rclagent.testing import Fault, IncidentSpec, generate, write_otlp

SPEC = IncidentSpec(
    seed=7,
    faults=(Fault(fault_type=FaultType.NETWORK_DELAY, service="pricing"),),
    requests_per_s=1.0,
    baseline_s=400,
    incident_s=120,
    lead_s=30,
)
VARIABLES = (
    "RCLAGENT_MODEL",
    "OPENAI_API_KEY",
    "OPENAI_BASE_URL",
    "OPENAI_API_BASE",
    "LLM_API_KEY",
    "LLM_API_URL",
    "LLM_MODEL",
)


@pytest.fixture(autouse=True)
def nobody_named_a_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings of whoever runs the tests are theirs; what is on this machine needs no proxy."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@dataclass(slots=True)
class ChatServer:
    """A server of OpenAI's format on this machine, which claims nothing."""

    base_url: str = ""
    wait_s: float = 0.0
    status: int = 200
    asked: list[dict[str, object]] = field(default_factory=list)
    keys: set[str | None] = field(default_factory=set)


@pytest.fixture
def chat_server(loopback: None) -> Iterator[ChatServer]:
    """A running server."""
    told = ChatServer()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            told.asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            told.keys.add(self.headers["Authorization"])
            time.sleep(told.wait_s)
            message = {"role": "assistant", "content": '{"claims": []}'}
            usage = {"prompt_tokens": 900, "completion_tokens": 100, "total_tokens": 1000}
            choices = [{"index": 0, "message": message, "finish_reason": "stop"}]
            body = {"id": "x", "object": "chat.completion", "created": 0, "model": "m"}
            content = json.dumps({**body, "choices": choices, "usage": usage}).encode()
            self.send_response(told.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    told.base_url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield told
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with the telemetry around the alarm, and with that before it."""
    place = tmp_path_factory.mktemp("shop")
    made = generate(SPEC)
    write_otlp(made.incident, place / "incident")
    write_otlp(made.baseline, place / "baseline")
    return place


@pytest.fixture
def incident(shop: Path) -> str:
    """Telemetry around the alarm."""
    return str(shop / "incident")


@pytest.fixture
def normal(shop: Path) -> str:
    """Telemetry before the alarm."""
    return str(shop / "baseline")


@pytest.fixture
def alarm_ns() -> int:
    """When the alarm went off."""
    return SPEC.alarm_ns
