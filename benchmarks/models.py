"""What a language model changes: the same incidents without one and with it, and its controls beside it.

A model is worth something only where it does better than ``random-citer``, which cites as well as anybody
and knows nothing; ``adversary`` and ``oracle`` are told the label and bound what any model can do.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final

from benchmarks.model_answers import NONE, Answer, Place
from benchmarks.statistics import wilson
from benchmarks.tables import CHANCE, interval, share

NAME: Final = "models"
"""Kind of the result file."""
HEADINGS: Final = (
    "data",
    "model",
    "calls go to",
    "faults",
    "asked about",
    "calls",
    "first_hit@1",
    "95 %",
    "recall@1",
    "recall@3",
    "mrr",
    "open",
    "of these first_hit@1",
    "turned right",
    "turned wrong",
    "claims",
    "dropped",
)
"""Columns of the table."""


def summary(answers: Sequence[Answer]) -> dict[str, Any]:
    """Figures of every subject on every data set, as JSON."""
    groups: dict[tuple[str, str, str], list[Answer]] = {}
    for answer in answers:
        groups.setdefault((answer.data, answer.spend, answer.model), []).append(answer)
    without = {answer.place: answer for answer in answers if answer.model == NONE}
    opened = {answer.place for answer in answers if answer.candidates > 1}
    return {
        "dataset": NAME,
        "groups": [_group(members, without, opened) for members in groups.values()],
    }


def rows(content: Mapping[str, Any]) -> list[list[str]]:
    """A row a subject, data set and spending; the first row is the head."""
    return [list(HEADINGS), *map(_row, content["groups"])]


def remarks(content: Mapping[str, Any]) -> list[str]:
    """What a reader must know beside the table: what was answered, why claims were dropped, what failed."""
    lines = []
    for model in dict.fromkeys(group["model"] for group in content["groups"]):
        groups = [group for group in content["groups"] if group["model"] == model]
        lines += _account(model, groups)
    return lines


def _account(model: str, groups: Sequence[Mapping[str, Any]]) -> list[str]:
    if model in (NONE, CHANCE):
        return []
    answered, questions = (sum(group[key] for group in groups) for key in ("answered", "questions"))
    seeds = max(group["seeds"] for group in groups)
    means = f" (means over {seeds} seeds)" if seeds > 1 else ""
    lines = [f"{model} answered {_count(answered)} of {_count(questions)} questions{means}."]
    dropped: Counter[str] = Counter()
    for group in groups:
        dropped.update(group["claims_dropped"])
    if dropped:
        reasons = "; ".join(f"{reason} ({_count(number)})" for reason, number in sorted(dropped.items()))
        lines.append(f"Claims of {model} that count nothing: {reasons}.")
    failed: Counter[str] = Counter()
    for group in groups:
        failed.update(group["failed"])
    return [
        *lines,
        *(f"{model} failed and counts as a miss ({number}): {error}" for error, number in failed.items()),
    ]


def _group(
    members: Sequence[Answer],
    without: Mapping[Place, Answer],
    opened: Collection[Place],
) -> dict[str, Any]:
    """Figures of one subject; of several seeds the mean, so that faults are what is counted."""
    first = members[0]
    seeds = len({answer.seed for answer in members})
    left_open = [answer for answer in members if answer.place in opened]
    changes = [answer.first_hit - without[answer.place].first_hit for answer in members]
    dropped: Counter[str] = Counter()
    for answer in members:
        dropped.update(answer.dropped)
    n, n_open = len(members) // seeds, len(left_open) // seeds
    hits, open_hits = (sum(answer.first_hit for answer in part) / seeds for part in (members, left_open))
    return {
        "data": first.data,
        "spend": first.spend,
        "model": first.model,
        "seeds": seeds,
        "n_faults": n,
        "n_asked": len({answer.case for answer in members if answer.questions}),
        "calls": sum(answer.calls for answer in members) / seeds,
        "first_hit@1": hits / max(n, 1),
        "recall@1": _mean(answer.recall_1 for answer in members),
        "recall@3": _mean(answer.recall_3 for answer in members),
        "mrr": _mean(answer.reciprocal_rank for answer in members),
        "n_open": n_open,
        "open_first_hit@1": open_hits / n_open if n_open else None,
        "turned_right": sum(max(0.0, change) for change in changes) / seeds,
        "turned_wrong": sum(max(0.0, -change) for change in changes) / seeds,
        "intervals": {
            "first_hit@1": list(wilson(hits, n)),
            "open_first_hit@1": list(wilson(open_hits, n_open)),
        },
        "questions": sum(answer.questions for answer in members) / seeds,
        "answered": sum(answer.answered for answer in members) / seeds,
        "claims": sum(answer.claims for answer in members) / seeds,
        "claims_dropped": {reason: number / seeds for reason, number in sorted(dropped.items())},
        "failed": dict(sorted(Counter(answer.error for answer in members if answer.error).items())),
    }


def _count(value: float) -> str:
    """A count, or a mean of counts over seeds."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _mean(values: Iterable[float]) -> float:
    found = list(values)
    return sum(found) / max(len(found), 1)


def _row(group: Mapping[str, Any]) -> list[str]:
    n, n_open = group["n_faults"], group["n_open"]
    by_model = group["model"] not in (NONE, CHANCE)

    def told(value: float) -> str:
        return _count(value) if by_model else "-"

    open_hits = "-"
    if n_open:
        hits = group["open_first_hit@1"]
        open_hits = f"{share(hits)} ({interval(hits * n_open, n_open)})"
    return [
        group["data"],
        group["model"],
        group["spend"],
        str(n),
        told(group["n_asked"]),
        told(group["calls"]),
        share(group["first_hit@1"]),
        interval(group["first_hit@1"] * n, n),
        share(group["recall@1"]),
        share(group["recall@3"]),
        share(group["mrr"]),
        str(n_open),
        open_hits,
        told(group["turned_right"]),
        told(group["turned_wrong"]),
        told(group["claims"]),
        told(sum(group["claims_dropped"].values())),
    ]
