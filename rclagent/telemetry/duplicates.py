"""Spans that come twice, or that share an id: which stays, and which gets an id of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import polars as pl

from rclagent.core.span import SPAN_SCHEMA

SERVER_SUFFIX: Final = "~server"
"""Appended to the id of the server half of a span that client and server share."""

KEY: Final = ("trace_id", "span_id")
CALLING, NEUTRAL, CALLED = 0, 1, 2


def without_duplicates(frame: pl.DataFrame, counts: dict[str, int]) -> pl.DataFrame:
    """Spans of which no two of a trace have one id.

    Args:
        frame: Columns of SPAN_SCHEMA.
        counts: Told how many spans were repeated as they are (``duplicate_identical``) or otherwise
            (``duplicate_conflicting``; the longest stays), and how many ids a client and a server
            shared (``shared_span_id``; the server's half gets one of its own).
    """
    repeated = frame.select(pl.struct(KEY).is_duplicated()).to_series()
    if not repeated.any():
        return frame
    distinct = frame.filter(repeated).unique()
    counts["duplicate_identical"] = int(repeated.sum()) - distinct.height
    distinct = distinct.with_columns(
        side=_side(),
        brevity=-(pl.col("end_ns") - pl.col("start_ns")).clip(lower_bound=0),
        gaps=pl.sum_horizontal(pl.all().is_null()),
    )
    order = ["brevity", "gaps", *SPAN_SCHEMA]
    callers = _first_of_each(distinct, ["side", *order])
    servers = _first_of_each(_server_halves(distinct, callers), [-pl.col("side"), *order])
    others = _first_of_each(distinct.join(servers, on=KEY, how="anti"), order)
    counts["shared_span_id"] = servers.height
    counts["duplicate_conflicting"] = distinct.height - 2 * servers.height - others.height
    kept = [frame.filter(~repeated), others, callers.join(servers, on=KEY, how="semi")]
    rest = pl.concat([part.select(list(SPAN_SCHEMA)) for part in kept])
    return _split_shared(rest, servers) if servers.height else rest


def _side() -> pl.Expr:
    kind = pl.col("kind")
    return (
        pl.when(kind.is_in(["client", "producer"]))
        .then(CALLING)
        .when(kind.is_in(["server", "consumer"]))
        .then(CALLED)
        .otherwise(NEUTRAL)
        .cast(pl.Int8)
    )


def _first_of_each(rows: pl.DataFrame, order: Sequence[str | pl.Expr]) -> pl.DataFrame:
    return rows.sort(*order).unique(subset=list(KEY), keep="first", maintain_order=True)


def _server_halves(distinct: pl.DataFrame, callers: pl.DataFrame) -> pl.DataFrame:
    """Rows that are the other side of the caller with their id, not another version of it."""
    caller = callers.select(*KEY, caller_side="side", caller_service="service")
    called = (pl.col("side") == CALLED) & (pl.col("caller_side") == CALLING)
    return distinct.join(caller, on=KEY).filter(called | (pl.col("service") != pl.col("caller_service")))


def _split_shared(rest: pl.DataFrame, servers: pl.DataFrame) -> pl.DataFrame:
    """Gives the server halves ids of their own, below their callers, and hands them their children."""
    halves = servers.with_columns(server_id=_free_ids(rest, servers))
    adopted = rest.join(
        halves.select("trace_id", "server_id", "caller_service", parent_id="span_id", server="service"),
        on=["trace_id", "parent_id"],
        how="left",
    )
    # A request passes from the client half to the server half alone, so that only what the client's
    # own service did meanwhile stays with the client.
    below_server = (pl.col("service") == pl.col("server")) | (pl.col("service") != pl.col("caller_service"))
    below_server &= pl.col("span_id") != pl.col("parent_id")
    parent = pl.when(below_server).then("server_id").otherwise("parent_id")
    adopted = adopted.with_columns(parent_id=parent)
    split = halves.with_columns(parent_id="span_id", span_id="server_id")
    return pl.concat([part.select(list(SPAN_SCHEMA)) for part in (adopted, split)])


def _free_ids(rest: pl.DataFrame, servers: pl.DataFrame) -> pl.Series:
    """Server ids that no other span of the trace has; one suffix for all keeps them apart."""
    suffix = SERVER_SUFFIX
    while True:
        ids = servers.select("trace_id", span_id=pl.col("span_id") + suffix)
        if rest.join(ids, on=KEY, how="semi").is_empty():
            return ids["span_id"]
        suffix += SERVER_SUFFIX
