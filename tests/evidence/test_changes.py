"""Which changes of a share count, and how both sides are brought together."""

from __future__ import annotations

import polars as pl
import pytest

from rclagent.evidence.changes import align, changed, weight

KEYS = ("service", "operation", "call")


def table(rows: list[tuple[object, ...]], *names: str) -> pl.DataFrame:
    """A table of the given rows."""
    return pl.DataFrame(rows, schema=list(names), orient="row")


@pytest.mark.parametrize(
    ("z", "difference", "counts"),
    [
        (3.1, 0.4, True),
        (-3.1, -0.4, True),
        (3.0, 0.9, False),
        (7.9, 0.39, False),
        (8.1, 0.15, True),
        (-8.1, -0.15, True),
        (50.0, 0.14, False),
    ],
)
def test_a_change_counts_when_it_is_large_or_certain(z: float, difference: float, counts: bool) -> None:
    assert pl.select(changed(pl.lit(z), pl.lit(difference))).item() is counts


@pytest.mark.parametrize(
    ("z", "difference", "expected"),
    [(-5.0, -0.8, 0.4), (40.0, 0.5, 0.5), (20.0, 6.0, 1.0), (0.0, 0.5, 0.0)],
)
def test_a_change_says_as_much_as_it_is_large_and_certain(
    z: float, difference: float, expected: float
) -> None:
    """Beyond z = 10 certainty is full, and a rate counts as one at most."""
    assert pl.select(weight(pl.lit(z), pl.lit(difference))).item() == pytest.approx(expected)


def test_both_sides_stand_beside_each_other() -> None:
    now = table([("a", "op", "new", 4), ("a", "op", "both", 5)], *KEYS, "hits")
    before = table([("a", "op", "both", 20, 0.1), ("a", "op", "old", 40, 0.2)], *KEYS, "hits", "spread")
    trials = table([("a", "op", 10)], "service", "operation", "n")
    base_trials = table([("a", "op", 80)], "service", "operation", "n")
    rows = align(now, before, trials, base_trials, KEYS).sort("call")
    assert rows.select("call", "n", "hits", "base_n", "base_hits", "spread", "change").rows() == [
        ("both", 10, 5, 80, 20, 0.1, 0.25),
        ("new", 10, 4, 80, 0, 0.0, 0.4),
        ("old", 10, 0, 80, 40, 0.2, -0.5),
    ]


@pytest.mark.parametrize(("n", "base_n", "kept"), [(3, 8, 1), (2, 8, 0), (3, 7, 0)])
def test_an_operation_needs_trials_on_both_sides(n: int, base_n: int, kept: int) -> None:
    """Three in the incident, eight in the baseline."""
    now = table([("a", "op", "x", 2)], *KEYS, "hits")
    before = now.with_columns(spread=pl.lit(0.0))
    trials = table([("a", "op", n)], "service", "operation", "n")
    assert align(now, before, trials, trials.with_columns(n=pl.lit(base_n)), KEYS).height == kept


def test_an_operation_that_only_one_side_knows_cannot_be_compared() -> None:
    now = table([("a", "new", "x", 9)], *KEYS, "hits")
    before = table([("a", "old", "x", 9, 0.0)], *KEYS, "hits", "spread")
    trials = table([("a", "new", 9)], "service", "operation", "n")
    base_trials = table([("a", "old", 9)], "service", "operation", "n")
    assert align(now, before, trials, base_trials, KEYS).is_empty()
