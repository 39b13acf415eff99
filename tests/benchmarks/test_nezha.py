"""Cases of a system in the Nezha layout."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pytest

from benchmarks.cases import Cause, Truth
from benchmarks.datasets import MODALITIES, load_dataset
from benchmarks.nezha import nezha, read_faults, service_of
from rclagent import InputError, Window

if TYPE_CHECKING:
    from tests.benchmarks.conftest import NezhaSystem

S = 1_000_000_000


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("logs", [False, True])
@pytest.mark.parametrize("construct", [False, True])
def test_any_form_of_the_layout_loads(
    nezha_system: NezhaSystem, zipped: bool, logs: bool, construct: bool
) -> None:
    """Files gzipped or plain; ``log`` and ``construct_data`` may be absent."""
    data = nezha_system.write(zipped=zipped, logs=logs, construct=construct)
    view = nezha(data, modalities=MODALITIES).cases[0].load()
    assert view.services == ("shop", "web")
    assert view.telemetry.spans["trace_id"].n_unique() == 90
    assert view.telemetry.metrics.height == 3 * 2
    assert view.telemetry.logs.height == (90 if logs else 0)
    assert view.baseline.spans["trace_id"].n_unique() == 150 + (30 if construct else 0)


def test_truth_is_the_service_of_the_pod_and_the_kind_by_its_own_name(nezha_system: NezhaSystem) -> None:
    dataset = nezha(nezha_system.write(kind="cpu_contention"), modalities=MODALITIES)
    assert dict(dataset.truths) == {"2023-01-30 11:05:00": Truth((Cause("shop", "cpu"),))}


def test_the_baseline_is_everything_before_less_five_minutes_after_each_earlier_alarm(
    nezha_system: NezhaSystem,
) -> None:
    data = nezha_system.write(("11:02:00", "11:10:00"))
    view = nezha(data, modalities=MODALITIES).cases[1].load()
    at = nezha_system.at
    assert view.window == Window(at("11:10:00"), at("11:13:00"))
    assert view.baseline_windows == (
        Window(at("00:00:00"), at("11:02:00")),
        Window(at("11:07:00"), at("11:10:00")),
    )
    starts = view.baseline.spans.filter(pl.col("parent_id").is_null())["start_ns"]
    allowed = [*range(at("10:40:00"), at("10:41:00"), 2 * S), *range(at("11:00:00"), at("11:02:00"), 2 * S)]
    allowed += range(at("11:07:00"), at("11:10:00"), 2 * S)
    assert sorted(starts) == allowed


def test_fault_free_minutes_after_the_alarm_are_normal_too(nezha_system: NezhaSystem) -> None:
    data = nezha_system.write(("10:30:00",))
    view = nezha(data, modalities=MODALITIES).cases[0].load()
    at = nezha_system.at
    assert view.baseline_windows == (
        Window(at("00:00:00"), at("10:30:00")),
        Window(at("10:40:00"), at("10:40:58") + 2_000_001),  # its last span starts 2 ms later
    )
    assert view.baseline.spans["trace_id"].n_unique() == 30


def test_metrics_of_the_fault_free_folder_do_not_let_the_incident_into_the_baseline(
    nezha_system: NezhaSystem,
) -> None:
    """In the published data they are a copy of the whole day's."""
    data = nezha_system.write()
    day = next((data / "rca_data").iterdir())
    copy = data / "construct_data" / day.name / "metric"
    copy.mkdir()
    for path in (day / "metric").iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    metrics = nezha(data, modalities=MODALITIES).cases[0].load().baseline.metrics
    assert metrics["time_ns"].max() == nezha_system.at("11:04:00")
    assert metrics.height == 5 * 2


def test_labels_are_nowhere_in_what_a_method_is_given(nezha_system: NezhaSystem) -> None:
    data = nezha_system.write(kind="cpu_contention")
    case = nezha(data, modalities=MODALITIES).cases[0]
    view = case.load()
    kinds = {type(getattr(view, part.name)) for part in dataclasses.fields(view)}
    assert not kinds & {Truth, Cause}
    assert "cpu" not in repr(view.id) + repr(view.window) + repr(view.baseline_windows)
    assert "cpu_contention" not in repr(case) and "Truth" not in repr(case)


def test_a_view_does_not_depend_on_later_faults(nezha_system: NezhaSystem) -> None:
    first = nezha(nezha_system.write(("11:05:00",)), modalities=MODALITIES).cases[0].load()
    again = nezha(nezha_system.write(("11:05:00", "11:15:00")), modalities=MODALITIES).cases[0].load()
    assert first.telemetry.spans.equals(again.telemetry.spans)
    assert first.baseline.spans.equals(again.baseline.spans)
    assert first.baseline_windows == again.baseline_windows


def test_modalities_can_be_left_out(nezha_system: NezhaSystem) -> None:
    view = nezha(nezha_system.write(), modalities=("traces",)).cases[0].load()
    assert view.telemetry.logs.is_empty() and view.telemetry.metrics.is_empty()
    assert not view.telemetry.spans.is_empty()


def test_all_days_are_read_unless_one_is_named(nezha_system: NezhaSystem) -> None:
    data = nezha_system.write()
    other = data / "rca_data" / "2023-01-31"
    other.mkdir()
    entry = {"inject_time": "2023-01-31 01:00:00", "inject_pod": "web-1-2", "inject_type": "Odd_One"}
    (other / "2023-01-31-fault_list.json").write_text(json.dumps({"01": [entry]}), encoding="utf-8")
    truths = nezha(data, modalities=MODALITIES).truths
    assert list(truths) == ["2023-01-30 11:05:00", "2023-01-31 01:00:00"]
    assert truths["2023-01-31 01:00:00"].causes == (Cause("web", "odd_one"),)
    assert list(nezha(data, day="2023-01-30", modalities=MODALITIES).truths) == ["2023-01-30 11:05:00"]


def test_faults_of_the_same_second_stay_apart(nezha_system: NezhaSystem) -> None:
    data = nezha_system.write(("11:05:00", "11:05:00"))
    assert list(nezha(data, modalities=MODALITIES).truths) == [
        "2023-01-30 11:05:00",
        "2023-01-30 11:05:00 #2",
    ]


@pytest.mark.parametrize(
    ("pod", "service"), [("ts-seat-service-5c95b49cff-mxdsg", "ts-seat-service"), ("db-0", "db-0")]
)
def test_a_service_is_the_pod_without_its_last_two_parts(pod: str, service: str) -> None:
    assert service_of(pod) == service


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("{", "cannot be read as JSON"),
        ("[1]", "is not a fault list"),
        ('{"11": [{"inject_pod": "a-b-c", "inject_type": "x"}]}', "inject_time"),
        ('{"11": [{"inject_time": "noon", "inject_pod": "a-b-c", "inject_type": "x"}]}', "'noon' is no time"),
    ],
)
def test_a_broken_fault_list_names_the_file_and_the_place(tmp_path: Path, content: str, told: str) -> None:
    path = tmp_path / "faults.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=r"faults\.json") as error:
        read_faults(path)
    assert told in error.value.problem


def test_an_unknown_day_is_told_with_the_known_ones(nezha_system: NezhaSystem) -> None:
    with pytest.raises(InputError, match="one of: 2023-01-30"):
        load_dataset("nezha", nezha_system.write(), day="2020-01-01")


@pytest.mark.parametrize("modalities", [(), ("smells",)])
def test_modalities_are_checked(nezha_system: NezhaSystem, modalities: tuple[str, ...]) -> None:
    with pytest.raises(InputError, match="modality"):
        load_dataset("nezha", nezha_system.write(), modalities=modalities)
