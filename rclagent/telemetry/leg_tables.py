"""Distributions and single values of legs, and the clocks that they are read on."""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from rclagent.core.baseline import LEG_KEYS
from rclagent.telemetry.clocks import clock_offsets
from rclagent.telemetry.codes import IntArray
from rclagent.telemetry.counting import Pieces, count_pieces
from rclagent.telemetry.legs import FloatArray
from rclagent.telemetry.shares import shares
from rclagent.telemetry.trace_view import TraceView

ODD: Final = 0.08
"""Share of values above the limit from which a leg of a piece of time is looked at more closely."""

_FIGURES: Final = (
    pl.len().cast(pl.Int64).alias("n"),
    pl.col("ms").mean().alias("mean_ms"),
    pl.col("ms").std(ddof=0).alias("std_ms"),
    pl.col("ms").median().alias("p50_ms"),
    pl.col("ms").quantile(0.95).alias("p95_ms"),
)


_OVER: Final = pl.col("ms") > pl.col("limit_ms")
_BEYOND: Final = (
    (pl.col("ms") - pl.col("limit_ms")).clip(0).mean().alias("over_excess_ms"),
    pl.col("ms").filter(_OVER).std(ddof=0).alias("over_std_ms"),
)


def clock_table(view: TraceView, known: pl.DataFrame | None) -> pl.DataFrame:
    """CLOCK_SCHEMA: how far the clocks at both ends of calls are apart."""
    halves, ms = view.halves, view.legs.ms
    return clock_offsets(halves.shortest(ms), known, halves.of_messages(ms))


def leg_table(view: TraceView, clocks: pl.DataFrame | None) -> pl.DataFrame:
    """Distribution of each leg, free of the offsets ``clocks``."""
    values = pl.DataFrame({"key": view.legs.key, "ms": _on_one_clock(view, clocks)})
    return _named(view, values.group_by("key").agg(_FIGURES))


def leg_excess(view: TraceView, thresholds: pl.DataFrame, clocks: pl.DataFrame | None) -> pl.DataFrame:
    """The same, and how many values exceed ``limit_ms`` of the leg (``over``), by how much on
    average over all (``over_excess_ms``), and how they scatter (``over_std_ms``)."""
    limits = view.legs.keys.join(thresholds, on=LEG_KEYS, how="left", maintain_order="left")["limit_ms"]
    table = (
        pl.DataFrame({"key": view.legs.key, "ms": _on_one_clock(view, clocks)})
        .with_columns(limits.gather(view.legs.key))
        .group_by("key")
        .agg(*_FIGURES, _OVER.sum().cast(pl.Int64).alias("over"), *_BEYOND)
    )
    return _named(view, table)


def leg_pieces(
    view: TraceView, thresholds: pl.DataFrame, clocks: pl.DataFrame | None, pieces: Pieces
) -> pl.DataFrame:
    """Each leg by piece of time: LEG_KEYS, ``piece``, ``n``, ``over``; and, where more than ODD of the values
    are over ``limit_ms``, ``mean_ms``, ``p50_ms``, ``over_excess_ms`` and ``over_std_ms``, null elsewhere."""
    limits = view.legs.keys.join(thresholds, on=LEG_KEYS, how="left", maintain_order="left")["limit_ms"]
    ms, key = _on_one_clock(view, clocks), view.legs.key
    piece = pieces.of(view.spans.trace_ns)[view.legs.span]
    over = np.flatnonzero(ms > limits.fill_null(np.inf).to_numpy()[key])
    trials = count_pieces({"key": key}, piece, "n")
    hits = count_pieces({"key": key[over]}, piece[over], "hits")
    counts = shares(hits, trials, ["key"], ["key"]).rename({"hits": "over"})
    odd = counts.filter(pl.col("over") > ODD * pl.col("n")).select("key", "piece")
    concerned = np.flatnonzero(np.isin(key, odd["key"].unique().to_numpy()))
    figures = (
        pl.DataFrame({"key": key[concerned], "piece": piece[concerned], "ms": ms[concerned]})
        .with_columns(limits.gather(key[concerned]))
        .join(odd, on=["key", "piece"], how="semi")
        .group_by("key", "piece")
        .agg(pl.col("ms").mean().alias("mean_ms"), pl.col("ms").median().alias("p50_ms"), *_BEYOND)
    )
    return _named(view, counts.join(figures, on=["key", "piece"], how="left"), "piece")


def leg_values(view: TraceView, keys: pl.DataFrame, clocks: pl.DataFrame | None) -> pl.DataFrame:
    """Single values of chosen legs, with the span and the pods that they belong to; peers that send no spans
    have no pods."""
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
            _pods_of(view, span, found["callee"]).alias("pod"),
            _pods_of(view, caller, found["caller"]).alias("caller_pod"),
            *view.texts(span, "trace_id", "span_id"),
            pl.Series("start_ns", spans.start_ns[span]),
        )
        .sort("row", "leg", maintain_order=True)
        .select(*keys.columns, "ms", "pod", "caller_pod", "trace_id", "span_id", "start_ns")
    )


def _pods_of(view: TraceView, places: IntArray, services: pl.Series) -> pl.Series:
    """Pods of some spans, null where the span is not that service's."""
    names = view.spans.names
    own = names.services.gather(names.service[places]) == services
    return names.pods(np.where(own.to_numpy(), places, -1))


def _named(view: TraceView, table: pl.DataFrame, *more: str) -> pl.DataFrame:
    """Figures by the names of the legs, in order of these and of ``more``."""
    figures = table.drop("key")
    return pl.concat([view.legs.keys[table["key"]], figures], how="horizontal").sort(*LEG_KEYS, *more)


def _on_one_clock(view: TraceView, clocks: pl.DataFrame | None) -> FloatArray:
    """Values of the legs, with the offsets of the clocks taken out of the halves of calls."""
    return view.legs.ms if clocks is None else view.halves.on_one_clock(view.legs.ms, clocks)
