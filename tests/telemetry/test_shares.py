"""Shares: trials and hits of each kind, by piece of time where it is told."""

from __future__ import annotations

import polars as pl

from rclagent.telemetry.shares import shares

KEYS = ("service", "call")
TRIALS = pl.DataFrame({"service": ["a"] * 3, "piece": [0, 180, 360], "n": [10, 11, 12]})
HITS = pl.DataFrame(
    [("a", "x", 0, 2), ("a", "x", 360, 1), ("a", "y", 180, 5)], schema=[*KEYS, "piece", "hits"], orient="row"
)


def test_hits_stand_beside_the_trials_of_their_kind() -> None:
    hits = pl.DataFrame({"service": ["a", "a", "b"], "call": ["x", "y", "x"], "hits": [2, 3, 5]})
    trials = pl.DataFrame({"service": ["b", "a"], "n": [9, 4]})
    table = shares(hits, trials, KEYS, ("service",))
    assert table.columns == [*KEYS, "n", "hits"]
    assert sorted(table.rows()) == [("a", "x", 4, 2), ("a", "y", 4, 3), ("b", "x", 9, 5)]


def test_hits_of_what_was_never_tried_have_no_share() -> None:
    """Log lines of a service that sends no spans."""
    hits = pl.DataFrame({"service": ["cron"], "call": ["x"], "hits": [2]})
    assert shares(hits, pl.DataFrame({"service": ["a"], "n": [4]}), KEYS, ("service",)).is_empty()


def test_a_piece_in_which_a_kind_was_tried_without_a_hit_counts_too() -> None:
    """Three pieces were tried; x hits in the first and the last, y in the second."""
    table = shares(HITS, TRIALS, KEYS, ("service",))
    assert table.columns == [*KEYS, "piece", "n", "hits"]
    assert sorted(table.rows()) == [
        ("a", "x", 0, 10, 2),
        ("a", "x", 180, 11, 0),
        ("a", "x", 360, 12, 1),
        ("a", "y", 0, 10, 0),
        ("a", "y", 180, 11, 5),
        ("a", "y", 360, 12, 0),
    ]


def test_a_kind_that_never_hits_has_no_line() -> None:
    table = shares(HITS.clear(), TRIALS, KEYS, ("service",))
    assert table.is_empty()
    assert table.columns == [*KEYS, "piece", "n", "hits"]
