"""Quiet windows: what RCLAgent says of time in which nothing was injected.

A recording without faults, in the Nezha layout, is cut into windows of the length of an
incident. The first half hour is left to learn from; each window is diagnosed against everything
before it, as an incident would be. Any verdict but *healthy* or *inconclusive* is a false alarm.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Any, Final

from benchmarks.cases import CaseView
from benchmarks.methods import diagnose_case
from benchmarks.nezha import day_folders, read_day
from benchmarks.protocol import NS_PER_S, WINDOW_S, cut, recorded, services
from benchmarks.statistics import wilson
from rclagent import InputError, Telemetry, Window

LEAD_S: Final = 1800.0
"""Learned from before the first window, seconds."""


@dataclass(frozen=True, slots=True)
class QuietResult:
    """What was said of one quiet window."""

    case: str
    """Start of the window, UTC."""
    verdict: str
    """``fault``, ``healthy`` or ``inconclusive``."""
    evidence: int
    """Observations that deviate."""
    blamed: tuple[tuple[str, str], ...]
    """Service and kind of fault of each root cause named."""
    seconds: float
    """Time of the diagnosis, telemetry already read."""


def quiet_cases(
    data: Path, *, modalities: Sequence[str], window_s: float = WINDOW_S, lead_s: float = LEAD_S
) -> Iterator[CaseView]:
    """Windows side by side through each day of a recording without faults.

    Args:
        data: Folder that holds ``rca_data``.
        modalities: Kinds of telemetry to read.
        window_s: Length of a window, seconds.
        lead_s: Learned from before the first window, seconds.

    Raises:
        InputError: The recording has no traces, or is too short for one window.
    """
    for folder in day_folders(data, None):
        telemetry = read_day(folder, modalities)
        times = recorded(telemetry)
        windows = _windows(times, window_s, lead_s)
        if not windows:
            raise InputError(
                f"{folder} holds too little for one quiet window of {window_s:g} s.",
                f"Record more than {lead_s + window_s:g} s of traces without a fault.",
            )
        yield from (
            _case(telemetry, Window(times[0].start_ns, window.start_ns), window) for window in windows
        )


def judge(case: CaseView) -> QuietResult:
    """Diagnoses one quiet window."""
    started = perf_counter()
    diagnosis = diagnose_case(case)
    return QuietResult(
        case=case.id,
        verdict=diagnosis.verdict.value,
        evidence=len(diagnosis.evidence),
        blamed=tuple((cause.service, cause.fault_type.value) for cause in diagnosis.root_causes),
        seconds=perf_counter() - started,
    )


def summary(data: Path, results: Sequence[QuietResult]) -> dict[str, Any]:
    """Figures over all windows, as JSON."""
    alarms = [result for result in results if result.verdict == "fault"]
    return {
        "dataset": "quiet",
        "data": data.resolve().name,
        "method": "rclagent",
        "n_windows": len(results),
        "verdicts": dict(sorted(Counter(result.verdict for result in results).items())),
        "false_alarm_rate": len(alarms) / max(len(results), 1),
        "intervals": {"false_alarm_rate": list(wilson(len(alarms), len(results)))},
        "windows_with_evidence": sum(result.evidence > 0 for result in results),
        "seconds_per_window": sum(result.seconds for result in results) / max(len(results), 1),
        "false_alarms": [asdict(result) for result in alarms],
    }


def _windows(times: Sequence[Window], window_s: float, lead_s: float) -> list[Window]:
    if not times:
        return []
    step = round(window_s * NS_PER_S)
    first = times[0].start_ns + round(lead_s * NS_PER_S)
    return [Window(start, start + step) for start in range(first, times[-1].end_ns - step + 1, step)]


def _case(telemetry: Telemetry, before: Window, window: Window) -> CaseView:
    during, normal = cut(telemetry, [window]), cut(telemetry, [before])
    return CaseView(
        id=datetime.fromtimestamp(window.start_ns // NS_PER_S, tz=UTC).strftime("%Y-%m-%d %H:%M:%S"),
        alarm_ns=window.start_ns,
        window=window,
        telemetry=during,
        baseline=normal,
        baseline_windows=(before,),
        services=services(during, normal),
    )
