"""Running, failing, being killed and going on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.cases import BenchmarkCase, CaseView, Cause, Dataset, Truth
from benchmarks.methods import answer, find_method, random
from benchmarks.ranking import Ranked
from benchmarks.runs import RunHeader, code_digest, execute, read_run
from benchmarks.score import score_run
from rclagent import InputError, Telemetry, Window

HEADER = RunHeader(
    dataset="nezha",
    data="system",
    day=None,
    method="plug:in",
    modalities=("traces",),
    window_s=180.0,
    limit=None,
    n_cases=3,
    version="1",
    code="abc",
    date="2024-01-01",
)


def view(case_id: str) -> CaseView:
    return CaseView(case_id, 0, Window(0, 1), Telemetry(), Telemetry(), (), ("a", "b", "c", "d"))


def case(case_id: str, load: Callable[[], CaseView] | None = None) -> BenchmarkCase:
    return BenchmarkCase(case_id, load or (lambda: view(case_id)))


TRUTHS = {case_id: Truth((Cause("b", "cpu"),)) for case_id in ("one", "two", "three")}
DATASET = Dataset("nezha", tuple(case(case_id) for case_id in TRUTHS), TRUTHS)


def right(seen: CaseView) -> list[Ranked]:
    return [("b", 2.0, "cpu"), ("a", 1.0, None)]


def breaks_on_two(seen: CaseView) -> list[Ranked]:
    if seen.id == "two":
        raise ZeroDivisionError("no luck")
    return right(seen)


def test_a_run_is_written_and_read_back(tmp_path: Path) -> None:
    run = execute(DATASET, right, HEADER, tmp_path / "run.jsonl")
    assert read_run(tmp_path / "run.jsonl") == run
    assert [result.ranking for result in run.results] == [(("b", 2.0, "cpu"), ("a", 1.0, None))] * 3
    assert [path.name for path in tmp_path.iterdir()] == ["run.jsonl"]


def test_a_broken_method_is_a_miss_and_listed(tmp_path: Path) -> None:
    score = score_run(execute(DATASET, breaks_on_two, HEADER, tmp_path / "run.jsonl")).to_json()
    assert score["n_faults"] == 3
    assert score["first_hit@1"] == pytest.approx(2 / 3)
    assert score["failed"] == [{"case": "two", "error": "ZeroDivisionError: no luck"}]


def test_a_broken_method_is_a_miss_even_where_chance_would_have_hit(tmp_path: Path) -> None:
    """A failed case earns nothing: not even the share of a place that naming nobody would."""
    score = score_run(execute(DATASET, breaks_on_two, HEADER, tmp_path / "run.jsonl")).to_json()
    assert score["recall@5"] == pytest.approx(2 / 3)


def test_telemetry_that_cannot_be_read_is_a_miss_and_listed(tmp_path: Path) -> None:
    def unreadable() -> CaseView:
        raise InputError("The file is cut.", "Restore it.")

    dataset = Dataset("nezha", (case("one"), case("two", unreadable), case("three")), TRUTHS)
    score = score_run(execute(dataset, right, HEADER, tmp_path / "run.jsonl")).to_json()
    assert (score["n_faults"], score["first_hit@1"]) == (3, pytest.approx(2 / 3))
    assert score["failed"] == [{"case": "two", "error": "InputError: The file is cut. Restore it."}]


def test_a_killed_run_goes_on_where_it_stopped(tmp_path: Path) -> None:
    """Killed within the third case, while the line of the second was half written."""
    out = tmp_path / "run.jsonl"

    def killed(seen: CaseView) -> list[Ranked]:
        if seen.id == "three":
            raise KeyboardInterrupt
        return right(seen)

    with pytest.raises(KeyboardInterrupt):
        execute(DATASET, killed, HEADER, out)
    part = tmp_path / "run.jsonl.part"
    part.write_bytes(part.read_bytes()[:-20])
    assert not out.exists()

    asked = []

    def remembers(seen: CaseView) -> list[Ranked]:
        asked.append(seen.id)
        return right(seen)

    run = execute(DATASET, remembers, replace(HEADER, date="2024-01-02"), out)
    assert asked == ["two", "three"]
    assert [result.case for result in run.results] == ["one", "two", "three"]
    assert read_run(out).results == run.results
    assert not part.exists()


def test_an_unfinished_run_is_not_scored(tmp_path: Path) -> None:
    (tmp_path / "run.jsonl.part").write_text("", encoding="utf-8")
    with pytest.raises(InputError, match="goes on where it stopped"):
        read_run(tmp_path / "run.jsonl")


def test_a_run_of_other_code_is_not_continued(tmp_path: Path) -> None:
    out = tmp_path / "run.jsonl"
    execute(DATASET, right, HEADER, out)
    out.rename(tmp_path / "run.jsonl.part")
    with pytest.raises(InputError, match="code 'abc', not 'xyz'"):
        execute(DATASET, right, replace(HEADER, code="xyz"), out)


def test_a_finished_run_is_replaced_by_a_new_one_of_its_kind_only(tmp_path: Path) -> None:
    out = tmp_path / "run.jsonl"
    execute(DATASET, breaks_on_two, HEADER, out)
    assert execute(DATASET, right, replace(HEADER, code="xyz"), out).results[1].error is None
    with pytest.raises(InputError, match="method 'plug:in', not 'random'"):
        execute(DATASET, random, replace(HEADER, method="random"), out)


def test_only_the_first_cases_are_run_where_a_limit_is_given(tmp_path: Path) -> None:
    run = execute(DATASET, right, replace(HEADER, limit=2, n_cases=2), tmp_path / "run.jsonl")
    assert [result.case for result in run.results] == ["one", "two"]


@pytest.mark.parametrize("content", ["", "{}\n", "not json\n", '{"modalities": 3}\n'])
def test_a_file_that_is_no_run_is_told(tmp_path: Path, content: str) -> None:
    path = tmp_path / "run.jsonl"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match="not a run"):
        read_run(path)


def test_the_digest_follows_the_code(tmp_path: Path) -> None:
    module = tmp_path / "module.py"
    module.write_text("a = 1\n", encoding="utf-8")
    before = code_digest([tmp_path])
    module.write_text("a = 2\n", encoding="utf-8")
    assert code_digest([tmp_path]) != before


def test_methods_are_found_by_name_or_as_plug_ins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my_plug_in.py").write_text(
        "def rank(case):\n    return [('b', 1, None)]\n", encoding="utf-8"
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert find_method("random") is random
    assert answer(find_method("my_plug_in:rank"), view("one")) == [("b", 1.0, None)]


@pytest.mark.parametrize("name", ["telepathy", "no_such_module:rank", "json:no_such_object", "json:__name__"])
def test_an_unknown_method_is_told(name: str) -> None:
    with pytest.raises(InputError, match=name.split(":")[0]):
        find_method(name)


@pytest.mark.parametrize(
    "entry", [("a", float("nan"), None), ("a", float("inf"), None), (1, 2.0, None), ("a", 1.0, 5)]
)
def test_an_answer_that_is_no_ranking_is_refused(entry: Ranked) -> None:
    with pytest.raises(ValueError, match="not \\(service"):
        answer(lambda seen: [entry], view("one"))
