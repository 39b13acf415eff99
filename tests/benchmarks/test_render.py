"""Figures in tables and documents."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks.cases import Cause, Truth
from benchmarks.kept import Kept
from benchmarks.models import summary
from benchmarks.render import END, PICTURE, START, full_figures, insert, picture, readme_figures
from benchmarks.runs import CaseResult, Run, RunHeader
from benchmarks.score import Score, score_run
from benchmarks.tables import escaped, markdown, misses, plain, printable, remarks, rows
from benchmarks.weakest import Outcome
from benchmarks.weakest import summary as weakest_summary
from rclagent import InputError
from tests.benchmarks.test_cost_tables import CONTENT as COST
from tests.benchmarks.test_models import ANSWERS


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
    "false_alarms": [{"case": "11:03", "confidence": 0.875, "blamed": [["sh|op", "cpu"]]}],
}
WEAKEST = weakest_summary([Outcome(at, at, {"rclagent": 1.0, "chance": 0.5}, "fault") for at in (1.0, 10.0)])
SCALE: dict[str, Any] = {
    "dataset": "scale",
    "n_spans": 2_000_000,
    "n_logs": 0,
    "seconds": 12.34,
    "work_seconds": 3.456,
    "us_per_span": 1.728,
    "peak_rss_mb": 901.2,
    "ratio": 1.204,
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


def test_the_readme_shows_first_hits_by_method_and_data_set() -> None:
    figures = readme_figures(Kept([score("rclagent", "x"), score("rclagent", "y", hit=False)], [QUIET]))
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
    figures = readme_figures(Kept([score("rclagent", "x"), score("rclagent", "y"), score("random", "x")]))
    assert "| random | 1.00 | - |" in figures


def test_the_full_figures_show_kinds_of_fault() -> None:
    figures = full_figures(Kept([score("rclagent", "x"), score("rclagent", "y", hit=False)]))
    assert "| x 2023-01-30 | cpu | 1 | 1.00 |" in figures
    assert "| y 2023-01-30 | cpu | 1 | 0.00 |" in figures


def test_a_section_is_shown_for_each_result_and_left_out_without() -> None:
    scores = [score("rclagent", "x")]
    kept = Kept(
        scores,
        quiet=[QUIET],
        weakest=[WEAKEST],
        scales=[SCALE],
        costs=[COST],
        models=[summary(ANSWERS)],
    )
    full = full_figures(kept)
    for section in ("Quiet windows", "Weakest delay", "Language models", "Scale", "Model cost"):
        assert f"### {section}\n" in full
        assert section not in full_figures(Kept(scores))
    assert "- 11:03: sh\\|op (cpu), confidence of the verdict 0.88" in full
    assert "| 2,000,000 | 0 | 12.3 | 3.46 | 1.73 | 901 | 1.20 |" in full
    assert "| small | all | 20 of 20 | 7 | 3 | 10 | 12,345 | 1.10 | 1.20 | 4 | 5 | 1.00 | 1.10 |" in full


def test_the_picture_is_shown_where_there_is_one() -> None:
    kept = Kept([score("rclagent", "x")], weakest=[WEAKEST])
    assert f"]({PICTURE})" in full_figures(kept)
    assert (picture(kept) or "").startswith("<svg")
    assert picture(Kept(kept.scores)) is None


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


def test_ablations_stand_below_the_whole_in_a_table_of_their_own() -> None:
    parts = [score("rclagent", "x"), score("without-logs", "x", hit=False)]
    kept = Kept([score("rclagent", "x")], ablations=parts)
    text = full_figures(kept)
    assert "### RCLAgent without some of its parts" in text
    assert "| rclagent | 1.00 | 1.00 |" in text
    assert "| without-logs | 0.00 | 1.00 |" in text
