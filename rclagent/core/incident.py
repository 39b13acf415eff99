"""One failure to explain: telemetry, window, alarm and what normal looks like."""

from __future__ import annotations

from dataclasses import dataclass

from rclagent.core.baseline import Baseline
from rclagent.core.coverage import SourceCoverage
from rclagent.core.store import TelemetryStore
from rclagent.core.window import Window


@dataclass(frozen=True, slots=True)
class Incident:
    """One failure to explain."""

    store: TelemetryStore
    """Telemetry that covers the window."""
    window: Window
    """From the alarm on: the time to explain."""
    alarm_ns: int
    """When the alarm went off, nanoseconds since the Unix epoch."""
    alarm_found: bool
    """True where the alarm was found in the data, not given."""
    baseline: Baseline | None
    """What normal looks like; None where no quiet telemetry is known."""
    sources: tuple[SourceCoverage, ...] = ()
    """What each file gave."""
    notes: tuple[str, ...] = ()
    """What a reader must know of how the incident was put together."""
