"""Which services and calls deviate, and since when: what propagation paths are checked against."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from rclagent.agents.confidence import GATE_Z
from rclagent.agents.investigation import TraceInvestigation
from rclagent.core.evidence import Evidence
from rclagent.core.report import AgentReport
from rclagent.core.store import TelemetryStore
from rclagent.evidence.findings import Findings
from rclagent.topology.trace_graph import TraceGraph, build_trace_graph

EARLIEST: Final = 3
"""Traces looked at for services that were late before the first walked one."""


@dataclass(frozen=True, slots=True)
class Deviations:
    """What deviates from the baseline."""

    services: frozenset[str]
    """Services that show an observation, or that waited for a slow one in a walked trace."""
    calls: frozenset[tuple[str, str]]
    """(caller, callee) with an observation about the call between them."""
    first_ns: Mapping[str, int]
    """Start of the first request that shows a deviation of the service, or of a call to or from it."""


def find_deviations(
    findings: Findings, investigations: Sequence[TraceInvestigation], store: TelemetryStore
) -> Deviations:
    """What deviates by the evidence of all channels and by what the agents saw.

    Legs are exclusive: a service that only waits for a slow callee has no slow leg of its own. It
    is late all the same, by the callee's excess over the baseline, where its span encloses the end
    of the slow one.

    Args:
        findings: What was measured.
        investigations: The walked traces.
        store: Asked for the first request that shows each observation.
    """
    services = {evidence.component.service for evidence in findings.evidence.values()}
    services.update(entry.service for entry in findings.entries if entry.strength > GATE_Z)
    services.update(
        result.service
        for investigation in investigations
        for result in investigation.results
        if isinstance(result, AgentReport) and result.own_evidence
    )
    calls = {pair for evidence in findings.evidence.values() for pair in _calls(evidence)}
    walked = {investigation.trace.trace_id: investigation.trace for investigation in investigations}
    earliest = [trace for trace in _earliest_slow(findings, store) if trace.trace_id not in walked]
    since = [
        *_first_requests(findings, store),
        *_late_services(findings, [*walked.values(), *earliest]),
    ]
    first: dict[str, int] = {}
    for service, start_ns in since:
        first[service] = min(first.get(service, start_ns), start_ns)
    return Deviations(frozenset(services | first.keys()), frozenset(calls), first)


def _calls(evidence: Evidence) -> Iterator[tuple[str, str]]:
    """The call that an observation is about, read both ways: its channel decides who is the caller."""
    if evidence.peer is not None:
        yield evidence.peer, evidence.component.service
        yield evidence.component.service, evidence.peer


def _first_requests(findings: Findings, store: TelemetryStore) -> Iterator[tuple[str, int]]:
    """Services that an observation is about, each with the start of the first request that shows it.

    The start of the request, not of the span: requests start on few clocks, spans run on all of
    them, and a host whose clock is off would turn cause and effect around.
    """
    earliest = (
        findings.witnesses.filter(pl.col("evidence_id").is_in(list(findings.evidence)))
        .sort("evidence_id", "start_ns", "trace_id")
        .unique("evidence_id", keep="first", maintain_order=True)
    )
    spans = store.spans(earliest["trace_id"].unique().sort().to_list())
    requests = spans.group_by("trace_id").agg(pl.col("trace_ns").min())
    known = earliest.join(requests, on="trace_id", how="inner").sort("evidence_id")
    for evidence_id, trace_ns in known.select("evidence_id", "trace_ns").iter_rows():
        evidence = findings.evidence[evidence_id]
        yield evidence.component.service, trace_ns
        if evidence.peer is not None:
            yield evidence.peer, trace_ns


def _earliest_slow(findings: Findings, store: TelemetryStore) -> list[TraceGraph]:
    """The first few traces with a slow span: walked ones are the most telling, and may come late."""
    slow = findings.witnesses.filter(pl.col("excess_ms") > 0)
    first = (
        slow.group_by("trace_id").agg(pl.col("start_ns").min()).sort("start_ns", "trace_id").head(EARLIEST)
    )
    parts = store.spans(first["trace_id"].to_list()).partition_by("trace_id", as_dict=True)
    return [build_trace_graph(parts[key]) for key in sorted(parts)]


def _late_services(findings: Findings, traces: Sequence[TraceGraph]) -> Iterator[tuple[str, int]]:
    """Services of the spans that waited for a slow one, each with the start of the request."""
    slow = findings.witnesses.filter(
        (pl.col("excess_ms") > 0) & pl.col("trace_id").is_in([trace.trace_id for trace in traces])
    )
    by_trace = dict(slow.group_by("trace_id").agg(pl.col("span_id").unique().sort()).iter_rows())
    for trace in traces:
        start_ns = int(trace.graph.nodes[trace.root]["start_ns"])
        for node in _late_spans(trace, by_trace.get(trace.trace_id, [])):
            span = trace.graph.nodes[node]["span"]
            if span is not None:
                yield span.service, start_ns


def _late_spans(trace: TraceGraph, slow: Sequence[str]) -> set[str]:
    """The slow spans and those above them that waited; each span is climbed through once."""
    late: set[str] = set()
    for start in slow:
        node: str | None = start if start in trace.graph else None
        while node is not None and node not in late:
            late.add(node)
            above = next(iter(trace.graph.pred[node]), None)
            waited = above is not None and _end_ns(trace, above) >= _end_ns(trace, node)
            node = above if waited else None
    return late


def _end_ns(trace: TraceGraph, node: str) -> int:
    return int(trace.graph.nodes[node]["end_ns"])
