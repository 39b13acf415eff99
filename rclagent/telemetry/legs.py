"""Cut traces into legs: pieces of time owned by one place.

- The *self* leg of a span is its own time (rclagent.telemetry.own_time), by (service, operation). A call
  span has none: its time is the call's. The self leg of a client span without children is a *store* leg:
  it waits for a database or another service that sends no spans, by (caller, peer, operation) where it
  names the peer that it waits for. So is that of a producer: it waits until the broker has the message.
- A call is a client span with the one server span that it caused. Its *request* leg is
  server start less client start, its *response* leg client end less server end, by
  (caller, callee, callee's operation). The clocks of two hosts differ, so a half may be
  negative; compared with its own baseline a constant skew cancels. Their sum, the *gap*,
  is free of skew.
- Of a message nobody waits for the answer. Its *message* leg is the time that it lies in a queue, consumer
  start less producer end, by (topic, else producing service; consumer, its operation). Consumers of one
  message have a leg each.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from rclagent.core.baseline import LEG_KEYS
from rclagent.core.window import NS_PER_MS
from rclagent.telemetry.coded_spans import NO_PEER, UNKNOWN, CodedSpans, is_calling
from rclagent.telemetry.codes import BoolArray, IntArray, dense
from rclagent.telemetry.own_time import own_times

HALVES: Final = ("request", "response")
"""Legs that are read on two clocks."""
GAP: Final = "gap"
"""Both halves together."""
MESSAGE: Final = "message"
"""What is read on two clocks and never answered."""

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
    """How long it took; a half of a call and a message leg may be negative."""
    span: IntArray
    """Place of the span with the self or store leg, of the call's server span, or of the consumer's."""
    caller: IntArray
    """Place of the span that called or sent; of a store leg the same as ``span``; -1 for self legs."""
    keys: pl.DataFrame
    """LEG_KEYS of each kind of leg."""

    def named(self, name: str) -> BoolArray:
        """Which legs are self, store, request, response, gap or message legs."""
        is_named: BoolArray = (self.keys["leg"] == name).to_numpy()[self.key]
        return is_named


def cut(spans: CodedSpans, callee: IntArray) -> Legs:
    """All legs of some traces: own times in order of span, then request, response and gap legs of the calls,
    then message legs.

    Args:
        spans: Whole traces.
        callee: callees of the same.
    """
    # Whoever sends a message waits for the broker, not for the consumer.
    waited = np.where((callee >= 0) & ~spans.is_message[callee], callee, -1)
    own = np.flatnonzero(waited < 0)
    stores = _stores(spans)[own]
    call_code = spans.names.operations.height + spans.names.call[own]
    own_key, first_own = dense(np.where(stores, call_code, spans.names.operation[own]))
    calls, messages = _Calls.of(spans, waited), _Messages.of(spans)
    first_keys = np.cumsum([0, first_own.size, *(calls.first.size for _ in (*HALVES, GAP))])
    call_ms = (calls.request_ms, calls.response_ms, calls.request_ms + calls.response_ms)
    return Legs(
        key=np.concatenate(
            [own_key, *(first + calls.key for first in first_keys[1:-1]), first_keys[-1] + messages.key]
        ),
        ms=np.concatenate([_ms(own_times(spans, waited, waited < 0)[own]), *call_ms, messages.ms]),
        span=np.concatenate([own, *(calls.server for _ in call_ms), messages.consumer]),
        caller=np.concatenate(
            [np.where(stores, own, -1), *(calls.client for _ in call_ms), spans.parent[messages.consumer]]
        ),
        keys=pl.concat(
            [
                _own_keys(spans, own[first_own], stores[first_own]),
                *(calls.keys(spans, leg) for leg in (*HALVES, GAP)),
                messages.keys(spans),
            ]
        ),
    )


def cut_legs(frame: pl.DataFrame) -> pl.DataFrame:
    """All legs of the given traces by name: for a few traces that somebody looks at.

    Args:
        frame: Repaired spans (rclagent.telemetry.repair), whole traces in order of row.

    Returns:
        One line a leg: ``row`` (span with the self or store leg, or the span of the callee), LEG_KEYS,
        ``pod`` (where that span ran), ``caller_pod``, ``ms`` (Float64).
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


def _stores(spans: CodedSpans) -> BoolArray:
    """Whether the own time of a span, should it have any, is a wait for somebody else."""
    kind, peer = spans.names.kind, spans.names.peer
    calling = is_calling(kind) | ((kind == UNKNOWN) & (peer != NO_PEER) & ~spans.enters)
    waits: BoolArray = calling & (~spans.waits_for_child | (peer != NO_PEER))
    return waits


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
        )

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


@dataclass(frozen=True, slots=True)
class _Messages:
    """Messages and their consumers, all arrays of shape (messages,) unless said otherwise."""

    consumer: IntArray
    key: IntArray
    """Number of (producer's call, consumer's operation)."""
    first: IntArray
    """The first message of each such number, shape (distinct,)."""
    ms: FloatArray

    @staticmethod
    def of(spans: CodedSpans) -> _Messages:
        names = spans.names
        consumer = np.flatnonzero(spans.is_message)
        sender = spans.parent[consumer]
        peer, service = names.peer[sender], names.service[sender]
        source = np.where(peer == NO_PEER, service, names.services.len() + peer)
        key, first = dense(source * names.operations.height + names.operation[consumer])
        return _Messages(consumer, key, first, _ms(spans.start_ns[consumer] - spans.end_ns[sender]))

    def keys(self, spans: CodedSpans) -> pl.DataFrame:
        """LEG_KEYS of each number."""
        names, example = spans.names, self.consumer[self.first]
        sources = names.calls[names.call[spans.parent[example]]]
        return names.operations[names.operation[example]].select(
            pl.lit(MESSAGE).alias("leg"),
            _named_or(sources["peer"], sources["service"]).alias("caller"),
            pl.col("service").alias("callee"),
            "operation",
        )


def _ms(nanoseconds: IntArray) -> FloatArray:
    # A product, for polars divides by multiplying, and both must agree to the last digit.
    return nanoseconds.astype(np.float64) * (1 / NS_PER_MS)


def _own_keys(spans: CodedSpans, examples: IntArray, stores: BoolArray) -> pl.DataFrame:
    """LEG_KEYS of self and store legs, of which one example each is given."""
    names = spans.names
    is_store = pl.Series(stores)
    to_peer = is_store & (pl.col("peer") != "")
    return names.calls[names.call[examples]].select(
        pl.when(is_store).then(pl.lit("store")).otherwise(pl.lit("self")).alias("leg"),
        pl.when(to_peer).then("service").otherwise(pl.lit("")).alias("caller"),
        pl.when(to_peer).then("peer").otherwise("service").alias("callee"),
        "operation",
    )


def _named_or(peer: pl.Series, service: pl.Series) -> pl.Series:
    return peer.zip_with(peer != "", service)
