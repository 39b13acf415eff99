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
        """Number of the piece that each trace belongs to, by its start."""
        return (trace_ns - self.origin_ns) // max(int(self.length_s * NS_PER_S), 1)


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
    """The same by piece of time, too, as rclagent.telemetry.shares.shares_of_counts takes it.

    Args:
        codes: Columns by name, shape (n,) each.
        piece: Piece of time of each row, shape (n,); None where scatter is not asked for, and the
            column ``piece`` is null.
        name: Of the column of counts.
    """
    if piece is None:
        return count_by(codes, name).with_columns(pl.lit(None, dtype=pl.Int64).alias("piece"))
    return count_by({**codes, "piece": piece}, name)
