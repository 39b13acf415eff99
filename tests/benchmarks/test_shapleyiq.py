"""Incidents of the ShapleyIQ layout."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.cases import Cause
from benchmarks.datasets import MODALITIES, load_dataset
from benchmarks.shapleyiq import shapleyiq
from rclagent import InputError

ALARM = 1_649_791_136


def jaeger(trace: str, start_s: float, services: list[str]) -> dict[str, Any]:
    """A trace in which each service calls the next."""
    spans = [
        {
            "traceID": trace,
            "spanID": f"{number:016x}",
            "processID": f"p{number}",
            "operationName": "GET",
            "references": [{"refType": "CHILD_OF", "traceID": trace, "spanID": f"{number - 1:016x}"}][
                :number
            ],
            "startTime": round(start_s * 1e6),
            "duration": 1000,
            "tags": [],
            "logs": [],
        }
        for number in range(1, len(services) + 1)
    ]
    processes = {
        f"p{number}": {"serviceName": name, "tags": []} for number, name in enumerate(services, start=1)
    }
    return {"traceID": trace, "spans": spans, "processes": processes}


def put(path: Path, traces: list[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(json.dumps({"data": traces}).encode(), mtime=0))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """One incident with two causes; one trace before the alarm, one within, one after the window."""
    put(tmp_path / "normal.json.gz", [jaeger("a" * 32, ALARM - 9000, ["web", "shop"])])
    times = {"b": ALARM - 1, "c": ALARM + 5, "d": ALARM + 180}
    put(tmp_path / "incidents" / "x.json.gz", [jaeger(c * 32, t, ["web", "db"]) for c, t in times.items()])
    causes = [
        {"service": "shop", "fault_type": "network_delay"},
        {"service": "db", "fault_type": "network_delay"},
    ]
    label = {"incident": "x", "file": "incidents/x.json.gz", "alarm": ALARM, "causes": causes}
    (tmp_path / "labels.json").write_text(json.dumps([label]), encoding="utf-8")
    return tmp_path


def test_an_incident_is_cut_to_its_window_and_the_normal_traces_are_the_baseline(data: Path) -> None:
    view = shapleyiq(data, modalities=MODALITIES).cases[0].load()
    assert set(view.telemetry.spans["trace_id"]) == {"c" * 32}
    assert set(view.baseline.spans["trace_id"]) == {"a" * 32}
    assert view.alarm_ns == ALARM * 1_000_000_000
    assert view.services == ("db", "shop", "web")


def test_all_causes_of_an_incident_are_its_truth(data: Path) -> None:
    truth = shapleyiq(data, modalities=MODALITIES).truths["x"]
    assert truth.causes == (Cause("shop", "network_delay"), Cause("db", "network_delay"))


def test_the_window_can_be_longer(data: Path) -> None:
    view = shapleyiq(data, modalities=MODALITIES, window_s=181).cases[0].load()
    assert set(view.telemetry.spans["trace_id"]) == {"c" * 32, "d" * 32}


def test_labels_that_lack_a_field_are_told(data: Path) -> None:
    (data / "labels.json").write_text('[{"incident": "x"}]', encoding="utf-8")
    with pytest.raises(InputError, match="'alarm'"):
        load_dataset("shapleyiq", data)


def test_a_day_or_metrics_alone_are_refused(data: Path) -> None:
    with pytest.raises(InputError, match="no days"):
        load_dataset("shapleyiq", data, day="2022-04-12")
    with pytest.raises(InputError, match="traces only"):
        load_dataset("shapleyiq", data, modalities=("metrics",))
