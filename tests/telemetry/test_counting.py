"""Counts by code and piece of time."""

from __future__ import annotations

import numpy as np

from rclagent.core.window import NS_PER_S
from rclagent.telemetry.counting import Pieces, count_by, count_pieces

CODES = {"a": np.array([1, 0, 1, 1]), "b": np.array([2, 2, 2, 0])}


def test_combinations_that_occur_are_counted_in_order() -> None:
    table = count_by(CODES, "n")
    assert table.columns == ["a", "b", "n"]
    assert table.rows() == [(0, 2, 1), (1, 0, 1), (1, 2, 2)]


def test_pieces_are_counted_from_the_first_trace_on() -> None:
    """What comes before it, as log lines of no trace may, has pieces below 0."""
    pieces = Pieces(origin_ns=100 * NS_PER_S, length_s=10.0)
    seconds = np.array([100, 109, 110, 99])
    assert pieces.of(seconds * NS_PER_S).tolist() == [0, 0, 1, -1]
    table = count_pieces(CODES, pieces.of(seconds * NS_PER_S), "n")
    assert table.select("a", "b", "piece", "n").rows() == [
        (0, 2, 0, 1),
        (1, 0, -1, 1),
        (1, 2, 0, 1),
        (1, 2, 1, 1),
    ]


def test_without_pieces_the_piece_is_unknown() -> None:
    table = count_pieces(CODES, None, "n")
    assert table["piece"].null_count() == 3
    assert table["n"].to_list() == [1, 1, 2]
