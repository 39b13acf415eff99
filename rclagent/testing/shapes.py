"""Traces of extreme shape: very deep, very wide, very large."""

from __future__ import annotations

import numpy as np
import polars as pl

from rclagent.core.span import SPAN_SCHEMA, SpanKind
from rclagent.core.telemetry import Telemetry
from rclagent.core.window import NS_PER_MS, NS_PER_S
from rclagent.errors import InputError
from rclagent.testing.draws import FloatArray, IntArray
from rclagent.testing.span_table import hex_ids
from rclagent.testing.spec import START_NS

_TICK_MS = 0.05  # median time between two starts or ends of spans of a trace


def chain(
    spans: int, *, traces: int = 1, slow_ms: float = 0.0, seed: int = 0, start_ns: int = START_NS
) -> Telemetry:
    """Traces in which each span calls the next: as deep as they have spans.

    Args:
        spans: Spans of each trace; span ``i`` is of service ``link-i``.
        traces: Traces of that shape, one a second.
        slow_ms: Own time added to the deepest span of each.
        seed: Where chance starts.
        start_ns: Start of the first, Unix epoch.

    Returns:
        Server spans only, parents before children.
    """
    parents = np.arange(spans) - 1
    services = [f"link-{index:04d}" for index in range(spans)]
    return _traces(parents, services, spans - 1, traces, slow_ms, seed, start_ns)


def star(
    children: int, *, traces: int = 1, slow_ms: float = 0.0, seed: int = 0, start_ns: int = START_NS
) -> Telemetry:
    """Traces in which one span of service ``hub`` calls many children, one after the other.

    Args:
        children: Children of the root; they are of the services ``ray-00`` to ``ray-19`` in turn.
        traces: Traces of that shape, one a second.
        slow_ms: Own time added to the last child of each.
        seed: Where chance starts.
        start_ns: Start of the first, Unix epoch.

    Returns:
        Server spans only, the root first.
    """
    parents = np.concatenate([[-1], np.zeros(children, dtype=np.int64)])
    services = ["hub", *(f"ray-{index % 20:02d}" for index in range(children))]
    return _traces(parents, services, children, traces, slow_ms, seed, start_ns)


def big(
    spans: int, *, traces: int = 1, slow_ms: float = 0.0, seed: int = 0, start_ns: int = START_NS
) -> Telemetry:
    """Traces that are a random tree, some twenty levels deep.

    Args:
        spans: Spans of each trace; a span is of service ``tier-k`` at depth ``k``.
        traces: Traces of that shape, one a second.
        slow_ms: Own time added to the last span of each.
        seed: Where chance starts; the tree depends on it too.
        start_ns: Start of the first, Unix epoch.

    Returns:
        Server spans only, parents before children.
    """
    rng = np.random.default_rng([seed, spans])
    parents = np.array([-1, *(int(rng.integers(index)) for index in range(1, spans))], dtype=np.int64)
    depths = np.zeros(spans, dtype=np.int64)
    for index in range(1, spans):
        depths[index] = depths[parents[index]] + 1
    services = [f"tier-{depth:02d}" for depth in depths.tolist()]
    return _traces(parents, services, spans - 1, traces, slow_ms, seed, start_ns)


def _traces(
    parents: IntArray, services: list[str], slow: int, traces: int, slow_ms: float, seed: int, start_ns: int
) -> Telemetry:
    """Spans of several traces of one shape; times are ranks in a walk over the tree, stretched by chance."""
    size = len(parents)
    if size < 1 or traces < 1:
        raise InputError("A trace has at least one span.", "Ask for one or more.")
    rng = np.random.default_rng([seed, size, traces])
    enter, leave = _walk(parents)
    ticks_ms = _TICK_MS * rng.lognormal(0, 0.3, (traces, 2 * size))
    ticks_ms[:, enter[slow] + 1] += slow_ms
    passed_ms: FloatArray = np.cumsum(ticks_ms, axis=1)
    start = np.rint(passed_ms[:, enter] * NS_PER_MS).astype(np.int64)
    end = np.rint(passed_ms[:, leave] * NS_PER_MS).astype(np.int64)
    base = start_ns + np.arange(traces)[:, None] * NS_PER_S
    span_ids = hex_ids(traces * size, 8, rng)
    above = np.tile(parents, traces) + np.repeat(np.arange(traces) * size, size)
    top = pl.Series(np.tile(parents < 0, traces))
    frame = pl.DataFrame(
        {
            "trace_id": hex_ids(traces, 16, rng).gather(np.repeat(np.arange(traces), size)),
            "span_id": span_ids,
            "parent_id": span_ids.gather(np.maximum(above, 0)).set(top, None),
            "service": pl.Series(services * traces),
            "start_ns": (base + start).ravel(),
            "end_ns": (base + end).ravel(),
        }
    ).with_columns(
        pl.concat_str("service", pl.lit("-0")).alias("pod"),
        pl.lit("node-a").alias("node"),
        pl.lit("work").alias("operation"),
        pl.lit(SpanKind.SERVER.value).alias("kind"),
        pl.lit(False).alias("error"),
        pl.lit("200").alias("status"),
        pl.lit(None, pl.String).alias("peer"),
        pl.lit(None, pl.String).alias("version"),
    )
    return Telemetry(spans=frame.select(pl.col(name).cast(kind) for name, kind in SPAN_SCHEMA.items()))


def _walk(parents: IntArray) -> tuple[IntArray, IntArray]:
    """When a walk over the tree enters and leaves each span, as ranks 0 to 2n - 1."""
    children: list[list[int]] = [[] for _ in parents]
    for index, parent in enumerate(parents.tolist()):
        if parent >= 0:
            children[parent].append(index)
    enter, leave = np.zeros(len(parents), dtype=np.int64), np.zeros(len(parents), dtype=np.int64)
    waiting = [0]  # a list, for a trace may be deeper than Python's stack
    for rank in range(2 * len(parents)):
        index = waiting.pop()
        if index < 0:
            leave[~index] = rank
            continue
        enter[index] = rank
        waiting.append(~index)
        waiting += reversed(children[index])
    return enter, leave
