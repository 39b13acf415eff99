"""Learn what normal looks like: the aggregates of a store over quiet times."""

from __future__ import annotations

from collections.abc import Sequence

from rclagent.core.baseline import Baseline
from rclagent.core.store import TelemetryStore
from rclagent.core.window import Window


def learn(store: TelemetryStore, windows: Sequence[Window]) -> Baseline:
    """The baseline of a store over the given times, of any breadth.

    Args:
        store: Holds the quiet telemetry.
        windows: Times believed to be quiet.
    """
    return Baseline(
        windows=tuple(windows),
        counts=store.counts(windows),
        components=store.components(windows),
        operations=store.operations(windows),
        legs=store.legs(windows),
        templates=store.templates(windows),
        calls=store.calls(windows),
        breaks=store.breaks(windows),
        errors=store.errors(windows),
        attempts=store.attempts(windows),
        entries=store.entries(windows),
        series=store.series(windows),
    )
