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
from rclagent.core.window import NS_PER_MS, Window
from rclagent.telemetry.legs import CALLING, cut_legs, with_calls
from rclagent.telemetry.repair import RepairedSpans, repair_spans
from rclagent.telemetry.requests import call_steps
from rclagent.telemetry.templates import template_of

_PLACE: Final = ("service", "pod", "node")


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
        return pl.concat([points.filter(~pl.col("cumulative")), rates]).select(*keys, "time_ns", "value")

    def extent(self) -> Window | None:
        """From the first to the last trace; of log lines, else metrics, where there is none."""
        for table, column in (
            (self._repaired.frame, "trace_ns"),
            (self._telemetry.logs, "time_ns"),
            (self._telemetry.metrics, "time_ns"),
        ):
            if table.height:
                first, last = table.select(pl.col(column).min(), pl.col(column).max().alias("last")).row(0)
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
            .agg(
                pl.col("records").filter(pl.col("modality") == name).sum().alias(name) for name in tables
            )
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

    def legs(self, windows: Sequence[Window], thresholds: pl.DataFrame | None = None) -> pl.DataFrame:
        """Distribution of each leg."""
        legs = self._legs_in(windows)
        figures = [
            pl.len().cast(pl.Int64).alias("n"),
            pl.col("ms").mean().alias("mean_ms"),
            pl.col("ms").std(ddof=0).alias("std_ms"),
            pl.col("ms").median().alias("p50_ms"),
            pl.col("ms").quantile(0.95).alias("p95_ms"),
        ]
        if thresholds is None:
            return legs.group_by(LEG_KEYS).agg(figures).select(*LEG_SCHEMA).sort(LEG_KEYS)
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

    def leg_values(self, windows: Sequence[Window], keys: pl.DataFrame) -> pl.DataFrame:
        """Single values of chosen legs, with the span and the pods that they belong to.

        Args:
            windows: Times.
            keys: Leg keys, with any columns to carry along.

        Returns:
            The columns of ``keys``, ``ms``, ``pod``, ``caller_pod``, ``trace_id``, ``span_id``, ``start_ns``.
        """
        spans = self._spans_in(windows).select("row", "trace_id", "span_id", "start_ns")
        return self._legs_in(windows).join(keys, on=list(LEG_KEYS), how="inner").join(spans, on="row").sort("row", "leg")

    def templates(self, windows: Sequence[Window]) -> pl.DataFrame:
        """Spans of each operation, and those that logged each template."""
        logs = self._logs.filter(inside(windows, "trace_ns"))
        spans = self._spans_in(windows)
        by_span = self._template_shares(logs.filter(pl.col("row").is_not_null()), spans)
        return pl.concat([by_span, self._template_rates(logs.filter(pl.col("row").is_null()), spans)]).sort(
            "service", "operation", "severity", "template"
        )

    def _template_shares(self, logs: pl.DataFrame, spans: pl.DataFrame) -> pl.DataFrame:
        """P(template | operation of the span that logged)."""
        totals = spans.group_by("service", "operation").agg(pl.len().cast(pl.Int64).alias("n"))
        keys = ["service", "operation", "severity", "template"]
        hits = logs.group_by(keys).agg(pl.col("row").n_unique().cast(pl.Int64).alias("hits"))
        return hits.join(totals, on=["service", "operation"], how="inner").select(*TEMPLATE_SCHEMA)

    def _template_rates(self, logs: pl.DataFrame, spans: pl.DataFrame) -> pl.DataFrame:
        """Lines per request of the service, for lines that name no span."""
        totals = (
            spans.filter(pl.col("entry_row") == pl.col("row"))
            .group_by("service")
            .agg(pl.len().cast(pl.Int64).alias("n"))
        )
        hits = logs.group_by("service", "severity", "template").agg(pl.len().cast(pl.Int64).alias("hits"))
        return (
            hits.join(totals, on="service", how="left")
            .with_columns(pl.lit("").alias("operation"), pl.col("n").fill_null(0))
            .select(*TEMPLATE_SCHEMA)
        )

    def template_spans(self, windows: Sequence[Window], keys: pl.DataFrame) -> pl.DataFrame:
        """Spans of the operations in ``keys``, and whether each logged the template.

        Args:
            windows: Times.
            keys: ``service``, ``operation``, ``severity``, ``template``, with any columns to carry along.

        Returns:
            The columns of ``keys``, ``trace_id``, ``span_id``, ``pod``, ``start_ns``, ``has`` (Boolean).
        """
        spans = self._spans_in(windows).select("service", "operation", "row", "trace_id", "span_id", "pod", "start_ns")
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

    def calls(self, windows: Sequence[Window]) -> pl.DataFrame:
        """Requests of each operation, and those that made each call."""
        steps, totals = self._steps_in(windows)
        keys = ["service", "operation", "callee", "call"]
        hits = steps.group_by(keys).agg(pl.col("entry_row").n_unique().cast(pl.Int64).alias("hits"))
        return hits.join(totals, on=["service", "operation"]).select(*CALL_SCHEMA).sort(keys)

    def breaks(self, windows: Sequence[Window]) -> pl.DataFrame:
        """Requests of each operation by the call that they made last."""
        _, totals = self._steps_in(windows)
        keys = ["service", "operation", "callee", "call"]
        hits = self._last_steps(windows).group_by(keys).agg(pl.len().cast(pl.Int64).alias("hits"))
        return hits.join(totals, on=["service", "operation"]).select(*BREAK_SCHEMA).sort(keys)

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
        steps = self._last_steps(windows) if last else self._steps_in(windows)[0]
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
        answered, keys = self._attempts_in(windows), ["service", "operation", "callee"]
        return answered.group_by(keys).agg(pl.len().cast(pl.Int64).alias("hits")).select(*ATTEMPT_SCHEMA).sort(keys)

    def attempt_spans(self, windows: Sequence[Window], keys: pl.DataFrame) -> pl.DataFrame:
        """Calls tried by the operations in ``keys``, and whether each went unanswered; as error_spans."""
        spans = self._attempts_in(windows).with_columns((pl.col("callee") == "").alias("has")).drop("callee")
        return self._exhibits(spans, keys)

    def _attempts_in(self, windows: Sequence[Window]) -> pl.DataFrame:
        """Spans that stand for a call or may: answered ones, and leaves; ``callee`` is empty unless answered."""
        spans = with_calls(self._spans_in(windows))
        parents = spans.select(pl.col("parent_row").alias("row")).unique()
        leaves = spans.filter(pl.col("callee_row") < 0).join(parents, on="row", how="anti")
        may_call = pl.col("kind").is_in(CALLING) | (
            (pl.col("kind") == SpanKind.UNKNOWN.value) & (pl.col("entry_row") != pl.col("row"))
        )
        callees = spans.select(pl.col("row").alias("callee_row"), pl.col("service").alias("callee"))
        made = spans.filter(pl.col("callee_row") >= 0).join(callees, on="callee_row", how="inner")
        return pl.concat([made, leaves.filter(may_call).with_columns(pl.lit("").alias("callee"))])

    def entries(
        self, windows: Sequence[Window], limits: pl.DataFrame | None = None, bucket_s: float | None = None
    ) -> pl.DataFrame:
        """Requests, failures and durations of each entry operation, by time bucket if asked."""
        step = max(int(bucket_s * 1e9), 1) if bucket_s is not None else None
        bucket = pl.lit(0, dtype=pl.Int64) if step is None else pl.col("trace_ns") // step * step
        tops = self._tops_in(windows).with_columns(bucket.alias("bucket_ns"))
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
            The columns of ``keys``, ``trace_id``, ``span_id``, ``pod``, ``start_ns``, ``ms``, ``has`` (Boolean).
        """
        tops = self._tops_in(windows).join(keys.select("service", "operation", "limit_ms"), on=["service", "operation"])
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
        return self._spans_in(windows).filter((pl.col("parent_row") < 0) & ~pl.col("orphan")).with_columns(ms.alias("ms"))

    def _legs_in(self, windows: Sequence[Window]) -> pl.DataFrame:
        return cut_legs(self._spans_in(windows))

    def _steps_in(self, windows: Sequence[Window]) -> tuple[pl.DataFrame, pl.DataFrame]:
        spans = self._spans_in(windows)
        totals = (
            spans.filter(pl.col("entry_row") == pl.col("row"))
            .group_by("service", "operation")
            .agg(pl.len().cast(pl.Int64).alias("n"))
        )
        return call_steps(spans), totals

    def _last_steps(self, windows: Sequence[Window]) -> pl.DataFrame:
        """Of each request the call made last; an empty callee where it made none."""
        spans = self._spans_in(windows)
        entries = spans.filter(pl.col("entry_row") == pl.col("row")).select(
            pl.col("row").alias("entry_row"), "service", "operation"
        )
        last = (
            call_steps(spans)
            .filter(pl.col("callee") != pl.col("service"))
            .sort("entry_row", "start_ns", "row")
            .group_by("entry_row", maintain_order=True)
            .agg(pl.col("callee").last(), pl.col("call").last())
        )
        return entries.join(last, on="entry_row", how="left").with_columns(
            pl.col("callee").fill_null(""), pl.col("call").fill_null("")
        )

    def _with_deepest(self, windows: Sequence[Window]) -> pl.DataFrame:
        """Spans with ``deepest``: failed, and no child failed; ``outgoing``: such a call without an answer."""
        spans = self._spans_in(windows)
        children = spans.group_by(pl.col("parent_row").alias("row")).agg(
            pl.col("error").fill_null(False).any().alias("child_failed")
        )
        failed = pl.col("error").fill_null(False)
        return (
            spans.join(children, on="row", how="left", maintain_order="left")
            .with_columns((failed & ~pl.col("child_failed").fill_null(False)).alias("deepest"))
            .with_columns(
                (pl.col("deepest") & pl.col("kind").is_in(CALLING) & pl.col("child_failed").is_null()).alias("outgoing")
            )
        )


def inside(windows: Sequence[Window], column: str) -> pl.Expr:
    """Whether a time column lies in any of the windows."""
    tests = [pl.col(column).is_between(window.start_ns, window.end_ns, closed="left") for window in windows]
    return pl.any_horizontal(tests) if tests else pl.lit(False)


