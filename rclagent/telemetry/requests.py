"""What a request does inside one service: the steps between its entry and its end.

The entry of a request into a service is the span whose parent lies elsewhere
(``entry_row``). Its steps are the calls to other services made below it, and the
spans of its own service.
"""

from __future__ import annotations

import polars as pl

from rclagent.telemetry.legs import with_calls


def call_steps(frame: pl.DataFrame) -> pl.DataFrame:
    """Steps of each request through a service.

    Args:
        frame: Repaired spans, whole traces.

    Returns:
        ``entry_row`` (the request), ``service``, ``operation`` (by which it entered), ``callee``,
        ``call`` (operation), ``start_ns`` on the caller's clock where a span of the caller stands for
        the call, ``row``. Local steps have their own service as callee.
    """
    entries = frame.filter(pl.col("entry_row") == pl.col("row")).select(
        pl.col("row").alias("entry_row"), "service", "operation"
    )
    local = frame.filter(pl.col("entry_row") != pl.col("row")).select(
        "entry_row", pl.col("service").alias("callee"), pl.col("operation").alias("call"), "start_ns", "row"
    )
    # A call is placed by the span that made it, for the callee's own start is on another clock; but a span
    # that does more than call says nothing of the order of its calls.
    callers = with_calls(frame).select(
        pl.col("row").alias("parent_row"),
        pl.col("entry_row").alias("caller_entry"),
        pl.when(pl.col("callee_row") >= 0).then("start_ns").alias("sent_ns"),
    )
    remote = (
        frame.filter((pl.col("entry_row") == pl.col("row")) & (pl.col("parent_row") >= 0))
        .join(callers, on="parent_row", how="inner")
        .select(
            pl.col("caller_entry").alias("entry_row"),
            pl.col("service").alias("callee"),
            pl.col("operation").alias("call"),
            pl.coalesce("sent_ns", "start_ns").alias("start_ns"),
            "row",
        )
    )
    steps = pl.concat([local, remote]).join(entries, on="entry_row", how="inner")
    return steps.select("entry_row", "service", "operation", "callee", "call", "start_ns", "row")
