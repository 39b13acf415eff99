"""Generated incidents as benchmark cases: systems of many shapes, with the answer kept apart."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Final

from benchmarks.cases import CaseView
from benchmarks.protocol import incident_window, services
from rclagent.testing import Deploy, GeneratedIncident, IncidentSpec, System, generate, random_system, shop

QUIET_LOAD: Final = 1.5
"""Factor on the load of every other quiet window."""

_MOST_SERVICES: Final = 15
_NEXT_VERSION: Final = "9.9.9"


def varied_system(number: int, most: int) -> System:
    """The shop for every third number, else a random system of 6 services or more, ``most`` at most."""
    return shop() if number % 3 == 0 else random_system(6 + number % (most - 5), number)


def case_view(name: str, generated: GeneratedIncident) -> CaseView:
    """What a method may see of a generated incident."""
    return CaseView(
        id=name,
        alarm_ns=generated.alarm_ns,
        window=incident_window(generated.alarm_ns),
        telemetry=generated.incident,
        baseline=generated.baseline,
        baseline_windows=(),
        services=services(generated.incident, generated.baseline),
    )


def quiet_window(number: int) -> IncidentSpec:
    """A window without a fault after an hour or more of the change of load of a day; all from the number.

    One service is deployed long before the window, another one within ten minutes before to two minutes
    after its start. Every other window has QUIET_LOAD times the load.
    """
    chance = Random(number)
    system = varied_system(number, _MOST_SERVICES)
    early, late = chance.sample(sorted(service.name for service in system.services), 2)
    baseline_s = 60.0 * chance.randint(60, 90)
    return IncidentSpec(
        seed=number,
        system=system,
        requests_per_s=chance.uniform(1.0, 2.0),
        baseline_s=baseline_s,
        load_drift=chance.uniform(0.3, 0.6),
        incident_load=QUIET_LOAD if number // 2 % 2 else 1.0,
        deploys=(
            Deploy(early, chance.uniform(-0.9 * baseline_s, -900.0), _NEXT_VERSION),
            Deploy(late, chance.uniform(-600.0, 120.0), _NEXT_VERSION),
        ),
    )


def quiet_windows(count: int) -> Iterator[CaseView]:
    """The quiet windows of the numbers from 0 on, each named after what happens in it."""
    for number in range(count):
        spec = quiet_window(number)
        deploys = ", ".join(f"{deploy.service} deployed at {deploy.at_s:+.0f} s" for deploy in spec.deploys)
        yield case_view(f"no. {number}, load x{spec.incident_load:g}, {deploys}", generate(spec))
