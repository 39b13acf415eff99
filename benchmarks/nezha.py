"""Data sets in the Nezha layout: faults injected into a running system, one folder a day.

``rca_data/DAY/{trace,log,metric}`` with ``rca_data/DAY/DAY-fault_list.json``, and fault-free
minutes in ``construct_data/DAY``. ``log`` and ``construct_data`` may be absent.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks.cases import BenchmarkCase, CaseView, Cause, Dataset, Truth, fault_type
from benchmarks.protocol import (
    NS_PER_S,
    WINDOW_S,
    baseline_windows,
    cut,
    incident_window,
    joined,
    recorded,
    services,
    widened,
)
from rclagent import InputError, Telemetry, Window, read_telemetry

FOLDERS: Final = {"traces": "trace", "logs": "log", "metrics": "metric"}
"""Modality -> folder of a day."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One entry of a fault list."""

    alarm_ns: int
    """Time of the injection, nanoseconds since the Unix epoch."""
    cause: Cause
    """What was injected."""


def nezha(
    data: Path, *, day: str | None = None, modalities: Sequence[str], window_s: float = WINDOW_S
) -> Dataset:
    """The faults of one day, or of every day.

    Args:
        data: Folder that holds ``rca_data``.
        day: Name of a folder in ``rca_data``, such as ``2023-01-30``; all days where None.
        modalities: Kinds of telemetry to read: keys of FOLDERS.
        window_s: Length of the incident window, seconds.

    Raises:
        InputError: There is no such folder or day, or a fault list is not what the layout promises.
    """
    cases: list[BenchmarkCase] = []
    truths: dict[str, Truth] = {}
    for folder in day_folders(data, day):
        faults = read_faults(folder / f"{folder.name}-fault_list.json")
        alarms = [fault.alarm_ns for fault in faults]
        for case_id, fault in zip(_ids(faults), faults, strict=True):
            load = partial(
                load_case,
                case_id,
                folder,
                data / "construct_data" / folder.name,
                fault.alarm_ns,
                # Only earlier alarms: nothing later than its own alarm reaches a case.
                tuple(alarm for alarm in alarms if alarm < fault.alarm_ns),
                tuple(modalities),
                window_s,
            )
            cases.append(BenchmarkCase(case_id, load))
            truths[case_id] = Truth((fault.cause,))
    return Dataset("nezha", tuple(cases), truths)


def day_folders(data: Path, day: str | None) -> list[Path]:
    """Folders of the days in ``rca_data``, in order; one where a day is named."""
    root = data / "rca_data"
    if not root.is_dir():
        raise InputError(f"{root} is no folder.", "Give --data the folder that holds rca_data.")
    days = sorted(path for path in root.iterdir() if path.is_dir() and day in (None, path.name))
    if not days:
        known = ", ".join(sorted(path.name for path in root.iterdir() if path.is_dir()))
        raise InputError(f"{root} has no day {day!r}.", f"Give --day one of: {known}.")
    return days


def read_day(folder: Path, modalities: Iterable[str], windows: Sequence[Window] | None = None) -> Telemetry:
    """What is there of a day; nothing where the folders are absent or empty."""
    folders = [folder / FOLDERS[name] for name in modalities]
    paths = [path for path in folders if path.is_dir() and any(path.iterdir())]
    return read_telemetry(paths, format="nezha", windows=windows) if paths else Telemetry()


def read_faults(path: Path) -> list[Fault]:
    """The entries of a fault list, in order of time.

    The alarm is ``inject_time``, text in UTC: ``inject_timestamp`` is a minute off in places.
    """
    try:
        hours = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(
            f"{path} is missing.", "Give --data the folder that holds rca_data/DAY/DAY-fault_list.json."
        ) from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read as JSON: {error}.", "Restore the file.") from None
    try:
        entries = [(hour, entry) for hour in sorted(hours) for entry in hours[hour]]
        faults = [_fault(path, hour, entry) for hour, entry in entries]
    except (AttributeError, IndexError, KeyError, TypeError) as error:
        raise InputError(
            f"{path} is not a fault list: {type(error).__name__} {error}.",
            "Each hour holds a list of objects with inject_time, inject_pod and inject_type.",
        ) from None
    return sorted(faults, key=lambda fault: (fault.alarm_ns, fault.cause.service, fault.cause.fault_type))


def service_of(pod: str) -> str:
    """The service of a pod: its name without the last two dash parts, replica set and instance."""
    parts = pod.rsplit("-", 2)
    return parts[0] if len(parts) == 3 and parts[0] else pod


def load_case(
    case_id: str,
    folder: Path,
    construct: Path,
    alarm_ns: int,
    earlier_ns: Sequence[int],
    modalities: Sequence[str],
    window_s: float,
) -> CaseView:
    """Reads one case from its files.

    The fault-free minutes of ``construct`` are normal whenever they were recorded, metrics of
    those minutes included; the published metrics in ``construct`` run through the whole day, so
    that beyond those minutes they count as the day's own.
    """
    window = incident_window(alarm_ns, window_s)
    quiet = read_day(construct, [name for name in modalities if name != "metrics"])
    normal = joined([*baseline_windows(alarm_ns, earlier_ns), *recorded(quiet)], without=window)
    day = read_day(folder, modalities, widened([*normal, window]))
    metrics = read_day(construct, [name for name in modalities if name == "metrics"], normal)
    telemetry = cut(day, [window])
    baseline = cut(Telemetry.concat([day, quiet, metrics]), normal)
    return CaseView(
        id=case_id,
        alarm_ns=alarm_ns,
        window=window,
        telemetry=telemetry,
        baseline=replace(baseline, metrics=baseline.metrics.unique(maintain_order=True)),
        baseline_windows=tuple(normal),
        services=services(telemetry, baseline),
    )


def _fault(path: Path, hour: str, entry: dict[str, str]) -> Fault:
    try:
        alarm = datetime.strptime(entry["inject_time"], "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    except ValueError:
        raise InputError(
            f"{path}, hour {hour}: inject_time {entry['inject_time']!r} is no time.",
            "Write it as 2023-01-30 11:51:46, in UTC.",
        ) from None
    cause = Cause(service_of(entry["inject_pod"]), fault_type(entry["inject_type"]))
    return Fault(int(alarm.timestamp()) * NS_PER_S, cause)


def _ids(faults: Sequence[Fault]) -> list[str]:
    """The time of each alarm; faults of the same second are numbered."""
    seen: Counter[str] = Counter()
    ids = []
    for fault in faults:
        text = datetime.fromtimestamp(fault.alarm_ns // NS_PER_S, tz=UTC).strftime("%Y-%m-%d %H:%M:%S")
        seen[text] += 1
        ids.append(text if seen[text] == 1 else f"{text} #{seen[text]}")
    return ids
