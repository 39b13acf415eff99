"""Deploys are told, and are no fault: neither their versions nor their pods are evidence of anything."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rclagent import Diagnosis, FaultType, diagnose_sync, incident_from_telemetry
from rclagent.core.window import NS_PER_S
from rclagent.testing import Deploy, Fault, IncidentSpec, generate

QUIET = IncidentSpec(
    seed=8, requests_per_s=3.0, baseline_s=600, incident_s=180, lead_s=120, metric_interval_s=30
)
DEPLOYS = (
    Deploy("pricing", -300, "9.1"),  # in the baseline
    Deploy("members", -200, "9.2", pods=3),
    Deploy("till", -60, "9.3"),  # between the baseline and the alarm
    Deploy("counter", 60, "9.4"),  # in the incident
)


def diagnosed(spec: IncidentSpec) -> Diagnosis:
    """The diagnosis of a generated incident, its alarm known."""
    made = generate(spec)
    incident = incident_from_telemetry(
        made.incident, alarm_ns=made.alarm_ns, baseline_telemetry=made.baseline
    )
    return diagnose_sync(incident)


@pytest.mark.parametrize("skew_ms", [0.0, 40.0])
def test_deploys_alone_are_healthy_and_told(skew_ms: float) -> None:
    """New pods run on other machines, whose clocks may differ."""
    diagnosis = diagnosed(replace(QUIET, deploys=DEPLOYS, clock_skew_ms=skew_ms))
    assert diagnosis.verdict == "healthy"
    assert not [item for item in diagnosis.evidence if item.kind == "silence"]
    assert not diagnosis.root_causes
    told = {change.service: change for change in diagnosis.changes}
    assert list(told) == ["pricing", "members", "till", "counter"]
    for deploy in DEPLOYS:
        change = told[deploy.service]
        assert (change.kind, change.after) == ("version", (deploy.version,))
        late_s = (change.at_ns - diagnosis.incident.alarm_ns) / NS_PER_S - deploy.at_s
        assert -1 < late_s < 15


def test_without_deploys_nothing_changed() -> None:
    assert diagnosed(QUIET).changes == ()


@pytest.mark.parametrize(
    "fault",
    [
        Fault(FaultType.NETWORK_DELAY, "stock"),
        Fault(FaultType.EXCEPTION, "opinions"),
        Fault(FaultType.CPU, "finder"),
    ],
    ids=lambda fault: str(fault.fault_type),
)
def test_deploys_of_others_do_not_change_the_cause(fault: Fault) -> None:
    """The same service, pod and kind of fault as without them."""
    causes = [
        diagnosed(replace(QUIET, faults=(fault,), deploys=deploys)).root_causes[0]
        for deploys in ((), DEPLOYS)
    ]
    assert [cause.service for cause in causes] == [fault.service] * 2
    assert causes[0].fault_type == causes[1].fault_type
    assert causes[0].pod == causes[1].pod


def test_a_pod_that_a_deploy_ended_is_not_taken_for_the_one_that_crashed() -> None:
    """Both sent spans in the baseline, and none in the incident."""
    spec = replace(QUIET, deploys=DEPLOYS, faults=(Fault(FaultType.CRASH, "members"),))
    diagnosis, truth = diagnosed(spec), generate(spec).truth
    assert (diagnosis.root_causes[0].service, diagnosis.root_causes[0].pod) == ("members", truth.pods[0])
    assert truth.pods[0] is not None
    told = [change.statement for change in diagnosis.changes if change.service == "members"]
    assert len(told) == 2
    assert told[1].startswith("members went from 3 pods to 2 at ")
