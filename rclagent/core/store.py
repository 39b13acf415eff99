"""What the channels ask of a telemetry store: aggregates, and the spans of a few chosen traces."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import polars as pl

from rclagent.core.window import Window


class TelemetryStore(Protocol):
    """Telemetry that answers aggregates over windows of time.

    A trace belongs to a window as a whole, by the start of its root span, so that a
    host whose clock is off does not tear traces apart; a log line belongs with its
    trace, and by its own time where it names none. All tables are sorted by their key
    columns and do not depend on the order in which records arrived. Columns of each
    table: rclagent.core.baseline. Shares (``n`` and ``hits``) come without ``spread``; ``piece_s`` asks for
    one line for each piece of time of that length, with its start (ns) in the column ``piece``.
    """

    def extent(self) -> Window | None:
        """From the first trace to the last end of a span; of log lines, else metrics, where there is
        none; None if empty."""

    def counts(self, windows: Sequence[Window]) -> dict[str, int]:
        """Records inside the windows: ``spans``, ``traces``, ``logs``, ``metrics``."""

    def components(self, windows: Sequence[Window]) -> pl.DataFrame:
        """Every ``service``, ``pod``, ``node`` named in the windows, with ``spans``, ``logs``,
        ``metrics``."""

    def operations(self, windows: Sequence[Window]) -> pl.DataFrame:
        """Spans and requests of each operation."""

    def clocks(self, windows: Sequence[Window], known: pl.DataFrame | None = None) -> pl.DataFrame:
        """How far the clocks at both ends of calls are apart; ``known``: the same of quiet times."""

    def legs(
        self,
        windows: Sequence[Window],
        thresholds: pl.DataFrame | None = None,
        clocks: pl.DataFrame | None = None,
    ) -> pl.DataFrame:
        """Distribution of each leg, free of the offsets ``clocks``; with ``thresholds`` (leg key,
        ``limit_ms``) also how many exceed it."""

    def leg_pieces(
        self,
        windows: Sequence[Window],
        thresholds: pl.DataFrame,
        piece_s: float,
        clocks: pl.DataFrame | None = None,
    ) -> pl.DataFrame:
        """Each leg by piece of time: leg key, ``piece``, ``n``, ``over`` (values above ``limit_ms``), and
        ``mean_ms`` and ``p50_ms`` where many are."""

    def templates(self, windows: Sequence[Window], piece_s: float | None = None) -> pl.DataFrame:
        """Spans of each operation, and those that logged each template."""

    def sequences(
        self, windows: Sequence[Window], leads: pl.DataFrame | None = None, piece_s: float | None = None
    ) -> pl.DataFrame:
        """Spans that logged the line by which another is usually led in, and those that logged both; the
        usual leads are those of ``leads`` (service, operation and both lines), else of the windows."""

    def calls(self, windows: Sequence[Window], piece_s: float | None = None) -> pl.DataFrame:
        """Requests of each operation, and those that made each call."""

    def breaks(self, windows: Sequence[Window], piece_s: float | None = None) -> pl.DataFrame:
        """Requests of each operation by the call that they made last."""

    def errors(self, windows: Sequence[Window]) -> pl.DataFrame:
        """Spans of each operation, how many have a status and how many failed."""

    def error_pieces(self, windows: Sequence[Window], piece_s: float) -> pl.DataFrame:
        """``n`` spans with a status of each operation at which errors ever start, and ``hits`` at which they
        do, for each ``piece`` of time."""

    def attempts(self, windows: Sequence[Window]) -> pl.DataFrame:
        """Calls tried by each operation, and which service answered."""

    def entries(
        self, windows: Sequence[Window], limits: pl.DataFrame | None = None, bucket_s: float | None = None
    ) -> pl.DataFrame:
        """Requests, failures and durations of each entry operation, by time bucket if asked; with
        ``limits`` (``service``, ``operation``, ``limit_ms``) also how many take longer."""

    def series(self, windows: Sequence[Window]) -> pl.DataFrame:
        """Distribution of each metric series."""

    def revisions(self, windows: Sequence[Window]) -> pl.DataFrame:
        """When each version and pod of a service was at work."""

    def leg_values(
        self, windows: Sequence[Window], keys: pl.DataFrame, clocks: pl.DataFrame | None = None
    ) -> pl.DataFrame:
        """Single values ``ms`` of the legs in ``keys``, with ``pod``, ``caller_pod`` and their span; free of
        the offsets ``clocks``."""

    def template_spans(self, windows: Sequence[Window], keys: pl.DataFrame) -> pl.DataFrame:
        """Spans of the operations in ``keys``; ``has``: it logged the template."""

    def call_requests(self, windows: Sequence[Window], keys: pl.DataFrame, *, last: bool) -> pl.DataFrame:
        """Requests of the operations in ``keys``; ``has``: it made the call (``last``: made it last)."""

    def error_spans(self, windows: Sequence[Window], keys: pl.DataFrame) -> pl.DataFrame:
        """Spans of the operations in ``keys``; ``has``: an error starts there."""

    def attempt_spans(self, windows: Sequence[Window], keys: pl.DataFrame) -> pl.DataFrame:
        """Calls tried by the operations in ``keys``; ``has``: nobody answered."""

    def entry_spans(self, windows: Sequence[Window], keys: pl.DataFrame) -> pl.DataFrame:
        """Requests of the entries in ``keys``; ``has``: it failed or took longer than ``limit_ms``."""

    def spans_in(self, windows: Sequence[Window]) -> pl.DataFrame:
        """Repaired span rows of the windows: for the service graph."""

    def spans(self, trace_ids: Sequence[str]) -> pl.DataFrame:
        """Repaired span rows of a few traces, columns of rclagent.telemetry.repair."""

    def repairs(self) -> dict[str, int]:
        """Repairs made to the spans, counted by kind."""
