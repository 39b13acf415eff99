"""Log lines: their templates, and the spans during which they were written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from rclagent.telemetry.coded_spans import CodedSpans
from rclagent.telemetry.codes import BoolArray, IntArray, codes_of, contains, distinct, numbered
from rclagent.telemetry.counting import Pieces, count_pieces, time_key
from rclagent.telemetry.repair import RepairedSpans
from rclagent.telemetry.shares import shares
from rclagent.telemetry.templates import template_of
from rclagent.telemetry.trace_view import TraceView

_KEYS: Final = ("service", "operation", "severity", "template")


@dataclass(frozen=True, slots=True)
class LogLines:
    """Log lines as numbers, all arrays of shape (n,)."""

    trace_ns: IntArray
    """Start of the line's trace; its own time where it names none that is known."""
    time_ns: IntArray
    """When it was written."""
    row: IntArray
    """Row of the span that wrote it, -1 where it names none of its service."""
    place: IntArray
    """Row of ``places``."""
    kind: IntArray
    """Row of ``kinds``."""
    places: pl.DataFrame
    """``service``, ``pod``, ``node``, as far as known."""
    kinds: pl.DataFrame
    """``severity`` (empty where unknown) and ``template``."""
    spans: CodedSpans
    """All spans, by row."""

    @staticmethod
    def of(logs: pl.DataFrame, repaired: RepairedSpans) -> LogLines:
        """Lines of a log table (LOG_SCHEMA), in its order."""
        lines = logs.select(
            "service",
            "pod",
            "node",
            pl.col("severity").fill_null(""),
            template_of(pl.col("body")).alias("template"),
        )
        service, pod, node, severity, template = codes_of(lines, *lines.columns)
        place, first_of_place = numbered(service, pod, node)
        kind, first_of_kind = numbered(severity, template)
        head, row = repaired.find(logs["trace_id"], logs["span_id"])
        by_others = repaired.texts(row[row >= 0], "service")["service"] != lines["service"].filter(row >= 0)
        row[np.flatnonzero(row >= 0)[by_others.to_numpy()]] = -1
        trace_ns = logs["time_ns"].to_numpy().copy()
        trace_ns[head >= 0] = repaired.spans.trace_ns[head[head >= 0]]
        return LogLines(
            trace_ns=trace_ns,
            time_ns=logs["time_ns"].to_numpy(),
            row=row,
            place=place,
            kind=kind,
            places=lines.select("service", "pod", "node")[first_of_place],
            kinds=lines.select("severity", "template")[first_of_kind],
            spans=repaired.spans,
        )

    def where(self, kept: BoolArray) -> LogLines:
        """Some of the lines."""
        return LogLines(
            self.trace_ns[kept], self.time_ns[kept], self.row[kept], self.place[kept], self.kind[kept],
            self.places, self.kinds, self.spans,
        )  # fmt: skip

    @property
    def logged(self) -> IntArray:
        """Each span with each kind of line that it wrote, as one number, once, in order."""
        named = self.row >= 0
        return distinct(self.pairs(self.row[named], self.kind[named]))

    def pairs(self, row: IntArray, kind: IntArray) -> IntArray:
        """One number for a span and a kind of line."""
        return row * max(self.kinds.height, 1) + kind


def template_table(view: TraceView, lines: LogLines, pieces: Pieces | None) -> pl.DataFrame:
    """Spans of each operation, and those that logged each template."""
    time = time_key(pieces)
    if not lines.row.size:
        counts = dict.fromkeys((*time, "n", "hits"), pl.Int64())
        return pl.DataFrame(schema={**dict.fromkeys(_KEYS, pl.String()), **counts})
    tables = [_by_span(view, lines, pieces), _by_request(view, lines, pieces)]
    return pl.concat([table.select(*_KEYS, *time, "n", "hits") for table in tables]).sort(*_KEYS, *time)


def template_spans(view: TraceView, lines: LogLines, keys: pl.DataFrame) -> pl.DataFrame:
    """Spans of the operations in ``keys``; ``has``: it logged the template."""
    kinds = lines.kinds.with_row_index("kind").with_columns(pl.col("kind").cast(pl.Int64))
    asked = view.exhibits(np.arange(view.spans.size), keys).join(
        kinds, on=["severity", "template"], how="left", maintain_order="left"
    )
    kind = asked["kind"].fill_null(-1).to_numpy()
    row = view.spans.row[asked["place"].to_numpy()]
    has = contains(lines.logged, lines.pairs(row, kind)) & (kind >= 0)
    columns = [*keys.columns, "trace_id", "span_id", "pod", "start_ns", "has"]
    return asked.with_columns(pl.Series("has", has)).sort("place", "severity", "template").select(columns)


def _by_span(view: TraceView, lines: LogLines, pieces: Pieces | None) -> pl.DataFrame:
    """Lines of one span are one hit."""
    row, kind = np.divmod(lines.logged, max(lines.kinds.height, 1))
    hit = {"code": lines.spans.names.operation[row], "kind": kind}
    piece = None if pieces is None else pieces.of(lines.spans.trace_ns[row])
    hits = count_pieces(hit, piece, "hits")
    every = np.arange(view.spans.size)
    trials = count_pieces({"code": view.spans.names.operation}, view.piece(pieces, every), "n")
    table = shares(hits, trials, ["code", "kind"], ["code"])
    return _named(table.hstack(view.spans.names.operations[table["code"]]), lines)


def _by_request(view: TraceView, lines: LogLines, pieces: Pieces | None) -> pl.DataFrame:
    """Lines that name no span are counted against the requests of their service."""
    unnamed = lines.where(lines.row < 0)
    hit = {"place": unnamed.place, "kind": unnamed.kind}
    piece = None if pieces is None else pieces.of(unnamed.trace_ns)
    hits = count_pieces(hit, piece, "hits")
    hits = (
        hits.with_columns(lines.places["service"].gather(hits["place"]))
        .group_by("service", "kind", *time_key(pieces))
        .agg(pl.col("hits").sum())
    )
    requests, names = view.requests, view.spans.names
    trials = count_pieces({"code": names.service[requests]}, view.piece(pieces, requests), "n")
    trials = trials.select(names.services.gather(trials["code"]).alias("service"), pl.exclude("code"))
    table = shares(hits, trials, ["service", "kind"], ["service"])
    return _named(table.with_columns(pl.lit("").alias("operation")), lines)


def _named(table: pl.DataFrame, lines: LogLines) -> pl.DataFrame:
    return table.hstack(lines.kinds[table["kind"]])
