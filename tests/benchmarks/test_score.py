"""Figures of whole runs against numbers worked out by hand."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from benchmarks.cases import Cause, Truth
from benchmarks.ranking import Ranked
from benchmarks.runs import CaseResult, Run, RunHeader
from benchmarks.score import Score, score_run, together

HEADER = RunHeader("nezha", "system", None, "mine", ("traces",), 180.0, None, 4, "1", "abc", "2024-01-01")
CANDIDATES = ("a", "b", "c", "d", "e")


def result(
    case: str, causes: list[Cause], ranking: list[Ranked], seconds: float = 1.0, error: str | None = None
) -> CaseResult:
    return CaseResult(case, Truth(tuple(causes)), CANDIDATES, tuple(ranking), seconds, 100.0, error)


RUN = Run(
    HEADER,
    (
        result("hit", [Cause("a", "cpu")], [("a", 2.0, "cpu"), ("b", 1.0, None)]),
        result("wrong kind", [Cause("b", "exception")], [("b", 2.0, "wrong_result")], 3.0),
        result("second", [Cause("c", "cpu")], [("a", 2.0, "cpu"), ("c", 1.0, "cpu")]),
        result("pair", [Cause("a", "cpu"), Cause("b", "cpu")], [("a", 2.0, "memory"), ("c", 1.0, None)]),
    ),
)


def test_the_published_keys_come_first_and_exactly() -> None:
    assert list(score_run(RUN).to_json())[:13] == [
        "dataset",
        "method",
        "n_faults",
        "recall@1",
        "recall@3",
        "recall@5",
        "first_hit@1",
        "mrr",
        "fault_type_accuracy",
        "by_fault_type",
        "seconds_per_fault",
        "peak_rss_mb",
        "data",
    ]


def test_figures_are_means_over_the_faults() -> None:
    """In "pair", b shares places 3..5 with d and e: within 3 with a chance of one in three."""
    score = score_run(RUN).to_json()
    assert score["recall@1"] == pytest.approx((1 + 1 + 0 + 1 / 2) / 4)
    assert score["recall@3"] == pytest.approx((1 + 1 + 1 + (1 + 1 / 3) / 2) / 4)
    assert score["recall@5"] == 1.0
    assert score["first_hit@1"] == 3 / 4
    assert score["mrr"] == pytest.approx((1 + 1 + 1 / 2 + 1) / 4)
    assert score["seconds_per_fault"] == 1.5
    assert score["seconds_max"] == 3.0
    assert score["peak_rss_mb"] == 100.0


def test_kinds_and_families_are_judged_among_the_faults_whose_rank_1_is_a_cause() -> None:
    score = score_run(RUN).to_json()
    assert (score["fault_type_accuracy"], score["n_typed"]) == (pytest.approx(1 / 3), 3)
    assert (score["family_accuracy"], score["n_in_family"]) == (pytest.approx(2 / 3), 3)


def test_figures_by_kind_of_fault_add_up_to_all() -> None:
    kinds = score_run(RUN).to_json()["by_fault_type"]
    assert {kind: part["n_faults"] for kind, part in kinds.items()} == {"cpu": 3, "exception": 1}
    assert kinds["cpu"]["first_hit@1"] == pytest.approx(2 / 3)


def test_a_method_that_names_no_kinds_has_no_accuracy_of_kinds() -> None:
    run = Run(HEADER, (result("hit", [Cause("a", "cpu")], [("a", 2.0, None)]),))
    assert score_run(run).to_json()["fault_type_accuracy"] is None


def test_chance_is_a_uniform_random_order_of_the_candidates() -> None:
    chance = score_run(RUN).to_json()["chance"]
    assert chance["recall@1"] == pytest.approx(1 / 5)
    assert chance["recall@3"] == pytest.approx(3 / 5)
    assert chance["recall@5"] == 1.0
    assert chance["first_hit@1"] == pytest.approx((3 * 1 / 5 + 2 / 5) / 4)


def test_naming_nobody_scores_as_chance_does() -> None:
    results = tuple(replace(part, ranking=()) for part in RUN.results)
    score = score_run(Run(HEADER, results)).to_json()
    assert {key: score[key] for key in score["chance"]} == score["chance"]


def test_misses_say_what_was_ranked_first() -> None:
    assert score_run(RUN).to_json()["misses"] == [
        {"case": "second", "causes": [["c", "cpu"]], "first": ["a"], "mean_rank": 2.0}
    ]


def test_a_failed_case_earns_nothing() -> None:
    run = Run(HEADER, (result("broken", [Cause("a", "cpu")], [], error="ValueError: no"),))
    score = score_run(run).to_json()
    assert (score["recall@5"], score["mrr"], score["n_faults"]) == (0.0, 0.0, 1)
    assert score["failed"] == [{"case": "broken", "error": "ValueError: no"}]
    assert score["misses"][0] == {"case": "broken", "causes": [["a", "cpu"]], "first": [], "mean_rank": None}


def test_json_holds_all_that_a_score_is() -> None:
    score = score_run(RUN)
    again = Score.from_json(json.loads(json.dumps(score.to_json())))
    assert again.to_json() == score.to_json()


def test_all_data_sets_together_weigh_every_fault_the_same() -> None:
    other = Run(replace(HEADER, data="other"), (result("miss", [Cause("e", "cpu")], [("a", 1.0, "cpu")]),))
    (pooled,) = together([score_run(RUN), score_run(other)])
    assert pooled.dataset == "all"
    assert pooled.to_json()["n_faults"] == 5
    assert pooled.to_json()["first_hit@1"] == pytest.approx(3 / 5)
    assert pooled.to_json()["by_fault_type"]["cpu"]["n_faults"] == 4
    assert pooled.to_json()["run"] == {"sets": ["system", "other"]}


def test_methods_are_not_pooled_with_each_other() -> None:
    other = replace(RUN, header=replace(HEADER, method="yours"))
    assert [score.method for score in together([score_run(RUN), score_run(other)])] == ["mine", "yours"]
