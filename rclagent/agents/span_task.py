"""What a Dedicated Agent gets to look at: its span and what its span shows."""

from __future__ import annotations

from dataclasses import dataclass

from rclagent.core.evidence import Evidence
from rclagent.core.span import Span
from rclagent.evidence.findings import Claim


@dataclass(frozen=True, slots=True)
class Observation:
    """A piece of evidence as one span shows it."""

    evidence: Evidence
    """What was measured over the whole incident."""
    claims: tuple[Claim, ...]
    """Who is held responsible for it, strongest first; empty where it is explained away."""
    excess_ms: float
    """How far this span is above the baseline; 0 where the observation is not about time."""


@dataclass(frozen=True, slots=True)
class SpanTask:
    """The work of one Dedicated Agent: one span, or identical siblings seen as a distribution."""

    agent_id: str
    """``trace_id/span_id`` of the first span."""
    trace_id: str
    """Trace."""
    spans: tuple[Span, ...]
    """Spans to look after, in span order; none for a virtual root."""
    service: str
    """Their service."""
    operation: str
    """Their operation."""
    pod: str | None
    """Their instance."""
    self_ns: tuple[int, ...]
    """Own time of each span, nanoseconds."""
    observations: tuple[Observation, ...]
    """What the spans show, strongest first; of identical siblings, as the most affected one shows it."""

    @property
    def span_ids(self) -> tuple[str, ...]:
        """Ids of the spans."""
        return tuple(span.span_id for span in self.spans)
