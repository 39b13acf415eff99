"""Shares of trials that hit, and how much they scatter between quiet times beyond chance.

A share that is 5 % in one quiet quarter of an hour and 60 % in the next says little when it is
60 % now, however many requests there were. So a baseline keeps, beside the share, its scatter between
pieces of quiet time as long as an incident window:

    spread^2 = max(0, ((p90 - p10) / 2.56)^2 - mean of p (1 - p) / n)

from the 10th and 90th percentile of the pieces' shares (2.56 standard deviations apart where they are
normal), less what binomial chance explains. The outer tenths are left out on purpose: what an
earlier fault left behind in one piece must not excuse the next fault.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import polars as pl

TRIAL_KEYS: Final = ("service", "operation")
"""Key of a trial."""
MIN_PIECES: Final = 8
"""Fewer pieces have no outer tenths."""
MIN_TRIALS: Final = 3
"""A piece with fewer trials has no share."""


def shares(
    hits: pl.DataFrame, trials: pl.DataFrame, keys: Sequence[str], trial_keys: Sequence[str] = TRIAL_KEYS
) -> pl.DataFrame:
    """Share of trials with each kind of hit.

    Args:
        hits: One line for each trial that hit: ``keys`` (``trial_keys`` among them) and ``piece`` (Int64,
            number of the piece of time; null where scatter is not asked for).
        trials: One line for each trial: ``trial_keys`` and ``piece``.
        keys: What tells kinds of hits apart.
        trial_keys: What tells kinds of trials apart.

    Returns:
        ``keys``, ``n`` (trials), ``hits``, ``spread`` (0 where there are too few pieces), sorted by key.
    """
    by_piece = trials.group_by(*trial_keys, "piece").agg(pl.len().cast(pl.Int64).alias("n"))
    hit_pieces = hits.group_by(*keys, "piece").agg(pl.len().cast(pl.Int64).alias("hits"))
    return shares_of_counts(hit_pieces, by_piece, keys, trial_keys)


def shares_of_counts(
    hit_pieces: pl.DataFrame,
    by_piece: pl.DataFrame,
    keys: Sequence[str],
    trial_keys: Sequence[str] = TRIAL_KEYS,
) -> pl.DataFrame:
    """The same of hits and trials that are counted already.

    Args:
        hit_pieces: ``keys``, ``piece`` and ``hits``.
        by_piece: ``trial_keys``, ``piece`` and ``n``.
        keys: As for shares.
        trial_keys: As for shares.
    """
    totals = by_piece.group_by(trial_keys).agg(pl.col("n").sum())
    counted = hit_pieces.group_by(keys).agg(pl.col("hits").sum())
    table = counted.join(totals, on=list(trial_keys), how="inner").select(*keys, "n", "hits")
    if by_piece["piece"].null_count() == by_piece.height:
        return table.with_columns(pl.lit(0.0).alias("spread")).sort(keys)
    spreads = _spreads(hit_pieces, by_piece, keys, trial_keys)
    return (
        table.join(spreads, on=list(keys), how="left")
        .with_columns(pl.col("spread").fill_null(0.0))
        .sort(keys)
    )


def _spreads(
    hit_pieces: pl.DataFrame, by_piece: pl.DataFrame, keys: Sequence[str], trial_keys: Sequence[str]
) -> pl.DataFrame:
    pieces = by_piece.filter((pl.col("n") >= MIN_TRIALS) & pl.col("piece").is_not_null())
    # A piece in which nothing hit has no line of its own, but its share of 0 counts.
    every = hit_pieces.select(keys).unique().join(pieces, on=list(trial_keys), how="inner")
    share = pl.col("hits").fill_null(0) / pl.col("n")
    return (
        every.join(hit_pieces, on=[*keys, "piece"], how="left")
        .with_columns(share.alias("p"))
        .group_by(keys)
        .agg(
            pl.len().alias("pieces"),
            ((pl.col("p").quantile(0.9) - pl.col("p").quantile(0.1)) / 2.56).alias("seen"),
            (pl.col("p") * (1 - pl.col("p")) / pl.col("n")).mean().alias("chance"),
        )
        .filter(pl.col("pieces") >= MIN_PIECES)
        .select(*keys, (pl.col("seen") ** 2 - pl.col("chance")).clip(0).sqrt().alias("spread"))
    )
