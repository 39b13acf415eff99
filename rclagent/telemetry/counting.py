"""Counts by several codes at once, and by piece of time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from rclagent.core.window import NS_PER_S
from rclagent.telemetry.codes import IntArray, counted


@dataclass(frozen=True, slots=True)
class Pieces:
    """Pieces of time, all as long as an incident window."""

    origin_ns: int
    """Start of the first, so that a constant shift of all clocks cuts no other pieces."""
    length_s: float
    """Length of each, seconds."""

    def of(self, trace_ns: IntArray) -> IntArray:
        """Number of the piece that each trace belongs to, by its start; small, so that it counts quickly."""
        return (trace_ns - self.origin_ns) // self._length_ns

    def dated(self, table: pl.DataFrame) -> pl.DataFrame:
        """The table with the start of each ``piece``, Unix epoch, ns, in place of its number."""
        return table.with_columns(pl.col("piece") * self._length_ns + self.origin_ns)

    @property
    def _length_ns(self) -> int:
        return max(int(self.length_s * NS_PER_S), 1)


def count_by(codes: Mapping[str, IntArray], name: str = "count") -> pl.DataFrame:
    """How often each combination of codes occurs.

    Args:
        codes: Columns by name, shape (n,) each.
        name: Of the column of counts.

    Returns:
        The codes of each combination that occurs, and its count (Int64); in order of the codes.
    """
    columns, counts = counted(*codes.values())
    return pl.DataFrame([*map(pl.Series, codes, columns), pl.Series(name, counts, dtype=pl.Int64)])


def count_pieces(codes: Mapping[str, IntArray], piece: IntArray | None, name: str) -> pl.DataFrame:
    """The same by piece of time, too, as rclagent.telemetry.shares takes it.

    Args:
        codes: Columns by name, shape (n,) each.
        piece: Piece of time of each row, shape (n,), as the column ``piece``; None where time is not
            told apart.
        name: Of the column of counts.
    """
    return count_by(codes if piece is None else {**codes, "piece": piece}, name)


def dated(table: pl.DataFrame, pieces: Pieces | None) -> pl.DataFrame:
    """The table with the start of each piece, where pieces are told apart."""
    return table if pieces is None else pieces.dated(table)


def time_key(pieces: Pieces | None) -> tuple[str, ...]:
    """What tells the lines of one key apart: the piece of time, where it is asked for."""
    return () if pieces is None else ("piece",)
