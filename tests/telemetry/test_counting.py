"""Counts by code and piece of time."""

from __future__ import annotations

import numpy as np
import polars as pl

from rclagent.core.window import NS_PER_S
from rclagent.telemetry.counting import Pieces, count_by, count_pieces, dated, time_key

CODES = {"a": np.array([1, 0, 1, 1]), "b": np.array([2, 2, 2, 0])}
TENS = Pieces(origin_ns=103 * NS_PER_S, length_s=10.0)


def test_combinations_that_occur_are_counted_in_order() -> None:
    table = count_by(CODES, "n")
    assert table.columns == ["a", "b", "n"]
    assert table.rows() == [(0, 2, 1), (1, 0, 1), (1, 2, 2)]


def test_pieces_are_counted_from_the_origin_on() -> None:
    """What comes before it, as log lines of no trace may, has pieces below 0."""
    seconds = np.array([103, 112, 113, 102, 93, 92])
    assert TENS.of(seconds * NS_PER_S).tolist() == [0, 0, 1, -1, -1, -2]


def test_a_piece_is_told_by_its_start_where_time_is_told_apart() -> None:
    table = pl.DataFrame({"piece": [0, 7, -1], "n": [4, 5, 6]})
    assert dated(table, TENS)["piece"].to_list() == [103 * NS_PER_S, 173 * NS_PER_S, 93 * NS_PER_S]
    assert dated(table.drop("piece"), None).rows() == [(4,), (5,), (6,)]


def test_counts_by_piece_of_time() -> None:
    piece = np.array([1, 1, 0, 0])
    table = count_pieces(CODES, piece, "n")
    assert table.columns == ["a", "b", "piece", "n"]
    assert table.rows() == [(0, 2, 1, 1), (1, 0, 0, 1), (1, 2, 0, 1), (1, 2, 1, 1)]


def test_without_pieces_time_is_not_told_apart() -> None:
    assert count_pieces(CODES, None, "n").equals(count_by(CODES, "n"))
    assert (time_key(None), time_key(TENS)) == ((), ("piece",))
