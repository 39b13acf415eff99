"""What the channels are given: a store, the window to explain, and what was learned from quiet times."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl
import pytest

from rclagent.core.baseline import Baseline
from rclagent.core.evidence import Channel, Component, Evidence, EvidenceKind
from rclagent.core.incident import Alarm, Incident
from rclagent.core.telemetry import Telemetry
from rclagent.core.window import Window
from rclagent.evidence.learning import learn
from rclagent.telemetry.frame_store import FrameStore

Compared = tuple[FrameStore, Window, Baseline]


def opened(telemetry: Telemetry) -> tuple[FrameStore, Window]:
    """A store and the window of all that is in it."""
    store = FrameStore(telemetry)
    return store, store.extent() or Window(0, 1)


@pytest.fixture(scope="session")
def compared() -> Callable[[Telemetry, Telemetry], Compared]:
    """Store and window of the second telemetry, and the baseline of the first."""

    def compare(quiet: Telemetry, now: Telemetry) -> Compared:
        before, times = opened(quiet)
        return (*opened(now), learn(before, [times]))

    return compare


@pytest.fixture(scope="session")
def incident_of(
    compared: Callable[[Telemetry, Telemetry], Compared],
) -> Callable[[Telemetry | None, Telemetry], Incident]:
    """An incident that starts with the second telemetry; without the first it has no baseline."""

    def make(quiet: Telemetry | None, now: Telemetry) -> Incident:
        store, window, baseline = compared(quiet or Telemetry(), now)
        known = baseline if quiet is not None else None
        return Incident(store, window, window.start_ns, Alarm.GIVEN, known)

    return make


@pytest.fixture(scope="session")
def shown_by() -> Callable[..., Evidence]:
    """Evidence of a kind at a service; further fields by name."""
    channels = {
        EvidenceKind.LOG_VANISHED: Channel.LOGS,
        EvidenceKind.LOG_APPEARED: Channel.LOGS,
        EvidenceKind.BREAK_POINT: Channel.CALLS,
        EvidenceKind.CALL_VANISHED: Channel.CALLS,
        EvidenceKind.CALL_APPEARED: Channel.CALLS,
        EvidenceKind.SATURATION: Channel.RESOURCES,
        EvidenceKind.METRIC_CHANGE: Channel.RESOURCES,
        EvidenceKind.ERROR_RATE: Channel.ERRORS,
        EvidenceKind.SILENCE: Channel.ERRORS,
    }

    def make(name: str, kind: EvidenceKind, service: str = "shelf", **rest: object) -> Evidence:
        fields = {"strength": 10.0, "statement": ""} | rest
        channel = channels.get(kind, Channel.LEGS)
        return Evidence.model_validate(
            {"id": name, "channel": channel, "kind": kind, "component": Component(service=service)} | fields
        )

    return make


@pytest.fixture(scope="session")
def columns() -> Callable[..., pl.DataFrame]:
    """A table of one column a name."""

    def make(**values: list[object]) -> pl.DataFrame:
        return pl.DataFrame(values)

    return make
