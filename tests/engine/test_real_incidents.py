"""Recorded incidents with known causes, from files to the answer; skipped where they are not at hand."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import pytest

from rclagent import diagnose_sync, load_incident
from rclagent.core.window import NS_PER_S

NEZHA = [
    ("2023-01-30", "13:06:49", "ts-travel-service", "cpu"),
    ("2023-01-29", "11:13:56", "ts-route-service", "exception"),
]


@pytest.mark.parametrize(("day", "time", "service", "fault_type"), NEZHA, ids=lambda value: str(value))
def test_a_fault_of_a_recorded_day_is_found_against_what_precedes_it(
    shared_data: Path, day: str, time: str, service: str, fault_type: str
) -> None:
    """Of the whole day only the alarm is told; earlier faults are part of what precedes it, so that the
    verdict may be that quiet time shows as much."""
    at_ns = round(datetime.fromisoformat(f"{day}T{time}Z").timestamp()) * NS_PER_S
    incident = load_incident(shared_data / "nezha-tt" / "rca_data" / day, at_ns=at_ns)
    diagnosis = diagnose_sync(incident)
    cause = diagnosis.root_causes[0]
    assert diagnosis.verdict != "healthy"
    assert (cause.service, cause.fault_type) == (service, fault_type)
    assert cause.pod is not None and cause.pod.startswith(service)
    assert cause.propagation_path is not None and cause.propagation_path.services[0] == service


def test_an_incident_of_traces_alone_is_found_without_telling_when(shared_data: Path) -> None:
    """Jaeger's JSON, with normal traces apart; two services delay their packets."""
    folder = shared_data / "shapleyiq-tt"
    label = next(
        label for label in json.loads((folder / "labels.json").read_text()) if label["incident"] == "tt-52"
    )
    incident = load_incident(folder / label["file"], baseline=folder / "normal.json.gz")
    diagnosis = diagnose_sync(incident)
    causes = {cause["service"] for cause in label["causes"]}
    assert len(causes) == 2
    assert {cause.service for cause in diagnosis.root_causes[:2]} == causes
    assert {cause.fault_type for cause in diagnosis.root_causes[:2]} == {"network_delay"}
    assert "No metrics were seen in the incident window." in diagnosis.coverage.missing


def test_a_single_trace_gives_a_first_look_and_no_verdict(shared_data: Path) -> None:
    """The AIOps challenge's sample: nothing to compare with."""
    diagnosis = diagnose_sync(load_incident(shared_data / "aiops2022-sample"))
    assert diagnosis.verdict == "inconclusive"
    assert diagnosis.root_causes
    assert {source.format for source in diagnosis.coverage.sources} == {"aiops", "ignored"}
