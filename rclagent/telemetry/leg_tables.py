"""Distributions and single values of legs, and the clocks that they are read on."""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from rclagent.core.baseline import LEG_KEYS, LEG_SCHEMA
from rclagent.telemetry.clocks import clock_offsets
from rclagent.telemetry.counting import Pieces, count_pieces
from rclagent.telemetry.legs import FloatArray
from rclagent.telemetry.shares import shares_of_counts
from rclagent.telemetry.trace_view import TraceView

_FIGURES: Final = (
    pl.len().cast(pl.Int64).alias("n"),
    pl.col("ms").mean().alias("mean_ms"),
    pl.col("ms").std(ddof=0).alias("std_ms"),
    pl.col("ms").median().alias("p50_ms"),
    pl.col("ms").quantile(0.95).alias("p95_ms"),
)


def clock_table(view: TraceView, known: pl.DataFrame | None) -> pl.DataFrame:
    """CLOCK_SCHEMA: how far the clocks at both ends of calls are apart."""
    return clock_offsets(view.halves.shortest(view.legs.ms), known)


def leg_table(view: TraceView, clocks: pl.DataFrame | None, pieces: Pieces | None) -> pl.DataFrame:
    """LEG_SCHEMA: distribution of each leg.

    Args:
        view: Traces.
        clocks: Offsets to take out of the halves of calls.
        pieces: Pieces of time to tell the scatter of; None where it is not asked for.
    """
    ms, key = _on_one_clock(view, clocks), view.legs.key
    table = pl.DataFrame({"key": key, "ms": ms}).group_by("key").agg(_FIGURES)
    if pieces is None:
        return _named(view, table.with_columns(pl.lit(0.0).alias("spread"))).select(*LEG_SCHEMA)
    limit = np.full(view.legs.keys.height, np.inf)
    limit[table["key"].to_numpy()] = table["p95_ms"].to_numpy()
    over = np.flatnonzero(ms > limit[key])
    hits = count_pieces({"key": key[over]}, view.piece(pieces, view.legs.span[over]), "hits")
    trials = count_pieces({"key": key}, view.piece(pieces, view.legs.span), "n")
    spread = shares_of_counts(hits, trials, ["key"], ["key"]).select("key", "spread")
    table = table.join(spread, on="key", how="left").with_columns(pl.col("spread").fill_null(0.0))
    return _named(view, table).select(*LEG_SCHEMA)


def leg_excess(view: TraceView, thresholds: pl.DataFrame, clocks: pl.DataFrame | None) -> pl.DataFrame:
    """The same without scatter, and how many values exceed ``limit_ms`` of the leg (``over``), by how much on
    average over all (``over_excess_ms``), and how they scatter (``over_std_ms``)."""
    limits = view.legs.keys.join(thresholds, on=LEG_KEYS, how="left", maintain_order="left")["limit_ms"]
    over = pl.col("ms") > pl.col("limit_ms")
    table = (
        pl.DataFrame({"key": view.legs.key, "ms": _on_one_clock(view, clocks)})
        .with_columns(limits.gather(view.legs.key))
        .group_by("key")
        .agg(
            *_FIGURES,
            over.sum().cast(pl.Int64).alias("over"),
            (pl.col("ms") - pl.col("limit_ms")).clip(0).mean().alias("over_excess_ms"),
            pl.col("ms").filter(over).std(ddof=0).alias("over_std_ms"),
        )
    )
    return _named(view, table)


def leg_values(view: TraceView, keys: pl.DataFrame, clocks: pl.DataFrame | None) -> pl.DataFrame:
    """Single values of chosen legs, with the span and the pods that they belong to."""
    legs, spans = view.legs, view.spans
    coded = keys.join(legs.keys.with_row_index("key"), on=LEG_KEYS, how="inner").with_columns(
        pl.col("key").cast(pl.Int64)
    )
    asked = np.zeros(legs.keys.height, dtype=np.bool_)
    asked[coded["key"].to_numpy()] = True
    chosen = np.flatnonzero(asked[legs.key])
    values = pl.DataFrame(
        {"key": legs.key[chosen], "ms": _on_one_clock(view, clocks)[chosen], "leg_row": chosen}
    )
    found = values.join(coded, on="key", how="inner").sort("leg_row")
    row = found["leg_row"].to_numpy()
    span, caller = legs.span[row], legs.caller[row]
    return (
        found.with_columns(
            pl.Series("row", spans.row[span]),
            spans.names.pods(span).alias("pod"),
            spans.names.pods(caller).alias("caller_pod"),
            *view.texts(span, "trace_id", "span_id"),
            pl.Series("start_ns", spans.start_ns[span]),
        )
        .sort("row", "leg", maintain_order=True)
        .select(*keys.columns, "ms", "pod", "caller_pod", "trace_id", "span_id", "start_ns")
    )


def _named(view: TraceView, table: pl.DataFrame) -> pl.DataFrame:
    """Figures by the names of the legs, in order."""
    figures = table.drop("key")
    return pl.concat([view.legs.keys[table["key"]], figures], how="horizontal").sort(LEG_KEYS)


def _on_one_clock(view: TraceView, clocks: pl.DataFrame | None) -> FloatArray:
    """Values of the legs, with the offsets of the clocks taken out of the halves of calls."""
    return view.legs.ms if clocks is None else view.halves.on_one_clock(view.legs.ms, clocks)
