"""What a benchmark asks (a case, without its answer) and what the right answer is (its truth)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from rclagent import Telemetry, Window

_LABELS: Final = {
    "cpu_contention": "cpu",
    "cpu_consumed": "cpu",
    "return": "wrong_result",
}
"""Names that data sets give to fault types, where the project's name differs."""

FAMILIES: Final = {
    "network_delay": "network",
    "network_loss": "network",
    "cpu": "cpu",
    "exception": "code",
    "wrong_result": "code",
}
"""Fault type -> family; types that are not listed have none."""


@dataclass(frozen=True, slots=True)
class Cause:
    """One injected fault."""

    service: str
    """Service at fault."""
    fault_type: str
    """Kind of fault in the project's names; a data set's own name where the project has none."""


@dataclass(frozen=True, slots=True)
class Truth:
    """What was injected; never part of what a method is given."""

    causes: tuple[Cause, ...]
    """All faults injected, in the label's order."""

    @property
    def services(self) -> tuple[str, ...]:
        """Services at fault, each once."""
        return tuple(dict.fromkeys(cause.service for cause in self.causes))


@dataclass(frozen=True, slots=True)
class CaseView:
    """All that a method sees of a case."""

    id: str
    """Names the case within its data set; carries no hint of the fault."""
    alarm_ns: int
    """When the alarm went off, nanoseconds since the Unix epoch."""
    window: Window
    """The incident: from the alarm on."""
    telemetry: Telemetry
    """Records of the incident window: traces whole, by the start of their root span."""
    baseline: Telemetry
    """Records of the time before, cut in the same way."""
    baseline_windows: tuple[Window, ...]
    """When ``baseline`` was recorded; empty where a data set gives it as one separate recording."""
    services: tuple[str, ...]
    """The candidates: every service named in ``telemetry`` or ``baseline``, sorted."""


@dataclass(frozen=True, slots=True)
class BenchmarkCase:
    """A fault to localise, before its telemetry is read."""

    id: str
    """Names the case within its data set."""
    load: Callable[[], CaseView]
    """Reads the case's own telemetry from its files."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """Cases and, apart from them, their truths."""

    name: str
    """Kind of data set, as chosen on the command line."""
    cases: tuple[BenchmarkCase, ...]
    """In order of time."""
    truths: Mapping[str, Truth]
    """Case id -> truth."""


def fault_type(label: str) -> str:
    """The project's name of a data set's fault type; unknown ones in lower case as they are."""
    name = label.strip().lower()
    return _LABELS.get(name, name)
