"""Writes the figures of the result files into the documents, between two marker lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from benchmarks import calibrate, cost_tables, modalities, models, onset, quiet, scale, weakest
from benchmarks.kept import Content, Kept
from benchmarks.score import Score, together
from benchmarks.tables import CHANCE, HEADINGS, escaped, interval, markdown, remarks, rows, share
from rclagent import InputError

START: Final = "<!-- benchmarks:start -->"
END: Final = "<!-- benchmarks:end -->"
PICTURE: Final = "weakest-delay.svg"
"""File beside the page of all figures."""


def readme_figures(kept: Kept) -> str:
    """A short table: how often rank 1 is a cause, by method and data set; and the quiet windows."""
    scores = kept.scores
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
    lines = [markdown(table, names=1), *(escaped(quiet.headline(content)) for content in kept.quiet)]
    return "\n\n".join(lines)


def full_figures(kept: Kept) -> str:
    """Everything, a section a command; those whose result files are absent are left out."""
    sections = (
        ("All methods", _methods(kept.scores)),
        ("RCLAgent by kind of fault", _kinds(kept.scores)),
        ("RCLAgent without some of its parts", _ablations(kept)),
        ("Modalities dropped", [part for content in kept.modalities for part in _modalities(content)]),
        ("Quiet windows", [part for content in kept.quiet for part in _quiet(content)]),
        ("Weakest delay", [part for content in kept.weakest for part in _weakest(content)]),
        ("Unknown alarm", [markdown(onset.rows(content)) for content in kept.onsets]),
        (
            "Calibration on generated incidents",
            [part for content in kept.calibrations for part in _calibration(content)],
        ),
        ("Language models", [part for content in kept.models for part in _models(content)]),
        ("Scale", [markdown(scale.size_rows(kept.scales), names=0)] if kept.scales else []),
        ("Model cost", [part for content in kept.costs for part in _cost(content)]),
    )
    return "\n\n".join("\n\n".join([f"### {title}", *parts]) for title, parts in sections if parts)


def picture(kept: Kept) -> str | None:
    """What PICTURE shows: the weakest delay; None where it was not measured."""
    return weakest.picture(kept.weakest[-1]) if kept.weakest else None


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


def _methods(scores: Sequence[Score]) -> list[str]:
    return [markdown([list(HEADINGS), *rows(scores)]), *_bullets(remarks(scores))]


def _kinds(scores: Sequence[Score]) -> list[str]:
    own = [score for score in scores if score.method == "rclagent"]
    return [markdown(_by_kind(own))] if own else []


def _ablations(kept: Kept) -> list[str]:
    """Rank 1 and recall@3 of each ablation, by data set."""
    if not kept.ablations:
        return []
    labels = list(dict.fromkeys(score.label for score in kept.ablations))
    of = {(score.method, score.label): score for score in kept.ablations}
    methods = dict.fromkeys(score.method for score in kept.ablations)
    figures = ("first_hit@1", "recall@3")
    head = ["method", *(f"{label} {figure}" for label in labels for figure in figures)]
    table = [
        [
            method,
            *(
                "-" if (score := of.get((method, label))) is None else share(score.tally.figures()[figure])
                for label in labels
                for figure in figures
            ),
        ]
        for method in methods
    ]
    return [markdown([head, *table], names=1)]


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


def _modalities(content: Content) -> list[str]:
    said = [*modalities.unseen(content), *remarks(modalities.scores(content))]
    return [markdown(modalities.rows(content)), *_bullets(said)]


def _quiet(content: Content) -> list[str]:
    return [escaped(quiet.headline(content)), *_bullets(quiet.alarm_lines(content))]


def _weakest(content: Content) -> list[str]:
    shown = f"![recall@1 of each method against the strength of the delay]({PICTURE})"
    return [escaped(weakest.headline(content)), shown, markdown(weakest.rows(content), names=0)]


def _calibration(content: Content) -> list[str]:
    tables = (calibrate.bin_rows(content), calibrate.group_rows(content))
    return [escaped(calibrate.headline(content)), *(markdown(table, names=1) for table in tables)]


def _cost(content: Content) -> list[str]:
    traces, incidents = cost_tables.trace_rows(content), cost_tables.incident_rows(content)
    overhead = markdown(cost_tables.overhead_rows(content), names=1)
    return [*_bullets(cost_tables.headlines(content)), markdown(traces), markdown(incidents), overhead]


def _models(content: Content) -> list[str]:
    return [markdown(models.rows(content), names=3), *_bullets(models.remarks(content))]


def _bullets(lines: Sequence[str]) -> list[str]:
    return ["\n".join(f"- {escaped(line)}" for line in lines)] if lines else []
