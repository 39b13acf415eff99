"""A stand-in language model in a process of its own on this machine, which answers late and counts.

Any program will do that takes ``--port 0 --latency SECONDS --tool-rounds N``, prints one line of JSON with
its ``base_url``, and beside OpenAI's chat format answers ``POST /reset`` and ``GET /stats`` (``calls``,
``prompt_chars``, ``max_concurrency``).
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.request import ProxyHandler, Request, build_opener

from rclagent import InputError, RclError

TIMEOUT_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Counts:
    """What a server has counted since it was last reset."""

    calls: int
    """Requests."""
    prompt_characters: int
    """Characters of their messages and of the tool calls in them."""
    most_at_once: int
    """Most requests that were under way at a time."""


@dataclass(frozen=True, slots=True)
class LatencyServer:
    """A server that runs."""

    base_url: str
    """Address for clients of OpenAI's format."""

    def reset(self) -> None:
        """Counts anew."""
        self._ask("/reset", b"")

    def counts(self) -> Counts:
        """What it has counted."""
        stats = self._ask("/stats")
        return Counts(int(stats["calls"]), int(stats["prompt_chars"]), int(stats["max_concurrency"]))

    def _ask(self, path: str, body: bytes | None = None) -> Any:
        # Never through a proxy: the server is on this machine.
        request = Request(self.base_url.removesuffix("/v1") + path, data=body)
        with build_opener(ProxyHandler({})).open(request, timeout=TIMEOUT_S) as answer:
            return json.load(answer)


@contextmanager
def running(program: Path, *, latency_s: float, tool_rounds: int) -> Iterator[LatencyServer]:
    """The server, while the block lasts.

    Args:
        program: Python file of it.
        latency_s: Seconds before each answer.
        tool_rounds: Turns of tool calls before an answer.

    Raises:
        InputError: There is no such file.
        RclError: It does not say where it listens.
    """
    if not program.is_file():
        raise InputError(f"{program} is no file.", "Give --server the program of a latency server.")
    command = [sys.executable, str(program), "--port", "0"]
    command += ["--latency", f"{latency_s:g}", "--tool-rounds", str(tool_rounds)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, encoding="utf-8"
    ) as process:
        try:
            line = "" if process.stdout is None else process.stdout.readline()
            yield LatencyServer(_address(program, line))
        finally:
            process.terminate()


def _address(program: Path, line: str) -> str:
    try:
        return str(json.loads(line)["base_url"])
    except (ValueError, KeyError, TypeError):
        raise RclError(
            f"{program} did not say where it listens.", "Run it alone with `--port 0` to see why."
        ) from None
