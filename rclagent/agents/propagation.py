"""How a root cause reaches the alarming entry, each step checked by code against the data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import networkx as nx

from rclagent.agents.deviations import Deviations
from rclagent.agents.investigation import TraceInvestigation
from rclagent.core.diagnosis import Hop, PropagationPath
from rclagent.core.window import Window
from rclagent.evidence.findings import Findings
from rclagent.topology.service_graph import callers_path

STEPS_PER_WINDOW: Final = 20
"""The order in time is checked to a twentieth of the window: requests come at random, so the onset of
a deviation is known no better than to when the next request passed by."""


def propagation_path(
    source: str,
    findings: Findings,
    investigations: Sequence[TraceInvestigation],
    service_graph: nx.DiGraph[str],
    deviations: Deviations,
    window: Window,
) -> PropagationPath | None:
    """The way from a root cause to the alarming entry, the most affected one that it can reach.

    Ways that the agents took are tried first, those of most traces before others, then the
    shortest chain of callers; the first that passes every check is given. Where none passes, the
    first is given as unverified with the reason.

    Args:
        source: Service at fault.
        findings: Names the entries and what deviates.
        investigations: The walked traces.
        service_graph: Caller -> callee.
        deviations: What deviates, and since when.
        window: The incident window; its length sets the resolution of the check of order.

    Returns:
        None where no entry is known.
    """
    if not findings.entries:
        return None
    resolution_ns = (window.end_ns - window.start_ns) // STEPS_PER_WINDOW
    entries = dict.fromkeys(entry.service for entry in findings.entries)
    routes = _routes(investigations, source)
    found = (_ways(source, entry, routes, service_graph) for entry in entries)
    ways = next((ways for ways in found if ways), None)
    if ways is None:
        entry = findings.entries[0].service
        problem = f"No chain of calls from {entry} to {source} was seen."
        return PropagationPath(services=(source, entry), verified=False, problem=problem)
    checked = [_checked(way, service_graph, deviations, resolution_ns) for way in ways]
    return next((path for path in checked if path.verified), checked[0])


def _ways(
    source: str, entry: str, routes: Sequence[tuple[str, ...]], service_graph: nx.DiGraph[str]
) -> list[tuple[str, ...]]:
    if source == entry:
        return [(source,)]
    shortest = callers_path(service_graph, source, entry)
    return [route for route in routes if route[-1] == entry] + ([] if shortest is None else [shortest])


def _routes(investigations: Sequence[TraceInvestigation], source: str) -> list[tuple[str, ...]]:
    """Ways of the agents that suspect the source, those of most traces first."""
    counts = Counter(_route(investigation, source) for investigation in investigations)
    return sorted((route for route in counts if route), key=lambda route: (-counts[route], len(route), route))


def _route(investigation: TraceInvestigation, source: str) -> tuple[str, ...]:
    """Services from the suspect up to the root as the agents went; empty where they suspect another."""
    verdict = investigation.verdict
    if verdict is None or verdict.suspect is None or verdict.suspect.service != source:
        return ()
    route: list[str] = []
    for span_id in verdict.path:
        span = investigation.trace.graph.nodes[span_id]["span"]
        if span is not None:
            _extend(route, span.service)
        if route and route[-1] == source:
            break
    if route and route[-1] != source:
        _extend(route, source)
    return tuple(reversed(route))


def _extend(route: list[str], service: str) -> None:
    """Adds a service; what lies between two visits to one service is a detour and goes."""
    if service in route:
        del route[route.index(service) + 1 :]
    else:
        route.append(service)


def _checked(
    services: tuple[str, ...], service_graph: nx.DiGraph[str], deviations: Deviations, resolution_ns: int
) -> PropagationPath:
    hops = tuple(
        Hop(
            source=source,
            target=target,
            edge_exists=service_graph.has_edge(target, source),
            deviates=target in deviations.services or (target, source) in deviations.calls,
            in_order=_in_order(source, target, deviations, resolution_ns),
        )
        for source, target in pairwise(services)
    )
    problem = next((found for hop in hops if (found := _problem(hop, deviations)) is not None), None)
    return PropagationPath(services=services, hops=hops, verified=problem is None, problem=problem)


def _in_order(source: str, target: str, deviations: Deviations, resolution_ns: int) -> bool:
    """Whether the source deviated no later than the target; not so where a time is unknown."""
    first = deviations.first_ns
    return source in first and target in first and first[source] <= first[target] + resolution_ns


def _problem(hop: Hop, deviations: Deviations) -> str | None:
    if not hop.edge_exists:
        return f"No call from {hop.target} to {hop.source} was seen."
    if not hop.deviates:
        return f"Neither {hop.target} nor its call to {hop.source} deviates from the baseline."
    if not hop.in_order:
        unknown = [name for name in (hop.source, hop.target) if name not in deviations.first_ns]
        if unknown:
            return f"No request shows when {unknown[0]} began to deviate."
        return f"{hop.source} began to deviate after {hop.target}, which calls it."
    return None
