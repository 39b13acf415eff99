"""Learn what normal looks like: the aggregates of a store over quiet times."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import polars as pl

from rclagent.core.baseline import Baseline
from rclagent.core.store import TelemetryStore
from rclagent.core.window import Window

PIECE_S: Final = 180.0
"""Quiet time is looked at in pieces as long as an incident window: what scatters between them may differ
in one."""


def learn(store: TelemetryStore, windows: Sequence[Window]) -> Baseline:
    """The baseline of a store over the given times, of any breadth.

    Args:
        store: Holds the quiet telemetry.
        windows: Times believed to be quiet.
    """
    counts = store.counts(windows)
    with ThreadPoolExecutor(max_workers=1) as beside:  # a store may answer several questions at once
        behaviour = beside.submit(_behaviour, store, windows)
        clocks = store.clocks(windows)
        legs = store.legs(windows, clocks=clocks, piece_s=PIECE_S)
        return Baseline(windows=tuple(windows), counts=counts, clocks=clocks, legs=legs, **behaviour.result())


def _behaviour(store: TelemetryStore, windows: Sequence[Window]) -> dict[str, pl.DataFrame]:
    """All tables but those of time."""
    return {
        "components": store.components(windows),
        "operations": store.operations(windows),
        "templates": store.templates(windows, PIECE_S),
        "calls": store.calls(windows, PIECE_S),
        "breaks": store.breaks(windows, PIECE_S),
        "errors": store.errors(windows),
        "attempts": store.attempts(windows),
        "entries": store.entries(windows),
        "series": store.series(windows),
    }
