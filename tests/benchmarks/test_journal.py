"""Lines written down as they come."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.journal import Journal
from rclagent import InputError

HEADER = {"command": "models", "code": "abc"}


def test_what_was_killed_goes_on_with_whole_lines(tmp_path: Path) -> None:
    """The line that the kill cut is done again."""
    path = tmp_path / "deep" / "run.jsonl"
    first = Journal(path, HEADER)
    first.add({"case": "a"})
    first.add({"case": "b"})
    path.write_bytes(path.read_bytes()[:-4])
    second = Journal(path, HEADER)
    assert second.lines == [{"case": "a"}]
    second.add({"case": "c"})
    assert Journal(path, HEADER).lines == [{"case": "a"}, {"case": "c"}]


def test_another_run_is_not_continued(tmp_path: Path) -> None:
    """Nor is a file of anything else."""
    path = tmp_path / "run.jsonl"
    Journal(path, HEADER)
    with pytest.raises(InputError, match="begun for something else"):
        Journal(path, {**HEADER, "code": "abd"})
    path.write_text("no JSON\n", encoding="utf-8")
    with pytest.raises(InputError, match="cannot be continued"):
        Journal(path, HEADER)


def test_without_a_file_lines_are_kept_in_memory() -> None:
    """And nowhere else."""
    journal = Journal(None, HEADER)
    journal.add({"case": "a"})
    assert journal.lines == [{"case": "a"}]
