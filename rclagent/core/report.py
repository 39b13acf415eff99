"""What a Dedicated Agent returns: a typed report, or a failure."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from rclagent.core.evidence import Component, FaultType


class SelfState(StrEnum):
    """Outcome of self-state verification."""

    ABNORMAL = "abnormal"
    """The span itself shows trouble."""
    WITHIN_BASELINE = "within_baseline"
    """The agent looked and the span is as usual."""
    SETTLED = "settled"
    """No channel deviates in the whole subtree; its top agent settled it in one step."""


class Basis(StrEnum):
    """What a report rests on."""

    STATISTICS = "statistics"
    """On measured claims alone: no model was asked."""
    MODEL = "model"
    """On measured claims, weighed with what a model says of them."""
    FALLBACK = "fallback"
    """On measured claims alone, because a model was asked and gave nothing that could be used."""


class Stance(StrEnum):
    """What a claim says of a component."""

    SUPPORTS = "supports"
    """It is the root cause."""
    REFUTES = "refutes"
    """It is not."""


class ModelClaim(BaseModel):
    """What a model says of a component, as far as the evidence that it cites bears it out."""

    model_config = ConfigDict(frozen=True)

    service: str
    """The component."""
    stance: Stance
    """What is said of it."""
    evidence: tuple[str, ...]
    """Ids of the cited evidence that exists and points this way."""
    credit: float = Field(gt=0, le=1)
    """Share of the citations that bear the claim out, each as far as it points this way."""
    reason: str = ""
    """Why, in the model's words; untrusted text."""


class AgentReport(BaseModel):
    """Report of one Dedicated Agent about its span and all below it."""

    model_config = ConfigDict(frozen=True)

    outcome: Literal["report"] = "report"
    agent_id: str
    """``trace_id/span_id`` of the (first) span looked after."""
    trace_id: str
    """Trace."""
    span_ids: tuple[str, ...]
    """Spans looked after: one, identical siblings, or a settled subtree."""
    service: str
    """Service of the span."""
    pod: str | None = None
    """Instance of the span."""
    operation: str
    """Operation of the span."""
    state: SelfState
    """Outcome of self-state verification."""
    own_evidence: tuple[str, ...] = ()
    """Ids of the evidence that the span itself shows."""
    suspect: Component | None = None
    """Most suspected component in this span's subtree after consolidation; None if there is none."""
    fault_type: FaultType = FaultType.UNKNOWN
    """Kind of fault suspected."""
    confidence: float = Field(default=0.0, ge=0, le=1)
    """How sure the agent is of the suspect."""
    evidence: tuple[str, ...] = ()
    """Ids of the evidence for the suspect, own and inherited."""
    path: tuple[str, ...] = ()
    """Span ids from this span down to the span that shows the suspect's trouble."""
    children: tuple[str, ...] = ()
    """Ids of the child agents, in span order."""
    failed_children: int = 0
    """Child agents that failed."""
    explanation: str = ""
    """One sentence: why this suspect."""
    basis: Basis = Basis.STATISTICS
    """What the report rests on."""
    claims: tuple[ModelClaim, ...] = ()
    """What a model claims, as far as it counts."""
    fallback: str = ""
    """Why no model's answer is used, where one was asked for."""


class Failed(BaseModel):
    """An agent that could not finish; data for its parent."""

    model_config = ConfigDict(frozen=True)

    outcome: Literal["failed"] = "failed"
    agent_id: str
    """``trace_id/span_id`` of the (first) span looked after."""
    trace_id: str
    """Trace."""
    span_ids: tuple[str, ...]
    """Spans looked after."""
    service: str
    """Service of the span."""
    operation: str
    """Operation of the span."""
    reason: str
    """What went wrong, in one line."""
