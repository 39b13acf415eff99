"""Log lines that follow one another within a span.

A line that usually follows another is missing where the other is there and it is not, however often both
are there at all: how far requests get varies with what they ask for, what comes next varies less.

Source: invariants of log sequences, as in Lou et al., Mining Invariants from Console Logs for System
Problem Detection (USENIX ATC 2010), here of pairs.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from rclagent.telemetry.codes import contains
from rclagent.telemetry.counting import Pieces, count_by, time_key
from rclagent.telemetry.log_tables import LogLines

LEAD_KEYS: Final = ("service", "operation", "severity", "template", "lead_severity", "lead")
"""Key of a sequence."""


def usual_leads(lines: LogLines) -> pl.DataFrame:
    """LEAD_KEYS: the line that most often comes right before each other one in the same span."""
    known = np.flatnonzero(lines.row >= 0)
    # Lines of one time stand in order of their text, not of their arrival.
    rank = lines.kinds.with_row_index("kind").sort("severity", "template")["kind"].arg_sort().to_numpy()
    order = known[np.lexsort((rank[lines.kind[known]], lines.time_ns[known], lines.row[known]))]
    row, kind = lines.row[order], lines.kind[order]
    follows = np.flatnonzero((row[1:] == row[:-1]) & (kind[1:] != kind[:-1])) + 1
    pairs = count_by(
        {
            "code": lines.spans.names.operation[row[follows]],
            "kind": kind[follows],
            "before": kind[follows - 1],
        }
    )
    return (
        _named(pairs, lines)
        .sort("count", *LEAD_KEYS, descending=[True, *[False] * len(LEAD_KEYS)])
        .unique(LEAD_KEYS[:4], keep="first", maintain_order=True)
        .select(LEAD_KEYS)
        .sort(LEAD_KEYS)
    )


def sequence_table(lines: LogLines, leads: pl.DataFrame, pieces: Pieces | None) -> pl.DataFrame:
    """Spans with the lead, ``n``, and of these those with the line that it leads in, ``hits``.

    Args:
        lines: Log lines.
        leads: LEAD_KEYS of the sequences to look at.
        pieces: Pieces of time to tell apart; None where time is not told apart.

    Returns:
        LEAD_KEYS, ``piece`` where told, ``n``, ``hits``, in order of key.
    """
    width = max(lines.kinds.height, 1)
    row, kind = np.divmod(lines.logged, width)
    wanted = _coded(leads, lines)
    led = pl.DataFrame({"row": row, "code": lines.spans.names.operation[row], "before": kind}).join(
        wanted, on=["code", "before"], how="inner"
    )
    both = contains(lines.logged, lines.pairs(led["row"].to_numpy(), led["kind"].fill_null(-1).to_numpy()))
    time = time_key(pieces)
    if pieces is not None:
        led = led.with_columns(pl.Series("piece", pieces.of(lines.spans.trace_ns[led["row"].to_numpy()])))
    return (
        led.with_columns(pl.Series("has", both) & pl.col("kind").is_not_null())
        .group_by("lead_row", *time)
        .agg(pl.len().cast(pl.Int64).alias("n"), pl.col("has").sum().cast(pl.Int64).alias("hits"))
        .join(leads.select(LEAD_KEYS).with_row_index("lead_row"), on="lead_row", how="inner")
        .select(*LEAD_KEYS, *time, "n", "hits")
        .sort(*LEAD_KEYS, *time)
    )


def _named(pairs: pl.DataFrame, lines: LogLines) -> pl.DataFrame:
    operations = lines.spans.names.operations[pairs["code"]]
    led = lines.kinds[pairs["kind"]]
    before = lines.kinds[pairs["before"]].rename({"severity": "lead_severity", "template": "lead"})
    return pl.concat([pairs, operations, led, before], how="horizontal")


def _coded(leads: pl.DataFrame, lines: LogLines) -> pl.DataFrame:
    """The leads whose operation and lead are there: ``lead_row``, ``code``, ``before``, and ``kind`` (null
    where no such line was written)."""
    operations = lines.spans.names.operations.with_row_index("code")
    kinds = lines.kinds.with_row_index("kind")
    before = kinds.rename({"kind": "before", "severity": "lead_severity", "template": "lead"})
    return (
        leads.select(LEAD_KEYS)
        .with_row_index("lead_row")
        .join(operations, on=["service", "operation"], how="inner")
        .join(before, on=["lead_severity", "lead"], how="inner")
        .join(kinds, on=["severity", "template"], how="left")
        .select("lead_row", pl.col("code", "before", "kind").cast(pl.Int64))
    )
