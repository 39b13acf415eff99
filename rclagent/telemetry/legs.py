"""Cut traces into legs: pieces of time owned by one place.

- The *self* leg of a span is its own time (rclagent.telemetry.own_time), by (service, operation). A call
  span has none: its time is the call's. The self leg of a client span without children is a *store* leg:
  it waits for a database or another service that sends no spans.
- A call is a client span with the one server span that it caused. Its *request* leg is
  server start less client start, its *response* leg client end less server end, by
  (caller, callee, callee's operation). The clocks of two hosts differ, so a half may be
  negative; compared with its own baseline a constant skew cancels. Their sum, the *gap*,
  is free of skew. A producer's span has a request leg only: nobody waits for the answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from rclagent.core.baseline import LEG_KEYS
from rclagent.core.window import NS_PER_MS
from rclagent.telemetry.coded_spans import PRODUCER, UNKNOWN, CodedSpans, is_calling
from rclagent.telemetry.codes import BoolArray, IntArray, dense
from rclagent.telemetry.own_time import own_times

HALVES: Final = ("request", "response")
"""Legs that are read on two clocks."""
GAP: Final = "gap"
"""Both halves together."""

FloatArray = npt.NDArray[np.float64]


def callees(spans: CodedSpans) -> IntArray:
    """Place of the span that each span called, -1 where it does not stand for one call, shape (n,).

    A call is of kind client or producer, or of unknown kind and not itself an entry, and has exactly one
    child that enters another service.
    """
    entered = np.flatnonzero(spans.enters & (spans.parent >= 0))
    callee = np.full(spans.size, -1, dtype=np.int64)
    callee[spans.parent[entered]] = entered
    once = np.bincount(spans.parent[entered], minlength=spans.size) == 1
    callee[~(once & may_call(spans))] = -1
    return callee


def may_call(spans: CodedSpans) -> BoolArray:
    """Whether a span may stand for a call: by its kind, or because nothing says that it does not."""
    kind = spans.names.kind
    calling: BoolArray = is_calling(kind) | ((kind == UNKNOWN) & ~spans.enters)
    return calling


@dataclass(frozen=True, slots=True)
class Legs:
    """Legs as numbers, all arrays of shape (legs,)."""

    key: IntArray
    """Row of ``keys``."""
    ms: FloatArray
    """How long it took; a half of a call may be negative."""
    span: IntArray
    """Place of the span with the self leg, or of the call's server span."""
    caller: IntArray
    """Place of the call's client span; -1 for self and store legs."""
    keys: pl.DataFrame
    """LEG_KEYS of each kind of leg."""

    def named(self, name: str) -> BoolArray:
        """Which legs are self, store, request, response or gap legs."""
        is_named: BoolArray = (self.keys["leg"] == name).to_numpy()[self.key]
        return is_named


def cut(spans: CodedSpans, callee: IntArray) -> Legs:
    """All legs of some traces: own times in order of span, then request, response and gap legs of the calls.

    Args:
        spans: Whole traces.
        callee: callees of the same.
    """
    names = spans.names
    own = np.flatnonzero(callee < 0)
    waits = is_calling(names.kind) & ~spans.has_child
    own_key, first_own = dense(names.operation[own] * 2 + waits[own])
    calls = _Calls.of(spans, callee)
    halves = [(leg, *calls.legs(leg)) for leg in (*HALVES, GAP)]
    n_own, n_calls = first_own.size, calls.first.size
    return Legs(
        key=np.concatenate(
            [own_key, *(n_own + place * n_calls + calls.key[of] for place, (_, of, _) in enumerate(halves))]
        ),
        ms=np.concatenate([_ms(own_times(spans, callee, callee < 0)[own]), *(ms for *_, ms in halves)]),
        span=np.concatenate([own, *(calls.server[of] for _, of, _ in halves)]),
        caller=np.concatenate([np.full(own.size, -1), *(calls.client[of] for _, of, _ in halves)]),
        keys=pl.concat(
            [_own_keys(spans, own[first_own], waits), *(calls.keys(spans, leg) for leg, *_ in halves)]
        ),
    )


def cut_legs(frame: pl.DataFrame) -> pl.DataFrame:
    """All legs of the given traces by name: for a few traces that somebody looks at.

    Args:
        frame: Repaired spans (rclagent.telemetry.repair), whole traces in order of row.

    Returns:
        One line a leg: ``row`` (span with the self leg, or the server span of the call), ``leg``
        (``self``, ``store``, ``request``, ``response``, ``gap``), ``caller`` (empty for self and store legs),
        ``callee``, ``operation``, ``pod``, ``caller_pod``, ``ms`` (Float64).
    """
    spans = CodedSpans.of(frame)
    legs = cut(spans, callees(spans))
    pods = spans.names.pods
    return legs.keys[legs.key].select(
        pl.Series("row", spans.row[legs.span]),
        *LEG_KEYS,
        pods(legs.span).alias("pod"),
        pods(legs.caller).alias("caller_pod"),
        pl.Series("ms", legs.ms),
    )


@dataclass(frozen=True, slots=True)
class _Calls:
    """Calls with both ends, all arrays of shape (calls,) unless said otherwise."""

    client: IntArray
    server: IntArray
    key: IntArray
    """Number of (caller, callee, callee's operation)."""
    first: IntArray
    """The first call of each such number, shape (distinct,)."""
    request_ms: FloatArray
    response_ms: FloatArray
    answered: IntArray
    """Calls that were waited for, shape (answered,)."""

    @staticmethod
    def of(spans: CodedSpans, callee: IntArray) -> _Calls:
        names = spans.names
        client = np.flatnonzero(callee >= 0)
        server = callee[client]
        key, first = dense(names.service[client] * names.operations.height + names.operation[server])
        return _Calls(
            client=client,
            server=server,
            key=key,
            first=first,
            request_ms=_ms(spans.start_ns[server] - spans.start_ns[client]),
            response_ms=_ms(spans.end_ns[client] - spans.end_ns[server]),
            answered=np.flatnonzero(names.kind[client] != PRODUCER),
        )

    def legs(self, leg: str) -> tuple[IntArray, FloatArray]:
        """Which calls have that leg, and how long it takes."""
        if leg == HALVES[0]:
            return np.arange(self.client.size), self.request_ms
        ms = self.response_ms if leg == HALVES[1] else self.request_ms + self.response_ms
        return self.answered, ms[self.answered]

    def keys(self, spans: CodedSpans, leg: str) -> pl.DataFrame:
        """LEG_KEYS of each number."""
        operation, operations = spans.names.operation, spans.names.operations
        callers = operations[operation[self.client[self.first]]]
        callees = operations[operation[self.server[self.first]]]
        return callees.select(
            pl.lit(leg).alias("leg"),
            callers["service"].alias("caller"),
            pl.col("service").alias("callee"),
            "operation",
        )


def _ms(nanoseconds: IntArray) -> FloatArray:
    # A product, for polars divides by multiplying, and both must agree to the last digit.
    return nanoseconds.astype(np.float64) * (1 / NS_PER_MS)


def _own_keys(spans: CodedSpans, examples: IntArray, waits: BoolArray) -> pl.DataFrame:
    """LEG_KEYS of self and store legs, of which one example each is given."""
    names = spans.names
    leg = pl.when(pl.Series(waits[examples])).then(pl.lit("store")).otherwise(pl.lit("self"))
    return names.operations[names.operation[examples]].select(
        leg.alias("leg"), pl.lit("").alias("caller"), pl.col("service").alias("callee"), "operation"
    )
