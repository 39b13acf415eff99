"""One host's clock is off by seconds, drifts, or steps: the causes are the same."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import pytest

from rclagent import Diagnosis, FaultType, diagnose_sync, incident_from_telemetry
from rclagent.testing import Fault, IncidentSpec, generate

FAULTS: Final = {
    "late packets": Fault(FaultType.NETWORK_DELAY, "pricing"),
    "starved of CPU": Fault(FaultType.CPU, "till"),
    "exception": Fault(FaultType.EXCEPTION, "wallet"),
    "none": None,
}


def diagnosed(spec: IncidentSpec) -> Diagnosis:
    """What is said of a generated incident."""
    made = generate(spec)
    incident = incident_from_telemetry(
        made.incident, alarm_ns=made.alarm_ns, baseline_telemetry=made.baseline
    )
    return diagnose_sync(incident)


def first_cause(diagnosis: Diagnosis) -> tuple[str, ...]:
    """Verdict, service and kind of the first cause."""
    causes = diagnosis.root_causes[:1]
    return diagnosis.verdict.value, *(f"{cause.service} {cause.fault_type.value}" for cause in causes)


@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.parametrize("node", ["node-a", "node-d"])
def test_a_troubled_clock_changes_no_cause(name: str, node: str) -> None:
    """Off by 5 s, drifting by 100 ppm (78 ms over the data), and a step of 300 ms at the alarm."""
    fault = FAULTS[name]
    spec = IncidentSpec(seed=len(name), faults=() if fault is None else (fault,), requests_per_s=2)
    right = first_cause(diagnosed(spec))
    assert right == (
        ("healthy",) if fault is None else ("fault", f"{fault.service} {fault.fault_type.value}")
    )
    for troubled in (
        replace(spec, clock_offset_node=node, clock_offset_ms=5000.0),
        replace(spec, clock_drift_node=node, clock_drift_ppm=100.0),
        replace(spec, clock_step_node=node, clock_step_ms=300.0),
    ):
        assert first_cause(diagnosed(troubled)) == right
