"""Writes the figures of the result files into the documents, between two marker lines."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from benchmarks.calibrate import GENERATED, bin_rows, group_rows, headline
from benchmarks.score import Score, together
from benchmarks.tables import CHANCE, HEADINGS, escaped, interval, markdown, remarks, rows, share
from rclagent import InputError

START: Final = "<!-- benchmarks:start -->"
END: Final = "<!-- benchmarks:end -->"
RESULTS: Final = Path(__file__).parent / "results"
"""Score files that the documents show."""


def read_results(folder: Path) -> tuple[list[Score], list[dict[str, Any]]]:
    """Scores and quiet summaries of every ``*.json`` in a folder, RCLAgent first, then in order of file name.

    Raises:
        InputError: A file is not what ``score --out`` or ``quiet --out`` wrote, or none is there.
    """
    scores: list[Score] = []
    quiet: list[dict[str, Any]] = []
    for path in sorted(folder.glob("*.json")):
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            for entry in content if isinstance(content, list) else [content]:
                if entry["dataset"] == "quiet":
                    quiet.append(entry)
                elif entry["dataset"] not in ("all", GENERATED):
                    scores.append(Score.from_json(entry))
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(f"{path} is not a score: {error}.", "Write it with `score --out`.") from None
    if not scores:
        raise InputError(f"{folder} holds no scores.", "Write some with `score --out` first.")
    return sorted(scores, key=lambda score: score.method != "rclagent"), quiet


def read_calibrations(folder: Path) -> list[dict[str, Any]]:
    """Summaries that ``calibrate --out`` wrote among the ``*.json`` of a folder."""
    found = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))]
    return [content for content in found if isinstance(content, dict) and content["dataset"] == GENERATED]


def readme_figures(scores: Sequence[Score], quiet: Sequence[dict[str, Any]]) -> str:
    """A short table: how often rank 1 is a cause, by method and data set."""
    labels = list(dict.fromkeys(score.label for score in scores))
    methods = list(dict.fromkeys(score.method for score in scores))
    of = {(score.method, score.label): score for score in scores}
    pooled = {score.method: score for score in together(scores)}
    faults = {label: max(score.tally.n for score in scores if score.label == label) for label in labels}
    head = [
        "rank 1 is a cause",
        *(f"{label} ({faults[label]})" for label in labels),
        "all",
        "95 %",
        "recall@3",
    ]
    table = [head]
    for method in methods:
        cells = [share(_hit(of.get((method, label)))) for label in labels]
        tally = pooled[method].tally
        spread = interval(tally.first_hits, tally.n)
        table.append(
            [method, *cells, share(_hit(pooled[method])), spread, share(tally.figures()["recall@3"])]
        )
    table.append(_chance_cells(scores, labels))
    lines = [markdown(table, names=1), "", *map(_quiet_line, quiet)]
    return "\n".join(lines).rstrip()


def full_figures(
    scores: Sequence[Score], quiet: Sequence[dict[str, Any]], calibrations: Sequence[dict[str, Any]] = ()
) -> str:
    """Everything: all figures of all methods, RCLAgent by kind of fault, quiet windows, calibration."""
    own = [score for score in scores if score.method == "rclagent"]
    parts = ["### All methods", markdown([list(HEADINGS), *rows(scores)])]
    parts += [f"- {escaped(remark)}" for remark in remarks(scores)]
    if own:
        parts += ["### RCLAgent by kind of fault", markdown(_by_kind(own))]
    if quiet:
        parts += ["### Quiet windows", *map(_quiet_line, quiet)]
    for content in calibrations:
        parts += ["### Calibration on generated incidents", escaped(headline(content))]
        parts += [markdown(bin_rows(content), names=1), markdown(group_rows(content), names=1)]
    return "\n\n".join(parts)


def insert(path: Path, figures: str) -> str:
    """The document with the figures between its markers.

    Raises:
        InputError: The document is missing or does not hold the markers once each, in order.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.", "Restore the document.") from None
    before, start, rest = text.partition(START)
    _, end, after = rest.partition(END)
    if not start or not end:
        raise InputError(f"{path} lacks the markers.", f"Add the lines {START} and {END}.")
    return f"{before}{START}\n{figures}\n{END}{after}"


def _hit(score: Score | None) -> float | None:
    return None if score is None else score.tally.figures()["first_hit@1"]


def _chance_cells(scores: Sequence[Score], labels: Sequence[str]) -> list[str]:
    fullest = [max((s for s in scores if s.label == label), key=lambda s: s.tally.n) for label in labels]
    total = together([replace(score, method=CHANCE) for score in fullest])[0].chance
    cells = [share(score.chance.figures()["first_hit@1"]) for score in fullest]
    figures = total.figures()
    spread = interval(total.first_hits, total.n)
    return [CHANCE, *cells, share(figures["first_hit@1"]), spread, share(figures["recall@3"])]


def _by_kind(scores: Sequence[Score]) -> list[list[str]]:
    table = [
        ["data", "kind of fault", "faults", "first_hit@1", "recall@3", "recall@5", "mrr", "kind named right"]
    ]
    for score in scores:
        for kind, tally in score.by_fault_type.items():
            figures = tally.figures()
            keys = ("first_hit@1", "recall@3", "recall@5", "mrr", "fault_type_accuracy")
            table.append([score.label, kind, str(tally.n), *(share(figures[key]) for key in keys)])
    return table


def _quiet_line(summary: dict[str, Any]) -> str:
    low, high = summary["intervals"]["false_alarm_rate"]
    verdicts = ", ".join(f"{count} {verdict}" for verdict, count in summary["verdicts"].items())
    return (
        f"Of {summary['n_windows']} quiet windows of {escaped(summary['data'])}: {verdicts}; "
        f"false alarms {share(summary['false_alarm_rate'])} ({low:.2f}-{high:.2f}); "
        f"some evidence in {summary['windows_with_evidence']}."
    )
