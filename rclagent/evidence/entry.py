"""Entry channel: where users feel the incident.

A request is affected when it fails or takes longer than the baseline's 95th percentile of its
entry operation (plus a millisecond). Entries tell that something is wrong and where it is felt;
they own nothing.
"""

from __future__ import annotations

import polars as pl

from rclagent.core.baseline import Baseline
from rclagent.core.store import TelemetryStore
from rclagent.core.window import Window
from rclagent.evidence.statistics import exceedance_z, share_z


def entry_limits(baseline: pl.DataFrame) -> pl.DataFrame:
    """How long a request of each entry usually takes at most: ``service``, ``operation``, ``limit_ms``."""
    return baseline.select("service", "operation", (pl.col("p95_ms") + 1.0).alias("limit_ms"))


def compare_entries(store: TelemetryStore, window: Window, baseline: Baseline) -> pl.DataFrame:
    """Every entry with its deviation.

    Returns:
        ``service``, ``operation``, ``n``, ``over``, ``failed``, ``p50_ms``, ``p95_ms`` and the same with
        ``base_`` (``base_n``, ``base_failed``, ``base_p50_ms``, ``base_p95_ms``), ``slow_z``, ``failed_z``,
        most deviating first. Entries that the baseline does not know have z = 0.
    """
    keys = ["service", "operation"]
    before = baseline.entries.select(
        *keys, *(pl.col(name).alias(f"base_{name}") for name in ("n", "failed", "p50_ms", "p95_ms"))
    )
    slow = exceedance_z(pl.col("over"), pl.col("n"), pl.col("base_n"))
    failed = share_z(pl.col("failed"), pl.col("n"), pl.col("base_failed"), pl.col("base_n"))
    return (
        store.entries([window], entry_limits(baseline.entries))
        .join(before, on=keys, how="left")
        .with_columns(slow.fill_null(0.0).alias("slow_z"), failed.fill_null(0.0).alias("failed_z"))
        .drop("bucket_ns")
        .sort(-pl.max_horizontal("slow_z", "failed_z"), -pl.col("n"), *keys)
    )
