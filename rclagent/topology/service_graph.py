"""Who calls whom: one networkx graph of services over all traces."""

from __future__ import annotations

import networkx as nx
import polars as pl

from rclagent.telemetry.coded_spans import named_peers
from rclagent.telemetry.repair import LINK_SCHEMA, repair_spans


def build_service_graph(spans: pl.DataFrame) -> nx.DiGraph[str]:
    """The service graph of all traces given.

    Args:
        spans: A repaired span table, whole traces of one, or a span table yet to be repaired.

    Returns:
        Caller -> callee, nodes and edges in order of name, no service calling itself. Node
        attributes: ``spans`` (number), ``pods`` (sorted names) and ``entries`` (traces that enter
        there). Edge attributes: ``calls`` and ``errors`` (calls that failed, as the callee or the
        client span of the caller says).
    """
    frame = spans if set(LINK_SCHEMA) <= set(spans.columns) else repair_spans(spans).frame
    graph: nx.DiGraph[str] = nx.DiGraph()
    for node in _services(frame).iter_rows(named=True):
        pods = tuple(node["pods"])
        graph.add_node(node["service"], spans=node["spans"], pods=pods, entries=node["entries"])
    for edge in pl.concat([_calls(frame), _peer_calls(frame)]).iter_rows(named=True):
        graph.add_edge(edge["caller"], edge["service"], calls=edge["calls"], errors=edge["errors"])
    return graph


def callers_path(graph: nx.DiGraph[str], source: str, entry: str) -> tuple[str, ...] | None:
    """The shortest way from a service up to the entry, from callee to caller.

    Args:
        graph: Caller -> callee, with the edge attribute ``calls``.
        source: Service to start at, usually a root cause.
        entry: Service at which requests come in.

    Returns:
        Services from ``source`` to ``entry``, both included; of ways of one length the one that has
        more calls at its first difference, then the one first by name. None where there is none.
    """
    if source not in graph or entry not in graph:
        return None
    hops = nx.single_source_shortest_path_length(graph, entry)
    if source not in hops:
        return None
    path = [source]
    while path[-1] != entry:
        callee = path[-1]
        nearer = [caller for caller in graph.predecessors(callee) if hops.get(caller) == hops[callee] - 1]
        path.append(min(nearer, key=lambda caller: (-graph.edges[caller, callee]["calls"], caller)))
    return tuple(path)


def _services(frame: pl.DataFrame) -> pl.DataFrame:
    services = frame.group_by("service").agg(spans=pl.len(), pods=pl.col("pod").drop_nulls().unique().sort())
    return (
        services.join(_entries(frame), on="service", how="left")
        .with_columns(pl.col("entries").fill_null(0))
        .sort("service")
    )


def _entries(frame: pl.DataFrame) -> pl.DataFrame:
    """Number of traces that enter at each service: at their true roots, else at their earliest top."""
    tops = frame.filter(pl.col("parent_row") < 0).select("trace_id", "service", "orphan", "row")
    rootless = pl.col("orphan").all().over("trace_id")
    earliest = pl.col("row") == pl.col("row").min().over("trace_id")
    entered = tops.filter(~pl.col("orphan") | (rootless & earliest))
    return entered.group_by("service").agg(entries=pl.col("trace_id").n_unique())


def _calls(frame: pl.DataFrame) -> pl.DataFrame:
    """Calls and failed calls of each pair of services, from where requests enter a service."""
    callers = frame.select(
        "error",
        parent_row="row",
        caller="service",
        calling=pl.col("kind").is_in(["client", "producer"]),
    )
    failed = pl.col("error").fill_null(False)
    client_failed = pl.col("calling") & pl.col("error_right").fill_null(False)
    return (
        frame.filter(pl.col("entry_row") == pl.col("row"))
        .select("parent_row", "service", "error")
        .join(callers, on="parent_row", suffix="_right")
        .filter(pl.col("caller") != pl.col("service"))
        .group_by("caller", "service")
        .agg(calls=pl.len(), errors=(failed | client_failed).sum())
        .sort("caller", "service")
    )


def _peer_calls(frame: pl.DataFrame) -> pl.DataFrame:
    """The same of each service and whom it calls that sends no spans."""
    answered = frame.filter(pl.col("parent_row") >= 0).select(row="parent_row").unique()
    sent = pl.col("kind") == "producer"
    return (
        frame.with_columns(peer=named_peers())
        .filter(pl.col("peer").is_not_null() & ~pl.col("peer").is_in(frame["service"].unique().implode()))
        .filter(sent | ~pl.col("row").is_in(answered["row"].implode()))
        .group_by(pl.col("service").alias("caller"), pl.col("peer").alias("service"))
        .agg(calls=pl.len(), errors=pl.col("error").fill_null(False).sum())
        .sort("caller", "service")
    )
