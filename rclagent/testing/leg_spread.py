"""How much the answers of a service scatter when nothing is wrong: the unit for the strength of a delay."""

from __future__ import annotations

from dataclasses import replace
from math import sqrt

import polars as pl

from rclagent.core.span import SpanKind
from rclagent.core.window import NS_PER_MS
from rclagent.errors import InputError
from rclagent.testing.generator import generate
from rclagent.testing.spec import IncidentSpec


def leg_std_ms(spec: IncidentSpec, service: str) -> float:
    """Standard deviation of the response legs into a service before the alarm, in ms.

    A response leg is a client span's end less its server span's. A database, an external service and
    a topic have no server spans; theirs are the whole spans of those that ask.

    Args:
        spec: What is generated; its faults and clocks do not matter.
        service: Who answers.

    Returns:
        sqrt(sum of squared distances from the mean of the own group / (legs - groups)), where a group is
        a caller and the operation that it asks for.

    Raises:
        InputError: Fewer than two answers of any one kind.
    """
    legs = _legs(_quiet_spans(spec), service)
    groups = legs.group_by("caller", "operation").agg(
        n=pl.len() - 1, squares=(pl.col("ms") - pl.col("ms").mean()).pow(2).sum()
    )
    degrees = int(groups["n"].sum())
    if degrees < 1:
        raise InputError(
            f"Nobody is seen waiting twice for {service!r}.", "Name one that is called, or generate more."
        )
    return sqrt(float(groups["squares"].sum()) / degrees)


def _quiet_spans(spec: IncidentSpec) -> pl.DataFrame:
    quiet = replace(
        spec,
        faults=(),
        traces=True,
        logs=False,
        metrics=False,
        kinds=True,
        client_spans=True,
        clock_skew_ms=0.0,
        clock_offset_node=None,
        clock_step_node=None,
        clock_drift_node=None,
    )
    return generate(quiet).baseline.spans


def _legs(spans: pl.DataFrame, service: str) -> pl.DataFrame:
    """``caller``, ``operation`` (of the callee, or what is asked) and ``ms`` of each answer."""
    asks = spans.filter(pl.col("peer") == service)
    handled = spans.filter((pl.col("service") == service) & (pl.col("kind") == SpanKind.SERVER.value))
    if handled.is_empty():
        whole = (pl.col("end_ns") - pl.col("start_ns")) / NS_PER_MS
        return asks.select(pl.col("service").alias("caller"), "operation", ms=whole)
    both = asks.join(
        handled, left_on=["trace_id", "span_id"], right_on=["trace_id", "parent_id"], suffix="_callee"
    )
    return both.select(
        pl.col("service").alias("caller"),
        "operation",
        ms=(pl.col("end_ns") - pl.col("end_ns_callee")) / NS_PER_MS,
    )
