"""Shares, and their scatter between pieces of time beyond chance."""

from __future__ import annotations

import polars as pl
import pytest

from rclagent.telemetry.shares import shares

KEYS = ("service", "operation", "call")


def counted(*pieces: tuple[int | None, int, int]) -> pl.DataFrame:
    """Shares of one call: piece of time, hits and trials of each."""
    trials = [("a", "op", piece) for piece, _, n in pieces for _ in range(n)]
    hits = [("a", "op", "b", piece) for piece, k, _ in pieces for _ in range(k)]
    of_trials = {"service": pl.String, "operation": pl.String, "piece": pl.Int64}
    of_hits = {"service": pl.String, "operation": pl.String, "call": pl.String, "piece": pl.Int64}
    return shares(
        pl.DataFrame(hits, schema=of_hits, orient="row"),
        pl.DataFrame(trials, schema=of_trials, orient="row"),
        KEYS,
    )


def test_hits_and_trials_are_counted_over_all_pieces() -> None:
    assert counted((0, 2, 10), (1, 0, 5), (2, 3, 5)).rows() == [("a", "op", "b", 20, 5, 0.0)]


def test_without_pieces_there_is_no_scatter() -> None:
    assert counted((None, 5, 10)).rows() == [("a", "op", "b", 10, 5, 0.0)]


def test_scatter_is_the_way_between_the_outer_tenths_less_chance() -> None:
    """Shares 0.2 and 0.8 of 100 each, five pieces of either: (0.6 / 2.56)^2 - 0.16 / 100."""
    pieces = [(number, 20 if number % 2 else 80, 100) for number in range(10)]
    assert counted(*pieces)["spread"][0] == pytest.approx(((0.6 / 2.56) ** 2 - 0.0016) ** 0.5)


def test_what_chance_explains_is_no_scatter() -> None:
    """4 to 6 of 10: 0.2 / 2.56 is less than sqrt(0.25 / 10)."""
    pieces = [(number, 4 + number % 3, 10) for number in range(9)]
    assert counted(*pieces)["spread"].to_list() == [0.0]


def test_a_piece_in_which_nothing_hit_has_a_share_of_nothing() -> None:
    """Half of the pieces have no line of their own among the hits; chance explains nothing of 0 and 1."""
    pieces = [(number, 50 if number % 2 else 0, 50) for number in range(10)]
    assert counted(*pieces)["spread"][0] == pytest.approx(1 / 2.56)


def test_one_odd_piece_among_many_does_not_scatter() -> None:
    """What an earlier fault left behind must not excuse the next."""
    pieces = [(number, 50 if number == 4 else 0, 50) for number in range(20)]
    assert counted(*pieces)["spread"].to_list() == [0.0]


def test_seven_pieces_have_no_outer_tenths() -> None:
    pieces = [(number, 50 if number % 2 else 0, 50) for number in range(7)]
    assert counted(*pieces)["spread"].to_list() == [0.0]


def test_pieces_of_fewer_than_three_trials_have_no_share() -> None:
    """Of ten pieces two are left."""
    pieces = [(number, number % 2, 2 if number < 8 else 50) for number in range(10)]
    assert counted(*pieces)["spread"].to_list() == [0.0]


def test_nothing_hit_has_no_shares() -> None:
    table = counted((0, 0, 10))
    assert table.is_empty()
    assert table.columns == [*KEYS, "n", "hits", "spread"]
