"""Writing results."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from rclagent.cli.output import check_target, emit, write_file
from rclagent.errors import InputError


def test_a_file_is_replaced_whole_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    target = tmp_path / "report.txt"
    target.write_text("old and much longer")
    emit("new\n", target)
    assert target.read_text() == "new\n"
    assert [path.name for path in tmp_path.iterdir()] == ["report.txt"]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real.txt").write_text("old")
    (tmp_path / "link.txt").symlink_to("real.txt")
    emit("new", tmp_path / "link.txt")
    assert (tmp_path / "link.txt").is_symlink()
    assert (tmp_path / "real.txt").read_text() == "new"


def test_a_device_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    emit("gone", Path("/dev/null"))
    assert not Path("/dev/null").is_file()


def test_a_folder_that_is_not_there_is_told_before_the_work_starts(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no folder"):
        check_target(tmp_path / "missing" / "report.txt")


def test_a_folder_is_no_target(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is a folder"):
        check_target(tmp_path)


def test_what_cannot_be_written_is_told_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"report\.txt' cannot be written"):
        write_file(b"x", tmp_path / "missing" / "report.txt")


def test_a_reader_that_has_seen_enough_is_no_error() -> None:
    script = "from rclagent.cli.output import emit\nfor _ in range(9): emit('line\\n' * 20000, None)"
    command = f"{sys.executable} -c {shlex.quote(script)} | head -n 1"
    done = subprocess.run(["bash", "-c", f"set -o pipefail; {command}"], capture_output=True, text=True)
    assert (done.stdout, done.stderr, done.returncode) == ("line\n", "", 0)


def test_text_that_the_terminal_cannot_show_is_spelled_out() -> None:
    script = (
        "from rclagent.cli.output import emit; emit('größer\\n', None); emit('größer\\n', None, utf8=True)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, env={"PYTHONIOENCODING": "ascii"}
    )
    assert done.stdout == b"gr\\xf6\\xdfer\n" + "größer\n".encode()
