"""Causes that send no spans, and consumers of messages: the bakery, whole."""

from __future__ import annotations

import pytest

from rclagent import Diagnosis, FaultType, diagnose_sync, incident_from_telemetry
from rclagent.testing import Fault, IncidentSpec, bakery, generate

SERVICES = {service.name for service in bakery().services}


def diagnosed(seed: int, *faults: Fault) -> Diagnosis:
    """Seven minutes of the bakery, the last two of them the incident."""
    spec = IncidentSpec(
        seed=seed, system=bakery(), faults=faults, requests_per_s=2.0, baseline_s=300, incident_s=120
    )
    made = generate(spec)
    return diagnose_sync(
        incident_from_telemetry(made.incident, baseline_telemetry=made.baseline, alarm_ns=made.alarm_ns)
    )


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize(
    ("fault_type", "peer"),
    [
        (FaultType.DISK_IO, "main-db"),
        (FaultType.NETWORK_DELAY, "main-db"),
        (FaultType.CRASH, "main-db"),
        (FaultType.CRASH, "cardhouse.example"),
        (FaultType.CRASH, "maps.example"),
    ],
    ids=lambda value: str(value),
)
def test_a_peer_without_spans_is_the_cause(fault_type: FaultType, peer: str, seed: int) -> None:
    """A database that three services share, and hosts of others that one service asks."""
    diagnosis = diagnosed(seed, Fault(fault_type, peer))
    first = diagnosis.root_causes[0]
    assert diagnosis.verdict == "fault"
    assert (first.service, first.pod, first.fault_type) == (peer, None, fault_type)


@pytest.mark.parametrize("peer", ["main-db", "cardhouse.example"])
def test_who_waits_for_a_peer_that_crashed_comes_after_it(peer: str) -> None:
    """Every other candidate is a service that makes less of it."""
    first, *others = diagnosed(1, Fault(FaultType.CRASH, peer)).root_causes
    assert first.service == peer
    assert {cause.service for cause in others} <= SERVICES


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("fault_type", [FaultType.CPU, FaultType.CRASH], ids=lambda value: str(value))
def test_a_consumer_of_messages_is_the_cause(fault_type: FaultType, seed: int) -> None:
    """Nobody waits for the oven: its fault shows in the queue before it and in what it no longer does."""
    diagnosis = diagnosed(seed, Fault(fault_type, "oven"))
    assert diagnosis.verdict == "fault"
    assert diagnosis.root_causes[0].service == "oven"


def test_the_pod_of_a_consumer_that_crashed_is_named() -> None:
    """A crash takes the first of the two."""
    first = diagnosed(1, Fault(FaultType.CRASH, "oven")).root_causes[0]
    assert first.fault_type is FaultType.CRASH
    assert first.pod == bakery().pods_of("oven")[0].name


@pytest.mark.parametrize(("seed", "verdict"), [(1, "inconclusive"), (2, "healthy")])
def test_a_healthy_bakery_has_no_fault_and_no_clock_to_correct(seed: int, verdict: str) -> None:
    """Messages that are handled after their producers ended are no clocks that differ. Of one seed a single
    entry deviates by chance."""
    diagnosis = diagnosed(seed)
    assert diagnosis.verdict == verdict
    assert diagnosis.root_causes == ()
    assert diagnosis.coverage.repairs == {}
