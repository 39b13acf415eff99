"""How far the clocks of callers and callees are apart, from the calls between them.

Of each pair of hosts (pods where they are named) the request leg of every call, read on two clocks,
is too long by the same time as its response leg is too short. No leg lasts less than nothing, so an
offset o between the clocks is possible only where

    -(shortest response leg) <= o <= shortest request leg

The offset is the possible one that is nearest to that of quiet times. Where none is known, clocks are
held right unless that cannot be; then the middle of what is possible is taken. So a fault that makes
the legs of one direction longer changes nothing, and a clock that steps is seen.

Source: the clock skew adjuster of Jaeger, over many calls at once.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from rclagent.core.baseline import CLOCK_KEYS, CLOCK_SCHEMA

_PODS: Final = ("caller_pod", "callee_pod")


def clock_offsets(halves: pl.DataFrame, known: pl.DataFrame | None = None) -> pl.DataFrame:
    """By how much each callee's clock is ahead of its caller's.

    Args:
        halves: Request and response legs (rclagent.telemetry.legs.call_halves).
        known: The same of quiet times (CLOCK_SCHEMA).

    Returns:
        CLOCK_SCHEMA, in order of key.
    """
    quiet = pl.DataFrame(schema=CLOCK_SCHEMA) if known is None else known
    shortest = _by_pods(halves).group_by(CLOCK_KEYS).agg(
        pl.col("ms").filter(pl.col("leg") == "request").min().alias("most"),
        (-pl.col("ms").filter(pl.col("leg") == "response").min()).alias("least"),
    )  # fmt: skip
    # Nothing is possible where a call was not waited for: its response leg is no leg.
    possible = (pl.col("least") <= pl.col("most")).fill_null(False)
    right = (pl.col("least") <= 0) & (pl.col("most") >= 0)
    middle = (pl.col("least") + pl.col("most")) / 2
    usual = pl.coalesce("offset_ms", pl.when(possible & ~right).then(middle).otherwise(0.0))
    return (
        shortest.join(quiet, on=list(CLOCK_KEYS), how="left")
        .with_columns(pl.when(possible).then(usual.clip("least", "most")).otherwise(usual).alias("offset_ms"))
        .select(*CLOCK_SCHEMA)
        .sort(CLOCK_KEYS)
    )


def on_one_clock(legs: pl.DataFrame, clocks: pl.DataFrame) -> pl.DataFrame:
    """Legs with the offsets of the clocks taken out of the halves of calls, in the same order.

    Args:
        legs: rclagent.telemetry.legs.cut_legs.
        clocks: CLOCK_SCHEMA; a pair that is not in it stays as it is.
    """
    offset = (
        _by_pods(legs)
        .select(CLOCK_KEYS)
        .join(clocks, on=list(CLOCK_KEYS), how="left", maintain_order="left")["offset_ms"]
        .fill_null(0.0)
    )
    sign = (
        pl.when(pl.col("leg") == "request")
        .then(-1.0)
        .when(pl.col("leg") == "response")
        .then(1.0)
        .otherwise(0.0)
    )
    return legs.with_columns(pl.col("ms") + sign * offset)


def _by_pods(legs: pl.DataFrame) -> pl.DataFrame:
    named = legs.rename({"pod": "callee_pod"})
    return named.with_columns(pl.col(name).fill_null("") for name in _PODS)
