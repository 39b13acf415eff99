"""Rehearsal: what each channel would say of each piece of quiet time, were it an incident.

Every piece is compared with the rest of the baseline by the same rules as an incident, and of what a
channel then sees the strongest counts, on the scale on which candidates are scored
(rclagent.evidence.claims). Nothing is wrong there, so this is what the channel says for no reason.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import polars as pl

from rclagent.core.evidence import Channel
from rclagent.core.window import NS_PER_S, Window
from rclagent.evidence.calls import CALL_KEYS, changed_breaks, changed_calls
from rclagent.evidence.chance import FAILURES
from rclagent.evidence.changes import HALF, TRIALS, weight
from rclagent.evidence.errors import more_errors
from rclagent.evidence.fusion import lost_share
from rclagent.evidence.legs import judged_legs
from rclagent.evidence.logs import ERROR_LEVELS, LEAD_KEYS, TEMPLATE_KEYS, changed_lines, missing_lines
from rclagent.evidence.pieces import PIECE_S, against_rest, summed

_KEYS: Final = {
    "templates": TEMPLATE_KEYS,
    "sequences": LEAD_KEYS,
    "calls": CALL_KEYS,
    "breaks": CALL_KEYS,
    "errors": TRIALS,
}
_STRENGTH: Final = weight(pl.col("z"), pl.col("change"))


def rehearse(
    entries: pl.DataFrame,
    breaks: pl.DataFrame,
    pieces: Mapping[str, pl.DataFrame],
    legs: pl.DataFrame,
    leg_pieces: pl.DataFrame,
    windows: Sequence[Window],
) -> pl.DataFrame:
    """QUIET_SCHEMA of a baseline that is being learned.

    Pieces that end less than PIECE_S before a window does are left out: a window of quiet time ends
    where trouble was noticed, and alarms come late.

    Args:
        entries: Its entries.
        breaks: Its last calls.
        pieces: Its ``templates``, ``sequences``, ``calls``, ``breaks`` and ``errors`` by piece of time.
        legs: Its legs.
        leg_pieces: The same by piece of time.
        windows: Times believed to be quiet.
    """
    rest = {
        name: against_rest(_surely_quiet(table, windows), summed(table, _KEYS[name]), _KEYS[name])
        for name, table in pieces.items()
    }
    lines = pl.concat(
        [
            table.select("piece", "severity", strength=_STRENGTH)
            for table in (changed_lines(rest["templates"]), missing_lines(rest["sequences"]))
        ]
    )
    fails = pl.col("severity").is_in(ERROR_LEVELS)
    calls = changed_calls(rest["calls"]).select("piece", strength=_STRENGTH * HALF)
    last = changed_breaks(rest["breaks"], breaks).select(
        "piece", strength=_STRENGTH * pl.when(pl.col("callee") != "").then(HALF).otherwise(1.0)
    )
    errors = more_errors(rest["errors"]).select("piece", strength=_STRENGTH)
    # Every request makes some call last, or none.
    traced, logged = (
        _surely_quiet(pieces[name], windows).select("piece").unique() for name in ("breaks", "templates")
    )
    either = pl.concat([traced, logged]).unique()
    return pl.concat(
        [
            _strongest(Channel.LEGS, traced, [_lost(entries, legs, leg_pieces)]),
            _strongest(Channel.CALLS, traced, [calls, last]),
            _strongest(Channel.LOGS, logged, [lines.filter(~fails).drop("severity")]),
            _strongest(FAILURES, either, [lines.filter(fails).drop("severity"), errors]),
        ]
    ).sort("channel", "piece")


def _surely_quiet(table: pl.DataFrame, windows: Sequence[Window]) -> pl.DataFrame:
    piece_ns = round(PIECE_S * NS_PER_S)
    start = pl.col("piece")
    late = [(start < window.end_ns) & (start > window.end_ns - 2 * piece_ns) for window in windows]
    return table.filter(~pl.any_horizontal(late)) if late else table


def _strongest(channel: str, every: pl.DataFrame, seen: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """The strongest deviation in each piece, 0 where there is none."""
    most = pl.concat(seen).group_by("piece").agg(pl.col("strength").max())
    return every.join(most, on="piece", how="left").select(
        pl.lit(str(channel)).alias("channel"), "piece", pl.col("strength").fill_null(0.0)
    )


def _lost(entries: pl.DataFrame, legs: pl.DataFrame, leg_pieces: pl.DataFrame) -> pl.DataFrame:
    """``piece`` and ``strength``: the time lost in slow legs, in units of what users feel."""
    request_ms = float((entries["n"] * entries["mean_ms"]).sum())
    # What share of all requests a piece holds, as its share of all legs.
    share = leg_pieces.group_by("piece").agg((pl.col("n").sum() / leg_pieces["n"].sum()).alias("share"))
    rise = pl.max_horizontal(
        pl.col("p50_ms") - pl.col("base_p50_ms"), pl.col("mean_ms") - pl.col("base_mean_ms")
    )
    lost = (
        judged_legs(leg_pieces, legs, by=["piece"])
        .filter(pl.col("slow") & (pl.col("leg") != "gap"))
        .group_by("piece")
        .agg((rise * pl.col("n")).sum().alias("lost_ms"))
        .join(share, on="piece")
        .sort("piece")
    )
    strengths = [
        lost_share(ms, part * request_ms) for ms, part in lost.select("lost_ms", "share").iter_rows()
    ]
    return lost.select("piece", pl.Series("strength", strengths, dtype=pl.Float64))
