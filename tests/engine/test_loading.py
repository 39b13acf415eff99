"""From files to an incident: alarm, window and baseline, given or found."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from rclagent import (
    Diagnosis,
    FaultType,
    Incident,
    InputError,
    Telemetry,
    Window,
    diagnose_sync,
    incident_from_telemetry,
    learn_baseline,
    load_incident,
    save_profile,
)
from rclagent.core.incident import Alarm
from rclagent.core.window import NS_PER_S
from rclagent.testing import Fault, GeneratedIncident, IncidentSpec, generate


def first(diagnosis: Diagnosis) -> tuple[str, str]:
    """Service and kind of fault at rank 1."""
    return diagnosis.root_causes[0].service, diagnosis.root_causes[0].fault_type.value


def test_a_given_alarm_starts_a_window_of_three_minutes(folder: Path, made: GeneratedIncident) -> None:
    incident = load_incident(folder / "incident", baseline=folder / "baseline", at_ns=made.alarm_ns)
    assert incident.window == Window(made.alarm_ns, made.alarm_ns + 180 * NS_PER_S)
    assert (incident.alarm_ns, incident.alarm) == (made.alarm_ns, Alarm.GIVEN)
    assert first(diagnose_sync(incident)) == ("stock", "cpu")


def test_the_window_is_as_long_as_told(folder: Path, made: GeneratedIncident) -> None:
    incident = load_incident(folder / "recording", at_ns=made.alarm_ns, window_s=45.5)
    assert incident.window.duration_s == 45.5


@pytest.mark.parametrize(
    ("fault_type", "service"),
    [
        (FaultType.NETWORK_DELAY, "pricing"),
        (FaultType.EXCEPTION, "members"),
        (FaultType.CRASH, "members"),
        (FaultType.CPU, "stock"),
    ],
)
def test_the_onset_is_found_in_a_continuous_recording(fault_type: FaultType, service: str) -> None:
    """Within 15 seconds of the injection, and then the cause too: what precedes it is the baseline."""
    spec = IncidentSpec(
        seed=2,
        faults=(Fault(fault_type, service),),
        requests_per_s=2.0,
        baseline_s=411,
        incident_s=120,
    )
    made = generate(spec)
    incident = incident_from_telemetry(Telemetry.concat([made.baseline, made.incident]))
    assert incident.alarm is Alarm.FOUND
    assert abs(incident.alarm_ns - made.alarm_ns) <= 15 * NS_PER_S
    assert first(diagnose_sync(incident)) == (service, fault_type.value)


def test_the_onset_is_found_against_a_baseline_apart(folder: Path, made: GeneratedIncident) -> None:
    incident = load_incident(folder / "incident", baseline=folder / "baseline")
    assert incident.alarm is Alarm.FOUND
    assert abs(incident.alarm_ns - made.alarm_ns) <= 15 * NS_PER_S
    assert incident.window.duration_s == 180


def test_without_an_onset_all_is_compared_with_the_baseline() -> None:
    made = generate(IncidentSpec(seed=1, requests_per_s=2.0, baseline_s=300, incident_s=120))
    incident = incident_from_telemetry(made.incident, baseline_telemetry=made.baseline)
    assert incident.alarm is Alarm.NONE
    assert incident.window == incident.store.extent()
    assert any("No onset was found" in note for note in incident.notes)


def test_what_precedes_the_alarm_is_the_baseline_where_none_is_given(
    folder: Path, made: GeneratedIncident
) -> None:
    incident = load_incident(folder / "recording", at_ns=made.alarm_ns)
    assert incident.baseline is not None
    assert incident.baseline.windows[-1].end_ns == made.alarm_ns
    assert incident.baseline.counts["traces"] > 400
    diagnosis = diagnose_sync(incident)
    assert first(diagnosis) == ("stock", "cpu")
    assert "The baseline is what precedes the alarm in the same telemetry." in diagnosis.coverage.notes


def test_without_any_baseline_the_answer_is_where_the_time_goes_and_no_verdict(
    made: GeneratedIncident,
) -> None:
    fault_only = made.incident.spans.filter(pl.col("start_ns") >= made.alarm_ns)
    incident = incident_from_telemetry(Telemetry(spans=fault_only), alarm_ns=made.alarm_ns)
    assert incident.baseline is None
    diagnosis = diagnose_sync(incident)
    assert (diagnosis.verdict, diagnosis.confidence) == ("inconclusive", 0)
    # Requests reach it late, and it spends time itself and waiting for its database: each a part of the time.
    assert {cause.service for cause in diagnosis.root_causes} == {"counter", "stock", "stock-db"}
    assert all("of the time of all requests is spent" in item.statement for item in diagnosis.evidence)
    assert all("stock" in item.statement for item in diagnosis.evidence)
    assert any("no baseline" in sentence for sentence in diagnosis.coverage.missing)


def test_a_profile_gives_the_diagnosis_of_the_baseline_that_it_was_learned_from(
    folder: Path, tmp_path: Path
) -> None:
    save_profile(learn_baseline(folder / "baseline"), tmp_path / "quiet.profile")
    by_profile = load_incident(folder / "incident", profile=tmp_path / "quiet.profile")
    by_baseline = load_incident(folder / "incident", baseline=folder / "baseline")
    assert diagnose_sync(by_profile).model_dump_json() == diagnose_sync(by_baseline).model_dump_json()


def test_several_paths_are_one_incident(folder: Path, made: GeneratedIncident) -> None:
    names = [folder / "incident" / f"{kind}.jsonl" for kind in ("metrics", "traces", "logs")]
    counts = load_incident(names, at_ns=made.alarm_ns, window_s=60).store.counts([Window(0, 2**62)])
    assert counts["spans"] == made.incident.spans.height
    assert counts["logs"] == made.incident.logs.height
    assert counts["metrics"] == made.incident.metrics.height


def refused(folder: Path, **options: object) -> InputError:
    """The error that loading the incident with these options ends in."""
    with pytest.raises(InputError) as caught:
        load_incident(folder / "incident", **options)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)
    return caught.value


def test_a_baseline_and_a_profile_together_are_refused(folder: Path) -> None:
    error = refused(folder, baseline=folder / "baseline", profile=folder / "quiet.profile")
    assert "Both a baseline and a profile" in error.problem


@pytest.mark.parametrize("away_s", [-10_000, 10_000])
def test_an_alarm_outside_of_the_data_is_refused_with_what_there_is(
    folder: Path, made: GeneratedIncident, away_s: int
) -> None:
    error = refused(folder, at_ns=made.alarm_ns + away_s * NS_PER_S)
    assert "the telemetry reaches from" in error.problem
    assert "--at" in error.remedy


@pytest.mark.parametrize("window_s", [0, -1, float("nan"), float("inf"), 1e30])
def test_a_length_that_is_none_is_refused(folder: Path, window_s: float) -> None:
    assert "An incident cannot last" in refused(folder, window_s=window_s).problem


def test_an_empty_folder_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=str(tmp_path)):
        load_incident(tmp_path)


def test_telemetry_without_a_record_is_refused() -> None:
    with pytest.raises(InputError, match="holds no record"):
        incident_from_telemetry(Telemetry())


def test_a_window_may_be_given_in_place_of_an_alarm(made: GeneratedIncident) -> None:
    window = Window(made.alarm_ns + 5, made.alarm_ns + 60 * NS_PER_S)
    quiet = Window(0, made.alarm_ns)
    everything = Telemetry.concat([made.baseline, made.incident])
    incident: Incident = incident_from_telemetry(everything, window=window, baseline_windows=[quiet])
    assert (incident.window, incident.alarm_ns) == (window, window.start_ns)
    assert first(diagnose_sync(incident)) == ("stock", "cpu")
