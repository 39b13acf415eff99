"""Incidents diagnosed without a language model and with several, for ``models``."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final, TypeAlias

from benchmarks.cases import BenchmarkCase, CaseView, Truth
from benchmarks.datasets import load_dataset
from benchmarks.doubles import Known, Spending, Subject
from benchmarks.hard import hard_cases
from benchmarks.journal import Journal
from benchmarks.methods import incident_of, ranking
from benchmarks.nezha import day_folders
from benchmarks.ranking import Ranked, first_hit, recall_at, reciprocal_rank, ties
from benchmarks.tables import CHANCE
from rclagent import Diagnosis, InputError, diagnose_sync, plan_spending
from rclagent.testing import SenselessModel

NONE: Final = "none"
"""In place of a model: measurements alone."""
GENERATED: Final = "generated, hard"
"""Label of benchmarks.hard."""
SPENDINGS: Final[tuple[Spending, ...]] = ("suspicious", "all")
"""Where calls go."""

_MISS: Final[Mapping[str, Any]] = dict.fromkeys(("first_hit", "recall_1", "recall_3", "reciprocal_rank"), 0.0)

Case: TypeAlias = tuple[str, BenchmarkCase, Truth]
"""Label of the data, what is asked, what is right."""
Place: TypeAlias = tuple[str, Spending, str]
"""Label of the data, spending, case id: what is compared with and without a model."""
Key: TypeAlias = tuple[str, Spending, str, str, int]
"""A place, name of the subject, seed."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One diagnosis, as far as it is scored: no name of a service, so that it may be kept."""

    data: str
    """Label of the data."""
    case: str
    """Case id."""
    spend: Spending
    """Where calls go."""
    model: str
    """Name of the subject; NONE and CHANCE without one."""
    seed: int
    """Which of several."""
    first_hit: float
    """Probability that rank 1 is a cause."""
    recall_1: float
    """Share of the causes at rank 1."""
    recall_3: float
    """Share of the causes within the first 3."""
    reciprocal_rank: float
    """One over the expected rank of the first cause."""
    candidates: int = 0
    """Services whose order measurements leave open; known of NONE, and of whom there was something to ask."""
    questions: int = 0
    """Questions that there were for a model; for NONE those of agents."""
    answered: int = 0
    """Of these, answered in a form that can be used."""
    calls: int = 0
    """Requests."""
    claims: int = 0
    """Claims that counted."""
    dropped: dict[str, int] = field(default_factory=dict)
    """Others, by reason."""
    error: str = ""
    """Why there is no diagnosis; it is a miss."""

    @property
    def place(self) -> Place:
        """Where it belongs."""
        return self.data, self.spend, self.case

    @property
    def key(self) -> Key:
        """What tells it from all others."""
        return *self.place, self.model, self.seed


def labelled_cases(data: Path, limit: int | None = None, day: str | None = None) -> Iterator[Case]:
    """Every fault of a data set, days apart.

    Args:
        data: Folder of a data set, of any kind that ``run --dataset`` knows.
        limit: Only the first faults of each day.
        day: Only this day, where there are days.

    Raises:
        InputError: The folder holds no data set, or not the day.
    """
    kind = "shapleyiq" if (data / "labels.json").is_file() else "nezha"
    if kind == "nezha" and not (data / "rca_data").is_dir():
        raise InputError(
            f"{data} holds no data set: neither rca_data nor labels.json.",
            "Give the folders that `run --data` takes.",
        )
    days = [folder.name for folder in day_folders(data, day)] if kind == "nezha" else [None]
    for each in days:
        dataset = load_dataset(kind, data, day=each)
        label = " ".join(part for part in (data.resolve().name, each) if part)
        for case in dataset.cases[:limit]:
            yield label, case, dataset.truths[case.id]


def generated_cases(count: int, seed: int) -> Iterator[Case]:
    """Generated incidents that measurements often leave open."""
    for case, truth in hard_cases(count, seed):
        yield GENERATED, case, truth


def judge(
    cases: Iterable[Case],
    subjects: Sequence[Subject],
    spendings: Sequence[Spending],
    journal: Journal,
    tell: Callable[[str], None] = lambda line: None,
) -> list[Answer]:
    """Diagnoses every case without a model and with each subject, but for what the journal holds."""
    answers = {answer.key: answer for answer in (Answer(**line) for line in journal.lines)}
    for data, case, truth in cases:
        places: list[Place] = [(data, spend, case.id) for spend in spendings]
        runs = [(NONE, 0), (CHANCE, 0), *((subject.name, seed) for subject, seed in _asked(subjects))]
        if all((*place, *run) in answers for place in places for run in runs):
            continue
        view = case.load()
        for place in places:
            for answer in _judge_case(place, view, truth, subjects, set(answers)):
                answers[answer.key] = answer
                journal.add(asdict(answer))
                tell(f"{data}  {case.id}  {answer.spend}  {answer.model}: {answer.calls} calls")
    return list(answers.values())


def _judge_case(
    place: Place,
    view: CaseView,
    truth: Truth,
    subjects: Sequence[Subject],
    done: Collection[Key],
) -> Iterator[Answer]:
    """What is not done yet of one case."""
    spend = place[1]
    incident = incident_of(view)
    without = diagnose_sync(incident, spend=spend)
    planned = asyncio.run(plan_spending(incident, SenselessModel(), spend=spend))
    asks = bool(planned.questions) or planned.concludes
    if (*place, NONE, 0) not in done:
        left_open = {"candidates": len(planned.candidates), "questions": len(planned.questions)}
        yield _scored((*place, NONE, 0), view, truth, ranking(without), **left_open)
    if (*place, CHANCE, 0) not in done:
        yield _scored((*place, CHANCE, 0), view, truth, [])
    known = Known(tuple(cause.service for cause in without.root_causes), truth.services)
    for subject, seed in _asked(subjects):
        key = (*place, subject.name, seed)
        if key in done:
            continue
        try:
            # Where there is nothing to ask any model, the answer without one is the answer with it.
            diagnosis = asyncio.run(subject.ask(incident, spend, known, seed)) if asks else without
        except Exception as error:  # the case boundary: whatever goes wrong is a miss, and is counted
            yield replace(_scored(key, view, truth, []), **_MISS, error=f"{type(error).__name__}: {error}")
        else:
            yield _scored(key, view, truth, ranking(diagnosis), **_account(diagnosis))


def _asked(subjects: Sequence[Subject]) -> list[tuple[Subject, int]]:
    return [(subject, seed) for subject in subjects for seed in range(subject.seeds)]


def _scored(key: Key, view: CaseView, truth: Truth, ranked: Sequence[Ranked], **account: Any) -> Answer:
    data, spend, case, model, seed = key
    places, causes = ties(ranked, view.services), truth.services
    return Answer(
        data=data,
        case=case,
        spend=spend,
        model=model,
        seed=seed,
        first_hit=first_hit(places, causes),
        recall_1=recall_at(1, places, causes),
        recall_3=recall_at(3, places, causes),
        reciprocal_rank=reciprocal_rank(places, causes),
        **account,
    )


def _account(diagnosis: Diagnosis) -> dict[str, Any]:
    reasoning = diagnosis.agents.reasoning
    if reasoning is None:
        return {}
    return {
        "candidates": len(reasoning.candidates_weighed),
        "questions": reasoning.questions,
        "answered": reasoning.answered,
        "calls": diagnosis.usage.model_calls,
        "claims": reasoning.claims,
        "dropped": reasoning.claims_dropped,
    }
