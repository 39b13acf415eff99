"""One failure to explain: telemetry, window, alarm and what normal looks like."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from rclagent.core.baseline import Baseline
from rclagent.core.coverage import SourceCoverage
from rclagent.core.store import TelemetryStore
from rclagent.core.window import Window


class Alarm(StrEnum):
    """Where the time of the alarm comes from."""

    GIVEN = "given"
    """The caller named it."""
    FOUND = "found"
    """It is the onset that the entries show."""
    NONE = "none"
    """Nobody named one and none was found: the window starts where there is something to compare."""


@dataclass(frozen=True, slots=True)
class Incident:
    """One failure to explain."""

    store: TelemetryStore
    """Telemetry that covers the window."""
    window: Window
    """From the alarm on: the time to explain."""
    alarm_ns: int
    """When the alarm went off, nanoseconds since the Unix epoch."""
    alarm: Alarm
    """Where ``alarm_ns`` comes from."""
    baseline: Baseline | None
    """What normal looks like; None where no quiet telemetry is known."""
    sources: tuple[SourceCoverage, ...] = ()
    """What each file gave."""
    notes: tuple[str, ...] = ()
    """What a reader must know of how the incident was put together."""
