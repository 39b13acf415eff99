"""Quiet windows: what RCLAgent says of time in which nothing was injected.

A recording without faults, in the Nezha layout, is cut into windows of the length of an
incident. The first 25 minutes are left to learn from; each window is diagnosed against everything
before it, as an incident would be. Beside it stand windows from the generator
(benchmarks.generated) with the change of load of a day and with deploys. Any verdict but *healthy* or
*inconclusive* is a false alarm.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Any, Final

from benchmarks.cases import CaseView
from benchmarks.methods import diagnose_case
from benchmarks.nezha import day_folders, read_day
from benchmarks.protocol import NS_PER_S, WINDOW_S, cut, recorded, services
from benchmarks.score import ALL
from benchmarks.statistics import wilson
from rclagent import InputError, Telemetry, Window

NAME: Final = "quiet"
"""Kind of the result file."""
LEAD_S: Final = 1500.0
"""Learned from before the first window, seconds. The scatter between pieces of quiet time is learned from
eight pieces of three minutes or more: this leaves more than eight before every window."""


@dataclass(frozen=True, slots=True)
class QuietResult:
    """What was said of one quiet window."""

    case: str
    """Start of the window, UTC; of a generated one, its number and what happened in it."""
    verdict: str
    """``fault``, ``healthy`` or ``inconclusive``."""
    confidence: float
    """Of the verdict."""
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
        confidence=diagnosis.confidence,
        evidence=len(diagnosis.evidence),
        blamed=tuple((cause.service, cause.fault_type.value) for cause in diagnosis.root_causes),
        seconds=perf_counter() - started,
    )


def summaries(results: Mapping[str, Sequence[QuietResult]]) -> list[dict[str, Any]]:
    """Figures of each source of windows, and of all together where there are several, as JSON."""
    parts = [_summary(source, judged) for source, judged in results.items()]
    if len(parts) > 1:
        everything = _summary(ALL, [result for judged in results.values() for result in judged])
        parts.append({**everything, "false_alarms": []})  # listed with their source
    return parts


def headline(content: Mapping[str, Any]) -> str:
    """A summary in one sentence."""
    low, high = content["intervals"]["false_alarm_rate"]
    verdicts = ", ".join(f"{count} {verdict}" for verdict, count in content["verdicts"].items())
    source = "" if content["data"] == ALL else f" of {content['data']}"
    return (
        f"Of {'all ' if content['data'] == ALL else ''}{content['n_windows']} quiet windows{source}: "
        f"{verdicts}; false alarms {content['false_alarm_rate']:.2f} ({low:.2f}-{high:.2f}); "
        f"some evidence in {content['windows_with_evidence']}."
    )


def alarm_lines(content: Mapping[str, Any]) -> list[str]:
    """A line a false alarm: window, confidence of the verdict, who is blamed."""
    lines = []
    for alarm in content["false_alarms"]:
        blamed = ", ".join(f"{service} ({kind})" for service, kind in alarm["blamed"])
        lines.append(f"{alarm['case']}: {blamed}, confidence of the verdict {alarm['confidence']:.2f}")
    return lines


def _summary(source: str, results: Sequence[QuietResult]) -> dict[str, Any]:
    alarms = [result for result in results if result.verdict == "fault"]
    return {
        "dataset": NAME,
        "data": source,
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
