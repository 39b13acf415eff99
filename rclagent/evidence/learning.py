"""Learn what normal looks like: the aggregates of a store over quiet times."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import polars as pl

from rclagent.core.baseline import LEG_KEYS, Baseline
from rclagent.core.store import TelemetryStore
from rclagent.core.window import Window
from rclagent.evidence.calls import CALL_KEYS
from rclagent.evidence.legs import leg_limits
from rclagent.evidence.logs import LEAD_KEYS, TEMPLATE_KEYS
from rclagent.evidence.pieces import PIECE_S, spreads, summed
from rclagent.evidence.rehearsal import rehearse


def learn(store: TelemetryStore, windows: Sequence[Window]) -> Baseline:
    """The baseline of a store over the given times, of any breadth.

    Args:
        store: Holds the quiet telemetry.
        windows: Times believed to be quiet.
    """
    with ThreadPoolExecutor(max_workers=1) as beside:  # a store may answer several questions at once
        behaviour = beside.submit(_behaviour, store, windows)
        clocks = store.clocks(windows)
        legs = store.legs(windows, clocks=clocks)
        leg_pieces = store.leg_pieces(windows, leg_limits(legs), PIECE_S, clocks)
        tables, pieces = behaviour.result()
    hits = leg_pieces.select(*LEG_KEYS, "piece", "n", pl.col("over").alias("hits"))
    legs = legs.join(spreads(hits, LEG_KEYS), on=list(LEG_KEYS), how="left").with_columns(
        pl.col("spread").fill_null(0.0)
    )
    return Baseline(
        windows=tuple(windows),
        counts=store.counts(windows),
        clocks=clocks,
        legs=legs.sort(LEG_KEYS),
        quiet=rehearse(tables["entries"], tables["breaks"], pieces, legs, leg_pieces, windows),
        **tables,
    )


def _behaviour(
    store: TelemetryStore, windows: Sequence[Window]
) -> tuple[dict[str, pl.DataFrame], dict[str, pl.DataFrame]]:
    """All tables but those of time; and those of shares by piece of time."""
    keys = {"templates": TEMPLATE_KEYS, "sequences": LEAD_KEYS, "calls": CALL_KEYS, "breaks": CALL_KEYS}
    pieces = {
        "sequences": store.sequences(windows, piece_s=PIECE_S),
        "templates": store.templates(windows, PIECE_S),
        "calls": store.calls(windows, PIECE_S),
        "breaks": store.breaks(windows, PIECE_S),
    }
    tables = {
        **{name: summed(table, keys[name]) for name, table in pieces.items()},
        "components": store.components(windows),
        "operations": store.operations(windows),
        "errors": store.errors(windows),
        "attempts": store.attempts(windows),
        "entries": store.entries(windows),
        "series": store.series(windows),
        "revisions": store.revisions(windows),
    }
    return tables, {**pieces, "errors": store.error_pieces(windows, PIECE_S)}
