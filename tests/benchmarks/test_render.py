"""Figures in tables and documents."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.cases import Cause, Truth
from benchmarks.render import END, START, full_figures, insert, read_results, readme_figures
from benchmarks.runs import CaseResult, Run, RunHeader
from benchmarks.score import Score, score_run
from benchmarks.tables import escaped, markdown, misses, plain, printable, remarks, rows
from rclagent import InputError


def score(
    method: str, data: str, *, hit: bool = True, error: str | None = None, limit: int | None = None
) -> Score:
    header = RunHeader(
        "nezha", data, "2023-01-30", method, ("traces",), 180.0, limit, 1, "1", "abc", "2024-01-01"
    )
    truth = Truth((Cause("shop" if hit else "we|b", "cpu"),))
    ranking = () if error else (("shop", 1.0, "cpu"),)
    return score_run(Run(header, (CaseResult("one", truth, ("shop", "we|b"), ranking, 1.0, 50.0, error),)))


QUIET: dict[str, Any] = {
    "dataset": "quiet",
    "data": "still",
    "n_windows": 40,
    "verdicts": {"fault": 2, "healthy": 38},
    "false_alarm_rate": 0.05,
    "intervals": {"false_alarm_rate": [0.01, 0.17]},
    "windows_with_evidence": 5,
}


def test_chance_stands_below_each_data_set_and_all_come_last() -> None:
    table = rows([score("rclagent", "x"), score("random", "x"), score("rclagent", "y", hit=False)])
    assert [row[:4] for row in table] == [
        ["x 2023-01-30", "rclagent", "1", "1.00"],
        ["x 2023-01-30", "random", "1", "1.00"],
        ["x 2023-01-30", "chance", "1", "0.50"],
        ["y 2023-01-30", "rclagent", "1", "0.00"],
        ["y 2023-01-30", "chance", "1", "0.50"],
        ["all", "rclagent", "2", "0.50"],
        ["all", "random", "1", "1.00"],
        ["all", "chance", "2", "0.50"],
    ]


def test_plain_columns_stand_below_each_other() -> None:
    assert plain([["data", "method", "n"], ["x", "m", "10"]]) == "data  method   n\nx     m       10"


def test_hostile_names_neither_steer_the_terminal_nor_break_the_table() -> None:
    assert printable("a\x1b[2Jb\nc") == "a\N{REPLACEMENT CHARACTER}[2Jb\N{REPLACEMENT CHARACTER}c"
    assert escaped("<b>|`x`") == r"\<b\>\|\`x\`"
    assert (
        markdown([["h", "i"], ["a|b", "c\nd"]]).splitlines()[-1] == "| a\\|b | c\N{REPLACEMENT CHARACTER}d |"
    )


def test_misses_and_remarks_say_what_happened() -> None:
    assert misses(score("m", "x", hit=False)) == ["one: we|b (cpu) at 2; first: shop"]
    assert misses(score("m", "x", error="ValueError: no")) == ["one: shop (cpu) in no place; first: nothing"]
    assert remarks([score("m", "x", error="ValueError: no", limit=1)]) == [
        "x 2023-01-30, m: only the first 1 faults were run.",
        "x 2023-01-30, m: one failed and counts as a miss: ValueError: no",
    ]


def test_result_files_are_read_back_with_rclagent_first(tmp_path: Path) -> None:
    first, second = score("rclagent", "x"), score("random", "x")
    (tmp_path / "c.json").write_text(json.dumps(first.to_json()), encoding="utf-8")
    (tmp_path / "b.json").write_text(json.dumps([second.to_json()]), encoding="utf-8")
    (tmp_path / "a.json").write_text(json.dumps(QUIET), encoding="utf-8")
    scores, quiet = read_results(tmp_path)
    assert [found.to_json() for found in scores] == [first.to_json(), second.to_json()]
    assert quiet == [QUIET]


@pytest.mark.parametrize("content", ["{", "3", "{}", '[{"dataset": "nezha"}]'])
def test_a_file_that_is_no_score_is_told(tmp_path: Path, content: str) -> None:
    (tmp_path / "a.json").write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=r"a\.json is not a score"):
        read_results(tmp_path)


def test_without_scores_nothing_is_rendered(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no scores"):
        read_results(tmp_path)


def test_the_readme_shows_first_hits_by_method_and_data_set() -> None:
    figures = readme_figures([score("rclagent", "x"), score("rclagent", "y", hit=False)], [QUIET])
    table = [line.strip("| ").split(" | ") for line in figures.splitlines()]
    assert table[0] == [
        "rank 1 is a cause",
        "x 2023-01-30 (1)",
        "y 2023-01-30 (1)",
        "all",
        "95 %",
        "recall@3",
    ]
    assert table[2] == ["rclagent", "1.00", "0.00", "0.50", "0.09-0.91", "1.00"]
    assert table[3][:4] == ["chance", "0.50", "0.50", "0.50"]
    assert "Of 40 quiet windows of still: 2 fault, 38 healthy" in figures


def test_a_method_that_was_not_run_on_a_data_set_has_no_figure_there() -> None:
    figures = readme_figures([score("rclagent", "x"), score("rclagent", "y"), score("random", "x")], [])
    assert "| random | 1.00 | - |" in figures


def test_the_full_figures_show_kinds_of_fault() -> None:
    figures = full_figures([score("rclagent", "x"), score("rclagent", "y", hit=False)], [])
    assert "| x 2023-01-30 | cpu | 1 | 1.00 |" in figures
    assert "| y 2023-01-30 | cpu | 1 | 0.00 |" in figures


def test_figures_replace_what_stands_between_the_markers(tmp_path: Path) -> None:
    path = tmp_path / "README.md"
    path.write_text(f"before\n{START}\nold\n{END}\nafter\n", encoding="utf-8")
    assert insert(path, "new") == f"before\n{START}\nnew\n{END}\nafter\n"


@pytest.mark.parametrize("text", ["", START, f"{END}{START}"])
def test_a_document_without_both_markers_is_told(tmp_path: Path, text: str) -> None:
    path = tmp_path / "README.md"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match="lacks the markers"):
        insert(path, "new")
