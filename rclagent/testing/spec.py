"""What to generate: a frozen description from which the same bytes come each time."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf
from typing import Final

from rclagent.core.window import NS_PER_S
from rclagent.errors import InputError
from rclagent.testing.faults import Fault, check_fault
from rclagent.testing.fleet import Deploy, Fleet, build_fleet
from rclagent.testing.shop import shop
from rclagent.testing.system import System

START_NS: Final = 1_715_677_200 * NS_PER_S
"""2024-05-14 09:00:00 UTC: when generated data start unless told otherwise."""


@dataclass(frozen=True, slots=True)
class IncidentSpec:
    """One incident to generate; without faults a healthy one.

    Raises:
        InputError: A length, rate, deploy or fault that cannot be.
    """

    seed: int = 0
    """Where chance starts; quiet parts of the data do not depend on the faults."""
    system: System = field(default_factory=shop)
    """Who calls whom."""
    faults: tuple[Fault, ...] = ()
    """What goes wrong."""
    deploys: tuple[Deploy, ...] = ()
    """What is deployed, without harm."""
    requests_per_s: float = 4.0
    """Mean arrival rate of requests at all entries together."""
    baseline_s: float = 600.0
    """Time before the alarm."""
    incident_s: float = 180.0
    """Time after the alarm."""
    lead_s: float = 0.0
    """How much of the time before the alarm is in the incident's data, so that the alarm can be found."""
    start_ns: int = START_NS
    """Start of the data, Unix epoch."""
    traces: bool = True
    """Whether there are spans."""
    logs: bool = True
    """Whether there are logs."""
    metrics: bool = True
    """Whether there are metrics."""
    kinds: bool = True
    """Whether spans say what kind they are."""
    statuses: bool = True
    """Whether spans say if they failed."""
    client_spans: bool = True
    """Whether services record spans of their own for what they ask of others and publish."""
    log_ids: bool = True
    """Whether log lines name their trace and span."""
    metric_interval_s: float = 60.0
    """Time between samples of a series."""
    clock_skew_ms: float = 0.0
    """Spread of the machines' clocks around the true time (standard deviation)."""
    clock_offset_node: str | None = None
    """Machine whose clock is off all the time."""
    clock_offset_ms: float = 0.0
    """By how much."""
    clock_step_node: str | None = None
    """Machine whose clock steps at the alarm."""
    clock_step_ms: float = 0.0
    """By how much."""
    clock_drift_node: str | None = None
    """Machine whose clock is right at the start of the data and goes too fast or too slow."""
    clock_drift_ppm: float = 0.0
    """By how many millionths; negative where it is slow."""
    load_drift: float = 0.0
    """How far the arrival rate swings around its mean over a day, as a share of it."""
    incident_load: float = 1.0
    """Factor on the arrival rate from the alarm on."""
    error_share: float = 0.0002
    """Share of handled requests, at any service and time, that fail for no reason."""
    fleet: Fleet = field(init=False, repr=False, compare=False)
    """All instances that run at some time."""

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise InputError(f"{self.seed} is no seed.", "Give a whole number from 0 on.")
        lengths = (self.requests_per_s, self.baseline_s, self.incident_s, self.metric_interval_s)
        if (
            not all(0 < number < inf for number in (*lengths, self.incident_load))
            or not 0 <= self.load_drift < 1
        ):
            raise InputError(
                "Rates, lengths and the load of an incident must be positive, and its drift within 0..1.",
                "Correct requests_per_s, baseline_s, incident_s, metric_interval_s or the load.",
            )
        if self.metric_interval_s > self.length_s:
            raise InputError(
                f"No sample every {self.metric_interval_s} s falls into {self.length_s} s.",
                "Give a shorter metric_interval_s.",
            )
        if not 0 <= self.lead_s < self.baseline_s:
            raise InputError(
                f"A lead of {self.lead_s} s does not fit into a baseline of {self.baseline_s} s.",
                "Give a shorter lead_s.",
            )
        for node in (self.clock_offset_node, self.clock_step_node, self.clock_drift_node):
            if node is not None and node not in self.system.nodes:
                raise InputError(
                    f"The simulated system has no node {node!r}.",
                    f"Choose one of: {', '.join(self.system.nodes)}.",
                )
        for deploy in self.deploys:
            self._require_within("A deploy that starts", deploy.at_s)
        object.__setattr__(self, "fleet", build_fleet(self.system, self.deploys, self.baseline_s))
        for fault in self.faults:
            self._require_within("A fault that starts", fault.start_s)
            check_fault(self.system, self.fleet, fault, self.inject_s(fault))

    def _require_within(self, what: str, at_s: float) -> None:
        if not 0 <= self.baseline_s + at_s < self.length_s:
            raise InputError(
                f"{what} {at_s} s after the alarm is outside the data.",
                f"Start it between {-self.baseline_s} and {self.incident_s}.",
            )

    @property
    def alarm_ns(self) -> int:
        """When the alarm goes off, Unix epoch."""
        return self.start_ns + round(self.baseline_s * NS_PER_S)

    @property
    def length_s(self) -> float:
        """Time covered by the data."""
        return self.baseline_s + self.incident_s

    def inject_s(self, fault: Fault) -> float:
        """When a fault starts, seconds after the start of the data."""
        return self.baseline_s + fault.start_s
