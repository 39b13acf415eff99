"""Findings and traces made by hand, for the agent tests."""

from __future__ import annotations

from dataclasses import fields

import polars as pl
import pytest

from rclagent.agents import StatisticalReasoner
from rclagent.core.baseline import Baseline
from rclagent.core.diagnosis import RuledOut
from rclagent.core.evidence import Channel, Component, Evidence, EvidenceKind, FaultType
from rclagent.core.incident import Alarm, Incident
from rclagent.core.window import NS_PER_S, Window
from rclagent.evidence.findings import Candidate, Claim, Entry, Findings
from rclagent.telemetry.frame_store import FrameStore
from rclagent.testing.builder import written
from rclagent.testing.spec import START_NS
from rclagent.topology.trace_graph import TraceGraph, build_trace_graph

KINDS = {
    Channel.LEGS: EvidenceKind.RESPONSE_LEG,
    Channel.LOGS: EvidenceKind.LOG_VANISHED,
    Channel.CALLS: EvidenceKind.CALL_VANISHED,
    Channel.RESOURCES: EvidenceKind.SATURATION,
    Channel.ERRORS: EvidenceKind.ERROR_RATE,
    Channel.ENTRY: EvidenceKind.ENTRY_SLOW,
}


class Measured:
    """Collects what was measured, then hands it out as Findings."""

    def __init__(self) -> None:
        self.evidence: dict[str, Evidence] = {}
        self.claims: dict[str, tuple[Claim, ...]] = {}
        self.candidates: list[Candidate] = []
        self.ruled_out: list[RuledOut] = []
        self.entries: list[Entry] = []
        self.rows: list[tuple[str, str, str, float, int]] = []

    def observe(
        self,
        evidence_id: str,
        service: str,
        *,
        owner: str | None = None,
        weight: float = 1.0,
        channel: Channel = Channel.LEGS,
        strength: float = 10.0,
        operation: str | None = None,
        peer: str | None = None,
        pod: str | None = None,
        fault_type: FaultType = FaultType.UNKNOWN,
    ) -> None:
        """An observation; with an owner, also its claim."""
        self.evidence[evidence_id] = Evidence(
            id=evidence_id,
            channel=channel,
            kind=KINDS[channel],
            component=Component(service=service, pod=pod),
            operation=operation,
            peer=peer,
            strength=strength,
            statement=f"{service} deviates ({evidence_id})",
        )
        if owner is not None:
            self.claim(evidence_id, owner, weight, fault_type, pod)

    def claim(
        self,
        evidence_id: str,
        owner: str,
        weight: float,
        fault_type: FaultType = FaultType.UNKNOWN,
        pod: str | None = None,
    ) -> None:
        """Holds a service responsible for an observation."""
        claim = Claim(Component(service=owner, pod=pod), fault_type, weight)
        self.claims[evidence_id] = (*self.claims.get(evidence_id, ()), claim)

    def witness(
        self, evidence_id: str, trace_id: str, *span_ids: str, excess_ms: float = 0.0, at_s: float = 0.0
    ) -> None:
        """Spans that show an observation, and when they start."""
        start_ns = START_NS + round(at_s * NS_PER_S)
        self.rows += [(trace_id, span_id, evidence_id, excess_ms, start_ns) for span_id in span_ids]

    def candidate(self, service: str, score: float, *evidence_ids: str, chance: float = 0.001) -> None:
        """An incident-wide candidate of which quiet time hardly shows as much; give them best first."""
        candidate = Candidate(Component(service=service), FaultType.UNKNOWN, score, evidence_ids, chance)
        self.candidates.append(candidate)

    def enter(self, service: str, operation: str = "GET /") -> None:
        """An entry that deviates; give them most affected first."""
        self.entries.append(Entry(service, operation, requests=100, affected=80, strength=9.0))

    def findings(self) -> Findings:
        """All of it."""
        return Findings(
            evidence=dict(sorted(self.evidence.items())),
            claims=self.claims,
            candidates=tuple(self.candidates),
            ruled_out=tuple(self.ruled_out),
            entries=tuple(self.entries),
            witnesses=pl.DataFrame(
                self.rows,
                schema={
                    "trace_id": pl.String(),
                    "span_id": pl.String(),
                    "evidence_id": pl.String(),
                    "excess_ms": pl.Float64(),
                    "start_ns": pl.Int64(),
                },
                orient="row",
            ),
            services=tuple(sorted({evidence.component.service for evidence in self.evidence.values()})),
        )

    def reasoner(self) -> StatisticalReasoner:
        """The statistical reasoner on what was measured so far."""
        return StatisticalReasoner(self.findings())


class Drawn:
    """Traces written as text, a line a span (rclagent.testing.builder)."""

    def traces(self, text: str) -> tuple[TraceGraph, ...]:
        """One graph a trace, in order of trace id."""
        spans = written(text).spans
        return tuple(
            build_trace_graph(part)
            for part in spans.sort("trace_id").partition_by("trace_id", maintain_order=True)
        )

    def trace(self, text: str) -> TraceGraph:
        """The only trace."""
        (trace,) = self.traces(text)
        return trace

    def incident(self, text: str, *, baseline_traces: int | None = 100) -> Incident:
        """An incident of the written telemetry; ``None`` for one without a baseline."""
        window = Window(START_NS, START_NS + 180 * NS_PER_S)
        baseline = None if baseline_traces is None else empty_baseline(baseline_traces)
        return Incident(
            store=FrameStore(written(text)),
            window=window,
            alarm_ns=window.start_ns,
            alarm=Alarm.GIVEN,
            baseline=baseline,
        )


def empty_baseline(traces: int) -> Baseline:
    """A baseline of which only the counts matter."""
    values = {field.name: pl.DataFrame() for field in fields(Baseline)}
    counts = {"spans": 3 * traces, "traces": traces, "logs": 0, "metrics": 0}
    return Baseline(**{**values, "windows": (), "counts": counts})  # type: ignore[arg-type]


@pytest.fixture
def measured() -> Measured:
    """Nothing measured yet."""
    return Measured()


@pytest.fixture
def drawn() -> Drawn:
    """Draws traces and incidents from text."""
    return Drawn()
