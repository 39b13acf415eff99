"""Modalities dropped: the same faults seen with fewer kinds of telemetry, side by side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import rclagent
from benchmarks.cases import CaseView
from benchmarks.datasets import MODALITIES, load_dataset
from benchmarks.methods import diagnose_case, ranking
from benchmarks.nezha import day_folders
from benchmarks.protocol import WINDOW_S
from benchmarks.ranking import Ranked
from benchmarks.runs import Run, RunHeader, code_digest, run_case
from benchmarks.score import Score, score_run
from benchmarks.tables import interval, share
from rclagent import Diagnosis, InputError

NAME: Final = "modalities"
"""Kind of the result file."""
SETS: Final = (
    ("traces",),
    ("traces", "metrics"),
    ("traces", "logs"),
    ("traces", "logs", "metrics"),
    ("logs", "metrics"),
)
"""What is left in."""
HEADINGS: Final = (
    "data",
    "telemetry",
    "faults",
    "first_hit@1",
    "95 %",
    "recall@1",
    "recall@3",
    "chance",
    "verdicts",
    "crashes",
)
"""Columns of the table."""

_RECORDED: Final[Mapping[str, Sequence[str]]] = {"nezha": MODALITIES, "shapleyiq": ("traces",)}


def judge_sets(
    data: Path, limit: int | None = None, tell: Callable[[str], None] = lambda line: None
) -> Iterator[dict[str, Any]]:
    """Runs RCLAgent on a data set once for each set of modalities that it has, days apart.

    Args:
        data: Folder of a data set, of any kind that ``run --dataset`` knows.
        limit: Only the first faults of each day.
        tell: Told of each case.

    Yields:
        A score as JSON with ``verdicts`` (counts) and ``missing`` (what every answer says was not seen).

    Raises:
        InputError: The folder holds no data set.
    """
    kind = _kind(data)
    days = [folder.name for folder in day_folders(data, None)] if kind == "nezha" else [None]
    for day in days:
        for modalities in SETS:
            if set(modalities) <= set(_RECORDED[kind]):
                yield _judge(kind, data, day, modalities, limit, tell)


def summary(parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """All sets of all data sets, as JSON."""
    return {"dataset": NAME, "sets": list(parts)}


def scores(content: Mapping[str, Any]) -> list[Score]:
    """The scores in a result, each with its set of modalities in place of the method."""
    return [
        replace(Score.from_json(part), method=_named(part["run"]["modalities"])) for part in content["sets"]
    ]


def rows(content: Mapping[str, Any]) -> list[list[str]]:
    """A row a data set and set of modalities; the first row is the head."""
    pairs = zip(scores(content), content["sets"], strict=True)
    return [list(HEADINGS), *(_row(score, part["verdicts"]) for score, part in pairs)]


def unseen(content: Mapping[str, Any]) -> list[str]:
    """A line a set of modalities: what the coverage of the answers says that it could not see."""
    lines = []
    for name, parts in _by_set(content).items():
        sentences = dict.fromkeys(sentence for _, part in parts for sentence in part["missing"])
        said = [_quoted(sentence, parts) for sentence in sorted(sentences)]
        if said:
            lines.append(f"With {name} the coverage says {', '.join(said)}.")
    return lines


def _by_set(content: Mapping[str, Any]) -> dict[str, list[tuple[str, Mapping[str, Any]]]]:
    """Set of modalities -> data set and result."""
    groups: dict[str, list[tuple[str, Mapping[str, Any]]]] = {}
    for score, part in zip(scores(content), content["sets"], strict=True):
        groups.setdefault(score.method, []).append((score.label, part))
    return groups


def _quoted(sentence: str, parts: Sequence[tuple[str, Mapping[str, Any]]]) -> str:
    where = [label for label, part in parts if sentence in part["missing"]]
    of = "" if len(where) == len(parts) else f" ({', '.join(where)})"
    return f'"{sentence.rstrip(".")}"{of}'


def _kind(data: Path) -> str:
    if (data / "rca_data").is_dir():
        return "nezha"
    if (data / "labels.json").is_file():
        return "shapleyiq"
    raise InputError(
        f"{data} holds no data set: neither rca_data nor labels.json.",
        "Give the folders that `run --data` takes.",
    )


def _judge(
    kind: str,
    data: Path,
    day: str | None,
    modalities: Sequence[str],
    limit: int | None,
    tell: Callable[[str], None],
) -> dict[str, Any]:
    dataset = load_dataset(kind, data, day=day, modalities=modalities)
    answers: list[Diagnosis] = []

    def method(case: CaseView) -> list[Ranked]:
        answers.append(diagnose_case(case))
        return ranking(answers[-1])

    results = []
    for case in dataset.cases[:limit]:
        results.append(run_case(case, method, dataset.truths[case.id]))
        tell(f"{_named(modalities)}  {case.id}  {'failed' if results[-1].error else 'done'}")
    header = _header(kind, data, day, modalities, limit, len(results))
    said = [set(answer.coverage.missing) for answer in answers]
    return {
        **score_run(Run(header, tuple(results))).to_json(),
        "misses": [],  # kept with the project, unlike the labels of a data set, which they would repeat
        "verdicts": dict(sorted(Counter(answer.verdict.value for answer in answers).items())),
        "missing": sorted(set.intersection(*said)) if said else [],
    }


def _header(
    kind: str, data: Path, day: str | None, modalities: Sequence[str], limit: int | None, n_cases: int
) -> RunHeader:
    return RunHeader(
        dataset=kind,
        data=data.resolve().name,
        day=day,
        method="rclagent",
        modalities=tuple(modalities),
        window_s=WINDOW_S,
        limit=limit,
        n_cases=n_cases,
        version=rclagent.__version__,
        code=code_digest([Path(rclagent.__file__).parent, Path(__file__).parent]),
        date=datetime.now(tz=UTC).date().isoformat(),
    )


def _row(score: Score, verdicts: Mapping[str, int]) -> list[str]:
    figures, chance = score.tally.figures(), score.chance.figures()
    return [
        score.label,
        score.method,
        str(score.tally.n),
        share(figures["first_hit@1"]),
        interval(score.tally.first_hits, score.tally.n),
        share(figures["recall@1"]),
        share(figures["recall@3"]),
        share(chance["first_hit@1"]),
        ", ".join(f"{count} {verdict}" for verdict, count in verdicts.items()),
        str(len(score.failed)),
    ]


def _named(modalities: Sequence[str]) -> str:
    return " + ".join(modalities)
