"""Pods that are gone, and what their callers feel of it.

A pod that sends no spans may be replaced, idle or dead. It is held to be gone when its siblings send
spans, or when nothing at all is heard of it any more; and that is trouble only where callers feel it, by
calls that vanish or requests that fail: fewer pods may be enough.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

import polars as pl

from rclagent.core.baseline import Baseline
from rclagent.core.store import TelemetryStore
from rclagent.core.window import Window
from rclagent.evidence.revisions import replaced_pods
from rclagent.evidence.statistics import share_z

EXPECTED_SPANS: Final = 10.0
"""Spans to be expected of a pod before none at all means that it is gone: chance of none is e^-10 = 0.005
%."""


def lost_pods(store: TelemetryStore, window: Window, baseline: Baseline) -> pl.DataFrame:
    """Vanished pods that are gone for sure: their siblings send spans, or no log line and no metric of them
    is there either, though there used to be. Else they may only not be called any more.

    Returns:
        ``service``, ``pod``, ``expected`` (spans), in order of key.
    """
    keys = ["service", "pod"]
    gone = vanished_pods(store, window, baseline)
    now = store.components([window])
    at_work = now.filter(pl.col("spans") > 0)["service"].unique()
    speaks = (pl.col("logs") > 0) | (pl.col("metrics") > 0)
    spoke = baseline.components.filter(speaks).select(keys).unique()
    mute = gone.join(spoke, on=keys, how="semi").join(now.filter(speaks), on=keys, how="anti")
    return pl.concat([gone.filter(pl.col("service").is_in(at_work.implode())), mute]).unique(keys).sort(keys)


def unheard_calls(calls: pl.DataFrame, lost: Collection[str]) -> pl.DataFrame:
    """Calls that changed (rclagent.evidence.calls.compare_calls), with ``unheard``: they vanish, and the
    callee lost a pod that took them."""
    return calls.with_columns(((pl.col("change") < 0) & pl.col("callee").is_in(list(lost))).alias("unheard"))


def missing_pods(lost: pl.DataFrame, baseline: Baseline) -> pl.DataFrame:
    """Lost pods as silence, in the columns of compare_attempts: what was to be expected of the service, and
    what of that is missing. The caller and its operation are the service and empty.

    Args:
        lost: lost_pods, of services whose callers feel it.
        baseline: What is usual.
    """
    spans = baseline.components.group_by("service").agg(pl.col("spans").sum())
    gone = baseline.components.join(lost, on=["service", "pod"], how="semi").group_by("service")
    share = pl.col("gone") / pl.col("spans")
    none = pl.lit("")
    return (
        lost.group_by("service")
        .agg(pl.col("expected").sum())
        .join(spans, on="service")
        .join(gone.agg(pl.col("spans").sum().alias("gone")), on="service")
        .select(
            "service",
            none.alias("operation"),
            none.alias("peer"),
            pl.col("service").alias("callee"),
            (pl.col("expected") / share).round().cast(pl.Int64).alias("n"),
            pl.col("expected").round().cast(pl.Int64).alias("hits"),
            pl.col("spans").alias("base_n"),
            pl.lit(0, dtype=pl.Int64).alias("base_hits"),
            share.alias("change"),
        )
        .with_columns(share_z(pl.col("hits"), pl.col("n"), pl.col("base_hits"), pl.col("base_n")).alias("z"))
        .sort("service")
    )


def vanished_pods(store: TelemetryStore, window: Window, baseline: Baseline) -> pl.DataFrame:
    """Pods that sent spans in the baseline, should have sent at least EXPECTED_SPANS, and sent none.

    A pod whose service has a pod that the baseline does not know was replaced: a deploy. So was one whose
    place another took before the baseline ended.

    Returns:
        ``service``, ``pod``, ``expected`` (spans), in order of key.
    """
    now = store.components([window]).filter(pl.col("spans") > 0)
    before = baseline.components.filter((pl.col("spans") > 0) & (pl.col("pod") != ""))
    total, base_total = now["spans"].sum(), baseline.components["spans"].sum()
    keys = ["service", "pod"]
    replaced = now.join(before, on=keys, how="anti").filter(pl.col("pod") != "")["service"].unique()
    if not base_total:
        return before.select(*keys, pl.lit(0.0).alias("expected")).clear()
    return (
        before.join(now, on=keys, how="anti")
        .join(replaced_pods(baseline.revisions), on=keys, how="anti")
        .group_by(keys)
        .agg((pl.col("spans").sum() * total / base_total).alias("expected"))
        .filter((pl.col("expected") >= EXPECTED_SPANS) & ~pl.col("service").is_in(replaced.implode()))
        .sort(keys)
    )
