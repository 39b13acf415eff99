"""Figures and kinds in words."""

from __future__ import annotations

import pytest

from rclagent.report import words


@pytest.mark.parametrize(
    ("share", "expected"),
    [(0.0, "0 %"), (0.001, "< 1 %"), (0.034, "3 %"), (0.994, "99 %"), (0.999, "> 99 %"), (1.0, "100 %")],
)
def test_a_percentage_never_rounds_to_certainty(share: float, expected: str) -> None:
    assert words.percent(share) == expected


def test_nouns_follow_their_number() -> None:
    assert words.count(1, "span") == "1 span"
    assert words.count(1204, "span") == "1,204 spans"


def test_counters_are_told_largest_first_without_zeros() -> None:
    assert words.tally({"cycle": 3, "missing_parent": 12, "skew": 0}) == "missing parent (12), cycle (3)"


def test_a_list_reads_as_in_a_sentence() -> None:
    assert words.listing([]) == ""
    assert words.listing(["a", "b", "c"]) == "a, b and c"
