"""How far the clocks of callers and callees are apart, from the calls between them.

Of each pair of hosts (pods where they are named) the request leg of every call, read on two clocks,
is too long by the same time as its response leg is too short. No leg lasts less than nothing, so an
offset o between the clocks is possible only where

    -(shortest response leg) <= o <= shortest request leg

The offset is the possible one that is nearest to that of quiet times. Where none is known, clocks are
held right unless that cannot be; then the middle of what is possible is taken. So a fault that makes
the legs of one direction longer changes nothing, and a clock that steps is seen.

Source: the clock skew adjuster of Jaeger, over many calls at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from rclagent.core.baseline import CLOCK_KEYS, CLOCK_SCHEMA
from rclagent.telemetry.coded_spans import CodedSpans
from rclagent.telemetry.codes import BoolArray, IntArray, dense
from rclagent.telemetry.legs import HALVES, FloatArray, Legs

_PODS: Final = ("caller_pod", "callee_pod")


@dataclass(frozen=True, slots=True)
class Halves:
    """Halves of calls, and the pair of clocks that each is read on, all arrays of shape (halves,)."""

    row: IntArray
    """Place among all legs."""
    is_request: BoolArray
    """Whether it is a request leg; else it is a response leg."""
    pair: IntArray
    """Row of ``ends``."""
    ends: pl.DataFrame
    """CLOCK_KEYS of each pair; one may come more than once."""

    @staticmethod
    def of(spans: CodedSpans, legs: Legs) -> Halves:
        """Those among the legs of some spans."""
        request, response = (legs.named(leg) for leg in HALVES)
        row = np.flatnonzero(request | response)
        caller, callee = (spans.names.place[end[row]] for end in (legs.caller, legs.span))
        pair, first = dense(caller * spans.names.places.height + callee)
        sides = [spans.names.places[side[first]].fill_null("") for side in (caller, callee)]
        ends = {
            f"{end}{suffix}": side[name]
            for name, suffix in (("service", ""), ("pod", "_pod"))
            for end, side in zip(("caller", "callee"), sides, strict=True)
        }
        return Halves(row, request[row], pair, pl.DataFrame(ends))

    def shortest(self, ms: FloatArray) -> pl.DataFrame:
        """The shortest request and response leg of each pair, as clock_offsets takes them.

        Args:
            ms: How long each leg takes, shape (legs,).
        """
        tables = []
        for leg, of_leg in zip(HALVES, (self.is_request, ~self.is_request), strict=True):
            least = np.full(self.ends.height, np.inf)
            np.minimum.at(least, self.pair[of_leg], ms[self.row[of_leg]])
            shortest = self.ends.rename({"callee_pod": "pod"}).with_columns(
                pl.lit(leg).alias("leg"), pl.Series("ms", least)
            )
            tables.append(shortest.filter(pl.col("ms").is_finite()))
        return pl.concat(tables)

    def on_one_clock(self, ms: FloatArray, clocks: pl.DataFrame) -> FloatArray:
        """Legs with the offsets of the clocks taken out of the halves, shape (legs,)."""
        offset = _offsets(self.ends, clocks).to_numpy()
        if not offset.any():
            return ms
        offset = offset[self.pair]
        corrected = ms.copy()
        corrected[self.row] += np.where(self.is_request, -offset, offset)
        return corrected


def clock_offsets(halves: pl.DataFrame, known: pl.DataFrame | None = None) -> pl.DataFrame:
    """By how much each callee's clock is ahead of its caller's.

    Args:
        halves: Request and response legs, or the shortest of each pair of pods: ``leg``, ``caller``,
            ``callee``, ``pod`` (of the callee), ``caller_pod``, ``ms``.
        known: The same of quiet times (CLOCK_SCHEMA).

    Returns:
        CLOCK_SCHEMA, in order of key.
    """
    quiet = pl.DataFrame(schema=CLOCK_SCHEMA) if known is None else known
    shortest = _by_pods(halves).group_by(CLOCK_KEYS).agg(
        pl.col("ms").filter(pl.col("leg") == "request").min().alias("most"),
        (-pl.col("ms").filter(pl.col("leg") == "response").min()).alias("least"),
    )  # fmt: skip
    # Nothing is possible where a call was not waited for: its response leg is no leg.
    possible = (pl.col("least") <= pl.col("most")).fill_null(False)
    right = (pl.col("least") <= 0) & (pl.col("most") >= 0)
    middle = (pl.col("least") + pl.col("most")) / 2
    usual = pl.coalesce("offset_ms", pl.when(possible & ~right).then(middle).otherwise(0.0))
    return (
        shortest.join(quiet, on=list(CLOCK_KEYS), how="left")
        .with_columns(pl.when(possible).then(usual.clip("least", "most")).otherwise(usual).alias("offset_ms"))
        .select(*CLOCK_SCHEMA)
        .sort(CLOCK_KEYS)
    )


def on_one_clock(legs: pl.DataFrame, clocks: pl.DataFrame) -> pl.DataFrame:
    """Legs with the offsets of the clocks taken out of the halves of calls, in the same order.

    Args:
        legs: rclagent.telemetry.legs.cut_legs.
        clocks: CLOCK_SCHEMA; a pair that is not in it stays as it is.
    """
    offset = _offsets(_by_pods(legs).select(CLOCK_KEYS), clocks)
    sign = (
        pl.when(pl.col("leg") == "request")
        .then(-1.0)
        .when(pl.col("leg") == "response")
        .then(1.0)
        .otherwise(0.0)
    )
    return legs.with_columns(pl.col("ms") + sign * offset)


def _offsets(ends: pl.DataFrame, clocks: pl.DataFrame) -> pl.Series:
    """Offset of each pair of clocks, 0 where it is not known."""
    found = ends.join(clocks, on=list(CLOCK_KEYS), how="left", maintain_order="left")
    return found["offset_ms"].fill_null(0.0)


def _by_pods(legs: pl.DataFrame) -> pl.DataFrame:
    named = legs.rename({"pod": "callee_pod"})
    return named.with_columns(pl.col(name).fill_null("") for name in _PODS)
