"""The embedded telemetry store: tables in memory, aggregates by numpy and polars.

Prepared once: repaired spans as numbers, templates of log lines, the request that each record belongs
to. What several aggregates need of the traces of some windows is worked out once for these
(rclagent.telemetry.trace_view). Implements rclagent.core.store.TelemetryStore.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Final

import numpy as np
import polars as pl

from rclagent.core.baseline import COMPONENT_SCHEMA
from rclagent.core.telemetry import Telemetry
from rclagent.core.window import Window
from rclagent.telemetry import call_tables, leg_tables, log_sequences, log_tables, span_tables
from rclagent.telemetry.codes import BoolArray, IntArray
from rclagent.telemetry.counting import Pieces, dated
from rclagent.telemetry.log_tables import LogLines
from rclagent.telemetry.repair import RepairedSpans, repair_spans
from rclagent.telemetry.revision_tables import revision_table
from rclagent.telemetry.series_tables import metric_samples, series_table
from rclagent.telemetry.trace_view import TraceView

_PLACE: Final = ("service", "pod", "node")
_VIEWS: Final = 2
"""Windows whose traces are kept at hand: those of the incident, and of its baseline."""


class FrameStore:
    """Telemetry of one incident, and of its baseline where they come together.

    Args:
        telemetry: Records as read; any row order.
    """

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry
        self._views: dict[tuple[Window, ...], TraceView] = {}

    @cached_property
    def _repaired(self) -> RepairedSpans:
        return repair_spans(self._telemetry.spans)

    @cached_property
    def _lines(self) -> LogLines:
        return LogLines.of(self._telemetry.logs, self._repaired)

    @cached_property
    def _samples(self) -> pl.DataFrame:
        return metric_samples(self._telemetry.metrics)

    def extent(self) -> Window | None:
        """From the first trace to the last end of a span; of log lines, else metrics, where there is none."""
        spans = self._repaired.spans
        if spans.size:
            return Window(int(spans.trace_ns.min()), int(spans.end_ns.max()) + 1)
        for table in (self._telemetry.logs, self._telemetry.metrics):
            if table.height:
                first, last = table.select(
                    pl.col("time_ns").min(), pl.col("time_ns").max().alias("last")
                ).row(0)
                return Window(first, last + 1)
        return None

    def counts(self, windows: Sequence[Window]) -> dict[str, int]:
        """Records inside the windows."""
        spans = self._view(windows).spans
        return {
            "spans": spans.size,
            "traces": spans.heads.size,
            "logs": int(np.count_nonzero(within(windows, self._lines.trace_ns))),
            "metrics": self._telemetry.metrics.filter(inside(windows, "time_ns")).height,
        }

    def components(self, windows: Sequence[Window]) -> pl.DataFrame:
        """Every service, pod and node named in the windows, with counts."""
        names, lines = self._view(windows).spans.names, self._lines_in(windows)
        tables = {
            "spans": _counted(names.place, names.places),
            "logs": _counted(lines.place, lines.places),
            "metrics": self._samples_in(windows)
            .group_by(_PLACE)
            .agg(pl.len().cast(pl.Int64).alias("records")),
        }
        named = [table.with_columns(pl.lit(name).alias("modality")) for name, table in tables.items()]
        return (
            pl.concat(named)
            .group_by(_PLACE)
            .agg(pl.col("records").filter(pl.col("modality") == name).sum().alias(name) for name in tables)
            .filter(pl.col("service") != "")
            .with_columns(pl.col(*tables).cast(pl.Int64))
            .select(*COMPONENT_SCHEMA)
            .sort(_PLACE)
        )

    def operations(self, windows: Sequence[Window]) -> pl.DataFrame:
        """Spans and requests of each operation."""
        return span_tables.operation_table(self._view(windows))

    def clocks(self, windows: Sequence[Window], known: pl.DataFrame | None = None) -> pl.DataFrame:
        """How far the clocks at both ends of calls are apart."""
        return leg_tables.clock_table(self._view(windows), known)

    def legs(
        self,
        windows: Sequence[Window],
        thresholds: pl.DataFrame | None = None,
        clocks: pl.DataFrame | None = None,
    ) -> pl.DataFrame:
        """Distribution of each leg."""
        view = self._view(windows)
        return (
            leg_tables.leg_table(view, clocks)
            if thresholds is None
            else leg_tables.leg_excess(view, thresholds, clocks)
        )

    def leg_pieces(
        self,
        windows: Sequence[Window],
        thresholds: pl.DataFrame,
        piece_s: float,
        clocks: pl.DataFrame | None = None,
    ) -> pl.DataFrame:
        """Each leg by piece of time."""
        pieces = Pieces(self._origin_ns, piece_s)
        return pieces.dated(leg_tables.leg_pieces(self._view(windows), thresholds, clocks, pieces))

    def leg_values(
        self, windows: Sequence[Window], keys: pl.DataFrame, clocks: pl.DataFrame | None = None
    ) -> pl.DataFrame:
        """Single values of chosen legs, with the span and the pods that they belong to.

        Args:
            windows: Times.
            keys: Leg keys, with any columns to carry along.
            clocks: Offsets to take out of the halves of calls.

        Returns:
            The columns of ``keys``, ``ms``, ``pod``, ``caller_pod``, ``trace_id``, ``span_id``, ``start_ns``.
        """
        return leg_tables.leg_values(self._view(windows), keys, clocks)

    def templates(self, windows: Sequence[Window], piece_s: float | None = None) -> pl.DataFrame:
        """Spans of each operation, and those that logged each template."""
        lines, pieces = self._lines_in(windows), self._pieces(piece_s)
        return dated(log_tables.template_table(self._view(windows), lines, pieces), pieces)

    def sequences(
        self, windows: Sequence[Window], leads: pl.DataFrame | None = None, piece_s: float | None = None
    ) -> pl.DataFrame:
        """Spans that logged the line by which another is usually led in, and those that logged both."""
        lines, pieces = self._lines_in(windows), self._pieces(piece_s)
        leads = log_sequences.usual_leads(lines) if leads is None else leads
        return dated(log_sequences.sequence_table(lines, leads, pieces), pieces)

    def template_spans(self, windows: Sequence[Window], keys: pl.DataFrame) -> pl.DataFrame:
        """Spans of the operations in ``keys``, and whether each logged the template.

        Args:
            windows: Times.
            keys: ``service``, ``operation``, ``severity``, ``template``, with any columns to carry along.

        Returns:
            The columns of ``keys``, ``trace_id``, ``span_id``, ``pod``, ``start_ns``, ``has`` (Boolean).
        """
        return log_tables.template_spans(self._view(windows), self._lines_in(windows), keys)

    def calls(self, windows: Sequence[Window], piece_s: float | None = None) -> pl.DataFrame:
        """Requests of each operation, and those that made each call."""
        pieces = self._pieces(piece_s)
        return dated(call_tables.call_table(self._view(windows), pieces), pieces)

    def breaks(self, windows: Sequence[Window], piece_s: float | None = None) -> pl.DataFrame:
        """Requests of each operation by the call that they made last."""
        pieces = self._pieces(piece_s)
        return dated(call_tables.break_table(self._view(windows), pieces), pieces)

    def call_requests(self, windows: Sequence[Window], keys: pl.DataFrame, *, last: bool) -> pl.DataFrame:
        """Requests of the operations in ``keys``, and whether each made the call (``last``: made it last).

        Args:
            windows: Times.
            keys: ``service``, ``operation``, ``callee``, ``call``, with any columns to carry along.
            last: Ask for the last call only.

        Returns:
            The columns of ``keys``, ``trace_id``, ``span_id``, ``pod``, ``start_ns``, ``has`` (Boolean).
        """
        return call_tables.call_requests(self._view(windows), keys, last=last)

    def errors(self, windows: Sequence[Window]) -> pl.DataFrame:
        """Spans of each operation, how many have a status and how many failed."""
        return span_tables.error_table(self._view(windows))

    def error_pieces(self, windows: Sequence[Window], piece_s: float) -> pl.DataFrame:
        """Spans with a status of each operation, and those at which errors start, by piece of time."""
        pieces = Pieces(self._origin_ns, piece_s)
        return pieces.dated(span_tables.error_pieces(self._view(windows), pieces))

    def error_spans(self, windows: Sequence[Window], keys: pl.DataFrame) -> pl.DataFrame:
        """Spans of the operations in ``keys``, and whether an error starts at each.

        Args:
            windows: Times.
            keys: ``service``, ``operation``, with any columns to carry along.

        Returns:
            The columns of ``keys``, ``trace_id``, ``span_id``, ``pod``, ``start_ns``, ``has`` (Boolean).
        """
        return span_tables.error_spans(self._view(windows), keys)

    def attempts(self, windows: Sequence[Window]) -> pl.DataFrame:
        """Calls tried by each operation, and which service answered."""
        return call_tables.attempt_table(self._view(windows))

    def attempt_spans(self, windows: Sequence[Window], keys: pl.DataFrame) -> pl.DataFrame:
        """Calls tried by the operations in ``keys``, and whether each went unanswered; as error_spans."""
        return call_tables.attempt_spans(self._view(windows), keys)

    def entries(
        self, windows: Sequence[Window], limits: pl.DataFrame | None = None, bucket_s: float | None = None
    ) -> pl.DataFrame:
        """Requests, failures and durations of each entry operation, by time bucket if asked."""
        view = self._view(windows)
        since = None
        if bucket_s is not None:
            step = max(int(bucket_s * 1e9), 1)
            # Counted from the first window on, so that a constant shift of all clocks changes no bucket.
            origin = min((window.start_ns for window in windows), default=0)
            since = (view.spans.trace_ns - origin) // step * step + origin
        return span_tables.entry_table(view, since, limits)

    def entry_spans(self, windows: Sequence[Window], keys: pl.DataFrame) -> pl.DataFrame:
        """Requests of the entries in ``keys``, and whether each fails or takes longer than its limit.

        Args:
            windows: Times.
            keys: ``service``, ``operation``, ``limit_ms``, with any columns to carry along.

        Returns:
            The columns of ``keys``, ``trace_id``, ``span_id``, ``pod``, ``start_ns``, ``ms``, ``has``
            (Boolean).
        """
        return span_tables.entry_spans(self._view(windows), keys)

    def series(self, windows: Sequence[Window]) -> pl.DataFrame:
        """Distribution of each metric series."""
        return series_table(self._samples_in(windows))

    def revisions(self, windows: Sequence[Window]) -> pl.DataFrame:
        """When each version and pod of a service was at work."""
        # Not of a view: nothing else asks about the same windows, and views are few.
        return revision_table(self._repaired, within(windows, self._repaired.spans.trace_ns))

    def samples(self, windows: Sequence[Window]) -> pl.DataFrame:
        """Samples of every series in the windows, in order of key and time."""
        return self._samples_in(windows)

    def spans(self, trace_ids: Sequence[str]) -> pl.DataFrame:
        """Repaired span rows of a few traces."""
        return self._repaired.of_traces(trace_ids)

    def spans_in(self, windows: Sequence[Window]) -> pl.DataFrame:
        """Repaired span rows of the windows."""
        return self._view(windows).frame()

    def repairs(self) -> dict[str, int]:
        """Repairs made to the spans, counted by kind."""
        return dict(self._repaired.counts)

    def _view(self, windows: Sequence[Window]) -> TraceView:
        key = tuple(windows)
        if key not in self._views:
            view = TraceView(self._repaired, within(windows, self._repaired.spans.trace_ns))
            kept = list(self._views.items())[1 - _VIEWS :]
            self._views = {**dict(kept), key: view}
        return self._views[key]

    def _lines_in(self, windows: Sequence[Window]) -> LogLines:
        return self._lines.where(within(windows, self._lines.trace_ns))

    def _samples_in(self, windows: Sequence[Window]) -> pl.DataFrame:
        return self._samples.filter(inside(windows, "time_ns"))

    def _pieces(self, piece_s: float | None) -> Pieces | None:
        return None if piece_s is None else Pieces(self._origin_ns, piece_s)

    @property
    def _origin_ns(self) -> int:
        """Where pieces of time are counted from."""
        extent = self.extent()
        return 0 if extent is None else extent.start_ns


def inside(windows: Sequence[Window], column: str) -> pl.Expr:
    """Whether a time column lies in any of the windows."""
    tests = [pl.col(column).is_between(window.start_ns, window.end_ns, closed="left") for window in windows]
    return pl.any_horizontal(tests) if tests else pl.lit(False)


def within(windows: Sequence[Window], times: IntArray) -> BoolArray:
    """Whether times lie in any of the windows."""
    kept = np.zeros(times.size, dtype=np.bool_)
    for window in windows:
        kept |= (times >= window.start_ns) & (times < window.end_ns)
    return kept


def _counted(place: IntArray, places: pl.DataFrame) -> pl.DataFrame:
    """``service``, ``pod``, ``node`` (empty where unknown) and how many ``records`` name them."""
    records = pl.Series("records", np.bincount(place, minlength=places.height), dtype=pl.Int64)
    return places.fill_null("").with_columns(records).filter(pl.col("records") > 0)
