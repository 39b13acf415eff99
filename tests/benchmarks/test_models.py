"""What a language model changes."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from benchmarks.doubles import DOUBLES, Known, double, server
from benchmarks.journal import Journal
from benchmarks.model_answers import NONE, Answer, generated_cases, judge, labelled_cases
from benchmarks.models import HEADINGS, remarks, rows, summary
from benchmarks.tables import CHANCE
from rclagent import InputError, Limits

if TYPE_CHECKING:
    from tests.benchmarks.conftest import NezhaSystem

OPEN_AND_RIGHT, OPEN_AND_WRONG = 279, 175
"""Generated incidents left open, whose cause measurements put first, and second."""


def answer(case: str, model: str, first_hit: float, seed: int = 0, **more: object) -> Answer:
    """One diagnosis."""
    made = Answer("data", case, "suspicious", model, seed, first_hit, first_hit, 1.0, (1 + first_hit) / 2)
    return replace(made, **more)  # type: ignore[arg-type]


ANSWERS = [
    answer("a", NONE, 1.0),
    answer("b", NONE, 0.0),
    answer("a", CHANCE, 0.25),
    answer("b", CHANCE, 0.25),
    answer("a", "m", 1.0, calls=0),
    answer("b", "m", 1.0, candidates=2, questions=2, answered=2, calls=3, claims=1),
    answer("a", "m", 0.5, seed=1, calls=0),
    answer("b", "m", 0.0, seed=1, candidates=2, questions=2, calls=2, dropped={"uncited": 3}),
]


def test_seeds_are_averaged_and_faults_are_what_is_counted() -> None:
    """By hand: m hits (1 + 1 + 0.5 + 0) / 2 seeds = 1.25 of two faults, 0.5 of the one that is open."""
    content = summary(ANSWERS)
    none, chance, model = content["groups"]
    assert (none["first_hit@1"], chance["first_hit@1"], model["first_hit@1"]) == (0.5, 0.25, 0.625)
    assert (model["n_faults"], model["n_open"], model["n_asked"], model["calls"]) == (2, 1, 1, 2.5)
    assert (none["open_first_hit@1"], model["open_first_hit@1"]) == (0.0, 0.5)
    assert (model["turned_right"], model["turned_wrong"]) == (0.5, 0.25)
    assert model["claims_dropped"] == {"uncited": 1.5}
    table = [dict(zip(HEADINGS, row, strict=True)) for row in rows(content)[1:]]
    assert [row["turned right"] for row in table] == ["-", "-", "0.5"]
    assert table[2]["of these first_hit@1"].startswith("0.50 (")
    assert remarks(content) == [
        "m answered 1 of 2 questions (means over 2 seeds).",
        "Claims of m that count nothing: uncited (1.5).",
    ]


def test_a_diagnosis_that_fails_is_a_miss_and_is_told() -> None:
    """It turns a right case wrong."""
    (*_, model) = summary([ANSWERS[0], answer("a", "m", 0.0, error="ValueError: no")])["groups"]
    assert (model["turned_wrong"], model["failed"]) == (1.0, {"ValueError: no": 1})
    assert remarks({"groups": [model]})[-1] == "m failed and counts as a miss (1): ValueError: no"


def test_bounds_are_told_the_label() -> None:
    """The cause ranked highest, and who is none and ranked highest; where all are causes, the last."""
    known = Known(("a", "b", "c"), ("c", "b"))
    assert (known.cause, known.bystander) == ("b", "a")
    assert (Known(("a", "b"), ("a",)).bystander, Known(("a", "b"), ("a", "b")).bystander) == ("b", "b")
    assert (Known((), ("a",)).cause, Known((), ("a",)).bystander) == ("a", "a")


@pytest.mark.parametrize(
    ("number", "turned"),
    [(OPEN_AND_RIGHT, {"adversary": -1.0}), (OPEN_AND_WRONG, {"oracle": 1.0})],
)
def test_bounds_turn_what_is_open_and_senseless_answers_turn_nothing(
    number: int, turned: dict[str, float], tmp_path: Path
) -> None:
    """A second run takes everything from the journal."""
    subjects = [double(name, 1) for name in DOUBLES]
    journal = Journal(tmp_path / "run.jsonl", {})
    answers = judge(generated_cases(1, number), subjects, ["suspicious"], journal)
    hits = {found.model: found.first_hit for found in answers}
    (asked,) = {found.questions for found in answers if found.model in DOUBLES}
    assert asked > 0 and all(found.calls for found in answers if found.model in DOUBLES)
    changes = {name: hits[name] - hits[NONE] for name in ("senseless", "adversary", "oracle")}
    assert changes == {"senseless": 0.0, "adversary": 0.0, "oracle": 0.0} | turned
    told: list[str] = []
    again = Journal(tmp_path / "run.jsonl", {})
    assert judge(generated_cases(1, number), subjects, ["suspicious"], again, told.append) == answers
    assert told == [] and again.lines == [asdict(found) for found in answers]


def test_where_nothing_is_open_nobody_is_asked(nezha_system: NezhaSystem) -> None:
    """The answer is the one without a model, unless every agent asks."""
    cases = list(labelled_cases(nezha_system.write(("11:05:00", "11:15:00")), limit=1))
    assert [label for label, _, _ in cases] == ["system 2023-01-30"]
    answers = judge(cases, [double("adversary", 1)], ["suspicious", "all"], Journal(None, {}))
    calls = {(found.spend, found.model): found.calls for found in answers}
    assert calls["suspicious", "adversary"] == 0 < calls["all", "adversary"]
    assert {found.first_hit for found in answers if found.model != CHANCE} == {1.0}


def test_whoever_fails_does_not_end_the_run() -> None:
    """What it failed with is kept."""
    subject = double("senseless", 1)

    async def fail(*arguments: object) -> object:
        raise ValueError("no answer")

    broken = replace(subject, ask=fail)  # type: ignore[arg-type]
    answers = judge(generated_cases(1, OPEN_AND_RIGHT), [broken], ["suspicious"], Journal(None, {}))
    (failed,) = [found for found in answers if found.model == "senseless"]
    assert (failed.first_hit, failed.error) == (0.0, "ValueError: no answer")


def test_a_server_without_an_address_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is run."""
    for name in ("OPENAI_BASE_URL", "OPENAI_API_BASE", "OPENAI_API_KEY", "LLM_API_URL", "LLM_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(InputError):
        server("small", None, 60.0, Limits())
    assert server("small", "http://127.0.0.1:9/v1", 60.0, Limits()).name == "small"


def test_a_folder_without_a_data_set_is_told(tmp_path: Path) -> None:
    """Before anything is run."""
    with pytest.raises(InputError, match="holds no data set"):
        list(labelled_cases(tmp_path))
