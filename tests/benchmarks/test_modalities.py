"""Modalities dropped."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from benchmarks.modalities import HEADINGS, judge_sets, rows, summary, unseen
from rclagent import InputError

if TYPE_CHECKING:
    from tests.benchmarks.conftest import NezhaSystem


def test_every_set_is_run_and_says_what_it_could_not_see(nezha_system: NezhaSystem) -> None:
    """Where calls are delayed nothing fails; without spans there is nothing that could show it."""
    content = summary(list(judge_sets(nezha_system.write(("11:05:00", "11:15:00")))))
    table = [dict(zip(HEADINGS, row, strict=True)) for row in rows(content)[1:]]
    assert [row["telemetry"] for row in table] == [
        "traces", "traces + metrics", "traces + logs", "traces + logs + metrics", "logs + metrics",
    ]  # fmt: skip
    assert {row["crashes"] for row in table} == {"0"}
    assert {row["faults"] for row in table} == {"2"}
    assert [row["recall@1"] for row in table[:4]] == ["1.00"] * 4
    assert "fault" not in table[4]["verdicts"]
    lines = unseen(content)
    assert 'With traces + logs the coverage says "No metrics were seen in the incident window".' in lines
    assert any(line.startswith('With logs + metrics the coverage says "No spans') for line in lines)


def test_what_only_one_data_set_lacks_is_said_of_that_one(nezha_system: NezhaSystem) -> None:
    """The second data set has a sentence less."""
    (part, *_) = judge_sets(nezha_system.write(), limit=1)
    other = {**part, "data": "other", "missing": part["missing"][1:]}
    (line,) = unseen(summary([part, other]))
    assert line == (
        'With traces the coverage says "No logs were seen in the incident window" (system 2023-01-30), '
        '"No metrics were seen in the incident window".'
    )


def test_a_folder_without_a_data_set_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no data set"):
        list(judge_sets(tmp_path))
