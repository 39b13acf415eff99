"""How far the clocks of callers and callees are apart, from the calls between them.

Of each pair of hosts (pods where they are named) the request leg of every call, read on two clocks,
is too long by the same time as its response leg is too short. No leg lasts less than nothing, so an
offset o between the clocks is possible only where

    -(shortest response leg) <= o <= shortest request leg

The offset is the possible one that is nearest to that of quiet times. Where none is known, clocks are
held right unless that cannot be; then the middle of what is possible is taken. So a fault that makes
the legs of one direction longer changes nothing, and a clock that steps is seen.

A message is not answered, so it says nothing of clocks itself: its offset is that between the machines of
both ends, as the answered calls of all others between the same two machines tell it. Where nothing is
possible, for a clock drifts, the median of the calls' middles is taken.

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
from rclagent.telemetry.legs import HALVES, MESSAGE, FloatArray, Legs

_PODS: Final = ("caller_pod", "callee_pod")
_POSSIBLE: Final = dict.fromkeys(CLOCK_KEYS, pl.String()) | dict.fromkeys(
    ("least", "most", "middle"), pl.Float64()
)


@dataclass(frozen=True, slots=True)
class Halves:
    """Halves of calls and message legs, and the pair of clocks that each is read on, all arrays of shape
    (halves,)."""

    row: IntArray
    """Place among all legs."""
    is_response: BoolArray
    """Whether it is a response leg; else the callee's clock comes last."""
    pair: IntArray
    """Row of ``ends``."""
    ends: pl.DataFrame
    """CLOCK_KEYS of each pair, those of messages last; one may come more than once."""
    calls: int
    """Pairs of ends of calls."""
    machine: IntArray
    """Number of the machine of either end of each pair, shape (pairs, 2)."""

    @staticmethod
    def of(spans: CodedSpans, legs: Legs) -> Halves:
        """Those among the legs of some spans."""
        response, message = legs.named(HALVES[1]), legs.named(MESSAGE)
        row = np.flatnonzero(legs.named(HALVES[0]) | response | message)
        caller, callee = (spans.names.place[end[row]] for end in (legs.caller, legs.span))
        sent = np.flatnonzero(message[row])
        both = caller * spans.names.places.height + callee
        # A topic is no place: messages from one pod to another may come from several.
        sent_pair, _ = dense(legs.keys["caller"].rank("dense").cast(pl.Int64).to_numpy()[legs.key[row[sent]]])
        both[sent] += (sent_pair + 1) * spans.names.places.height**2
        pair, first = dense(both)
        named = legs.keys[legs.key[row[first]]]
        sides = [spans.names.places[side[first]].fill_null("") for side in (caller, callee)]
        ends = {
            "caller": named["caller"],
            "callee": named["callee"],
            "caller_pod": sides[0]["pod"],
            "callee_pod": sides[1]["pod"],
        }
        machine = _machines(spans.names.places)
        return Halves(
            row,
            response[row],
            pair,
            pl.DataFrame(ends),
            calls=int(np.count_nonzero(~message[row[first]])),
            machine=np.column_stack([machine[side[first]] for side in (caller, callee)]),
        )

    def shortest(self, ms: FloatArray) -> pl.DataFrame:
        """The shortest request and response leg of each pair, as clock_offsets takes them.

        Args:
            ms: How long each leg takes, shape (legs,).
        """
        tables = []
        for leg, of_leg in zip(HALVES, (~self.is_response, self.is_response), strict=True):
            least = np.full(self.ends.height, np.inf)
            np.minimum.at(least, self.pair[of_leg], ms[self.row[of_leg]])
            shortest = self.ends.rename({"callee_pod": "pod"}).with_columns(
                pl.lit(leg).alias("leg"), pl.Series("ms", least)
            )[: self.calls]
            tables.append(shortest.filter(pl.col("ms").is_finite()))
        return pl.concat(tables)

    def of_messages(self, ms: FloatArray) -> pl.DataFrame:
        """What answered calls between the same machines tell of the clocks of messages.

        Args:
            ms: How long each leg takes, shape (legs,).

        Returns:
            CLOCK_KEYS of each pair of ends of messages, ``least`` and ``most`` possible offset, ``middle``;
            null where no call tells.
        """
        if self.calls == self.ends.height:
            return pl.DataFrame(schema=_POSSIBLE)
        caller, callee = self.machine.T
        one, other = np.minimum(caller, callee), np.maximum(caller, callee)
        ends = self.ends.with_columns(
            pl.Series("one", one),
            pl.Series("other", other),
            pl.Series("ahead", np.where(caller == one, 1, -1)),
        )[self.calls :]
        # Both halves of a call stand in the same order.
        response = np.flatnonzero(self.is_response)
        request = np.flatnonzero(~self.is_response)[: response.size]
        pair = self.pair[response]
        request_ms, response_ms = ms[self.row[request]], ms[self.row[response]]
        turned = caller[pair] != one[pair]
        told = (
            pl.DataFrame(
                {
                    "one": one[pair],
                    "other": other[pair],
                    "most": np.where(turned, response_ms, request_ms),
                    "least": -np.where(turned, request_ms, response_ms),
                }
            )
            .filter(pl.col("most") >= pl.col("least"))  # else it was given up
            .group_by("one", "other")
            .agg(
                pl.col("least").max(),
                pl.col("most").min(),
                ((pl.col("least") + pl.col("most")) / 2).median().alias("middle"),
            )
        )
        return (
            ends.join(told, on=["one", "other"], how="left", maintain_order="left")
            .with_columns(
                # One machine has one clock.
                pl.when(pl.col("one") == pl.col("other")).then(0.0).otherwise(pl.col(name)).alias(name)
                for name in ("least", "most", "middle")
            )
            .with_columns(
                pl.when(pl.col("ahead") > 0).then("least").otherwise(-pl.col("most")).alias("least"),
                pl.when(pl.col("ahead") > 0).then("most").otherwise(-pl.col("least")).alias("most"),
                (pl.col("middle") * pl.col("ahead")).alias("middle"),
            )
            .select(*_POSSIBLE)
            .unique(CLOCK_KEYS, keep="first", maintain_order=True)
        )

    def on_one_clock(self, ms: FloatArray, clocks: pl.DataFrame) -> FloatArray:
        """Legs with the offsets of the clocks taken out of the halves, shape (legs,)."""
        offset = _offsets(self.ends, clocks).to_numpy()
        if not offset.any():
            return ms
        offset = offset[self.pair]
        corrected = ms.copy()
        corrected[self.row] += np.where(self.is_response, offset, -offset)
        return corrected


def clock_offsets(
    halves: pl.DataFrame, known: pl.DataFrame | None = None, messages: pl.DataFrame | None = None
) -> pl.DataFrame:
    """By how much each callee's clock is ahead of its caller's.

    Args:
        halves: Request and response legs, or the shortest of each pair of pods: ``leg``, ``caller``,
            ``callee``, ``pod`` (of the callee), ``caller_pod``, ``ms``.
        known: The same of quiet times (CLOCK_SCHEMA).
        messages: What is possible between ends of messages (Halves.of_messages).

    Returns:
        CLOCK_SCHEMA, in order of key.
    """
    quiet = pl.DataFrame(schema=CLOCK_SCHEMA) if known is None else known
    shortest = _by_pods(halves).group_by(CLOCK_KEYS).agg(
        pl.col("ms").filter(pl.col("leg") == "request").min().alias("most"),
        (-pl.col("ms").filter(pl.col("leg") == "response").min()).alias("least"),
        pl.lit(None, dtype=pl.Float64).alias("middle"),
    )  # fmt: skip
    ends = shortest.select(*_POSSIBLE)
    if messages is not None:
        ends = pl.concat([ends, messages.join(ends, on=list(CLOCK_KEYS), how="anti")])
    # Nothing is possible where a call was not waited for: its response leg is no leg.
    possible = (pl.col("least") <= pl.col("most")).fill_null(False)
    right = (pl.col("least") <= 0) & (pl.col("most") >= 0)
    middle = (pl.col("least") + pl.col("most")) / 2
    usual = pl.coalesce("offset_ms", pl.when(possible & ~right).then(middle).otherwise(0.0))
    return (
        ends.join(quiet, on=list(CLOCK_KEYS), how="left")
        .with_columns(
            pl.when(possible)
            .then(usual.clip("least", "most"))
            .otherwise(pl.coalesce("middle", usual))
            .alias("offset_ms")
        )
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
        pl.when(pl.col("leg").is_in([HALVES[0], MESSAGE]))
        .then(-1.0)
        .when(pl.col("leg") == HALVES[1])
        .then(1.0)
        .otherwise(0.0)
    )
    return legs.with_columns(pl.col("ms") + sign * offset)


def _offsets(ends: pl.DataFrame, clocks: pl.DataFrame) -> pl.Series:
    """Offset of each pair of clocks, 0 where it is not known."""
    found = ends.join(clocks, on=list(CLOCK_KEYS), how="left", maintain_order="left")
    return found["offset_ms"].fill_null(0.0)


def _machines(places: pl.DataFrame) -> IntArray:
    """Number of the machine of each place: of its node, else of its pod, else of its service."""
    named = (pl.concat_str(pl.lit(f"{name}/"), name) for name in ("node", "pod", "service"))
    machine = places.select(pl.coalesce(named).rank("dense") - 1).to_series()
    return machine.cast(pl.Int64).to_numpy()


def _by_pods(legs: pl.DataFrame) -> pl.DataFrame:
    named = legs.rename({"pod": "callee_pod"})
    return named.with_columns(pl.col(name).fill_null("") for name in _PODS)
