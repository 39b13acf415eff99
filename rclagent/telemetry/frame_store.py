"""The embedded telemetry store: tables in memory, aggregates by polars.

Prepared once: repaired spans, templates of log lines, the request that each record belongs
to. Every aggregate then filters by window and groups. Implements
rclagent.core.store.TelemetryStore.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Final

import polars as pl

from rclagent.core.baseline import (
    ATTEMPT_SCHEMA,
    BREAK_SCHEMA,
    CALL_SCHEMA,
    COMPONENT_SCHEMA,
    ENTRY_SCHEMA,
    ERROR_SCHEMA,
    LEG_KEYS,
    LEG_SCHEMA,
    OPERATION_SCHEMA,
    SERIES_SCHEMA,
    TEMPLATE_SCHEMA,
)
from rclagent.core.span import SpanKind
from rclagent.core.telemetry import Telemetry
from rclagent.core.window import NS_PER_MS, NS_PER_S, Window
from rclagent.telemetry.clocks import clock_offsets, on_one_clock
from rclagent.telemetry.legs import CALLING, call_halves, cut_legs, with_calls
from rclagent.telemetry.repair import RepairedSpans, repair_spans
from rclagent.telemetry.requests import call_steps
from rclagent.telemetry.shares import shares
from rclagent.telemetry.templates import template_of

_PLACE: Final = ("service", "pod", "node")
MAX_PLACE: Final = 8
"""Places of calls in a request that are told apart; later ones count as one."""
_CALL_KEYS: Final = ("service", "operation", "callee", "call")


class FrameStore:
    """Telemetry of one incident, and of its baseline where they come together.

    Args:
        telemetry: Records as read; any row order.
    """

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry

    @cached_property
    def _repaired(self) -> RepairedSpans:
        return repair_spans(self._telemetry.spans)

    @cached_property
    def _logs(self) -> pl.DataFrame:
        """Log lines with template, the operation that logged, and the time of their trace."""
        spans = self._repaired.frame.select("trace_id", "span_id", "operation", "row", "trace_ns", "service")
        traces = spans.group_by("trace_id").agg(pl.col("trace_ns").first())
        return (
            self._telemetry.logs.with_columns(
                template_of(pl.col("body")).alias("template"), pl.col("severity").fill_null("")
            )
            .drop("body")
            .join(spans.drop("trace_ns"), on=["trace_id", "span_id", "service"], how="left")
            .join(traces, on="trace_id", how="left")
            .with_columns(pl.col("trace_ns").fill_null(pl.col("time_ns")))
        )

    @cached_property
    def _series(self) -> pl.DataFrame:
        """Metric samples, running totals turned into rates per second."""
        keys = ["service", "pod", "node", "metric"]
        points = self._telemetry.metrics.with_columns(pl.col(key).fill_null("") for key in keys)
        # Of samples that contradict each other the largest stays, whatever their order.
        points = points.group_by(*keys, "time_ns").agg(pl.col("value").max(), pl.col("cumulative").any())
        totals = points.filter("cumulative").sort(*keys, "time_ns")
        step_s = (pl.col("time_ns").diff() / 1e9).over(keys)
        rise = pl.col("value").diff().over(keys)
        rates = totals.with_columns(
            # A total that falls was reset: its process restarted, and the rate is unknown.
            pl.when((rise >= 0) & (step_s > 0)).then(rise / step_s).otherwise(None).alias("value")
        ).filter(pl.col("value").is_not_null())
        # In order, for the last digits of a mean depend on the order of its values.
        return (
            pl.concat([points.filter(~pl.col("cumulative")), rates])
            .select(*keys, "time_ns", "value")
            .sort(*keys, "time_ns")
        )

    def extent(self) -> Window | None:
        """From the first trace to the last end of a span; of log lines, else metrics, where there is none."""
        for table, since, until in (
            (self._repaired.frame, "trace_ns", "end_ns"),
            (self._telemetry.logs, "time_ns", "time_ns"),
            (self._telemetry.metrics, "time_ns", "time_ns"),
        ):
            if table.height:
                first, last = table.select(pl.col(since).min(), pl.col(until).max().alias("last")).row(0)
                return Window(first, last + 1)
        return None

    def counts(self, windows: Sequence[Window]) -> dict[str, int]:
        """Records inside the windows."""
        spans = self._spans_in(windows)
        return {
            "spans": spans.height,
            "traces": spans["trace_id"].n_unique(),
            "logs": self._logs.filter(inside(windows, "trace_ns")).height,
            "metrics": self._telemetry.metrics.filter(inside(windows, "time_ns")).height,
        }

    def components(self, windows: Sequence[Window]) -> pl.DataFrame:
        """Every service, pod and node named in the windows, with counts."""
        tables = {
            "spans": self._spans_in(windows),
            "logs": self._logs.filter(inside(windows, "trace_ns")),
            "metrics": self._series.filter(inside(windows, "time_ns")),
        }
        counted = [
            table.group_by(pl.col(key).fill_null("") for key in _PLACE)
            .agg(pl.len().cast(pl.Int64).alias("records"))
            .with_columns(pl.lit(name).alias("modality"))
            for name, table in tables.items()
        ]
        return (
            pl.concat(counted)
            .group_by(_PLACE)
            .agg(pl.col("records").filter(pl.col("modality") == name).sum().alias(name) for name in tables)
            .filter(pl.col("service") != "")
            .with_columns(pl.col(*tables).cast(pl.Int64))
            .select(*COMPONENT_SCHEMA)
            .sort(_PLACE)
        )

    def operations(self, windows: Sequence[Window]) -> pl.DataFrame:
        """Spans and requests of each operation."""
        return (
            self._spans_in(windows)
            .group_by("service", "operation")
            .agg(
                pl.len().cast(pl.Int64).alias("n"),
                (pl.col("entry_row") == pl.col("row")).sum().cast(pl.Int64).alias("requests"),
            )
            .select(*OPERATION_SCHEMA)
            .sort("service", "operation")
        )

    def clocks(self, windows: Sequence[Window], known: pl.DataFrame | None = None) -> pl.DataFrame:
        """How far the clocks at both ends of calls are apart."""
        return clock_offsets(call_halves(self._spans_in(windows)), known)

    def legs(
        self,
        windows: Sequence[Window],
        thresholds: pl.DataFrame | None = None,
        clocks: pl.DataFrame | None = None,
        piece_s: float | None = None,
    ) -> pl.DataFrame:
        """Distribution of each leg."""
        legs = self._legs_in(windows, clocks)
        figures = [
            pl.len().cast(pl.Int64).alias("n"),
            pl.col("ms").mean().alias("mean_ms"),
            pl.col("ms").std(ddof=0).alias("std_ms"),
            pl.col("ms").median().alias("p50_ms"),
            pl.col("ms").quantile(0.95).alias("p95_ms"),
        ]
        if thresholds is None:
            table = legs.group_by(LEG_KEYS).agg(figures)
            pieces = self._spans_in(windows).select("row", self._piece(piece_s))
            return (
                table.join(_tail_spread(legs.join(pieces, on="row"), table), on=list(LEG_KEYS), how="left")
                .with_columns(pl.col("spread").fill_null(0.0))
                .select(*LEG_SCHEMA)
                .sort(LEG_KEYS)
            )
        excess = (pl.col("ms") - pl.col("limit_ms")).clip(0)
        return (
            legs.join(thresholds, on=list(LEG_KEYS), how="left")
            .group_by(LEG_KEYS)
            .agg(
                *figures,
                (pl.col("ms") > pl.col("limit_ms")).sum().cast(pl.Int64).alias("over"),
                excess.mean().alias("over_excess_ms"),
                pl.col("ms").filter(pl.col("ms") > pl.col("limit_ms")).std(ddof=0).alias("over_std_ms"),
            )
            .sort(LEG_KEYS)
        )

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
        spans = self._spans_in(windows).select("row", "trace_id", "span_id", "start_ns")
        return (
            self._legs_in(windows, clocks)
            .join(keys, on=list(LEG_KEYS), how="inner")
            .join(spans, on="row")
            .sort("row", "leg")
        )

    def templates(self, windows: Sequence[Window], piece_s: float | None = None) -> pl.DataFrame:
        """Spans of each operation, and those that logged each template."""
        keys = ["service", "operation", "severity", "template"]
        piece = self._piece(piece_s)
        logs = self._logs.filter(inside(windows, "trace_ns")).with_columns(piece)
        spans = self._spans_in(windows).with_columns(piece)
        named = logs.filter(pl.col("row").is_not_null()).unique([*keys, "row"])
        by_span = shares(named, spans, keys)
        # Lines that name no span are counted against the requests of their service.
        unnamed = logs.filter(pl.col("row").is_null()).with_columns(pl.lit("").alias("operation"))
        requests = spans.filter(pl.col("entry_row") == pl.col("row")).with_columns(
            pl.lit("").alias("operation")
        )
        return pl.concat([by_span, shares(unnamed, requests, keys)]).select(*TEMPLATE_SCHEMA).sort(keys)

    def template_spans(self, windows: Sequence[Window], keys: pl.DataFrame) -> pl.DataFrame:
        """Spans of the operations in ``keys``, and whether each logged the template.

        Args:
            windows: Times.
            keys: ``service``, ``operation``, ``severity``, ``template``, with any columns to carry along.

        Returns:
            The columns of ``keys``, ``trace_id``, ``span_id``, ``pod``, ``start_ns``, ``has`` (Boolean).
        """
        spans = self._spans_in(windows).select(
            "service", "operation", "row", "trace_id", "span_id", "pod", "start_ns"
        )
        logged = (
            self._logs.filter(pl.col("row").is_not_null())
            .select("row", "severity", "template")
            .unique()
            .with_columns(pl.lit(True).alias("has"))
        )
        return (
            spans.join(keys, on=["service", "operation"], how="inner")
            .join(logged, on=["row", "severity", "template"], how="left")
            .with_columns(pl.col("has").fill_null(False))
            .sort("row", "severity", "template")
        )

    def calls(self, windows: Sequence[Window], piece_s: float | None = None) -> pl.DataFrame:
        """Requests of each operation, and those that made each call."""
        steps = call_steps(self._spans_in(windows)).unique(["entry_row", *_CALL_KEYS])
        return self._request_shares(steps, windows, piece_s).select(*CALL_SCHEMA)

    def breaks(self, windows: Sequence[Window], piece_s: float | None = None) -> pl.DataFrame:
        """Requests of each operation by the call that they made last."""
        return self._request_shares(self._last_steps(windows), windows, piece_s).select(*BREAK_SCHEMA)

    def _request_shares(
        self, steps: pl.DataFrame, windows: Sequence[Window], piece_s: float | None
    ) -> pl.DataFrame:
        spans = self._spans_in(windows)
        requests = spans.filter(pl.col("entry_row") == pl.col("row")).with_columns(self._piece(piece_s))
        hits = steps.join(requests.select("entry_row", "piece"), on="entry_row", how="inner")
        return shares(hits, requests, _CALL_KEYS)

    def call_requests(self, windows: Sequence[Window], keys: pl.DataFrame, *, last: bool) -> pl.DataFrame:
        """Requests of the operations in ``keys``, and whether each made the call (``last``: made it last).

        Args:
            windows: Times.
            keys: ``service``, ``operation``, ``callee``, ``call``, with any columns to carry along.
            last: Ask for the last call only.

        Returns:
            The columns of ``keys``, ``trace_id``, ``span_id``, ``pod``, ``start_ns``, ``has`` (Boolean).
        """
        spans = self._spans_in(windows).filter(pl.col("entry_row") == pl.col("row"))
        entries = spans.select(
            "service", "operation", pl.col("row").alias("entry_row"), "trace_id", "span_id", "pod", "start_ns"
        )
        steps = self._last_steps(windows) if last else call_steps(self._spans_in(windows))
        made = steps.select("entry_row", "callee", "call").unique().with_columns(pl.lit(True).alias("has"))
        return (
            entries.join(keys, on=["service", "operation"], how="inner")
            .join(made, on=["entry_row", "callee", "call"], how="left")
            .with_columns(pl.col("has").fill_null(False))
            .sort("entry_row", "callee", "call")
        )

    def errors(self, windows: Sequence[Window]) -> pl.DataFrame:
        """Spans of each operation, how many have a status and how many failed."""
        spans = self._with_deepest(windows)
        return (
            spans.filter(pl.col("error").is_not_null())
            .group_by("service", "operation")
            .agg(
                pl.len().cast(pl.Int64).alias("n"),
                pl.col("error").sum().cast(pl.Int64).alias("failed"),
                pl.col("deepest").sum().cast(pl.Int64).alias("deepest"),
                pl.col("outgoing").sum().cast(pl.Int64).alias("outgoing"),
            )
            .select(*ERROR_SCHEMA)
            .sort("service", "operation")
        )

    def error_spans(self, windows: Sequence[Window], keys: pl.DataFrame) -> pl.DataFrame:
        """Spans of the operations in ``keys``, and whether an error starts at each.

        Args:
            windows: Times.
            keys: ``service``, ``operation``, with any columns to carry along.

        Returns:
            The columns of ``keys``, ``trace_id``, ``span_id``, ``pod``, ``start_ns``, ``has`` (Boolean).
        """
        spans = self._with_deepest(windows).filter(pl.col("error").is_not_null()).rename({"deepest": "has"})
        return self._exhibits(spans, keys)

    def attempts(self, windows: Sequence[Window]) -> pl.DataFrame:
        """Calls tried by each operation, and which service answered."""
        requests = self._repaired.frame.select(
            pl.col("row").alias("entry_row"), pl.col("operation").alias("request")
        )
        # Rows are in order of start within a trace, so their rank is the place of a call in its request.
        place = pl.col("row").rank("ordinal").over("entry_row", "operation").clip(upper_bound=MAX_PLACE)
        keys = ["service", "operation", "request", "place", "callee"]
        return (
            self._attempts_in(windows)
            .with_columns(place.cast(pl.Int64).alias("place"))
            .join(requests, on="entry_row", how="inner")
            .group_by(keys)
            .agg(pl.len().cast(pl.Int64).alias("hits"))
            .select(*ATTEMPT_SCHEMA)
            .sort(keys)
        )

    def attempt_spans(self, windows: Sequence[Window], keys: pl.DataFrame) -> pl.DataFrame:
        """Calls tried by the operations in ``keys``, and whether each went unanswered; as error_spans."""
        spans = self._attempts_in(windows).with_columns((pl.col("callee") == "").alias("has")).drop("callee")
        return self._exhibits(spans, keys)

    def _attempts_in(self, windows: Sequence[Window]) -> pl.DataFrame:
        """Spans that stand for a call or may: answered ones, and leaves; ``callee`` is empty unless
        answered."""
        spans = with_calls(self._spans_in(windows))
        parents = spans.select(pl.col("parent_row").alias("row")).unique()
        leaves = spans.filter(pl.col("callee_row") < 0).join(parents, on="row", how="anti")
        callees = spans.select(pl.col("row").alias("callee_row"), pl.col("service").alias("callee"))
        made = spans.filter(pl.col("callee_row") >= 0).join(callees, on="callee_row", how="inner")
        return pl.concat([made, leaves.filter(_may_call()).with_columns(pl.lit("").alias("callee"))])

    def entries(
        self, windows: Sequence[Window], limits: pl.DataFrame | None = None, bucket_s: float | None = None
    ) -> pl.DataFrame:
        """Requests, failures and durations of each entry operation, by time bucket if asked."""
        step = max(int(bucket_s * 1e9), 1) if bucket_s is not None else None
        # Counted from the first window on, so that a constant shift of all clocks changes no bucket.
        origin = min((window.start_ns for window in windows), default=0)
        since = (pl.col("trace_ns") - origin) // step * step + origin if step else pl.lit(0, dtype=pl.Int64)
        tops = self._tops_in(windows).with_columns(since.alias("bucket_ns"))
        keys = ["service", "operation", "bucket_ns"]
        figures = [
            pl.len().cast(pl.Int64).alias("n"),
            pl.col("error").fill_null(False).sum().cast(pl.Int64).alias("failed"),
            pl.col("ms").mean().alias("mean_ms"),
            pl.col("ms").median().alias("p50_ms"),
            pl.col("ms").quantile(0.95).alias("p95_ms"),
        ]
        if limits is None:
            return tops.group_by(keys).agg(figures).select(*ENTRY_SCHEMA).sort(keys)
        over = (pl.col("ms") > pl.col("limit_ms")).fill_null(False)
        return (
            tops.join(limits, on=["service", "operation"], how="left")
            .group_by(keys)
            .agg(*figures, over.sum().cast(pl.Int64).alias("over"))
            .sort(keys)
        )

    def entry_spans(self, windows: Sequence[Window], keys: pl.DataFrame) -> pl.DataFrame:
        """Requests of the entries in ``keys``, and whether each fails or takes longer than its limit.

        Args:
            windows: Times.
            keys: ``service``, ``operation``, ``limit_ms``, with any columns to carry along.

        Returns:
            The columns of ``keys``, ``trace_id``, ``span_id``, ``pod``, ``start_ns``, ``ms``, ``has``
            (Boolean).
        """
        tops = self._tops_in(windows).join(
            keys.select("service", "operation", "limit_ms"), on=["service", "operation"]
        )
        odd = (pl.col("ms") > pl.col("limit_ms")) | pl.col("error").fill_null(False)
        return self._exhibits(tops.with_columns(odd.alias("has")).drop("limit_ms"), keys, "ms")

    def series(self, windows: Sequence[Window]) -> pl.DataFrame:
        """Distribution of each metric series."""
        keys = ["service", "pod", "node", "metric"]
        value = pl.col("value")
        return (
            self._series.filter(inside(windows, "time_ns"))
            .group_by(keys)
            .agg(
                pl.len().cast(pl.Int64).alias("n"),
                value.mean().alias("mean"),
                value.median().alias("p50"),
                (value - value.median()).abs().median().alias("mad"),
                value.quantile(0.99).alias("p99"),
                value.bottom_k(2).max().alias("low"),
                value.top_k(2).min().alias("high"),
            )
            .select(*SERIES_SCHEMA)
            .sort(keys)
        )

    def samples(self, windows: Sequence[Window]) -> pl.DataFrame:
        """Samples of every series in the windows, in order of key and time."""
        keys = ["service", "pod", "node", "metric"]
        return self._series.filter(inside(windows, "time_ns")).sort(*keys, "time_ns")

    def spans(self, trace_ids: Sequence[str]) -> pl.DataFrame:
        """Repaired span rows of a few traces."""
        return self._repaired.frame.filter(pl.col("trace_id").is_in(list(trace_ids)))

    def spans_in(self, windows: Sequence[Window]) -> pl.DataFrame:
        """Repaired span rows of the windows."""
        return self._spans_in(windows)

    def repairs(self) -> dict[str, int]:
        """Repairs made to the spans, counted by kind."""
        return dict(self._repaired.counts)

    def _spans_in(self, windows: Sequence[Window]) -> pl.DataFrame:
        return self._repaired.frame.filter(inside(windows, "trace_ns"))

    @staticmethod
    def _exhibits(spans: pl.DataFrame, keys: pl.DataFrame, *extra: str) -> pl.DataFrame:
        columns = [*keys.columns, "trace_id", "span_id", "pod", "start_ns", *extra, "has"]
        joined = spans.join(keys, on=["service", "operation"], how="inner")
        return joined.select(columns).sort("trace_id", "span_id", *keys.columns)

    def _tops_in(self, windows: Sequence[Window]) -> pl.DataFrame:
        """Spans at which requests enter the system, with their duration ``ms``."""
        ms = (pl.col("end_ns") - pl.col("start_ns")) / NS_PER_MS
        return (
            self._spans_in(windows)
            .filter((pl.col("parent_row") < 0) & ~pl.col("orphan"))
            .with_columns(ms.alias("ms"))
        )

    def _piece(self, piece_s: float | None) -> pl.Expr:
        """Number of the piece of time that a trace belongs to; null where no pieces are asked for."""
        extent = self.extent()
        if piece_s is None or extent is None:
            return pl.lit(None, dtype=pl.Int64).alias("piece")
        # Counted from the first trace on: a constant shift of all clocks cuts no other pieces.
        return ((pl.col("trace_ns") - extent.start_ns) // max(int(piece_s * NS_PER_S), 1)).alias("piece")

    def _legs_in(self, windows: Sequence[Window], clocks: pl.DataFrame | None) -> pl.DataFrame:
        legs = cut_legs(self._spans_in(windows))
        return legs if clocks is None else on_one_clock(legs, clocks)

    def _last_steps(self, windows: Sequence[Window]) -> pl.DataFrame:
        """Of each request the call made last, or those made together; an empty callee where it made none."""
        spans = self._spans_in(windows)
        entries = spans.filter(pl.col("entry_row") == pl.col("row")).select(
            pl.col("row").alias("entry_row"), "service", "operation"
        )
        # Of calls that start together each is last: which of them ends last is a matter of time, not of code.
        last = (
            call_steps(spans)
            .filter(pl.col("callee") != pl.col("service"))
            .filter(pl.col("start_ns") == pl.col("start_ns").max().over("entry_row"))
            .select("entry_row", "callee", "call")
            .unique()
        )
        return entries.join(last, on="entry_row", how="left").with_columns(
            pl.col("callee").fill_null(""), pl.col("call").fill_null("")
        )

    def _with_deepest(self, windows: Sequence[Window]) -> pl.DataFrame:
        """Spans with ``deepest``: failed, and no child failed; ``outgoing``: such a call without an
        answer."""
        spans = self._spans_in(windows)
        children = spans.group_by(pl.col("parent_row").alias("row")).agg(
            pl.col("error").fill_null(False).any().alias("child_failed")
        )
        failed = pl.col("error").fill_null(False)
        childless = pl.col("child_failed").is_null()
        return (
            spans.join(children, on="row", how="left", maintain_order="left")
            .with_columns((failed & ~pl.col("child_failed").fill_null(False)).alias("deepest"))
            .with_columns((pl.col("deepest") & _may_call() & childless).alias("outgoing"))
        )


def _may_call() -> pl.Expr:
    """Whether a span may stand for a call: by its kind, or because nothing says that it does not."""
    return pl.col("kind").is_in(CALLING) | (
        (pl.col("kind") == SpanKind.UNKNOWN.value) & (pl.col("entry_row") != pl.col("row"))
    )


def _tail_spread(legs: pl.DataFrame, table: pl.DataFrame) -> pl.DataFrame:
    """How much the share of values above each leg's 95th percentile scatters between pieces of time."""
    over = legs.join(table.select(*LEG_KEYS, "p95_ms"), on=list(LEG_KEYS)).filter(
        pl.col("ms") > pl.col("p95_ms")
    )
    return shares(over, legs, LEG_KEYS, LEG_KEYS).select(*LEG_KEYS, "spread")


def inside(windows: Sequence[Window], column: str) -> pl.Expr:
    """Whether a time column lies in any of the windows."""
    tests = [pl.col(column).is_between(window.start_ns, window.end_ns, closed="left") for window in windows]
    return pl.any_horizontal(tests) if tests else pl.lit(False)
