"""What a language model adds to the measurements of an incident."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rclagent.agents.investigation import TraceInvestigation
from rclagent.core.diagnosis import Reasoning, Usage


@dataclass(frozen=True, slots=True)
class Thought:
    """What came of a model's part."""

    measured: tuple[TraceInvestigation, ...]
    """What agents conclude by measurements alone: what candidates are ranked by."""
    credits: Mapping[str, float]
    """Service to what all claims about it are worth, -1..1."""
    explanation: str
    """The synthesizer's, where it cites evidence that counts."""
    reasoning: Reasoning
    """How far the answer rests on the model."""
    usage: Usage
    """What it cost."""
