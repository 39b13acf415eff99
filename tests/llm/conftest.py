"""Servers on this machine for the tests of models, and the way to them."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from rclagent.llm import ModelSettings, read_settings


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets tests reach servers on this machine, by address, and nothing else."""
    connect = socket.socket.connect

    def near(self: socket.socket, address: Any) -> None:
        if not (isinstance(address, tuple) and address[0] == "127.0.0.1"):
            raise AssertionError(f"a test tried to reach {address!r}")
        connect(self, address)

    def refuse(*arguments: object, **options: object) -> None:
        raise AssertionError("a test tried to reach the network")

    monkeypatch.setattr(socket.socket, "connect", near)
    for name in ("getaddrinfo", "gethostbyname"):
        monkeypatch.setattr(socket, name, refuse)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@dataclass(frozen=True)
class Answer:
    """What a server sends."""

    status: int = 200
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    hang: bool = False


@dataclass(frozen=True)
class Heard:
    """What a server was sent."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]


class Server(ThreadingHTTPServer):
    """A server that gives one answer after the other, the last again and again, or what a script says."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers = [self.completion()]
        self.script: Callable[[Heard], Answer] | None = None
        self.heard: list[Heard] = []
        self.closing = threading.Event()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.server_address[1])

    @property
    def url(self) -> str:
        """Its address as a model's."""
        return f"http://127.0.0.1:{self.port}/v1"

    @staticmethod
    def completion(text: str | None = "Hi", **message: Any) -> Answer:
        """A completion as OpenAI sends it, of 7 tokens read and 2 written."""
        said = {"role": "assistant", "content": text, **message}
        usage = {"prompt_tokens": 7, "completion_tokens": 2}
        return Answer(body=json.dumps({"choices": [{"message": said}], "usage": usage}))

    @staticmethod
    def text(body: str, status: int = 200, **headers: str) -> Answer:
        """Anything at all."""
        return Answer(status, body, {name.replace("_", "-"): value for name, value in headers.items()})

    @classmethod
    def refusal(cls, status: int, message: str, *, param: str | None = None, **headers: str) -> Answer:
        """An error as OpenAI sends it."""
        return cls.text(json.dumps({"error": {"message": message, "param": param}}), status, **headers)

    @staticmethod
    def hang() -> Answer:
        """No answer."""
        return Answer(hang=True)

    def settings(self, **environ: str) -> ModelSettings:
        """Settings that lead here."""
        return read_settings({"OPENAI_BASE_URL": self.url, **environ}, model="small")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        told = {name.lower(): value for name, value in self.headers.items()}
        asked, answers, heard = (
            Heard(self.path, told, json.loads(body)),
            self.server.answers,
            self.server.heard,
        )
        answer = answers[min(len(heard), len(answers) - 1)]
        if self.server.script is not None:
            answer = self.server.script(asked)
        heard.append(asked)
        if answer.hang:
            self.server.closing.wait(10)
            self.close_connection = True
            return
        payload = answer.body.encode()
        self.send_response(answer.status)
        for name, value in {"Content-Type": "application/json", **answer.headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing."""


@pytest.fixture
def server() -> Iterator[Server]:
    """A server of our own."""
    with Server() as made:
        thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield made
        made.closing.set()
        made.shutdown()
        thread.join()


StartLatencyServer = Callable[..., str]
