"""The outer edge: one line and an exit code for whatever goes wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import rclagent
from rclagent.cli import entry_point
from rclagent.cli.entry_point import main, run
from rclagent.errors import AgentError

Capture = pytest.CaptureFixture[str]

WRONG_USAGE = [
    (["frobnicate"], "No such command 'frobnicate'"),
    (["diagnose"], "Missing argument"),
    (["diagnose", "x", "--frobnicate"], "No such option: --frobnicate"),
    (["diagnose", "x", "-o", "pdf"], "'pdf' is not one of"),
    (["diagnose", "x", "--window-s", "long"], "--window-s"),
    (["diagnose", "x", "--window-s", "0"], "is no length of time"),
    (["diagnose", "x", "--window-s", "nan"], "is no length of time"),
    (["diagnose", "x", "--at", "soon"], "'soon' is not a point in time"),
    (["diagnose", "x", "--baseline", "b", "--profile", "p"], "both given"),
    (["diagnose", "x", "--out", "missing/folder/report"], "there is no folder"),
    (["diagnose", "no-such-file"], "'no-such-file' cannot be read"),
    (["trace", "show", "no-such-file"], "'no-such-file' cannot be read"),
    (["trace"], "Missing command"),
    (["baseline", "learn", "x"], "Missing option '--out'"),
]


@pytest.mark.parametrize(("arguments", "problem"), WRONG_USAGE)
def test_wrong_usage_is_one_line_and_exits_2(arguments: list[str], problem: str, capsys: Capture) -> None:
    assert run(arguments) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("rclagent: ")
    assert shown.err.count("\n") == 1
    assert problem in shown.err


def test_what_is_no_telemetry_is_told_with_its_name(tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "notes.txt").write_text("nothing to see here")
    assert run(["diagnose", str(tmp_path / "notes.txt")]) == 2
    assert "notes.txt" in capsys.readouterr().err


def test_debug_adds_the_traceback(capsys: Capture) -> None:
    assert run(["diagnose", "no-such-file", "--debug"]) == 2
    shown = capsys.readouterr().err
    assert shown.startswith("Traceback")
    assert shown.splitlines()[-1].startswith("rclagent: 'no-such-file' cannot be read")


def failing(error: BaseException) -> typer.Typer:
    """A program whose only command fails."""
    app = typer.Typer()

    @app.command()
    def fail() -> None:
        raise error

    return app


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (AgentError("No agent answered.", "Try again."), 1, "rclagent: No agent answered. Try again."),
        (
            ValueError("odd\x1b[31m\nthing"),
            1,
            "rclagent: Something went wrong inside the program (ValueError: odd",
        ),
        (
            RecursionError("deep"),
            1,
            "rclagent: Something went wrong inside the program (RecursionError: deep).",
        ),
    ],
)
def test_a_failure_is_one_line_without_traceback(
    error: Exception, code: int, line: str, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setattr(entry_point, "app", failing(error))
    assert run(["--"]) == code
    shown = capsys.readouterr().err
    assert shown.startswith(line)
    assert shown.count("\n") == 1
    assert "\x1b" not in shown


def test_ctrl_c_exits_130(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    monkeypatch.setattr(entry_point, "app", failing(KeyboardInterrupt()))
    assert run(["--"]) == 130
    assert "Traceback" not in capsys.readouterr().err


def test_without_arguments_the_help_is_shown(capsys: Capture) -> None:
    assert run([]) == 0
    assert "diagnose" in capsys.readouterr().out


def test_version(capsys: Capture) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["version"])
    assert stop.value.code == 0
    assert capsys.readouterr().out == f"rclagent {rclagent.__version__}\n"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(
    content=st.binary(max_size=200) | st.text('{}[]":,tracesSpanID\n0123456789', max_size=200).map(str.encode)
)
def test_no_file_content_ends_in_a_traceback(content: bytes, tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "input").write_bytes(content)
    code = run(["diagnose", str(tmp_path / "input")])
    shown = capsys.readouterr()
    assert code in (0, 2, 3)
    assert "Traceback" not in shown.err
    assert shown.err.count("\n") == (code == 2)
