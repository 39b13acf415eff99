"""Calls channel: call structure that changed, and the call at which requests break.

P(call | service, operation by which the request entered) is compared as log templates are
(rclagent.evidence.changes). A *break point* is the call that requests make last more often than
before: a request that ends early names its breaker, with no log and no status at all. Where more
requests end without having called anyone, the operation's own service breaks them.
"""

from __future__ import annotations

import polars as pl

from rclagent.core.baseline import Baseline
from rclagent.core.store import TelemetryStore
from rclagent.core.window import Window
from rclagent.evidence.changes import align, changed
from rclagent.evidence.statistics import share_z

CALL_KEYS = ("service", "operation", "callee", "call")
"""Key of a call: who was entered by what operation, and what it called."""


def compare_calls(store: TelemetryStore, window: Window, baseline: Baseline) -> pl.DataFrame:
    """Calls whose frequency changed.

    Returns:
        CALL_KEYS, ``n``, ``hits``, ``base_n``, ``base_hits``, ``change``, ``z``, in order of key.
    """
    return _compare(store.calls([window]), baseline.calls, store.operations([window]), baseline.operations)


def compare_breaks(store: TelemetryStore, window: Window, baseline: Baseline) -> pl.DataFrame:
    """Calls that requests make last more often than before.

    Returns:
        CALL_KEYS (an empty callee: no call at all), ``n``, ``hits``, ``base_n``, ``base_hits``, ``change``
        (> 0), ``z``, in order of key. Operations that call nobody in the baseline are left out.
    """
    rows = _compare(store.breaks([window]), baseline.breaks, store.operations([window]), baseline.operations)
    calling = baseline.breaks.filter(pl.col("callee") != "").select("service", "operation").unique()
    return (
        rows.filter(pl.col("change") > 0)
        .join(calling, on=["service", "operation"], how="semi")
        .sort(CALL_KEYS)
    )


def _compare(
    now: pl.DataFrame, before: pl.DataFrame, operations: pl.DataFrame, base_operations: pl.DataFrame
) -> pl.DataFrame:
    requests = pl.col("requests").alias("n")
    both = align(
        now,
        before,
        operations.select("service", "operation", requests),
        base_operations.select("service", "operation", requests),
        CALL_KEYS,
    )
    z = share_z(pl.col("hits"), pl.col("n"), pl.col("base_hits"), pl.col("base_n"), pl.col("spread"))
    return (
        both.with_columns(z.alias("z"))
        .filter(changed(pl.col("z"), pl.col("change")))
        .select(*CALL_KEYS, "n", "hits", "base_n", "base_hits", "change", "z")
        .sort(CALL_KEYS)
    )
