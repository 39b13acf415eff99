"""Which version and pod of each service was at work when, told by the traces that visit it."""

from __future__ import annotations

import numpy as np
import polars as pl

from rclagent.core.baseline import REVISION_SCHEMA
from rclagent.telemetry.codes import BoolArray, IntArray, codes_of, numbered, starts_of_runs
from rclagent.telemetry.repair import RepairedSpans


def revision_table(repaired: RepairedSpans, kept: BoolArray) -> pl.DataFrame:
    """REVISION_SCHEMA: the first and the last visit of each version and pod, and how many there are.

    Args:
        repaired: The table that the spans are in.
        kept: Which of its rows to look at, all or none of each trace, shape (n,).
    """
    spans = repaired.spans
    rows = np.flatnonzero(spans.enters & kept)  # a visit begins where a request enters
    names = spans.names.take(rows)
    versions = repaired.texts(rows, "version").fill_null("")
    pods = names.places.select(pl.col("pod").fill_null(""))
    version, pod = codes_of(versions, "version")[0], codes_of(pods, "pod")[0][names.place]
    number, example = numbered(names.service, version, pod)
    rank, times = _ranked(spans.trace, spans.heads, spans.trace_ns)
    visits = _once_a_trace(spans.trace[rows], number)
    number, when = number[visits], rank[spans.trace[rows[visits]]]
    first, last = np.full(example.size, times.size), np.full(example.size, -1)
    np.minimum.at(first, number, when)
    np.maximum.at(last, number, when)
    before, after = _around(names.service[example], number, when, first, last, times.size)
    return pl.DataFrame(
        {
            "service": names.services.gather(names.service[example]),
            "version": versions["version"].gather(example),
            "pod": pods["pod"].gather(names.place[example]),
            "n": np.bincount(number, minlength=example.size),
            "first_ns": times[first],
            "last_ns": times[last],
            "before": before,
            "after": after,
        },
        schema=REVISION_SCHEMA,
    ).sort("service", "version", "pod")


def _once_a_trace(trace: IntArray, number: IntArray) -> IntArray:
    """Places of the first of equal pairs of trace and number."""
    key = trace * (int(number.max(initial=0)) + 1) + number
    order = np.argsort(key, kind="stable")  # spans stand in order of trace: quick
    return order[starts_of_runs(key[order])]


def _ranked(trace: IntArray, heads: IntArray, trace_ns: IntArray) -> tuple[IntArray, IntArray]:
    """Rank of each trace by its start, by number of trace; and the start that each rank stands for."""
    times, ranks = np.unique(trace_ns[heads], return_inverse=True)
    rank = np.zeros(int(trace[-1]) + 1 if trace.size else 0, dtype=np.int64)
    rank[trace[heads]] = ranks
    return rank, times


def _around(
    own: IntArray, number: IntArray, when: IntArray, first: IntArray, last: IntArray, ranks: int
) -> tuple[IntArray, IntArray]:
    """Visits of the same service before the first and after the last of each revision.

    Args:
        own: Service of each revision, shape (revisions,).
        number: Revision of each visit, shape (visits,).
        when: Rank of its trace, shape (visits,).
        first: Rank of the first visit of each revision, shape (revisions,).
        last: Rank of its last visit, shape (revisions,).
        ranks: How many there are.
    """
    service = own[number]
    shared = np.bincount(own)[service] > 1  # a lone revision has nothing around it: most need no sorting
    keys = np.sort((service * ranks + when)[shared])
    before = np.searchsorted(keys, own * ranks + first) - np.searchsorted(keys, own * ranks)
    after = np.searchsorted(keys, (own + 1) * ranks) - np.searchsorted(keys, own * ranks + last, "right")
    return before, after
