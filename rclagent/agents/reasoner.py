"""How an agent thinks: the protocol that a reasoner implements, and what it returns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from rclagent.agents.span_task import SpanTask
from rclagent.core.evidence import Component, FaultType
from rclagent.core.report import AgentReport, Basis, Failed, ModelClaim, SelfState


@dataclass(frozen=True, slots=True)
class Opinion:
    """What a model had to say, if one was asked."""

    basis: Basis = Basis.STATISTICS
    """Whether one was asked, and gave something that can be used."""
    claims: tuple[ModelClaim, ...] = ()
    """What it claims, as far as it counts."""
    fallback: str = ""
    """Why it gave nothing that can be used."""


@dataclass(frozen=True, slots=True)
class Verification:
    """Outcome of self-state verification."""

    state: SelfState
    """Whether the span itself shows trouble."""
    evidence: tuple[str, ...] = ()
    """Ids of what it shows, strongest first."""
    opinion: Opinion = Opinion()
    """What a model says of it."""


@dataclass(frozen=True, slots=True)
class Consolidation:
    """What an agent concludes from its own state and the reports of its children."""

    suspect: Component | None = None
    """Most suspected component; None where nothing is suspected."""
    fault_type: FaultType = FaultType.UNKNOWN
    """Kind of fault suspected."""
    confidence: float = 0.0
    """How sure, 0..1."""
    evidence: tuple[str, ...] = ()
    """Ids of the evidence for the suspect, strongest first."""
    via: str | None = None
    """Agent id of the report that leads to the suspect's trouble; None where this span shows it."""
    explanation: str = ""
    """One sentence: why this suspect."""
    opinion: Opinion = Opinion()
    """What a model says of the suspects."""


class Reasoner(Protocol):
    """Thinks for the agents; may raise, which makes the agent fail and nothing else."""

    @property
    def name(self) -> str:
        """Short name, stated in the diagnosis."""

    async def verify(self, task: SpanTask) -> Verification:
        """Self-state verification: looks at the task's own spans and at nothing else."""

    async def consolidate(
        self, task: SpanTask, verification: Verification, reports: Sequence[AgentReport | Failed]
    ) -> Consolidation:
        """Weighs the agent's own state against the reports from below, given in span order.

        Where a child failed, its ``Failed`` is followed by the reports that it had received.
        """
