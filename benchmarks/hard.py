"""Generated incidents that measurements alone often leave open, as benchmark cases.

A fault at one service, beside an older trouble at another one that began OLDER_S before the alarm; at random
half of them without spans of callers, without logs, without metrics. The cause is what began with the alarm.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from random import Random
from typing import Final

from benchmarks.cases import BenchmarkCase, CaseView, Cause, Truth
from benchmarks.generated import case_view, varied_system
from rclagent import FaultType, InputError
from rclagent.testing import Fault, IncidentSpec, generate

OLDER_S: Final = 60.0
"""How long before the alarm the older trouble began, seconds."""
STRENGTHS: Final = (0.05, 0.1, 0.25, 0.5)
"""Strength of a fault as a share of the usual one; of a code fault, the share of requests that meet it."""

_MOST_SERVICES: Final = 12
_TYPES: Final = tuple(kind for kind in FaultType if kind is not FaultType.UNKNOWN)
_CODE: Final = (FaultType.EXCEPTION, FaultType.WRONG_RESULT)
_TRIES: Final = 8
_FURTHER: Final = 700_000


def hard_cases(count: int, seed: int = 0) -> Iterator[tuple[BenchmarkCase, Truth]]:
    """The incidents of the numbers from ``seed`` on, each with what began with its alarm."""
    for number in range(seed, seed + count):
        spec = hard_incident(number)
        fault = spec.faults[0]
        truth = Truth((Cause(fault.service, fault.fault_type.value),))
        # One at a time: a generated incident is as large as it is quickly made anew.
        yield BenchmarkCase(str(number), partial(_load, str(number), spec)), truth


def hard_incident(number: int) -> IncidentSpec:
    """The fault, then the older trouble; all drawn from the number."""
    chance = Random(number)
    system = varied_system(number, _MOST_SERVICES)
    services = sorted(service.name for service in system.services)
    for _ in range(_TRIES):
        new, old = chance.sample(services, 2)
        faults = (_fault(chance, new, 0.0), _fault(chance, old, -OLDER_S))
        logs, metrics, client_spans = (chance.random() < 0.5 for _ in range(3))
        try:
            return IncidentSpec(
                seed=number,
                system=system,
                faults=faults,
                requests_per_s=chance.choice((1.0, 2.0)),
                logs=logs,
                metrics=metrics,
                client_spans=client_spans,
            )
        except InputError:
            continue  # Not every service can show every fault: one without a database has no slow disk.
    return hard_incident(number + _FURTHER)


def _load(name: str, spec: IncidentSpec) -> CaseView:
    return case_view(name, generate(spec))


def _fault(chance: Random, service: str, start_s: float) -> Fault:
    kind, strength = chance.choice(_TYPES), chance.choice(STRENGTHS)
    if kind in _CODE:
        return Fault(kind, service, share=strength, start_s=start_s)
    if kind is FaultType.CRASH:
        return Fault(kind, service, start_s=start_s)
    return Fault(kind, service, magnitude=strength * Fault(kind, service).strength, start_s=start_s)
