"""What a caller hears while a diagnosis is under way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias


class ProgressKind(StrEnum):
    """What has just happened."""

    MEASURED = "measured"
    """The evidence of all channels is there."""
    TRACES_CHOSEN = "traces_chosen"
    """The representative anomalous traces are known."""
    SPENDING_PLANNED = "spending_planned"
    """Who asks a model is known; only where there is one."""
    AGENT_STARTED = "agent_started"
    """A Dedicated Agent begins to look at its span."""
    EVIDENCE_FOUND = "evidence_found"
    """A Dedicated Agent found that its span shows something."""
    AGENT_DONE = "agent_done"
    """A Dedicated Agent handed in its report, or failed."""
    TURN_TAKEN = "turn_taken"
    """A single agent that descends a trace has taken a turn; ``done`` of at most ``total``."""
    DIAGNOSED = "diagnosed"
    """The answer is there."""


@dataclass(frozen=True, slots=True)
class ProgressEvent:
    """One step of a diagnosis; events of agents come in order of arrival, results do not."""

    kind: ProgressKind
    """What has just happened."""
    done: int = 0
    """Observations, traces, questions for a model, or spans of the trace finished so far."""
    total: int = 0
    """Of how many; 0 where that is not known."""
    trace_id: str | None = None
    """Trace of the agent."""
    span_id: str | None = None
    """First span of the agent; None for a virtual root."""
    parent_id: str | None = None
    """Span above it; None at the top."""
    calls: int = 0
    """Requests to a language model so far."""
    tokens: int = 0
    """Tokens read and written by it so far."""
    cost_usd: float | None = None
    """What they cost so far; None without prices."""


ProgressCallback: TypeAlias = Callable[[ProgressEvent], None]
"""Called in the event loop's thread; must return at once."""


def ignore_progress(event: ProgressEvent) -> None:
    """The listener of those who do not listen."""
