"""Quiet time in pieces: how much a share scatters between them, and what each would look like.

What differs between pieces of quiet time as long as an incident window may differ in one as well. Beside
each share a baseline keeps its scatter between pieces beyond chance:

    spread^2 = max(0, ((p90 - p10) / 2.56)^2 - mean of p (1 - p) / n)

from the 10th and 90th percentile of the pieces' shares (2.56 standard deviations apart where they are
normal), less what binomial chance explains. The outer tenths are left out on purpose: what an
earlier fault left behind in one piece must not excuse the next fault.

And each piece is looked at as though it were an incident, against all the others: how strong
a deviation the channels then see where nothing is wrong (rclagent.evidence.chance).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import polars as pl

from rclagent.evidence.changes import MIN_BASELINE, MIN_INCIDENT

PIECE_S: Final = 180.0
"""Quiet time is looked at in pieces as long as an incident window."""
MIN_PIECES: Final = 8
"""Fewer pieces have no outer tenths."""
MIN_TRIALS: Final = 3
"""A piece with fewer trials has no share."""


def summed(pieces: pl.DataFrame, keys: Sequence[str]) -> pl.DataFrame:
    """Shares over all pieces, with their scatter.

    Args:
        pieces: ``keys``, ``piece``, ``n``, ``hits``: one line for each piece in which a key was tried.
        keys: What tells shares apart.

    Returns:
        ``keys``, ``n``, ``hits``, ``spread`` (0 where there are too few pieces), in order of key.
    """
    totals = pieces.group_by(keys).agg(pl.col("n", "hits").sum())
    return (
        totals.join(spreads(pieces, keys), on=list(keys), how="left")
        .with_columns(pl.col("spread").fill_null(0.0))
        .sort(keys)
    )


def spreads(pieces: pl.DataFrame, keys: Sequence[str]) -> pl.DataFrame:
    """``keys`` and ``spread`` of the shares that enough pieces tell of; the rest is summed."""
    p = pl.col("p")
    return (
        pieces.filter(pl.col("n") >= MIN_TRIALS)
        .with_columns((pl.col("hits") / pl.col("n")).alias("p"))
        .group_by(keys)
        .agg(
            pl.len().alias("pieces"),
            ((p.quantile(0.9) - p.quantile(0.1)) / 2.56).alias("seen"),
            (p * (1 - p) / pl.col("n")).mean().alias("chance"),
        )
        .filter(pl.col("pieces") >= MIN_PIECES)
        .select(*keys, (pl.col("seen") ** 2 - pl.col("chance")).clip(0).sqrt().alias("spread"))
    )


def against_rest(pieces: pl.DataFrame, sums: pl.DataFrame, keys: Sequence[str]) -> pl.DataFrame:
    """Each piece on one side and all the others on the other, as rclagent.evidence.changes.align has it.

    Args:
        pieces: As for summed.
        sums: What it returns; without scatter where that is of no use.
        keys: As for summed.

    Returns:
        ``keys``, ``piece``, ``n``, ``hits``, ``base_n``, ``base_hits``, ``spread``, ``change``, where
        both sides have enough trials.
    """
    total = sums.select(*keys, pl.col("n").alias("all_n"), pl.col("hits").alias("all_hits"), "spread")
    return (
        pieces.join(total, on=list(keys), how="inner")
        .select(
            *keys,
            "piece",
            "n",
            "hits",
            (pl.col("all_n") - pl.col("n")).alias("base_n"),
            (pl.col("all_hits") - pl.col("hits")).alias("base_hits"),
            "spread",
        )
        .filter((pl.col("n") >= MIN_INCIDENT) & (pl.col("base_n") >= MIN_BASELINE))
        .with_columns((pl.col("hits") / pl.col("n") - pl.col("base_hits") / pl.col("base_n")).alias("change"))
    )
