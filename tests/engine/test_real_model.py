"""A real language model, small and run on this machine, on incidents that measurements leave open.

Left out unless asked for: `pytest -m real_model`. It takes minutes, and all cores.
"""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from rclagent import (
    FaultType,
    Incident,
    Limits,
    ModelAccess,
    connect,
    diagnose,
    incident_from_telemetry,
    read_settings,
)
from rclagent.testing import Fault, IncidentSpec, generate

TOOL: Final = Path(__file__).resolve().parents[3] / "shared" / "tools" / "local_llm.py"
MODEL: Final = "smollm2-135m"
PREPARED_S: Final = 300
"""Longest time to fetch and load the model."""
LIMITS: Final = Limits(calls=6, seconds=120.0)
"""What one diagnosis may spend: a busy machine takes as long, and gets the measured answer for the rest."""

pytestmark = pytest.mark.real_model

OLD_S: Final = -60.0
OPEN: Final = {
    3: (Fault(FaultType.CPU, "finder", magnitude=0.25), Fault(FaultType.CRASH, "pricing", start_s=OLD_S)),
    273: (
        Fault(FaultType.MEMORY, "finder", magnitude=150.0),
        Fault(FaultType.DISK_IO, "shelf", magnitude=15.0, start_s=OLD_S),
    ),
    279: (
        Fault(FaultType.NETWORK_DELAY, "members", magnitude=100.0),
        Fault(FaultType.CPU, "loyalty", magnitude=0.1, start_s=OLD_S),
    ),
}
"""Seed to a fault and an older trouble, which a model that is sure and wrong would put first."""


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets tests reach servers on this machine, by address, and nothing else."""
    connect_to = socket.socket.connect

    def near(self: socket.socket, address: Any) -> None:
        if not (isinstance(address, tuple) and address[0] == "127.0.0.1"):
            raise AssertionError(f"a test tried to reach {address!r}")
        connect_to(self, address)

    monkeypatch.setattr(socket.socket, "connect", near)


@pytest.fixture(scope="module")
def base_url() -> Iterator[str]:
    """Address of the model; without its tool, or where it cannot be prepared, the tests are skipped."""
    if not TOOL.is_file():
        pytest.skip("there is no ../shared/tools/local_llm.py beside the checkout")
    tool = [sys.executable, str(TOOL), "--model", MODEL]
    prepared = subprocess.run(
        [*tool, "--prepare-only"], capture_output=True, text=True, encoding="utf-8", timeout=PREPARED_S
    )
    if prepared.returncode:
        pytest.skip(f"{MODEL} cannot be prepared: {prepared.stderr.strip()[-300:]}")
    served = [*tool, "--port", "0", "--exit-with-parent"]
    with subprocess.Popen(
        served, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, encoding="utf-8"
    ) as process:
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            if not line:
                pytest.skip(f"{MODEL} was prepared but did not start")
            yield str(json.loads(line)["base_url"])
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait()


def incident_with(seed: int) -> Incident:
    """Three minutes of both troubles, after nine without and one of the older."""
    spec = IncidentSpec(seed=seed, faults=OPEN[seed], requests_per_s=2.0 if seed == 279 else 1.0)
    if seed == 3:
        spec = IncidentSpec(seed=seed, faults=OPEN[seed], requests_per_s=1.0, logs=False, metrics=False)
    made = generate(spec)
    return incident_from_telemetry(made.incident, baseline_telemetry=made.baseline, alarm_ns=made.alarm_ns)


@pytest.mark.parametrize("seed", OPEN)
async def test_a_real_model_never_makes_it_worse(base_url: str, seed: int) -> None:
    """A diagnosis comes, its first cause is as right as without the model, and its account adds up."""
    incident = incident_with(seed)
    cause = OPEN[seed][0].service
    without = await diagnose(incident)
    settings = read_settings({}, model=MODEL, base_url=base_url)
    async with connect(settings) as model:
        access = ModelAccess(model=model, timeout_s=300.0)
        diagnosis = await diagnose(incident, model=access, limits=LIMITS)
    assert without.root_causes[0].service == cause
    assert diagnosis.root_causes[0].service == cause
    assert {each.service for each in diagnosis.root_causes} == {each.service for each in without.root_causes}
    reasoning = diagnosis.agents.reasoning
    assert reasoning is not None and len(reasoning.candidates_weighed) > 1
    assert LIMITS.calls is not None and 0 < diagnosis.usage.model_calls <= LIMITS.calls
    assert reasoning.questions == reasoning.answered + sum(reasoning.fell_back.values())
    told = " ".join(diagnosis.coverage.notes)
    assert f"The model answered {reasoning.answered} of {reasoning.questions} question" in told
    assert all(reason in told for reason in [*reasoning.fell_back, *reasoning.claims_dropped])
