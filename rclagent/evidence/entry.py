"""Entry channel: where users feel the incident, and since when.

A request is affected when it fails or takes longer than the baseline's 95th percentile of its
entry operation (plus a millisecond). Entries tell that something is wrong and where it is felt;
they own nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import polars as pl

from rclagent.core.baseline import Baseline
from rclagent.core.store import TelemetryStore
from rclagent.core.window import Window
from rclagent.evidence.statistics import exceedance_z, share_z

BUCKET_S: Final = 10.0
"""Resolution of the search for the onset."""
ONSET_Z: Final = 4.0
"""A bucket is alarming from here on: among the 360 buckets of an hour one passes by chance in 90 hours."""
MIN_REQUESTS: Final = 3
"""Fewer requests in a bucket show nothing."""


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


def find_onset(store: TelemetryStore, windows: Sequence[Window], entries: pl.DataFrame) -> int | None:
    """When the entries began to deviate.

    Over all entries together, the share of slow (against 5 %) and of failed requests (against the
    baseline's share) is looked at in buckets of BUCKET_S; the onset is the start of the first bucket with
    z > ONSET_Z that is followed by another or by the end of the data.

    Args:
        store: Telemetry to search.
        windows: Times to search.
        entries: The baseline's entries (ENTRY_SCHEMA).

    Returns:
        Nanoseconds since the Unix epoch; None where nothing deviates.
    """
    known = entries.group_by("service", "operation").agg(
        pl.col("n").sum().alias("base_n"), pl.col("failed").sum().alias("base_failed")
    )
    expected_failed = pl.col("n") * pl.col("base_failed") / pl.col("base_n")
    buckets = (
        store.entries(windows, entry_limits(entries), BUCKET_S)
        .join(known, on=["service", "operation"], how="inner")
        .group_by("bucket_ns")
        .agg(
            pl.col("n", "over", "failed", "base_n", "base_failed").sum(),
            expected_failed.sum().alias("expected"),
        )
        .filter(pl.col("n") >= MIN_REQUESTS)
        .sort("bucket_ns")
    )
    slow = exceedance_z(pl.col("over"), pl.col("n"), pl.col("base_n"))
    # What the baseline would show of failures, had it the mix of entries of this bucket.
    usual = pl.col("expected") / pl.col("n") * pl.col("base_n")
    failed = share_z(pl.col("failed"), pl.col("n"), usual, pl.col("base_n"))
    alarming = buckets.select((pl.max_horizontal(slow, failed) > ONSET_Z).alias("alarming"))["alarming"]
    sustained = alarming & alarming.shift(-1, fill_value=True)
    onsets = buckets["bucket_ns"].filter(sustained)
    return int(onsets[0]) if len(onsets) else None
