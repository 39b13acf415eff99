"""What a caller hears while a diagnosis is under way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias


class ProgressKind(StrEnum):
    """What has just been finished."""

    MEASURED = "measured"
    """The evidence of all channels is there."""
    TRACES_CHOSEN = "traces_chosen"
    """The representative anomalous traces are known."""
    AGENT_DONE = "agent_done"
    """A Dedicated Agent handed in its report, or failed."""
    DIAGNOSED = "diagnosed"
    """The answer is there."""


@dataclass(frozen=True, slots=True)
class ProgressEvent:
    """One step of a diagnosis; events of agents come in order of arrival, results do not."""

    kind: ProgressKind
    """What has just been finished."""
    done: int = 0
    """Observations, traces, or spans of the trace finished so far."""
    total: int = 0
    """Of how many; 0 where that is not known."""
    trace_id: str | None = None
    """Trace of the agent."""
    span_id: str | None = None
    """First span of the agent; None for a virtual root."""


ProgressCallback: TypeAlias = Callable[[ProgressEvent], None]
"""Called in the event loop's thread; must return at once."""


def ignore_progress(event: ProgressEvent) -> None:
    """The listener of those who do not listen."""
