"""Own time of spans: what neither their children nor a call of the same request cover.

A child in another service that sticks out of the span is moved inside first, as far as its length
allows: clocks differ between hosts. Calls count although they are no children: a reactive framework's
span ends with the answer that a sibling span waits for, and a request that waits does no work of its own.
Nor does it between a failed attempt and the next: it waits before it asks again. Messages take no time of
whoever sent them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from rclagent.telemetry.coded_spans import CodedSpans
from rclagent.telemetry.codes import BoolArray, IntArray
from rclagent.telemetry.runs import (
    ends_of_runs,
    last_not_after,
    ranks_in_runs,
    running_max,
    running_sum_before,
)


def own_times(spans: CodedSpans, callee: IntArray, wanted: BoolArray) -> IntArray:
    """Own time of some spans, nanoseconds.

    Args:
        spans: Whole traces.
        callee: Place of the span that each span called, -1 where it is no call (callees).
        wanted: Which spans' own times are asked for, shape (n,).

    Returns:
        At least 0, shape (n,); spans that are not wanted have 0.
    """
    own = np.zeros(spans.size, dtype=np.int64)
    waiting = _Waiting.of(spans, callee)
    # Calls that are children of the span are outside its gaps already.
    beside = _with_calls_beside(spans, callee)
    for span, since, until in _uncovered(spans, wanted):
        np.add.at(own, span, until - since)
        rows = np.flatnonzero(beside[span])
        request = spans.entry[span[rows]]
        waited = waiting.before(request, until[rows]) - waiting.before(request, since[rows])
        np.subtract.at(own, span[rows], waited)
    return own


def _uncovered(spans: CodedSpans, wanted: BoolArray) -> Iterator[tuple[IntArray, IntArray, IntArray]]:
    """Times of spans that no child covers: span, start and end; those before children, then the rest."""
    child = np.flatnonzero((spans.parent >= 0) & wanted[spans.parent] & ~spans.is_message)
    parent, start, end = _by_parent(spans, child)
    ranks = ranks_in_runs(parent)
    reached = running_max(end, ranks)
    before = spans.start_ns[parent]
    later = np.flatnonzero(ranks)
    before[later] = reached[later - 1]
    gaps = np.flatnonzero(start > before)
    yield parent[gaps], before[gaps], start[gaps]
    covered_until = spans.start_ns.copy()
    last = ends_of_runs(parent)
    covered_until[parent[last]] = reached[last]
    rest = np.flatnonzero(wanted & (spans.end_ns > covered_until))
    yield rest, covered_until[rest], spans.end_ns[rest]


def _by_parent(spans: CodedSpans, child: IntArray) -> tuple[IntArray, IntArray, IntArray]:
    """Parent, start and end of each child, moved and cut to its parent's time, in this order."""
    parent = spans.parent[child]
    since, until = spans.start_ns[parent], spans.end_ns[parent]
    start = spans.start_ns[child]
    length = _ends_with_repetitions(spans)[child] - start
    moved = np.minimum(np.maximum(start, since), np.maximum(since, until - length))
    start = np.where(spans.entry[child] == child, moved, start)
    end = np.clip(start + length, since, until)
    start = np.clip(start, since, until)
    # Rows are in order of start already, and children that were moved are few.
    order = np.argsort(parent, kind="stable")
    parent, start, end = parent[order], start[order], end[order]
    if _is_out_of_order(parent, start, end):
        order = np.lexsort((end, start, parent))
        parent, start, end = parent[order], start[order], end[order]
    return parent, start, end


def _ends_with_repetitions(spans: CodedSpans) -> IntArray:
    """End of each span; of a failed one that its parent repeats the start of the next attempt."""
    failed = np.flatnonzero((spans.names.error == 1) & (spans.parent >= 0))
    if not failed.size:
        return spans.end_ns
    concerned = np.zeros(spans.size, dtype=np.bool_)
    concerned[spans.parent[failed]] = True
    sibling = np.flatnonzero((spans.parent >= 0) & concerned[spans.parent])
    same = spans.parent[sibling] * spans.names.calls.height + spans.names.call[sibling]
    order = np.argsort(same, kind="stable")  # siblings are in order of start already
    sibling, same = sibling[order], same[order]
    attempt, following = sibling[:-1], sibling[1:]
    pause = spans.start_ns[following] - spans.end_ns[attempt]
    above = spans.parent[attempt]
    # What is longer than the parent is the difference of two clocks.
    repeated = (
        (same[:-1] == same[1:])
        & (spans.names.error[attempt] == 1)
        & (pause > 0)
        & (pause < spans.end_ns[above] - spans.start_ns[above])
    )
    ends = spans.end_ns.copy()
    ends[attempt[repeated]] = spans.start_ns[following[repeated]]
    return ends


def _is_out_of_order(parent: IntArray, start: IntArray, end: IntArray) -> bool:
    same = parent[1:] == parent[:-1]
    earlier = (start[1:] < start[:-1]) | ((start[1:] == start[:-1]) & (end[1:] < end[:-1]))
    return bool((same & earlier).any())


@dataclass(frozen=True, slots=True)
class _Waiting:
    """Disjoint times in which each request waits for a call."""

    start_ns: IntArray
    """In order of request and time."""
    end_ns: IntArray
    waited_ns: IntArray
    """What the request waited before."""
    first: IntArray
    """Row of the first of these times for each place of an entry, shape (n + 1,)."""

    @staticmethod
    def of(spans: CodedSpans, callee: IntArray) -> _Waiting:
        call = np.flatnonzero(callee >= 0)
        call = call[np.argsort(spans.entry[call], kind="stable")]  # of each request in order of start already
        request, start = spans.entry[call], spans.start_ns[call]
        ranks = ranks_in_runs(request)
        reached = running_max(spans.end_ns[call], ranks)
        # Calls that overlap are one time of waiting.
        head = np.flatnonzero((ranks == 0) | (start > np.roll(reached, 1)))
        last = np.append(head[1:], call.size) - 1 if call.size else head
        request, start, end = request[head], start[head], reached[last]
        counts = np.bincount(request, minlength=spans.size)
        return _Waiting(
            start_ns=start,
            end_ns=end,
            waited_ns=running_sum_before(end - start, ranks_in_runs(request)),
            first=np.concatenate([[0], np.cumsum(counts)]),
        )

    def before(self, request: IntArray, at: IntArray) -> IntArray:
        """Time that requests waited before some moments, shape (asked,)."""
        low = self.first[request]
        row = last_not_after(self.start_ns, low, self.first[request + 1], at)
        waited = np.zeros(at.size, dtype=np.int64)
        found = np.flatnonzero(row >= low)
        row, at = row[found], at[found]
        waited[found] = self.waited_ns[row] + np.minimum(at, self.end_ns[row]) - self.start_ns[row]
        return waited


def _with_calls_beside(spans: CodedSpans, callee: IntArray) -> BoolArray:
    """Whether a span's request makes calls that are no children of the span."""
    call = np.flatnonzero(callee >= 0)
    of_request = np.bincount(spans.entry[call], minlength=spans.size)
    # A call that enters another instance is a child, too, but of another request.
    below = call[(spans.parent[call] >= 0) & (spans.entry[call] != call)]
    own = np.bincount(spans.parent[below], minlength=spans.size)
    return of_request[spans.entry] > own
