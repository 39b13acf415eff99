"""Fixtures for all tests: no network, reproducible examples, real incidents where they are at hand."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest
from hypothesis import settings

# The same examples on every run: a failure seen in one place is seen in all.
settings.register_profile("reproducible", deadline=None, derandomize=True, database=None)
settings.load_profile("reproducible")

LOOPBACK = "127.0.0.1"
CONNECT = socket.socket.connect
GETADDRINFO = socket.getaddrinfo
LATENCY_SERVER = Path(__file__).resolve().parents[2] / "shared" / "tools" / "latency_llm.py"
SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture
def shared_data() -> Path:
    """Folder of real labelled incidents beside the checkout; the test is skipped where there is none."""
    if not SHARED_DATA.is_dir():
        pytest.skip("real incidents are not at hand: there is no folder ../shared/data beside the checkout")
    return SHARED_DATA


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes every attempt to reach the network fail."""

    def refuse(*arguments: object, **options: object) -> NoReturn:
        raise AssertionError("a test tried to reach the network")

    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, refuse)
    for name in ("getaddrinfo", "gethostbyname"):
        monkeypatch.setattr(socket, name, refuse)


@pytest.fixture
def loopback(no_network: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets through to servers on this machine, known by their addresses; nothing else, and past no proxy."""

    def connect(self: socket.socket, address: tuple[str, int]) -> None:
        if address[0] != LOOPBACK:
            raise AssertionError("a test tried to reach the network")
        CONNECT(self, address)

    def getaddrinfo(host: object, *arguments: Any, **options: Any) -> Any:
        if host not in (LOOPBACK, LOOPBACK.encode()):
            raise AssertionError("a test tried to reach the network")
        return GETADDRINFO(LOOPBACK, *arguments, **options)

    monkeypatch.setattr(socket.socket, "connect", connect)
    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    monkeypatch.setenv("NO_PROXY", LOOPBACK)


@pytest.fixture
def latency_server() -> Iterator[Callable[..., str]]:
    """Starts the stand-in server for load tests with options, and gives its address."""
    if not LATENCY_SERVER.is_file():
        pytest.skip("there is no ../shared/tools/latency_llm.py beside the checkout")
    started: list[subprocess.Popen[str]] = []

    def start(*options: str) -> str:
        command = [sys.executable, str(LATENCY_SERVER), "--port", "0", "--latency", "0", *options]
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, encoding="utf-8"
        )
        started.append(process)
        assert process.stdout is not None
        return str(json.loads(process.stdout.readline())["base_url"])

    yield start
    for process in started:
        process.terminate()
        process.communicate()
