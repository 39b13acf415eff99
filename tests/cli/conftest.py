"""A generated incident on disk, for the tests of the commands: pricing answers late, from ALARM_NS on."""

from __future__ import annotations

from pathlib import Path

import pytest

from rclagent.core.evidence import FaultType
from rclagent.testing import Fault, IncidentSpec, generate, write_otlp

SPEC = IncidentSpec(
    seed=7,
    faults=(Fault(fault_type=FaultType.NETWORK_DELAY, service="pricing"),),
    requests_per_s=1.0,
    baseline_s=400,
    incident_s=120,
    lead_s=30,
)


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with the telemetry around the alarm, and with that before it."""
    place = tmp_path_factory.mktemp("shop")
    made = generate(SPEC)
    write_otlp(made.incident, place / "incident")
    write_otlp(made.baseline, place / "baseline")
    return place


@pytest.fixture
def incident(shop: Path) -> str:
    """Telemetry around the alarm."""
    return str(shop / "incident")


@pytest.fixture
def normal(shop: Path) -> str:
    """Telemetry before the alarm."""
    return str(shop / "baseline")


@pytest.fixture
def alarm_ns() -> int:
    """When the alarm went off."""
    return SPEC.alarm_ns
