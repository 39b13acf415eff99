"""How odd single legs of a trace are against the baseline, to look at one trace by eye.

One value is compared with a distribution; the evidence channels compare distributions,
and only they decide a diagnosis.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from rclagent.core.baseline import LEG_KEYS
from rclagent.telemetry.clocks import on_one_clock
from rclagent.telemetry.legs import cut_legs

ODD_Z: Final = 3.0
"""A leg is odd from here on; one value in 700 of a normal distribution lies higher."""
_P95_Z: Final = 1.645  # a normal distribution's 95th percentile, in standard deviations above the median
_FLOOR_MS: Final = 0.5  # clocks and schedulers scatter by that much where a baseline does not vary


def leg_oddness(spans: pl.DataFrame, legs: pl.DataFrame, clocks: pl.DataFrame | None = None) -> pl.DataFrame:
    """Compares every leg of some traces with its own baseline.

    Args:
        spans: Repaired spans (rclagent.telemetry.repair), whole traces.
        legs: Baseline, LEG_SCHEMA.
        clocks: Offsets that the baseline's legs are free of, CLOCK_SCHEMA; none where None.

    Returns:
        One line a leg in order of row and leg: ``row``, ``trace_id``, ``span_id`` (of the span with the
        self leg, or of the callee), ``leg``, ``ms``, ``p50_ms`` (null where the baseline does not know the
        leg), ``excess_ms`` (above the 95th percentile, >= 0), ``z``: distance above the median, in units
        of the spread between median and 95th percentile, scaled to standard deviations; >= 0.
    """
    spread = (pl.col("p95_ms") - pl.col("p50_ms")).clip(_FLOOR_MS)
    cut = cut_legs(spans)
    return (
        (cut if clocks is None else on_one_clock(cut, clocks))
        .filter(pl.col("leg") != "gap")  # its two halves are told
        .join(legs.select(*LEG_KEYS, "p50_ms", "p95_ms"), on=list(LEG_KEYS), how="left")
        .join(spans.select("row", "trace_id", "span_id"), on="row", how="inner")
        .with_columns(
            ((pl.col("ms") - pl.col("p50_ms")) / spread * _P95_Z).clip(0).fill_null(0).alias("z"),
            (pl.col("ms") - pl.col("p95_ms")).clip(0).fill_null(0).alias("excess_ms"),
        )
        .select("row", "trace_id", "span_id", "leg", "ms", "p50_ms", "excess_ms", "z")
        .sort("row", "leg")
    )


def oddest_trace(oddness: pl.DataFrame) -> str | None:
    """The trace with the most time above the baseline in odd legs; None where no leg is odd."""
    ranked = (
        oddness.filter(pl.col("z") >= ODD_Z)
        .group_by("trace_id")
        .agg(pl.col("excess_ms").sum())
        .sort("excess_ms", "trace_id", descending=[True, False])
    )
    return str(ranked["trace_id"][0]) if ranked.height else None


def slowest_trace(spans: pl.DataFrame) -> str:
    """The trace whose longest top span lasts longest.

    Args:
        spans: Repaired spans, at least one.
    """
    tops = spans.filter(pl.col("parent_row") < 0).with_columns(
        (pl.col("end_ns") - pl.col("start_ns")).alias("duration_ns")
    )
    return str(tops.sort("duration_ns", "trace_id", descending=[True, False])["trace_id"][0])
