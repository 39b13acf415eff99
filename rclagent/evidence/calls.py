"""Calls channel: call structure that changed, and the call at which requests break.

P(call | service, operation by which the request entered) is compared as log templates are
(rclagent.evidence.logs.changed). A *break point* is the call that requests make last more often than
before: a request that ends early names its breaker, with no log and no status at all. Where more
requests end without having called anyone, the operation's own service breaks them.
"""

from __future__ import annotations

import polars as pl

from rclagent.core.baseline import Baseline
from rclagent.core.store import TelemetryStore
from rclagent.core.window import Window
from rclagent.evidence.logs import MIN_BASELINE, MIN_INCIDENT, changed
from rclagent.evidence.statistics import share_z

CALL_KEYS = ("service", "operation", "callee", "call")
"""Key of a call: who was entered by what operation, and what it called."""


def compare_calls(store: TelemetryStore, window: Window, baseline: Baseline) -> pl.DataFrame:
    """Calls whose frequency changed.

    Returns:
        CALL_KEYS, ``n``, ``hits``, ``base_n``, ``base_hits``, ``change``, ``z``, in order of key.
    """
    return _compare(store.calls([window]), store.operations([window]), baseline.calls, baseline.operations)


def compare_breaks(store: TelemetryStore, window: Window, baseline: Baseline) -> pl.DataFrame:
    """Calls that requests make last more often than before.

    Returns:
        CALL_KEYS (an empty callee: no call at all), ``n``, ``hits``, ``base_n``, ``base_hits``, ``change``
        (> 0), ``z``, in order of key. Operations that call nobody in the baseline are left out.
    """
    rows = _compare(store.breaks([window]), store.operations([window]), baseline.breaks, baseline.operations)
    calling = baseline.breaks.filter(pl.col("callee") != "").select("service", "operation").unique()
    return rows.filter(pl.col("change") > 0).join(calling, on=["service", "operation"], how="semi").sort(CALL_KEYS)


def _compare(
    now: pl.DataFrame, totals: pl.DataFrame, before: pl.DataFrame, base_totals: pl.DataFrame
) -> pl.DataFrame:
    keys = list(CALL_KEYS)
    trials = ["service", "operation"]
    both = (
        pl.concat([now.select(keys), before.select(keys)])
        .unique()
        .join(now.select(*keys, "hits"), on=keys, how="left")
        .join(before.select(*keys, pl.col("hits").alias("base_hits")), on=keys, how="left")
        .join(totals.select(*trials, pl.col("requests").alias("n")), on=trials, how="left")
        .join(base_totals.select(*trials, pl.col("requests").alias("base_n")), on=trials, how="left")
        .with_columns(pl.col("hits", "base_hits").fill_null(0))
        .filter((pl.col("n") >= MIN_INCIDENT) & (pl.col("base_n") >= MIN_BASELINE))
    )
    change = pl.col("hits") / pl.col("n") - pl.col("base_hits") / pl.col("base_n")
    z = share_z(pl.col("hits"), pl.col("n"), pl.col("base_hits"), pl.col("base_n"))
    return (
        both.with_columns(change.alias("change"), z.alias("z"))
        .filter(changed(pl.col("z"), pl.col("change")))
        .select(*keys, "n", "hits", "base_n", "base_hits", "change", "z")
        .sort(keys)
    )
