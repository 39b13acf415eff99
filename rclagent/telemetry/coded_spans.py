"""Spans as numbers: names replaced by codes and links by places, so that millions group in no time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import numpy as np
import polars as pl

from rclagent.core.span import SpanKind
from rclagent.telemetry.codes import BoolArray, IntArray, codes_of, dense, numbered, starts_of_runs

KINDS: Final = tuple(kind.value for kind in SpanKind)
"""A kind's code is its place here; any other text has the code len(KINDS)."""
CLIENT, PRODUCER, SERVER, CONSUMER, UNKNOWN = (
    KINDS.index(kind)
    for kind in (SpanKind.CLIENT, SpanKind.PRODUCER, SpanKind.SERVER, SpanKind.CONSUMER, SpanKind.UNKNOWN)
)
NO_STATUS: Final = -1
"""Error code of a span without a status; else 1 where it failed and 0 where it did not."""
NO_PEER: Final = -1
"""Peer code of a span that names none."""
_ADDRESS: Final = r"^(\d{1,3}(\.\d{1,3}){3}(:\d+)?|\[?[0-9a-fA-F]*:[0-9a-fA-F:.]*:[0-9a-fA-F]*(\]:\d+)?)$"
"""Numeric addresses: they move from one pod to another, so they name nobody."""


@dataclass(frozen=True)
class SpanNames:
    """Who did what: the names of spans as codes, all arrays of shape (n,) unless said otherwise.

    Millions of spans have few different names: all that a span is called is one number, and the codes of
    its parts stand in small tables, shape (distinct,).
    """

    whole: IntArray
    """Number of all that the span is called."""
    service_of: IntArray
    place_of: IntArray
    operation_of: IntArray
    kind_of: IntArray
    error_of: IntArray
    peer_of: IntArray
    services: pl.Series
    """Name of each service."""
    places: pl.DataFrame
    """``service``, ``pod``, ``node``, as far as known, of each place."""
    operations: pl.DataFrame
    """``service``, ``operation``: an operation is a span name within a service."""
    peers: pl.Series
    """Name of each peer: of whom spans say that they call them."""

    @staticmethod
    def of(frame: pl.DataFrame) -> SpanNames:
        """Codes of a span table, in its order."""
        texts = ("service", "pod", "node", "operation", "kind", "peer")
        error = frame["error"].cast(pl.Int64).fill_null(NO_STATUS).to_numpy()
        whole, example = numbered(*codes_of(frame, *texts), error)
        distinct = frame.select(*texts, "error")[example].with_columns(peer=named_peers())
        service, pod, node, operation, kind, peer = codes_of(distinct, *texts)
        place, first_of_place = numbered(service, pod, node)
        operation, first_of_operation = numbered(service, operation)
        return SpanNames(
            whole=whole,
            service_of=service,
            place_of=place,
            operation_of=operation,
            kind_of=_kinds(distinct["kind"], kind),
            error_of=error[example],
            peer_of=peer,
            services=distinct["service"].gather(dense(service)[1]),
            places=distinct.select("service", "pod", "node")[first_of_place],
            operations=distinct.select("service", "operation")[first_of_operation],
            peers=distinct["peer"].drop_nulls().unique(maintain_order=True),
        )

    @cached_property
    def service(self) -> IntArray:
        """Row of ``services``."""
        return self.service_of[self.whole]

    @cached_property
    def place(self) -> IntArray:
        """Row of ``places``."""
        return self.place_of[self.whole]

    @cached_property
    def operation(self) -> IntArray:
        """Row of ``operations``."""
        return self.operation_of[self.whole]

    @cached_property
    def kind(self) -> IntArray:
        """Place in KINDS."""
        return self.kind_of[self.whole]

    @cached_property
    def error(self) -> IntArray:
        """1, 0 or NO_STATUS."""
        return self.error_of[self.whole]

    @cached_property
    def peer(self) -> IntArray:
        """Row of ``peers``, or NO_PEER."""
        return self.peer_of[self.whole]

    @cached_property
    def call(self) -> IntArray:
        """Row of ``calls``."""
        return self._calls[0][self.whole]

    @property
    def calls(self) -> pl.DataFrame:
        """``service``, ``operation``, ``peer`` (empty where none is named) of each kind of call."""
        return self._calls[1]

    @cached_property
    def _calls(self) -> tuple[IntArray, pl.DataFrame]:
        number, first = numbered(self.operation_of, self.peer_of)
        peer = pl.Series(self.peer_of[first]).replace(NO_PEER, None)
        names = self.peers.gather(peer).fill_null("").alias("peer")
        return number, self.operations[self.operation_of[first]].with_columns(names)

    def codes(self, name: str) -> IntArray:
        """A number for each distinct ``pod`` or ``node``, -1 where unknown."""
        return codes_of(self.places, name)[0][self.place_of][self.whole]

    def pods(self, rows: IntArray) -> pl.Series:
        """Pods of some spans, null where unknown or where the row is -1."""
        place = pl.Series(np.where(rows < 0, -1, self.place[rows])).replace(-1, None)
        return self.places["pod"].gather(place)

    def take(self, rows: IntArray) -> SpanNames:
        """The names of chosen rows, in the order of ``rows``."""
        return replace(self, whole=self.whole[rows])


@dataclass(frozen=True)
class CodedSpans:
    """Repaired spans of whole traces in canonical order, all arrays of shape (n,)."""

    names: SpanNames
    """Who did what."""
    row: IntArray
    """Row in the repaired table."""
    trace: IntArray
    """Ascending number of the trace; numbers may have holes."""
    trace_ns: IntArray
    """Start of the trace."""
    start_ns: IntArray
    """Start."""
    end_ns: IntArray
    """End, not before the start."""
    parent: IntArray
    """Place of the parent in these arrays, -1 at the tops."""
    entry: IntArray
    """Place of the span by which the request entered the service instance."""
    orphan: BoolArray
    """Names a parent that is not in the data."""

    @staticmethod
    def of(frame: pl.DataFrame) -> CodedSpans:
        """Numbers of a repaired span table (rclagent.telemetry.repair) of whole traces, in order of row."""
        row = frame["row"].to_numpy()
        parent = frame["parent_row"].to_numpy()
        return CodedSpans(
            names=SpanNames.of(frame),
            row=row,
            trace=frame["trace_id"].rle_id().cast(pl.Int64).to_numpy(),
            trace_ns=frame["trace_ns"].to_numpy(),
            start_ns=frame["start_ns"].to_numpy(),
            end_ns=frame["end_ns"].to_numpy(),
            parent=np.where(parent < 0, -1, np.searchsorted(row, parent)),
            entry=np.searchsorted(row, frame["entry_row"].to_numpy()),
            orphan=frame["orphan"].to_numpy(),
        )

    def where(self, kept: BoolArray) -> CodedSpans:
        """The spans of some whole traces.

        Args:
            kept: Which spans; all or none of each trace, shape (n,).
        """
        if kept.all():
            return self
        rows = np.flatnonzero(kept)
        place = np.cumsum(kept) - 1
        parent = self.parent[rows]
        return CodedSpans(
            names=self.names.take(rows),
            row=self.row[rows],
            trace=self.trace[rows],
            trace_ns=self.trace_ns[rows],
            start_ns=self.start_ns[rows],
            end_ns=self.end_ns[rows],
            parent=np.where(parent < 0, -1, place[parent]),
            entry=place[self.entry[rows]],
            orphan=self.orphan[rows],
        )

    @property
    def size(self) -> int:
        """Number of spans."""
        return self.row.size

    @cached_property
    def heads(self) -> IntArray:
        """Place of the first span of each trace, shape (traces,)."""
        return starts_of_runs(self.trace)

    @cached_property
    def has_child(self) -> BoolArray:
        """Whether each span has a child."""
        has_child = np.zeros(self.size, dtype=np.bool_)
        has_child[self.parent[self.parent >= 0]] = True
        return has_child

    @cached_property
    def enters(self) -> BoolArray:
        """Whether a request enters a service instance with the span."""
        entered: BoolArray = self.entry == np.arange(self.size)
        return entered

    @cached_property
    def is_message(self) -> BoolArray:
        """Whether a span handles what its parent sent without waiting for an answer.

        It is a consumer's, or its parent a producer's. Where kinds are unknown: most calls of that kind end,
        without an error, in less time than what they call takes, whatever the clocks say.
        """
        above = np.maximum(self.parent, 0)
        kind, kind_above = self.names.kind, self.names.kind[above]
        sent = (kind == CONSUMER) & (self.enters | (kind_above != CONSUMER))
        sent |= (kind_above == PRODUCER) & self.enters
        unknown = np.flatnonzero(
            (kind == UNKNOWN) & (kind_above == UNKNOWN) & self.enters & (self.parent >= 0)
        )
        # What does work of its own besides calling may end before what it started, and yet have waited for
        # it.
        called = unknown[~self.enters[above[unknown]] & (self.names.error[above[unknown]] != 1)]
        sent[called] |= self._mostly_outlasting(called)
        message: BoolArray = sent & (self.parent >= 0)
        return message

    def _mostly_outlasting(self, called: IntArray) -> BoolArray:
        """Which spans are of an operation that, called by that service, mostly lasts longer than the call."""
        above, length = self.parent[called], self.end_ns - self.start_ns
        key, _ = dense(
            self.names.service[above] * self.names.operations.height + self.names.operation[called]
        )
        outlasting = np.bincount(key[length[called] > length[above]], minlength=key.max(initial=-1) + 1)
        mostly: BoolArray = (2 * outlasting > np.bincount(key, minlength=outlasting.size))[key]
        return mostly

    @cached_property
    def waits_for_child(self) -> BoolArray:
        """Whether each span has a child that is no message."""
        waits = np.zeros(self.size, dtype=np.bool_)
        waits[self.parent[(self.parent >= 0) & ~self.is_message]] = True
        return waits


def is_calling(kind: IntArray) -> BoolArray:
    """Whether spans of these kinds call another service."""
    calling: BoolArray = (kind == CLIENT) | (kind == PRODUCER)
    return calling


def is_called(kind: IntArray) -> BoolArray:
    """Whether spans of these kinds are called by another service."""
    called: BoolArray = (kind == SERVER) | (kind == CONSUMER)
    return called


def named_peers() -> pl.Expr:
    """Whom spans that call, or may, say that they call (columns ``kind``, ``peer``); null where nobody is
    named: numeric addresses are no names."""
    calling = ~pl.col("kind").is_in([SpanKind.SERVER, SpanKind.CONSUMER, SpanKind.INTERNAL])
    return pl.when(calling & ~pl.col("peer").str.contains(_ADDRESS)).then("peer")


def _kinds(kinds: pl.Series, code: IntArray) -> IntArray:
    code, first = dense(code)
    names = kinds.gather(first).to_list()
    known = np.array([KINDS.index(name) if name in KINDS else len(KINDS) for name in names], dtype=np.int64)
    return known[code]
