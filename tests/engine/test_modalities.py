"""Traces, logs and metrics may each be missing: the answer says so and comes all the same."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from rclagent import Diagnosis, FaultType, Telemetry, Window, diagnose_sync, incident_from_telemetry
from rclagent.core.window import NS_PER_S
from rclagent.testing import Fault, GeneratedIncident, IncidentSpec, generate

KINDS = ("spans", "logs", "metrics")


def only(telemetry: Telemetry, *kinds: str) -> Telemetry:
    """The same without the other kinds."""
    return Telemetry(**{kind: getattr(telemetry, kind) for kind in kinds})


def diagnosed(
    made: GeneratedIncident, kinds: tuple[str, ...], quiet: tuple[str, ...] | None = None
) -> Diagnosis:
    """The diagnosis from some kinds of telemetry, compared with those of quiet times."""
    window = Window(made.alarm_ns, made.alarm_ns + 180 * NS_PER_S)
    baseline = only(made.baseline, *(kinds if quiet is None else quiet))
    return diagnose_sync(
        incident_from_telemetry(only(made.incident, *kinds), baseline_telemetry=baseline, window=window)
    )


@pytest.mark.parametrize(
    "kinds",
    [("spans",), ("metrics",), ("spans", "logs"), ("spans", "metrics"), ("logs", "metrics")],
    ids="+".join,
)
def test_the_cause_is_found_with_what_there_is(made: GeneratedIncident, kinds: tuple[str, ...]) -> None:
    diagnosis = diagnosed(made, kinds)
    cause = diagnosis.root_causes[0]
    assert (diagnosis.verdict, cause.service, cause.fault_type) == ("fault", "stock", "cpu")


@pytest.mark.parametrize("kinds", [("spans",), ("logs",), ("metrics",), KINDS], ids="+".join)
def test_what_is_missing_is_said(made: GeneratedIncident, kinds: tuple[str, ...]) -> None:
    coverage = diagnosed(made, kinds).coverage
    for kind in KINDS:
        seen = coverage.modalities[kind]
        sentence = f"No {kind} were seen in the incident window."
        assert (seen.incident > 0, seen.baseline > 0) == (kind in kinds, kind in kinds)
        assert (sentence in coverage.missing) == (kind not in kinds)


def test_logs_alone_give_no_verdict(made: GeneratedIncident) -> None:
    """Not a healthy one either: nobody saw a request."""
    assert diagnosed(made, ("logs",)).verdict == "inconclusive"


def test_logs_that_only_the_incident_has_are_no_symptom(made: GeneratedIncident) -> None:
    """Every line is new then; the collection began, not the lines."""
    diagnosis = diagnosed(made, ("spans", "logs"), quiet=("spans",))
    assert not [item for item in diagnosis.evidence if item.channel == "logs"]
    assert any(sentence.startswith("The baseline has no logs") for sentence in diagnosis.coverage.missing)


def test_logs_that_only_the_baseline_has_are_no_symptom(made: GeneratedIncident) -> None:
    diagnosis = diagnosed(made, ("spans",), quiet=("spans", "logs"))
    assert not [item for item in diagnosis.evidence if item.channel == "logs"]


@pytest.mark.parametrize("kinds", [("metrics",), ("logs", "metrics")], ids="+".join)
def test_without_traces_what_precedes_the_alarm_is_a_baseline_too(
    made: GeneratedIncident, kinds: tuple[str, ...]
) -> None:
    recording = Telemetry.concat([only(made.baseline, *kinds), only(made.incident, *kinds)])
    diagnosis = diagnose_sync(incident_from_telemetry(recording, alarm_ns=made.alarm_ns))
    cause = diagnosis.root_causes[0]
    assert (diagnosis.verdict, cause.service, cause.fault_type) == ("fault", "stock", "cpu")


@pytest.mark.parametrize("missing", ["kinds", "statuses", "client_spans", "log_ids"])
def test_spans_and_logs_may_say_less(missing: str) -> None:
    """No kinds, statuses, spans of callers or ids in logs: a fault of the code is found all the same."""
    spec = IncidentSpec(
        seed=4,
        faults=(Fault(FaultType.EXCEPTION, "members"),),
        requests_per_s=2.0,
        baseline_s=300,
        incident_s=120,
        metrics=False,
    )
    less: dict[str, Any] = {missing: False}
    diagnosis = diagnosed(generate(replace(spec, **less)), KINDS)
    assert diagnosis.verdict == "fault"
    assert diagnosis.root_causes[0].service == "members"
