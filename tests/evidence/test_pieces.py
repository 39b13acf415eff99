"""Quiet time in pieces: totals, scatter beyond chance, and each piece against the others."""

from __future__ import annotations

import polars as pl
import pytest

from rclagent.evidence.pieces import against_rest, spreads, summed

KEYS = ("service", "call")


def pieces(*counts: tuple[int, int], call: str = "x") -> pl.DataFrame:
    """Hits and trials of one call, piece by piece."""
    rows = [("a", call, 180 * number, n, hits) for number, (hits, n) in enumerate(counts)]
    return pl.DataFrame(rows, schema=[*KEYS, "piece", "n", "hits"], orient="row")


def spread(*counts: tuple[int, int]) -> float:
    """Scatter of the only call."""
    return float(summed(pieces(*counts), KEYS)["spread"][0])


def test_hits_and_trials_are_counted_over_all_pieces_in_order_of_key() -> None:
    both = pl.concat([pieces((1, 4), (0, 4), call="y"), pieces((2, 10), (0, 5), (3, 5))])
    table = summed(both, KEYS)
    assert table.columns == [*KEYS, "n", "hits", "spread"]
    assert table.rows() == [("a", "x", 20, 5, 0.0), ("a", "y", 8, 1, 0.0)]


def test_scatter_is_the_way_between_the_outer_tenths_less_chance() -> None:
    """Shares 0.2 and 0.8 of 100 each, five pieces of either: (0.6 / 2.56)^2 - 0.16 / 100."""
    assert spread(*[(20, 100), (80, 100)] * 5) == pytest.approx(((0.6 / 2.56) ** 2 - 0.0016) ** 0.5)


def test_what_chance_explains_is_no_scatter() -> None:
    """4 to 6 of 10: 0.2 / 2.56 is less than sqrt(0.25 / 10)."""
    assert spread(*[(4, 10), (5, 10), (6, 10)] * 3) == 0


def test_a_piece_in_which_nothing_hit_has_a_share_of_nothing() -> None:
    """Chance explains nothing of 0 and 1."""
    assert spread(*[(0, 50), (50, 50)] * 5) == pytest.approx(1 / 2.56)


def test_one_odd_piece_among_many_does_not_scatter() -> None:
    """What an earlier fault left behind must not excuse the next."""
    assert spread(*[(0, 50)] * 19, (50, 50)) == 0


@pytest.mark.parametrize(("number", "scatters"), [(8, True), (7, False)])
def test_seven_pieces_have_no_outer_tenths(number: int, scatters: bool) -> None:
    assert (spread(*([(0, 50), (50, 50)] * 4)[:number]) > 0) == scatters


@pytest.mark.parametrize(("trials", "scatters"), [(3, True), (2, False)])
def test_pieces_of_fewer_than_three_trials_have_no_share(trials: int, scatters: bool) -> None:
    """Of ten pieces they leave two; but they count for the whole."""
    counts = [*[(0, trials), (trials, trials)] * 4, (0, 50), (50, 50)]
    assert (spread(*counts) > 0) == scatters
    assert summed(pieces(*counts), KEYS).select("n", "hits").rows() == [(100 + 8 * trials, 50 + 4 * trials)]


def test_only_what_enough_pieces_tell_of_has_a_scatter() -> None:
    assert spreads(pieces((0, 50), (50, 50)), KEYS).is_empty()
    assert spreads(pieces(*[(0, 50), (50, 50)] * 4), KEYS).columns == [*KEYS, "spread"]


def test_each_piece_stands_against_all_the_others() -> None:
    """2 of 10, 0 of 5 and 3 of 5; of all 20 trials 5 hit: 0.2 - 3 / 10, 0 - 5 / 15, 0.6 - 2 / 15."""
    parts = pieces((2, 10), (0, 5), (3, 5))
    table = against_rest(parts, summed(parts, KEYS).with_columns(spread=pl.lit(0.1)), KEYS).sort("piece")
    assert table.columns == [*KEYS, "piece", "n", "hits", "base_n", "base_hits", "spread", "change"]
    assert table.select("piece", "n", "hits", "base_n", "base_hits", "spread").rows() == [
        (0, 10, 2, 10, 3, 0.1),
        (180, 5, 0, 15, 5, 0.1),
        (360, 5, 3, 15, 2, 0.1),
    ]
    assert table["change"].to_list() == pytest.approx([-0.1, -1 / 3, 0.6 - 2 / 15])


@pytest.mark.parametrize(("n", "rest", "kept"), [(3, 8, True), (2, 8, False), (3, 7, False)])
def test_a_piece_needs_trials_on_both_sides(n: int, rest: int, kept: bool) -> None:
    """Three in the piece, eight in the others, as for an incident."""
    parts = pieces((1, n), (1, rest))
    found = against_rest(parts, summed(parts, KEYS), KEYS)
    assert (0 in found["piece"].to_list()) == kept
