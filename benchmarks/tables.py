"""Tables of scores: plain text for a terminal, Markdown for the documents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from benchmarks.score import ALL, Score, Tally, together
from benchmarks.statistics import wilson

CHANCE: Final = "chance"
"""Name of the row for a uniform random order."""
HEADINGS: Final = (
    "data",
    "method",
    "faults",
    "first_hit@1",
    "95 %",
    "recall@1",
    "recall@3",
    "recall@5",
    "mrr",
    "type",
    "family",
    "s/fault",
    "MiB",
)
"""Columns of a full table."""


def rows(scores: Sequence[Score]) -> list[list[str]]:
    """A row a score, by data set, with chance below each, and all data sets together at the end."""
    labels = list(dict.fromkeys(score.label for score in scores))
    groups = [[score for score in scores if score.label == label] for label in labels]
    if len(groups) > 1:
        groups.append(together(scores))
    return [row for group in groups for row in [*map(_row, group), _chance_row(group)]]


def plain(table: Sequence[Sequence[str]]) -> str:
    """Columns side by side, the first two to the left."""
    printed = [[printable(cell) for cell in row] for row in table]
    widths = [max(len(row[column]) for row in printed) for column in range(len(printed[0]))]
    lines = []
    for row in printed:
        named = [cell.ljust(width) for cell, width in zip(row[:2], widths, strict=False)]
        figures = [cell.rjust(width) for cell, width in zip(row[2:], widths[2:], strict=True)]
        lines.append("  ".join([*named, *figures]).rstrip())
    return "\n".join(lines)


def markdown(table: Sequence[Sequence[str]], *, names: int = 2) -> str:
    """A Markdown table; the first row is its head, the first columns are names and stand to the left."""
    head, *body = [[escaped(cell) for cell in row] for row in table]
    rule = ["---" if column < names else "---:" for column in range(len(head))]
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, rule, *body])


def remarks(scores: Sequence[Score]) -> list[str]:
    """What a reader must know beside the table: runs of fewer cases, failed cases."""
    lines = [
        f"{score.label}, {score.method}: only the first {score.run['limit']} faults were run."
        for score in scores
        if score.run.get("limit") is not None
    ]
    lines += [
        f"{score.label}, {score.method}: {case['case']} failed and counts as a miss: {case['error']}"
        for score in scores
        for case in score.failed
    ]
    return [printable(line) for line in lines]


def misses(score: Score) -> list[str]:
    """A line a fault whose rank 1 is not surely a cause."""
    lines = []
    for miss in score.misses:
        causes = ", ".join(f"{service} ({kind})" for service, kind in miss["causes"])
        rank = "in no place" if miss["mean_rank"] is None else f"at {miss['mean_rank']:g}"
        first = ", ".join(miss["first"]) or "nothing"
        lines.append(printable(f"{miss['case']}: {causes} {rank}; first: {first}"))
    return lines


def share(value: float | None) -> str:
    """A share at two digits; a dash where there is none."""
    return "-" if value is None else f"{value:.2f}"


def interval(hits: float, n: int) -> str:
    """Wilson's 95 % interval at two digits."""
    low, high = wilson(hits, n)
    return f"{low:.2f}-{high:.2f}"


def printable(text: str) -> str:
    """Text from telemetry without characters that could steer a terminal."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def escaped(text: str) -> str:
    """Printable text that Markdown shows as it is."""
    return "".join("\\" + c if c in "\\|`*_<>[]#" else c for c in printable(text))


def _row(score: Score) -> list[str]:
    figures = score.tally.figures()
    return [
        score.label,
        score.method,
        *_common(score.tally),
        share(figures["fault_type_accuracy"]),
        share(score.tally.family_accuracy),
        f"{score.seconds / max(score.tally.n, 1):.1f}",
        f"{score.peak_rss_mb:.0f}",
    ]


def _chance_row(group: Sequence[Score]) -> list[str]:
    fullest = max(group, key=lambda score: (score.tally.n, score.chance.first_hits))
    label = ALL if fullest.dataset == ALL else fullest.label
    return [label, CHANCE, *_common(fullest.chance), "-", "-", "-", "-"]


def _common(tally: Tally) -> list[str]:
    figures = tally.figures()
    return [
        str(tally.n),
        share(figures["first_hit@1"]),
        interval(tally.first_hits, tally.n),
        *(share(figures[key]) for key in ("recall@1", "recall@3", "recall@5", "mrr")),
    ]
