"""Figures of one ranking against numbers worked out by hand."""

from __future__ import annotations

import pytest

from benchmarks.cases import Cause
from benchmarks.ranking import (
    Ranked,
    family_hit,
    first_hit,
    recall_at,
    reciprocal_rank,
    ties,
    type_hit,
)

FOUR: list[Ranked] = [("a", 9.0, None), ("b", 5.0, None), ("c", 5.0, None), ("d", 1.0, None)]


def test_equal_scores_share_a_place_and_unnamed_candidates_the_last() -> None:
    assert ties(FOUR, ["f", "e", "a"]) == [("a",), ("b", "c"), ("d",), ("e", "f")]


def test_the_order_of_the_answer_does_not_matter() -> None:
    assert ties(FOUR[::-1], ["e"]) == ties(FOUR, ["e"])


def test_scores_within_rounding_are_a_tie() -> None:
    assert ties([("a", 0.1 + 0.2, None), ("b", 0.3, None), ("c", 0.29, None)], []) == [("a", "b"), ("c",)]


def test_a_service_named_twice_counts_at_its_best_place() -> None:
    assert ties([("a", 1.0, None), ("b", 2.0, None), ("a", 3.0, None)], []) == [("a",), ("b",)]


def test_a_named_service_that_is_no_candidate_keeps_its_place() -> None:
    places = ties([("invented", 2.0, None), ("a", 1.0, None)], ["a"])
    assert recall_at(1, places, ["a"]) == 0.0


@pytest.mark.parametrize(
    ("k", "cause", "expected"),
    [(1, "a", 1.0), (1, "b", 0.0), (2, "b", 0.5), (3, "b", 1.0), (3, "d", 0.0), (5, "e", 0.5), (6, "e", 1.0)],
)
def test_recall_of_a_tied_cause_is_its_chance_to_be_within_k(k: int, cause: str, expected: float) -> None:
    """Places: a | b c | d | e f; so e stands at 5 or 6."""
    assert recall_at(k, ties(FOUR, ["e", "f"]), [cause]) == expected


def test_recall_is_the_share_of_all_causes() -> None:
    assert recall_at(2, ties(FOUR, []), ["a", "b"]) == pytest.approx((1 + 0.5) / 2)


def test_a_cause_that_is_nowhere_is_never_found() -> None:
    places = ties(FOUR, [])
    assert recall_at(5, places, ["a", "gone"]) == 0.5
    assert reciprocal_rank(places, ["gone"]) == 0.0


def test_first_hit_is_the_share_of_causes_in_the_first_tie() -> None:
    places = ties([("a", 1.0, None), ("b", 1.0, None), ("c", 1.0, None)], [])
    assert first_hit(places, ["a", "b"]) == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("causes", "expected_rank"),
    [(["a"], 1.0), (["b"], 2.5), (["b", "c"], 2.0), (["d", "b"], 2.5), (["e"], 5.5)],
)
def test_mrr_uses_the_expected_rank_of_the_first_cause(causes: list[str], expected_rank: float) -> None:
    """Places: a | b c | d | e f; the first of both b and c always stands at 2."""
    assert reciprocal_rank(ties(FOUR, ["e", "f"]), causes) == pytest.approx(1 / expected_rank)


def test_naming_nobody_gives_the_figures_of_chance() -> None:
    places = ties([], ["a", "b", "c", "d"])
    assert [recall_at(k, places, ["b"]) for k in (1, 3, 5)] == [0.25, 0.75, 1.0]
    assert first_hit(places, ["b", "d"]) == 0.5


def test_an_empty_ranking_of_no_candidates_is_a_miss() -> None:
    assert (recall_at(5, [], ["a"]), first_hit([], ["a"]), reciprocal_rank([], ["a"])) == (0.0, 0.0, 0.0)


def test_the_kind_counts_only_where_rank_1_is_the_cause_that_has_it() -> None:
    causes = [Cause("a", "cpu"), Cause("b", "exception")]
    right: list[Ranked] = [("a", 2.0, "cpu"), ("b", 1.0, "cpu")]
    wrong: list[Ranked] = [("a", 2.0, "exception"), ("b", 1.0, "exception")]
    assert type_hit(ties(right, []), right, causes) == 1.0
    assert type_hit(ties(wrong, []), wrong, causes) == 0.0


def test_kinds_of_one_family_count_for_the_family() -> None:
    ranking: list[Ranked] = [("a", 2.0, "wrong_result")]
    assert family_hit(ties(ranking, []), ranking, [Cause("a", "exception")]) == 1.0
    assert family_hit(ties(ranking, []), ranking, [Cause("a", "network_loss")]) == 0.0
    assert family_hit(ties(ranking, []), ranking, [Cause("a", "moon_phase")]) == 0.0
