"""Since when: the onset of an incident whose alarm nobody gave.

Three signs are searched for, each by the CUSUM of many streams (rclagent.evidence.cusum):

- *Entries*: more requests that are slow (beyond the baseline's 95th percentile of their entry operation) or
  fail. Each entry operation is a stream, so that one with a tenth of the traffic is not drowned by the
  rest; so is each entry service, and all entries together, of which each may show too little alone.
- *Legs*: more pieces of traces (rclagent.telemetry.legs) that are felt as slow. A gateway may have one entry
  operation for everything that there is: what a fault does to a few of its requests does not show in the
  whole.
- *Traffic*: an entry that is hardly asked for any more (rclagent.evidence.traffic).

As usual is any share up to twice the baseline's, or up to two standard errors above it where that is more:
quiet times differ, too. Changed is each share of CHANGED that is at least twice as large again. The change
that is confirmed first counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import polars as pl

from rclagent.core.baseline import LEG_KEYS
from rclagent.core.store import TelemetryStore
from rclagent.core.window import NS_PER_S, Window
from rclagent.evidence.cusum import first_change, log_ratio, pooled
from rclagent.evidence.entry import entry_limits
from rclagent.evidence.traffic import traffic_gains

CHANCE: Final = 0.01
"""At most one quiet recording in a hundred has an onset, all signs together."""
CHANGED: Final = (0.1, 0.25, 0.5, 0.9)
"""Shares looked for: a fault meets a tenth of the requests of a stream, a quarter, half, or nearly all."""
FELT_MS: Final = 10.0
"""A leg is felt as slow this far above its 95th percentile, or as far as its usual length where that is
more: twice what the rise of a median needs to be felt (rclagent.evidence.legs), as a whole recording is
searched and not one window."""

_ENTRY: Final = ("service", "operation")


def find_onset(
    store: TelemetryStore, entries: pl.DataFrame, legs: pl.DataFrame, clocks: pl.DataFrame
) -> int | None:
    """When requests began to deviate, anywhere in the telemetry.

    Args:
        store: Telemetry to search.
        entries: The baseline's entries (ENTRY_SCHEMA).
        legs: The baseline's legs (LEG_SCHEMA, with or without ``spread``).
        clocks: The baseline's clocks (CLOCK_SCHEMA).

    Returns:
        Nanoseconds since the Unix epoch, to the second; None where nothing deviates.
    """
    extent = store.extent()
    if extent is None:
        return None
    requests = _requests(store, extent, entries)
    signs = (_entry_gains(requests), _leg_gains(store, extent, legs, clocks), traffic_gains(requests))
    found = [first_change(gains, CHANCE / len(signs)) for gains in signs]
    changes = [change for change in found if change is not None]
    if not changes:
        return None
    first = min(changes, key=lambda change: (change.confirmed, -change.strength))
    return extent.start_ns + first.since * NS_PER_S


def _requests(store: TelemetryStore, extent: Window, entries: pl.DataFrame) -> pl.DataFrame:
    """Requests of each known entry and second, with what is usual of them."""
    base_n, failed = pl.col("base_n"), pl.col("base_failed")
    known = (
        entries.group_by(_ENTRY)
        .agg(base_n=pl.col("n").sum(), base_failed=pl.col("failed").sum())
        .with_columns(slow_usual=_usual(_over_share(base_n), base_n))
        .with_columns(failed_usual=_usual((failed + 0.5) / (base_n + 1), base_n))
    )
    return (
        store.entries([extent], entry_limits(entries), 1.0)
        .join(known, on=list(_ENTRY), how="inner")
        .with_columns(_second("bucket_ns", extent))
    )


def _entry_gains(requests: pl.DataFrame) -> pl.DataFrame:
    """Gains of slow and of failed requests: of each entry, of each entry service, and of all together."""
    signs = [
        requests.select(
            *_ENTRY, "second", "n", pl.col(hits).alias("hits"), pl.col(usual).alias("usual")
        ).with_columns(pl.lit(sign).alias("sign"))
        for sign, hits, usual in (("slow", "over", "slow_usual"), ("failed", "failed", "failed_usual"))
    ]
    # Entries differ in what is usual, so their gains are added up and not their requests.
    return pooled(_gains(pl.concat(signs), [*_ENTRY, "sign"]), _ENTRY, (_ENTRY, ("service",), ()), "gain")


def _leg_gains(
    store: TelemetryStore, extent: Window, legs: pl.DataFrame, clocks: pl.DataFrame
) -> pl.DataFrame:
    """Gains of legs that are felt as slow: of each leg, and of all of a kind that one service answers or
    sends."""
    felt = pl.max_horizontal(pl.lit(FELT_MS), pl.col("p50_ms"))
    limits = legs.select(*LEG_KEYS, limit_ms=pl.col("p95_ms") + felt)
    usual = legs.select(*LEG_KEYS, usual=_usual(_over_share(pl.col("n")), pl.col("n")))
    counts = (
        store.leg_pieces([extent], limits, 1.0, store.clocks([extent], clocks))
        .join(usual, on=list(LEG_KEYS), how="inner")
        .with_columns(pl.col("over").alias("hits"), _second("piece", extent))
    )
    levels = (LEG_KEYS, ("leg", "callee"), ("leg", "caller"))
    return pooled(_gains(counts, LEG_KEYS), LEG_KEYS, levels, "gain")


def _gains(counts: pl.DataFrame, keys: Sequence[str]) -> pl.DataFrame:
    """Gains of ``hits`` out of ``n`` against the share ``usual``, for each share looked for."""
    return pl.concat(
        counts.filter(2 * pl.col("usual") <= changed).select(
            *keys,
            "second",
            pl.lit(changed).alias("changed"),
            log_ratio(pl.col("hits"), pl.col("n"), pl.col("usual"), changed).alias("gain"),
        )
        for changed in CHANGED
    )


def _second(column: str, extent: Window) -> pl.Expr:
    """Seconds from the start of the telemetry."""
    return ((pl.col(column) - extent.start_ns) // NS_PER_S).alias("second")


def _over_share(base_n: pl.Expr) -> pl.Expr:
    """Share of values above a 95th percentile that was estimated from so many
    (rclagent.evidence.statistics.exceedance_z)."""
    return pl.max_horizontal(pl.lit(0.05), 1 / (base_n + 1))


def _usual(share: pl.Expr, base_n: pl.Expr) -> pl.Expr:
    """Largest share that is as usual: twice the baseline's, or two standard errors above it."""
    return pl.max_horizontal(2 * share, share + 2 * (share * (1 - share) / base_n).sqrt())
