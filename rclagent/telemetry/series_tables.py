"""Metric samples by series."""

from __future__ import annotations

from typing import Final

import polars as pl

from rclagent.core.baseline import SERIES_SCHEMA

_KEYS: Final = ("service", "pod", "node", "metric")


def metric_samples(metrics: pl.DataFrame) -> pl.DataFrame:
    """Samples of a metric table (METRIC_SCHEMA), running totals turned into rates per second.

    Returns:
        ``service``, ``pod``, ``node`` (empty where unknown), ``metric``, ``time_ns``, ``value``, in order of
        series and time: the last digits of a mean depend on the order of its values.
    """
    points = metrics.with_columns(pl.col(key).fill_null("") for key in _KEYS)
    # Of samples that contradict each other the largest stays, whatever their order.
    points = points.group_by(*_KEYS, "time_ns").agg(pl.col("value").max(), pl.col("cumulative").any())
    totals = points.filter("cumulative").sort(*_KEYS, "time_ns")
    step_s = (pl.col("time_ns").diff() / 1e9).over(_KEYS)
    rise = pl.col("value").diff().over(_KEYS)
    rates = totals.with_columns(
        # A total that falls was reset: its process restarted, and the rate is unknown.
        pl.when((rise >= 0) & (step_s > 0)).then(rise / step_s).otherwise(None).alias("value")
    ).filter(pl.col("value").is_not_null())
    return (
        pl.concat([points.filter(~pl.col("cumulative")), rates])
        .select(*_KEYS, "time_ns", "value")
        .sort(*_KEYS, "time_ns")
    )


def series_table(samples: pl.DataFrame) -> pl.DataFrame:
    """SERIES_SCHEMA: distribution of each series."""
    value = pl.col("value")
    return (
        samples.group_by(_KEYS)
        .agg(
            pl.len().cast(pl.Int64).alias("n"),
            value.mean().alias("mean"),
            value.median().alias("p50"),
            (value - value.median()).abs().median().alias("mad"),
            value.quantile(0.99).alias("p99"),
            value.bottom_k(2).max().alias("low"),
            value.top_k(2).min().alias("high"),
        )
        .select(*SERIES_SCHEMA)
        .sort(_KEYS)
    )
