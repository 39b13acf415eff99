"""Calibration on generated incidents: does the confidence mean what it says?

Incidents of all kinds of fault, from barely visible to gross, and healthy ones, on systems of
many shapes, with and without logs, metrics and span kinds, under steady and changing load and clocks
that are off. Every other healthy one is a quiet window (benchmarks.generated): an hour or more of the
change of load of a day, and deploys.

The expected calibration error is the mean distance between the confidence of the first cause and how
often it is right, over ten bins of confidence, weighted by how many fall into each:

    ECE = sum over bins of (n_bin / n) x |share right - mean confidence|

Source: Guo et al., On Calibration of Modern Neural Networks (ICML 2017), section 2.

Of the causes named, however many in an incident, those given SURE or more are counted apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from benchmarks.generated import case_view, quiet_window, varied_system
from benchmarks.methods import diagnose_case
from benchmarks.statistics import wilson
from benchmarks.tables import interval, share
from rclagent import Diagnosis, FaultType, InputError
from rclagent.testing import Fault, GeneratedIncident, IncidentSpec, generate

STRENGTHS: Final = (0.02, 0.05, 0.1, 0.25, 0.5, 1.0)
"""Strength of a fault as a share of the usual one; of a code fault, the share of requests that meet it."""
HEALTHY_EVERY: Final = 7
"""Every seventh incident has no fault; not a divisor of the number of kinds, so that none is left out."""
SURE: Final = 0.9
"""Confidence from which on a cause counts as sure."""
NAME: Final = "calibration"
"""Kind of the result file."""
HEALTHY: Final = "healthy"
"""In place of a kind of fault where there is none."""
BINS: Final = 10
"""Bins of confidence."""

_USUAL: Final = {
    FaultType.NETWORK_DELAY: 200.0,  # ms
    FaultType.NETWORK_LOSS: 0.3,  # share of packets
    FaultType.CPU: 1.0,  # scale of waits
    FaultType.MEMORY: 600.0,  # ms of the longest pause
    FaultType.DISK_IO: 150.0,  # ms
}
_TYPES: Final = tuple(kind for kind in FaultType if kind is not FaultType.UNKNOWN)
_TRIES: Final = 8
_FURTHER: Final = 700_000  # a multiple of 7 and 8: another system, the same kind of fault


@dataclass(frozen=True, slots=True)
class Judged:
    """What was said of one generated incident."""

    fault_type: str
    """Kind of fault injected; HEALTHY for none."""
    strength: float
    """As in STRENGTHS; 0 for none."""
    verdict: str
    """Verdict given."""
    confidence: float
    """Of the first cause named; 0 where none is named."""
    named: bool
    """Whether a cause is named with the verdict ``fault``."""
    right: bool
    """Whether the first cause is the service at fault."""
    type_right: bool
    """Whether its kind is right, too."""
    sure: int
    """Causes named with a confidence of SURE or more."""
    sure_right: int
    """Of these, services at fault."""


def judge_generated(count: int, seed: int = 0) -> Iterator[Judged]:
    """Diagnoses generated incidents one after another; the same seed gives the same incidents."""
    for number in range(seed, seed + count):
        incident, kind, strength = _incident(number)
        diagnosis = diagnose_case(case_view(str(number), incident))
        yield _judge(diagnosis, incident.truth.services, kind, strength)


def summary(judged: Sequence[Judged]) -> dict[str, Any]:
    """Figures over all incidents, as JSON."""
    faulty = [item for item in judged if item.strength]
    healthy = [item for item in judged if not item.strength]
    alarms = sum(item.verdict == "fault" for item in healthy)
    sure, sure_right = sum(item.sure for item in judged), sum(item.sure_right for item in judged)
    return {
        "dataset": NAME,
        "n_incidents": len(judged),
        "n_healthy": len(healthy),
        "false_alarms": alarms,
        "intervals": {
            "false_alarm_rate": list(wilson(alarms, len(healthy))),
            "sure_and_right": list(wilson(sure_right, sure)),
        },
        "expected_calibration_error": calibration_error(judged),
        "sure": sure,
        "sure_and_right": sure_right,
        "bins": _bins(judged),
        "by_strength": [
            _group(str(at), [item for item in faulty if item.strength == at]) for at in STRENGTHS
        ],
        "by_fault_type": [
            _group(kind.value, [item for item in faulty if item.fault_type == kind.value]) for kind in _TYPES
        ],
    }


def headline(content: dict[str, Any]) -> str:
    """The summary in one sentence."""
    sure, right = content["sure"], content["sure_and_right"]
    return (
        f"Of {content['n_incidents']} generated incidents, {content['n_healthy']} of them healthy: "
        f"{content['false_alarms']} false alarms; of {sure} causes named with a confidence of {SURE:g} "
        f"or more {right} are right: {share(right / max(sure, 1))} ({interval(right, sure)}); "
        f"expected calibration error {content['expected_calibration_error']:.3f}."
    )


def bin_rows(content: dict[str, Any]) -> list[list[str]]:
    """Confidence beside how often it is right; the first row is the head."""
    head = ["confidence", "incidents", "mean confidence", "share right"]
    return [
        head,
        *(
            [
                f"{row['from']:.1f}-{row['from'] + 1 / BINS:.1f}",
                str(row["n"]),
                f"{row['confidence']:.2f}",
                f"{row['right']:.2f}",
            ]
            for row in content["bins"]
        ),
    ]


def group_rows(content: dict[str, Any]) -> list[list[str]]:
    """How many faults are found, by strength and by kind; the first row is the head."""
    head = ["group", "faults", "judged a fault", "rank 1 right", "kind right, too"]
    groups = [
        *({**row, "group": f"strength {row['group']}"} for row in content["by_strength"]),
        *content["by_fault_type"],
    ]
    return [
        head,
        *(
            [row["group"], *(str(row[key]) for key in ("n", "named", "right", "type_right"))]
            for row in groups
        ),
    ]


def calibration_error(judged: Sequence[Judged]) -> float:
    """Expected calibration error over the incidents that a cause is named for, 0..1."""
    named = [item for item in judged if item.named]
    if not named:
        return 0.0
    return sum(row["n"] / len(named) * abs(row["right"] - row["confidence"]) for row in _bins(named))


def _bins(judged: Sequence[Judged]) -> list[dict[str, float]]:
    groups: dict[int, list[Judged]] = {}
    for item in judged:
        if item.named:
            groups.setdefault(min(BINS - 1, int(item.confidence * BINS)), []).append(item)
    return [
        {
            "from": number / BINS,
            "n": len(items),
            "confidence": sum(item.confidence for item in items) / len(items),
            "right": sum(item.right for item in items) / len(items),
        }
        for number, items in sorted(groups.items())
    ]


def _group(name: str, items: Sequence[Judged]) -> dict[str, Any]:
    return {
        "group": name,
        "n": len(items),
        "named": sum(item.named for item in items),
        "right": sum(item.right for item in items),
        "type_right": sum(item.type_right for item in items),
    }


def _judge(diagnosis: Diagnosis, truth: Sequence[str], kind: str, strength: float) -> Judged:
    first = diagnosis.root_causes[0] if diagnosis.root_causes else None
    right = first is not None and first.service in truth
    fault = diagnosis.verdict.value == "fault"
    sure = [cause.service in truth for cause in diagnosis.root_causes if fault and cause.confidence >= SURE]
    return Judged(
        fault_type=kind,
        strength=strength,
        verdict=diagnosis.verdict.value,
        confidence=first.confidence if first else 0.0,
        named=first is not None and fault,
        right=right,
        type_right=right and first is not None and first.fault_type.value == kind,
        sure=len(sure),
        sure_right=sum(sure),
    )


def _incident(number: int) -> tuple[GeneratedIncident, str, float]:
    """One incident, its kind of fault and strength; all drawn from its number."""
    healthy = number % HEALTHY_EVERY == 0
    if healthy and number % 2:
        return generate(quiet_window(number)), HEALTHY, 0.0
    chance = Random(number)
    system = varied_system(number, 21)
    services = sorted(service.name for service in system.services)
    kind, strength = _TYPES[number % len(_TYPES)], chance.choice(STRENGTHS)
    for _ in range(_TRIES):
        faults = () if healthy else (_fault(kind, chance.choice(services), strength),)
        try:
            spec = IncidentSpec(
                seed=number,
                system=system,
                faults=faults,
                logs=chance.random() < 0.7,
                metrics=chance.random() < 0.7,
                kinds=chance.random() < 0.7,
                requests_per_s=chance.choice((1.0, 2.0, 4.0)),
                load_drift=chance.choice((0.0, 0.3)),
                incident_load=chance.choice((1.0, 1.0, 1.5)),
                clock_skew_ms=chance.choice((0.0, 20.0)),
            )
        except InputError:
            continue  # Not every service can show every fault: one without a database has no slow disk.
        return generate(spec), HEALTHY if healthy else kind.value, 0.0 if healthy else strength
    return _incident(number + _FURTHER)


def _fault(kind: FaultType, service: str, strength: float) -> Fault:
    if kind in _USUAL:
        return Fault(kind, service, magnitude=_USUAL[kind] * strength)
    return Fault(kind, service) if kind is FaultType.CRASH else Fault(kind, service, share=strength)
