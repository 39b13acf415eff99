"""Shares of trials that hit, by piece of time.

A share that is 5 % in one quiet quarter of an hour and 60 % in the next says little when it is
60 % now, however many requests there were. So quiet time is counted in pieces; what to make of them is
told elsewhere (rclagent.evidence.pieces).
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl


def shares(
    hits: pl.DataFrame, trials: pl.DataFrame, keys: Sequence[str], trial_keys: Sequence[str]
) -> pl.DataFrame:
    """Trials and hits of each kind of hit; by piece of time, where hits and trials tell it.

    Args:
        hits: ``keys`` (``trial_keys`` among them), ``hits``, and ``piece`` where told.
        trials: ``trial_keys``, ``n``, and ``piece`` where told.
        keys: What tells kinds of hits apart.
        trial_keys: What tells kinds of trials apart.

    Returns:
        ``keys``, ``piece`` where told, ``n``, ``hits``; with pieces one line for each in which a kind that
        hits at all was tried, so that those without a hit count as well.
    """
    if "piece" not in trials.columns:
        return hits.join(trials, on=list(trial_keys), how="inner").select(*keys, "n", "hits")
    return (
        hits.select(keys)
        .unique()
        .join(trials, on=list(trial_keys), how="inner")
        .join(hits, on=[*keys, "piece"], how="left")
        .select(*keys, "piece", "n", pl.col("hits").fill_null(0))
    )
