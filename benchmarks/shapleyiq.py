"""ShapleyIQ's Train Ticket traces: one file of normal traces, one file an incident, ``labels.json``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.cases import BenchmarkCase, CaseView, Cause, Dataset, Truth, fault_type
from benchmarks.protocol import NS_PER_S, WINDOW_S, cut, incident_window, services
from rclagent import InputError, Telemetry, read_telemetry


def shapleyiq(data: Path, *, modalities: Sequence[str], window_s: float = WINDOW_S) -> Dataset:
    """All incidents of ``labels.json``, in its order.

    Args:
        data: Folder that holds ``labels.json``, ``normal.json.gz`` and ``incidents``.
        modalities: Kinds of telemetry to read; the data set has traces only.
        window_s: Length of the incident window, seconds.

    Raises:
        InputError: The labels file is not there or not what it promises, or traces are not asked for.
    """
    if "traces" not in modalities:
        raise InputError("This data set has traces only.", "Add traces to --modalities.")
    path = data / "labels.json"
    try:
        labels = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path} is missing.", "Give --data the folder that holds labels.json.") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read as JSON: {error}.", "Restore the file.") from None
    try:
        entries = [(_case(data, entry, window_s), _truth(entry)) for entry in labels]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{path} is not a list of labels: {type(error).__name__} {error}.",
            "Each entry has incident, file, alarm (Unix seconds) and causes with service and fault_type.",
        ) from None
    return Dataset(
        "shapleyiq",
        tuple(case for case, _ in entries),
        {case.id: truth for case, truth in entries},
    )


def load_case(case_id: str, incident: Path, normal: Path, alarm_ns: int, window_s: float) -> CaseView:
    """Reads one incident and the normal traces from their files."""
    window = incident_window(alarm_ns, window_s)
    telemetry = cut(_read(incident), [window])
    baseline = _read(normal)
    return CaseView(
        id=case_id,
        alarm_ns=alarm_ns,
        window=window,
        telemetry=telemetry,
        baseline=baseline,
        baseline_windows=(),
        services=services(telemetry, baseline),
    )


def _read(path: Path) -> Telemetry:
    return read_telemetry([path], format="jaeger")


def _case(data: Path, entry: dict[str, Any], window_s: float) -> BenchmarkCase:
    alarm_ns = round(entry["alarm"] * NS_PER_S)
    load = partial(
        load_case, entry["incident"], data / entry["file"], data / "normal.json.gz", alarm_ns, window_s
    )
    return BenchmarkCase(entry["incident"], load)


def _truth(entry: dict[str, Any]) -> Truth:
    return Truth(tuple(Cause(cause["service"], fault_type(cause["fault_type"])) for cause in entry["causes"]))
