"""Cut traces into legs: pieces of time owned by one place.

- The *self* leg of a span is its duration less the union of its children and of the calls of
  its request, by (service, operation). A call span has none: its time is the call's. The self leg
  of a client span without children is a *store* leg: it waits for a database or another
  service that sends no spans.
- A call is a client span with the one server span that it caused. Its *request* leg is
  server start less client start, its *response* leg client end less server end, by
  (caller, callee, callee's operation). The clocks of two hosts differ, so a half may be
  negative; compared with its own baseline a constant skew cancels. Their sum, the *gap*,
  is free of skew. A producer's span has a request leg only: nobody waits for the answer.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from rclagent.core.span import SpanKind
from rclagent.core.window import NS_PER_MS

CALLING: Final = (SpanKind.CLIENT.value, SpanKind.PRODUCER.value)
"""Kinds of spans that call another service."""


def with_calls(frame: pl.DataFrame) -> pl.DataFrame:
    """Mark the spans that stand for one call to another service.

    Args:
        frame: Repaired spans (rclagent.telemetry.repair), whole traces; ``row`` need not
            be contiguous.

    Returns:
        The same rows with ``callee_row`` (Int64): row of the entry span that the span called,
        -1 where the span is not a call. A call is of kind client or producer, or of unknown
        kind and not itself an entry, and has exactly one child that enters another service.
    """
    entered = (
        frame.filter((pl.col("parent_row") >= 0) & (pl.col("entry_row") == pl.col("row")))
        .group_by("parent_row")
        .agg(pl.len().alias("entered"), pl.col("row").first().alias("callee_row"))
    )
    calling = pl.col("kind").is_in(CALLING) | (
        (pl.col("kind") == SpanKind.UNKNOWN.value) & (pl.col("entry_row") != pl.col("row"))
    )
    return (
        frame.join(entered, left_on="row", right_on="parent_row", how="left", maintain_order="left")
        .with_columns(
            pl.when(calling & (pl.col("entered") == 1)).then("callee_row").otherwise(-1).alias("callee_row")
        )
        .drop("entered")
    )


def self_times(marked: pl.DataFrame) -> pl.DataFrame:
    """Own time of each span: what neither its children nor a call of the same request cover.

    A child in another service that sticks out of the span is moved inside first, as far as
    its length allows: clocks differ between hosts. Calls count although they are no children:
    a reactive framework's span ends with the answer that a sibling span waits for, and a
    request that waits does no work of its own.

    Args:
        marked: Spans of whole traces, as with_calls returns them.

    Returns:
        ``row`` and ``self_ns`` (Int64, >= 0), one line a span, in the order of ``marked``.
    """
    gaps = _uncovered(marked)
    calls = _calls_of_requests(marked)
    waiting = _waiting_before(gaps, calls, "end_ns") - _waiting_before(gaps, calls, "start_ns")
    own = (
        gaps.with_columns((pl.col("end_ns") - pl.col("start_ns") - waiting).alias("self_ns"))
        .group_by("row")
        .agg(pl.col("self_ns").sum())
    )
    return (
        marked.select("row")
        .join(own, on="row", how="left", maintain_order="left")
        .with_columns(pl.col("self_ns").fill_null(0))
    )


def _uncovered(marked: pl.DataFrame) -> pl.DataFrame:
    """Intervals of each span that no child covers: ``row``, ``entry_row``, ``start_ns``, ``end_ns``."""
    spans = marked.select(
        "row", "entry_row", pl.col("start_ns").alias("p_start"), pl.col("end_ns").alias("p_end")
    )
    children = marked.filter(pl.col("parent_row") >= 0).select(
        pl.col("parent_row").alias("row"),
        "start_ns",
        "end_ns",
        (pl.col("entry_row") == pl.col("row")).alias("remote"),
    )
    length = pl.col("end_ns") - pl.col("start_ns")
    moved = pl.col("start_ns").clip(pl.col("p_start"), pl.max_horizontal("p_start", pl.col("p_end") - length))
    start = pl.when("remote").then(moved).otherwise("start_ns")
    inside = (
        children.join(spans, on="row", how="inner")
        .with_columns(start.alias("start_ns"), (start + length).alias("end_ns"))
        .with_columns(
            pl.col("start_ns").clip(pl.col("p_start"), pl.col("p_end")),
            pl.col("end_ns").clip(pl.col("p_start"), pl.col("p_end")),
        )
        .sort("row", "start_ns", "end_ns")
        .with_columns(pl.col("end_ns").cum_max().over("row").alias("reached"))
    )
    before = pl.col("reached").shift(1).over("row").fill_null(pl.col("p_start"))
    between = inside.select("row", "entry_row", before.alias("g_start"), pl.col("start_ns").alias("g_end"))
    last = inside.group_by("row").agg(pl.col("reached").max().alias("g_start"))
    after = spans.join(last, on="row", how="left").select(
        "row", "entry_row", pl.col("g_start").fill_null(pl.col("p_start")), pl.col("p_end").alias("g_end")
    )
    return (
        pl.concat([between, after])
        .filter(pl.col("g_end") > pl.col("g_start"))
        .rename({"g_start": "start_ns", "g_end": "end_ns"})
    )


def _calls_of_requests(marked: pl.DataFrame) -> pl.DataFrame:
    """Disjoint times in which each request waits for a call: ``entry_row``, ``c_start``, ``c_end``,
    ``c_before``.

    ``c_before`` is the time waited before ``c_start``.
    """
    calls = (
        marked.filter(pl.col("callee_row") >= 0)
        .select("entry_row", pl.col("start_ns").alias("c_start"), pl.col("end_ns").alias("c_end"))
        .sort("entry_row", "c_start", "c_end")
    )
    reached = pl.col("c_end").cum_max().shift(1).over("entry_row")
    merged = (
        calls.with_columns((reached.is_null() | (pl.col("c_start") > reached)).cum_sum().alias("run"))
        .group_by("entry_row", "run", maintain_order=True)
        .agg(pl.col("c_start").min(), pl.col("c_end").max())
    )
    waited = (pl.col("c_end") - pl.col("c_start")).cum_sum().shift(1, fill_value=0).over("entry_row")
    return merged.select("entry_row", "c_start", "c_end", waited.alias("c_before"))


def _waiting_before(gaps: pl.DataFrame, calls: pl.DataFrame, column: str) -> pl.Series:
    """Time that the request of each gap waited for calls before the gap's start or end."""
    at = gaps.select(pl.col("entry_row"), pl.col(column).alias("at")).with_row_index("place").sort("at")
    found = at.join_asof(
        calls.sort("c_start"),
        left_on="at",
        right_on="c_start",
        by="entry_row",
        strategy="backward",
        check_sortedness=False,
    ).sort("place")
    waited = pl.col("c_before") + pl.min_horizontal("at", "c_end") - pl.col("c_start")
    return found.select(waited.fill_null(0).alias("waited"))["waited"]


def cut_legs(frame: pl.DataFrame) -> pl.DataFrame:
    """All legs of the given traces.

    Args:
        frame: Repaired spans, whole traces.

    Returns:
        One line a leg: ``row`` (span with the self leg, or the server span of the call), ``leg``
        (``self``, ``store``, ``request``, ``response``, ``gap``), ``caller`` (empty for self and store legs),
        ``callee``, ``operation``, ``pod``, ``caller_pod``, ``ms`` (Float64).
    """
    marked = with_calls(frame)
    children = frame.group_by("parent_row").agg(pl.len().alias("children"))
    own = (
        marked.join(self_times(marked), on="row", how="left", maintain_order="left")
        .join(children, left_on="row", right_on="parent_row", how="left", maintain_order="left")
        .with_columns(pl.col("children").fill_null(0))
        .filter(pl.col("callee_row") < 0)
        .select(
            "row",
            pl.when(pl.col("kind").is_in(CALLING) & (pl.col("children") == 0))
            .then(pl.lit("store"))
            .otherwise(pl.lit("self"))
            .alias("leg"),
            pl.lit("").alias("caller"),
            pl.col("service").alias("callee"),
            "operation",
            "pod",
            pl.lit(None, dtype=pl.String).alias("caller_pod"),
            (pl.col("self_ns") / NS_PER_MS).alias("ms"),
        )
    )
    return pl.concat([own, _halves(marked)])


def call_halves(frame: pl.DataFrame) -> pl.DataFrame:
    """The request and response legs alone, as cut_legs gives them."""
    return _halves(with_calls(frame)).filter(pl.col("leg") != "gap")


def _halves(marked: pl.DataFrame) -> pl.DataFrame:
    clients = marked.filter(pl.col("callee_row") >= 0).select(
        pl.col("callee_row").alias("row"),
        pl.col("service").alias("caller"),
        pl.col("pod").alias("caller_pod"),
        pl.col("start_ns").alias("c_start"),
        pl.col("end_ns").alias("c_end"),
        (pl.col("kind") == SpanKind.PRODUCER.value).alias("sends_only"),
    )
    servers = marked.select(
        "row", pl.col("service").alias("callee"), "operation", "pod", "start_ns", "end_ns"
    )
    request = (pl.col("start_ns") - pl.col("c_start")) / NS_PER_MS
    response = (pl.col("c_end") - pl.col("end_ns")) / NS_PER_MS
    calls = clients.join(servers, on="row", how="inner").with_columns(
        request.alias("request"),
        pl.when(pl.col("sends_only")).then(None).otherwise(response).alias("response"),
        pl.when(pl.col("sends_only")).then(None).otherwise(request + response).alias("gap"),
    )
    return (
        calls.unpivot(
            on=["request", "response", "gap"],
            index=["row", "caller", "callee", "operation", "pod", "caller_pod"],
            variable_name="leg",
            value_name="ms",
        )
        .filter(pl.col("ms").is_not_null())
        .select("row", "leg", "caller", "callee", "operation", "pod", "caller_pod", "ms")
    )
