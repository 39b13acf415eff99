"""Causes that send no spans, consumers of messages, repeated calls, and services that record half of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import polars as pl
import pytest

from rclagent import Diagnosis, FaultType, diagnose_sync, incident_from_telemetry
from rclagent.testing import Fault, IncidentSpec, bakery, generate

SERVICES = {service.name for service in bakery().services}


def diagnosed(seed: int, *faults: Fault, **rest: Any) -> Diagnosis:
    """Seven minutes of the bakery, the last two of them the incident."""
    times = {"requests_per_s": 2.0, "baseline_s": 300, "incident_s": 120, "metric_interval_s": 20}
    spec = IncidentSpec(seed=seed, system=bakery(), faults=faults, **(times | rest))
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
        (FaultType.NETWORK_DELAY, "cardhouse.example"),
        (FaultType.CRASH, "cardhouse.example"),
        (FaultType.CRASH, "maps.example"),
        (FaultType.NETWORK_DELAY, "placed-orders"),
        (FaultType.CRASH, "placed-orders"),
    ],
    ids=lambda value: str(value),
)
def test_a_peer_without_spans_is_the_cause(fault_type: FaultType, peer: str, seed: int) -> None:
    """A database that three services share, hosts of others that one service asks, and a topic."""
    diagnosis = diagnosed(seed, Fault(fault_type, peer))
    first = diagnosis.root_causes[0]
    assert diagnosis.verdict == "fault"
    assert (first.service, first.pod, first.fault_type) == (peer, None, fault_type)


@pytest.mark.parametrize(
    ("fault_type", "peer", "way"),
    [
        (FaultType.NETWORK_DELAY, "cardhouse.example", ("cardhouse.example", "payments", "orders", "window")),
        (FaultType.CRASH, "main-db", ("main-db", "menu", "window")),
        (FaultType.NETWORK_DELAY, "placed-orders", ("placed-orders", "orders", "window")),
    ],
)
def test_the_way_from_a_peer_to_the_entry_is_that_of_its_callers(
    fault_type: FaultType, peer: str, way: tuple[str, ...]
) -> None:
    path = diagnosed(1, Fault(fault_type, peer)).root_causes[0].propagation_path
    assert path is not None
    assert (path.services, path.verified) == (way, True)


@pytest.mark.parametrize("metrics", [True, False])
def test_a_slow_store_of_one_service_is_told_from_it_by_its_resources(metrics: bool) -> None:
    """Where none was seen, the service is named, and the store comes second with half of its weight."""
    causes = diagnosed(1, Fault(FaultType.DISK_IO, "oven-db"), metrics=metrics).root_causes
    assert [cause.service for cause in causes] == (["oven-db"] if metrics else ["oven", "oven-db"])
    assert {cause.fault_type for cause in causes} == {FaultType.DISK_IO}
    own = diagnosed(1, Fault(FaultType.DISK_IO, "oven"), metrics=metrics).root_causes[0]
    assert (own.service, own.fault_type) == ("oven", FaultType.DISK_IO)


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


@pytest.mark.parametrize("service", ["menu", "payments", "courier"])
def test_lost_packets_of_a_service_whose_callers_try_again_are_told_from_late_ones(service: str) -> None:
    """One in five is lost."""
    first = diagnosed(
        1, Fault(FaultType.NETWORK_LOSS, service, magnitude=0.2), requests_per_s=4.0
    ).root_causes[0]
    assert (first.service, first.fault_type) == (service, FaultType.NETWORK_LOSS)


@pytest.mark.parametrize(
    ("fault_type", "service"), [(FaultType.EXCEPTION, "payments"), (FaultType.CRASH, "payments")]
)
def test_whoever_tries_again_waits_and_is_not_slow(fault_type: FaultType, service: str) -> None:
    first, *others = diagnosed(1, Fault(fault_type, service)).root_causes
    assert (first.service, first.fault_type) == (service, fault_type)
    assert all(cause.score < first.score / 2 for cause in others)


@pytest.mark.parametrize(
    ("fault_type", "service"),
    [
        (FaultType.NETWORK_DELAY, "payments"),
        (FaultType.NETWORK_LOSS, "menu"),
        (FaultType.CPU, "orders"),
        (FaultType.CRASH, "menu"),
        (FaultType.CRASH, "oven"),
    ],
    ids=lambda value: str(value),
)
def test_where_no_calls_are_recorded_the_callee_is_found(fault_type: FaultType, service: str) -> None:
    """Server spans have own times only, and what is not answered fails at the caller."""
    diagnosis = diagnosed(1, Fault(fault_type, service), client_spans=False, requests_per_s=3.0)
    first = diagnosis.root_causes[0]
    assert diagnosis.verdict == "fault"
    assert (first.service, first.fault_type) == (service, fault_type)


@pytest.mark.parametrize(
    ("peer", "fault_type"),
    [
        ("main-db", FaultType.NETWORK_DELAY),
        ("main-db", FaultType.CRASH),
        ("cardhouse.example", FaultType.CRASH),
        ("orders", FaultType.CPU),
    ],
    ids=lambda value: str(value),
)
def test_where_one_service_records_only_its_calls_the_cause_is_found(
    peer: str, fault_type: FaultType
) -> None:
    """Nothing of the orders is there but whom they ask; their waits are part of what others wait for them."""
    spec = IncidentSpec(
        seed=1, system=bakery(), faults=(Fault(fault_type, peer),), baseline_s=300, incident_s=120
    )
    made = generate(spec)
    called = (pl.col("service") == "orders") & pl.col("kind").is_in(["server", "internal"])
    now, before = (
        replace(telemetry, spans=telemetry.spans.filter(~called))
        for telemetry in (made.incident, made.baseline)
    )
    diagnosis = diagnose_sync(incident_from_telemetry(now, baseline_telemetry=before, alarm_ns=made.alarm_ns))
    assert diagnosis.root_causes[0].service == peer


@pytest.mark.parametrize(
    "clock",
    [
        {"clock_offset_node": "node-b", "clock_offset_ms": 5000.0},
        {"clock_drift_node": "node-b", "clock_drift_ppm": 100.0},
        {"clock_step_node": "node-c", "clock_step_ms": 700.0},
    ],
    ids=lambda value: next(iter(value)),
)
def test_a_troubled_clock_makes_no_message_late_and_hides_none(clock: dict[str, Any]) -> None:
    """Messages are never answered, so their clocks are those of calls between the same machines."""
    assert diagnosed(2, **clock).verdict == "healthy"
    late = diagnosed(1, Fault(FaultType.NETWORK_DELAY, "oven"), **clock).root_causes[0]
    assert (late.service, late.fault_type) == ("oven", FaultType.NETWORK_DELAY)
