"""From files to an Incident: window, alarm and baseline, given or found."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from rclagent.core.baseline import Baseline
from rclagent.core.incident import Alarm, Incident
from rclagent.core.telemetry import Telemetry
from rclagent.core.window import NS_PER_S, Window
from rclagent.errors import InputError
from rclagent.evidence.learning import learn
from rclagent.evidence.onset import find_onset
from rclagent.telemetry.frame_store import FrameStore
from rclagent.telemetry.profile import load_profile
from rclagent.telemetry.read import read_telemetry

WINDOW_S: Final = 180.0
"""Length of the incident window unless another is given: three minutes show every effect and little
recovery."""
MAX_WINDOW_S: Final = 366 * 86_400.0
"""A longer incident is a slip of the pen."""
MIN_QUIET: Final = 20
"""Fewer traces before the alarm are no baseline; nor, where there are no traces, fewer lines or samples."""

Paths = str | Path | Sequence[str | Path]
"""A file or folder, or several."""


def load_incident(
    paths: Paths,
    *,
    baseline: Paths | None = None,
    profile: str | Path | None = None,
    at_ns: int | None = None,
    window_s: float | None = None,
    format: str = "auto",
) -> Incident:
    """Read an incident from files.

    Args:
        paths: Files or folders with its telemetry; ``-`` for standard input.
        baseline: Files or folders with quiet telemetry to learn what is usual from.
        profile: A saved baseline instead.
        at_ns: When the alarm went off, nanoseconds since the Unix epoch; found in the data if None.
        window_s: Length of the incident from the alarm on, seconds; WINDOW_S if None.
        format: ``auto``, ``otlp``, ``jaeger``, ``nezha``, ``aiops`` or ``parquet``.

    Returns:
        The incident. Without a baseline or profile, what precedes the alarm serves as one.

    Raises:
        InputError: Nothing can be read, or both a baseline and a profile are given.
    """
    if baseline is not None and profile is not None:
        raise InputError("Both a baseline and a profile are given.", "Give one of them.")
    quiet = None if baseline is None else learn_baseline(baseline, format=format)
    if profile is not None:
        quiet = load_profile(profile)
    return _incident(_read(paths, format), quiet, at_ns, window_s)


def learn_baseline(paths: Paths, *, format: str = "auto") -> Baseline:
    """Learn what normal looks like from quiet telemetry.

    Args:
        paths: Files or folders.
        format: ``auto``, ``otlp``, ``jaeger``, ``nezha``, ``aiops`` or ``parquet``.

    Raises:
        InputError: Nothing can be read, or nothing is in it.
    """
    return _learn(_read(paths, format))


def incident_from_telemetry(
    telemetry: Telemetry,
    *,
    alarm_ns: int | None = None,
    window: Window | None = None,
    baseline_windows: Sequence[Window] | None = None,
    baseline_telemetry: Telemetry | None = None,
    baseline: Baseline | None = None,
) -> Incident:
    """An incident from tables in memory.

    Args:
        telemetry: Records of the incident, and of the baseline where they come together.
        alarm_ns: When the alarm went off; the start of the window, or found in the data, if None.
        window: Time to explain; WINDOW_S from the alarm on if None.
        baseline_windows: Quiet times, in ``baseline_telemetry`` if given, else in ``telemetry``.
        baseline_telemetry: Quiet records apart from the incident's.
        baseline: A baseline that is learned already.
    """
    if baseline is None and baseline_telemetry is not None:
        baseline = _learn(baseline_telemetry, baseline_windows)
    if window is None:
        if baseline is None and baseline_windows is not None:
            baseline = learn(FrameStore(telemetry), baseline_windows)
        return _incident(telemetry, baseline, alarm_ns, None)
    store = FrameStore(telemetry)
    if baseline is None and baseline_windows is not None:
        baseline = learn(store, baseline_windows)
    return Incident(
        store=store,
        window=window,
        alarm_ns=window.start_ns if alarm_ns is None else alarm_ns,
        alarm=Alarm.GIVEN,
        baseline=baseline,
        sources=telemetry.sources,
    )


def _read(paths: Paths, format: str) -> Telemetry:
    """Telemetry with at least one record."""
    telemetry = read_telemetry(_listed(paths), format=format)
    if not any(table.height for table in (telemetry.spans, telemetry.logs, telemetry.metrics)):
        names = ", ".join(repr(str(path)) for path in _listed(paths))
        dropped = sum(sum(source.dropped.values()) for source in telemetry.sources)
        raise InputError(
            f"{names}: there is no span, log line or metric sample that can be used "
            f"({dropped} records were dropped).",
            "Give files with telemetry, or check that they are whole.",
        )
    return telemetry


def _learn(telemetry: Telemetry, windows: Sequence[Window] | None = None) -> Baseline:
    store = FrameStore(telemetry)
    extent = _extent(store)
    everything = Window(min(extent.start_ns, 0), 2**63 - 1)
    # Metrics may reach further than spans: a baseline takes all that it is given.
    return learn(store, [everything] if windows is None else windows)


def _incident(
    telemetry: Telemetry, baseline: Baseline | None, at_ns: int | None, window_s: float | None
) -> Incident:
    store = FrameStore(telemetry)
    extent = _extent(store)
    length_ns = _length_ns(window_s)
    notes: list[str] = []
    if at_ns is not None:
        _check_alarm(at_ns, extent, length_ns)
        window, alarm = Window(at_ns, at_ns + length_ns), Alarm.GIVEN
    else:
        window, alarm, note = _find_window(store, extent, baseline, length_ns)
        notes += note
    if baseline is None:
        before = Window(extent.start_ns, max(extent.start_ns, window.start_ns))
        if _is_enough(store, extent, before):
            baseline = learn(store, [before])
            notes.append("The baseline is what precedes the alarm in the same telemetry.")
    return Incident(
        store=store,
        window=window,
        alarm_ns=window.start_ns,
        alarm=alarm,
        baseline=baseline,
        sources=telemetry.sources,
        notes=tuple(notes),
    )


def _find_window(
    store: FrameStore, extent: Window, baseline: Baseline | None, length_ns: int
) -> tuple[Window, Alarm, list[str]]:
    """The window from the onset that the requests show; else what there is to compare."""
    onset = _onset(store, extent, baseline)
    if onset is not None:
        return Window(onset, onset + length_ns), Alarm.FOUND, []
    if baseline is not None:
        return (
            extent,
            Alarm.NONE,
            ["No onset was found in the requests: all of the telemetry was compared with the baseline."],
        )
    middle = (extent.start_ns + extent.end_ns) // 2
    if _is_enough(store, extent, Window(extent.start_ns, middle)):
        note = "No onset was found in the requests: the second half of the data was compared with the first."
        return Window(middle, extent.end_ns), Alarm.NONE, [note]
    return extent, Alarm.NONE, []


def _onset(store: FrameStore, extent: Window, baseline: Baseline | None) -> int | None:
    """When requests began to deviate from the baseline; without one, from the first third of the data."""
    if baseline is not None:
        return find_onset(store, baseline.entries, baseline.legs, baseline.clocks)
    third = [Window(extent.start_ns, extent.start_ns + (extent.end_ns - extent.start_ns) // 3)]
    clocks = store.clocks(third)
    return find_onset(store, store.entries(third), store.legs(third, clocks=clocks), clocks)


def _is_enough(store: FrameStore, extent: Window, quiet: Window) -> bool:
    """Whether a baseline can be learned from that time: by traces, where the telemetry has any."""
    counts = store.counts([quiet])
    has_traces = store.counts([extent])["traces"] > 0
    return (counts["traces"] if has_traces else max(counts["logs"], counts["metrics"])) >= MIN_QUIET


def _length_ns(window_s: float | None) -> int:
    length_s = WINDOW_S if window_s is None else window_s
    if not 0 < length_s <= MAX_WINDOW_S:
        raise InputError(
            f"An incident cannot last {length_s:g} s.", "Give a positive number of seconds, at most a year."
        )
    return round(length_s * NS_PER_S)


def _check_alarm(at_ns: int, extent: Window, length_ns: int) -> None:
    if at_ns >= extent.end_ns or at_ns + length_ns <= extent.start_ns:
        raise InputError(
            f"Nothing was recorded in the {length_ns / NS_PER_S:g} s after the alarm at "
            f"{at_ns / NS_PER_S:.3f}: the telemetry reaches from {extent.start_ns / NS_PER_S:.3f} to "
            f"{extent.end_ns / NS_PER_S:.3f} (Unix seconds).",
            "Give --at within that time, or a longer --window-s.",
        )


def _extent(store: FrameStore) -> Window:
    extent = store.extent()
    if extent is None:
        raise InputError("The telemetry holds no record.", "Give files with spans, logs or metrics.")
    return extent


def _listed(paths: Paths) -> list[str | Path]:
    return [paths] if isinstance(paths, str | Path) else list(paths)
