"""A generated incident for the tests of the engine: stock runs short of CPU, from the alarm on."""

from __future__ import annotations

from pathlib import Path

import pytest

from rclagent import FaultType
from rclagent.testing import Fault, GeneratedIncident, IncidentSpec, generate, write_otlp


@pytest.fixture(scope="session")
def made() -> GeneratedIncident:
    """Seven quiet minutes, of which the last is in the incident's data, and three with the fault."""
    fault = Fault(FaultType.CPU, "stock")
    return generate(
        IncidentSpec(seed=5, faults=(fault,), requests_per_s=2.0, baseline_s=420, incident_s=180, lead_s=60)
    )


@pytest.fixture(scope="session")
def folder(made: GeneratedIncident, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same as OTLP files: ``incident``, ``baseline``, and ``recording`` with both in one."""
    place = tmp_path_factory.mktemp("engine")
    write_otlp(made.incident, place / "incident")
    write_otlp(made.baseline, place / "baseline")
    write_otlp(made.incident, place / "recording" / "now")
    write_otlp(made.baseline, place / "recording" / "before")
    return place
