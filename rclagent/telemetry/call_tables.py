"""Calls that requests make, make last, and try in vain."""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from rclagent.core.baseline import ATTEMPT_SCHEMA
from rclagent.telemetry.coded_spans import PRODUCER
from rclagent.telemetry.codes import IntArray, contains
from rclagent.telemetry.counting import Pieces, count_by, count_pieces, time_key
from rclagent.telemetry.requests import call_pairs
from rclagent.telemetry.runs import ranks_in_runs
from rclagent.telemetry.shares import shares
from rclagent.telemetry.span_tables import CALL, exhibited, is_attempt
from rclagent.telemetry.trace_view import TraceView

MAX_PLACE: Final = 8
"""Places of calls in a request that are told apart; later ones count as one."""
_CALL_KEYS: Final = ("service", "operation", "callee", "call")


def call_table(view: TraceView, pieces: Pieces | None) -> pl.DataFrame:
    """Requests of each operation, and those that made each call."""
    return _shares(view, view.calls_made, pieces)


def break_table(view: TraceView, pieces: Pieces | None) -> pl.DataFrame:
    """Requests of each operation by the call that they made last."""
    return _shares(view, view.calls_made_last, pieces)


def call_requests(view: TraceView, keys: pl.DataFrame, *, last: bool) -> pl.DataFrame:
    """Requests of the operations in ``keys``; ``has``: it made the call (``last``: made it last)."""
    made = view.calls_made_last if last else view.calls_made
    asked = view.exhibits(view.requests, keys).join(
        _numbered_calls(view), on=["callee", "call"], how="left", maintain_order="left"
    )
    number = asked["number"].fill_null(-1).to_numpy()
    pairs = call_pairs(view.spans, asked["place"].to_numpy(), number)
    has = contains(made, pairs) & (number >= 0)
    columns = [*keys.columns, "trace_id", "span_id", "pod", "start_ns", "has"]
    return asked.with_columns(pl.Series("has", has)).sort("place", "callee", "call").select(columns)


def attempt_table(view: TraceView) -> pl.DataFrame:
    """ATTEMPT_SCHEMA: calls tried by each operation, and which service answered."""
    names, tried = view.spans.names, _attempts(view)
    # Rows are in order of start within a trace, so their rank is the place of a call in its request.
    same = view.spans.entry[tried] * names.calls.height + names.call[tried]
    order = np.argsort(same, kind="stable")
    tried, place = tried[order], ranks_in_runs(same[order]) + 1
    callee = view.callee[tried]
    counts = count_by(
        {
            "call": names.call[tried],
            "request": names.operation[view.spans.entry[tried]],
            "place": np.minimum(place, MAX_PLACE),
            "callee": np.where(callee < 0, -1, names.service[callee]),
        },
        "hits",
    )
    services = names.services.rename("callee").to_frame().with_row_index("code")
    return (
        names.calls[counts["call"]]
        .with_columns(
            names.operations["operation"].gather(counts["request"]).alias("request"),
            counts["place"],
            counts["callee"].alias("code"),
            counts["hits"],
        )
        .join(services.with_columns(pl.col("code").cast(pl.Int64)), on="code", how="left")
        .with_columns(pl.col("callee").fill_null(""))
        .select(*ATTEMPT_SCHEMA)
        .sort(*CALL, "request", "place", "callee")
    )


def attempt_spans(view: TraceView, keys: pl.DataFrame) -> pl.DataFrame:
    """Calls tried by the operations in ``keys``; ``has``: nobody answered."""
    tried = _attempts(view)
    return exhibited(view, tried, keys, has=pl.Series(view.callee[tried] < 0))


def _attempts(view: TraceView) -> IntArray:
    """Places of spans that stand for a call or may, and of messages that were sent."""
    spans = view.spans
    unheard = (spans.names.kind == PRODUCER) & ~spans.has_child
    heard = (view.callee >= 0) & spans.is_message[view.callee]
    return np.flatnonzero(is_attempt(view) | ((unheard | heard) & (spans.names.error != 1)))


def _numbered_calls(view: TraceView) -> pl.DataFrame:
    """``callee``, ``call`` and ``number`` of every operation, and of none."""
    operations = view.spans.names.operations.select(callee="service", call="operation")
    none = pl.DataFrame({"callee": "", "call": ""})
    return (
        pl.concat([operations, none]).with_row_index("number").with_columns(pl.col("number").cast(pl.Int64))
    )


def _shares(view: TraceView, made: IntArray, pieces: Pieces | None) -> pl.DataFrame:
    """Requests of each operation, ``n``, and those that made each call, ``hits``."""
    names = view.spans.names
    request, call = np.divmod(made, names.operations.height + 1)
    operation, requests = names.operation, view.requests
    hit = {"entered": operation[request], "number": call}
    hits = count_pieces(hit, view.piece(pieces, request), "hits")
    trials = count_pieces({"entered": operation[requests]}, view.piece(pieces, requests), "n")
    table = shares(hits, trials, ["entered", "number"], ["entered"])
    return (
        table.hstack(names.operations[table["entered"]])
        .join(_numbered_calls(view), on="number", how="left")
        .drop("entered", "number")
        .select(*_CALL_KEYS, pl.exclude(_CALL_KEYS))
        .sort(*_CALL_KEYS, *time_key(pieces))
    )
