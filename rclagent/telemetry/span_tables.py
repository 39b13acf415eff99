"""Spans and errors of each operation, and the requests that enter the system."""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from rclagent.core.baseline import ENTRY_SCHEMA, ERROR_SCHEMA, OPERATION_SCHEMA
from rclagent.core.window import NS_PER_MS
from rclagent.telemetry.coded_spans import NO_STATUS, PRODUCER
from rclagent.telemetry.codes import BoolArray, IntArray
from rclagent.telemetry.counting import Pieces, count_pieces
from rclagent.telemetry.legs import may_call
from rclagent.telemetry.shares import shares
from rclagent.telemetry.trace_view import TraceView

OPERATION: Final = ("service", "operation")
CALL: Final = (*OPERATION, "peer")
"""Key of what a span stands for, where it may be a call."""


def operation_table(view: TraceView) -> pl.DataFrame:
    """OPERATION_SCHEMA: spans and requests of each operation."""
    names = view.spans.names
    counts = _counts(names.operations, names.operation, n=None, requests=view.spans.enters)
    return counts.select(*OPERATION_SCHEMA).sort(OPERATION)


def error_table(view: TraceView) -> pl.DataFrame:
    """ERROR_SCHEMA: spans with a status of each operation, how many failed, and where errors start."""
    names, deepest = view.spans.names, _deepest(view)
    outgoing = deepest & is_attempt(view)
    table = _counts(
        names.calls,
        names.call,
        n=names.error != NO_STATUS,
        failed=names.error == 1,
        deepest=deepest,
        outgoing=outgoing,
        unanswered=(outgoing & (view.callee < 0)) | (deepest & (names.kind == PRODUCER)),
    )
    return table.filter(pl.col("n") > 0).select(*ERROR_SCHEMA).sort(CALL)


def error_pieces(view: TraceView, pieces: Pieces) -> pl.DataFrame:
    """Spans with a status of each operation, ``n``, and those at which errors start, ``hits``, by piece."""
    names, piece = view.spans.names, pieces.of(view.spans.trace_ns)
    told, starts = names.error != NO_STATUS, _deepest(view)
    hits, trials = (
        count_pieces({"code": names.operation[mask]}, piece[mask], name)
        for mask, name in ((starts, "hits"), (told, "n"))
    )
    table = shares(hits, trials, ["code"], ["code"])
    return (
        table.hstack(names.operations[table["code"]])
        .select(*OPERATION, "piece", "n", "hits")
        .sort(*OPERATION, "piece")
    )


def error_spans(view: TraceView, keys: pl.DataFrame) -> pl.DataFrame:
    """Spans with a status of the operations in ``keys``; ``has``: an error starts there."""
    places = np.flatnonzero(view.spans.names.error != NO_STATUS)
    return exhibited(view, places, keys, has=pl.Series(_deepest(view)[places]))


def entry_table(view: TraceView, since_ns: IntArray | None, limits: pl.DataFrame | None) -> pl.DataFrame:
    """ENTRY_SCHEMA: requests, failures and durations of each entry operation.

    Args:
        view: Traces.
        since_ns: Start of the time bucket of each span, shape (n,), or None.
        limits: ``service``, ``operation``, ``limit_ms``: adds ``over``, how many take longer.
    """
    tops = _tops(view)
    places = tops["place"].to_numpy()
    bucket = np.zeros(places.size, dtype=np.int64) if since_ns is None else since_ns[places]
    tops = tops.with_columns(pl.Series("bucket_ns", bucket))
    keys = ["service", "operation", "bucket_ns"]
    figures = [
        pl.len().cast(pl.Int64).alias("n"),
        pl.col("failed").sum().cast(pl.Int64),
        pl.col("ms").mean().alias("mean_ms"),
        pl.col("ms").median().alias("p50_ms"),
        pl.col("ms").quantile(0.95).alias("p95_ms"),
    ]
    if limits is None:
        return tops.group_by(keys).agg(figures).select(*ENTRY_SCHEMA).sort(keys)
    over = (pl.col("ms") > pl.col("limit_ms")).fill_null(False)
    return (
        tops.join(limits, on=OPERATION, how="left", maintain_order="left")
        .group_by(keys)
        .agg(*figures, over.sum().cast(pl.Int64).alias("over"))
        .sort(keys)
    )


def entry_spans(view: TraceView, keys: pl.DataFrame) -> pl.DataFrame:
    """Requests of the entries in ``keys`` with their duration ``ms``; ``has``: it failed, or took longer than
    ``limit_ms``."""
    tops = _tops(view).join(
        keys.select(*OPERATION, "limit_ms"), on=OPERATION, how="left", maintain_order="left"
    )
    odd = (tops["ms"] > tops["limit_ms"]).fill_null(False) | tops["failed"]
    return exhibited(view, tops["place"].to_numpy(), keys, ms=tops["ms"], has=odd)


def exhibited(view: TraceView, places: IntArray, keys: pl.DataFrame, **figures: pl.Series) -> pl.DataFrame:
    """TraceView.exhibits in order of trace, span and key."""
    columns = [*keys.columns, "trace_id", "span_id", "pod", "start_ns", *figures]
    return view.exhibits(places, keys, **figures).select(columns).sort("trace_id", "span_id", *keys.columns)


def is_attempt(view: TraceView) -> BoolArray:
    """Which spans stand for a call or may: answered ones, and leaves. Producers call nobody."""
    spans = view.spans
    answered = (view.callee >= 0) & ~spans.is_message[view.callee]
    leaf = ~spans.has_child & may_call(spans) & (spans.names.kind != PRODUCER)
    attempt: BoolArray = answered | leaf
    return attempt


def _counts(table: pl.DataFrame, code: IntArray, **masks: BoolArray | None) -> pl.DataFrame:
    """How many spans of each line of a table each mask holds; without a mask all."""
    codes = {name: code if mask is None else code[mask] for name, mask in masks.items()}
    counts = {name: np.bincount(held, minlength=table.height) for name, held in codes.items()}
    counted = table.with_columns(pl.Series(name, count, dtype=pl.Int64) for name, count in counts.items())
    # The codes are those of all traces: some operations may not be in these.
    return counted.filter(pl.any_horizontal(pl.col(*masks) > 0))


def _deepest(view: TraceView) -> BoolArray:
    """Failed spans without a failed child: where errors start."""
    failed = view.spans.names.error == 1
    above = view.spans.parent[failed]
    child_failed = np.zeros(view.spans.size, dtype=np.bool_)
    child_failed[above[above >= 0]] = True
    deepest: BoolArray = failed & ~child_failed
    return deepest


def _tops(view: TraceView) -> pl.DataFrame:
    """Spans at which requests enter the system: ``place``, ``service``, ``operation``, ``failed``, ``ms``."""
    spans = view.spans
    places = np.flatnonzero((spans.parent < 0) & ~spans.orphan)
    return (
        view.named(places)
        .with_columns(
            pl.Series("place", places),
            pl.Series("failed", spans.names.error[places] == 1),
            pl.Series("duration", spans.end_ns[places] - spans.start_ns[places]) / NS_PER_MS,
        )
        .rename({"duration": "ms"})
    )
