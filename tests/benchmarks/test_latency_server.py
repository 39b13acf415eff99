"""The server that stands in for a model."""

from __future__ import annotations

from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from benchmarks.latency_server import Counts, running
from rclagent import InputError, RclError


def test_it_runs_counts_and_ends(stand_in: Path) -> None:
    """Two requests, then none after a reset; after the block nobody listens."""
    with running(stand_in, latency_s=0.0, tool_rounds=0) as server:
        for _ in range(2):
            urlopen(Request(f"{server.base_url}/chat/completions", data=b'{"messages": []}')).close()
        assert server.counts() == Counts(calls=2, prompt_characters=0, most_at_once=1)
        server.reset()
        assert server.counts().calls == 0
    with pytest.raises(OSError, match="refused"):
        server.counts()


def test_a_missing_program_is_told(tmp_path: Path) -> None:
    with (
        pytest.raises(InputError, match="is no file"),
        running(tmp_path / "no.py", latency_s=0, tool_rounds=0),
    ):
        pass


def test_a_program_that_does_not_serve_is_told(tmp_path: Path) -> None:
    program = tmp_path / "mute.py"
    program.write_text("print('hello')", encoding="utf-8")
    with pytest.raises(RclError, match="did not say"), running(program, latency_s=0, tool_rounds=0):
        pass
