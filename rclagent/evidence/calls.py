"""Calls channel: call structure that changed, and the call at which requests break.

P(call | service, operation by which the request entered) is compared as log templates are
(rclagent.evidence.changes). A *break point* is the call that requests make last more often than
before: a request that ends early names its breaker, with no log and no status at all. Where more
requests end without having called anyone, the operation's own service breaks them.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from rclagent.core.baseline import Baseline
from rclagent.core.store import TelemetryStore
from rclagent.core.window import Window
from rclagent.evidence.changes import align, changed
from rclagent.evidence.statistics import share_z

USUAL: Final = 0.5
"""Share of an operation's requests from which what they do is usual."""
CALL_KEYS = ("service", "operation", "callee", "call")
"""Key of a call: who was entered by what operation, and what it called."""


def compare_calls(store: TelemetryStore, window: Window, baseline: Baseline) -> pl.DataFrame:
    """Calls whose frequency changed.

    Returns:
        CALL_KEYS, ``n``, ``hits``, ``base_n``, ``base_hits``, ``change``, ``z``, in order of key.
    """
    operations = store.operations([window])
    return changed_calls(_aligned(store.calls([window]), baseline.calls, operations, baseline.operations))


def compare_breaks(store: TelemetryStore, window: Window, baseline: Baseline) -> pl.DataFrame:
    """Calls that requests make last more often than before.

    Returns:
        CALL_KEYS (an empty callee: no call at all), ``n``, ``hits``, ``base_n``, ``base_hits``, ``change``
        (> 0), ``z``, in order of key. Operations that call nobody in the baseline are left out.
    """
    operations = store.operations([window])
    both = _aligned(store.breaks([window]), baseline.breaks, operations, baseline.operations)
    return changed_breaks(both, baseline.breaks)


def own_breaks(
    breaks: pl.DataFrame, calls: pl.DataFrame, legs: pl.DataFrame, baseline: Baseline
) -> pl.DataFrame:
    """Break points, with the service itself as callee where the callee does all that it usually does, as
    fast as usual.

    A request that ends after a call ends because of what was called, or by itself. Where the callee's own
    calls and steps can be seen and none of them changed, it more likely ends by itself. A callee that never
    shows what it does stays suspect.

    Args:
        breaks: compare_breaks.
        calls: compare_calls.
        legs: Slow legs (LEG_KEYS).
        baseline: What is usual.
    """
    seen_at_work = baseline.calls.filter(pl.col("hits") >= USUAL * pl.col("n"))
    at_work = seen_at_work.select(callee="service", call="operation").unique()
    odd = [table.select(callee="service", call="operation") for table in (breaks, calls)]
    late = legs.select("callee", call="operation")
    intact = at_work.join(pl.concat([*odd, late]).unique(), on=["callee", "call"], how="anti")
    marked = breaks.join(intact.with_columns(intact=True), on=["callee", "call"], how="left")
    callee = pl.when(pl.col("intact").is_null()).then("callee").otherwise("service")
    return marked.with_columns(callee.alias("callee")).drop("intact")


def changed_calls(both: pl.DataFrame) -> pl.DataFrame:
    """Of two sides of calls (rclagent.evidence.changes.align) those that changed, with ``z``."""
    z = share_z(pl.col("hits"), pl.col("n"), pl.col("base_hits"), pl.col("base_n"), pl.col("spread"))
    return (
        both.with_columns(z.alias("z"))
        .filter(changed(pl.col("z"), pl.col("change")))
        .drop("spread")
        .sort(CALL_KEYS)
    )


def changed_breaks(both: pl.DataFrame, breaks: pl.DataFrame) -> pl.DataFrame:
    """Of two sides of last calls those that are last more often now, with ``z``.

    Args:
        both: rclagent.evidence.changes.align of last calls.
        breaks: All last calls of the baseline.
    """
    calling = breaks.filter(pl.col("callee") != "").select("service", "operation").unique()
    more = changed_calls(both).filter(pl.col("change") > 0)
    return more.join(calling, on=["service", "operation"], how="semi").sort(CALL_KEYS)


def _aligned(
    now: pl.DataFrame, before: pl.DataFrame, operations: pl.DataFrame, base_operations: pl.DataFrame
) -> pl.DataFrame:
    requests = pl.col("requests").alias("n")
    return align(
        now,
        before,
        operations.select("service", "operation", requests),
        base_operations.select("service", "operation", requests),
        CALL_KEYS,
    )
