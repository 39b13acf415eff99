"""Processor time of a machine, over all its processors: one that is busy says little about the others."""

from __future__ import annotations

from typing import Final

import polars as pl

from rclagent.core.baseline import SERIES_SCHEMA

PER_PROCESSOR: Final = r"(?i)^(node_cpu_seconds_total|system[._]cpu[._]time)(_seconds_total)?\{"
"""Node exporter and OpenTelemetry count each processor's time in each mode apart."""

_PROCESSOR: Final = r"[,;]\s*cpu([._]logical_number)?=[^,;}]*|\bcpu([._]logical_number)?=[^,;}]*[,;]?"
_KEYS: Final = ("service", "pod", "node", "metric")
_FIGURES: Final = ("mean", "p50", "mad", "p99", "low", "high")


def over_processors(series: pl.DataFrame) -> pl.DataFrame:
    """The same series, those of single processors replaced by their mean.

    The mean of each figure stands for the figure of the mean, which a table of figures does not tell; they
    agree where the processors are busy at the same time.

    Args:
        series: SERIES_SCHEMA.

    Returns:
        SERIES_SCHEMA, in order of key.
    """
    single = pl.col("metric").str.contains(PER_PROCESSOR)
    means = (
        series.filter(single)
        .with_columns(pl.col("metric").str.replace(_PROCESSOR, ""))
        .group_by(_KEYS)
        .agg(pl.col("n").min(), *(pl.col(figure).sort().mean() for figure in _FIGURES))
    )
    return pl.concat([series.filter(~single), means.select(*SERIES_SCHEMA)]).sort(_KEYS)
