"""Links between spans as arrays of rows: parents, tops, entries, depths, cycles.

Links are row numbers, followed by pointer doubling, so that the cost is n log(depth) and no depth meets a
recursion limit.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from rclagent.telemetry.coded_spans import SpanNames, is_called, is_calling
from rclagent.telemetry.codes import BoolArray, IntArray


def follow(pointer: IntArray) -> IntArray:
    """Where each row ends up when its pointer is followed until it points at itself.

    Args:
        pointer: Row to go to from each row, shape (n,); the row itself where the walk ends. A walk
            within a cycle, which never ends, stops at some row of the cycle.

    Source: pointer doubling (Wyllie 1979); log2(longest walk) rounds.
    """
    for _ in range(pointer.size.bit_length()):
        further = pointer[pointer]
        if np.array_equal(further, pointer):
            break
        pointer = further
    return pointer


def trace_numbers(trace_ids: pl.Series) -> IntArray:
    """Ascending numbers of the trace ids in their order, shape (n,)."""
    # Spans of one trace mostly stand together, so that few ids need to be compared.
    runs = trace_ids.rle_id().to_numpy()
    heads = np.flatnonzero(np.diff(runs, prepend=runs[:1] + 1))
    ranks = trace_ids.gather(heads).rank("dense").cast(pl.Int64).to_numpy()
    numbers: IntArray = ranks[runs] - 1
    return numbers


def cycle_cuts(parent: IntArray, ends: IntArray) -> IntArray:
    """The earliest row of each cycle; without its parent the cycle becomes a tree.

    Args:
        parent: Row of each parent, -1 where there is none.
        ends: Where the parents lead to (follow).
    """
    # Whoever reaches no top is on a cycle or leads into one, and has been led onto it.
    on_cycle = np.unique(ends[parent[ends] >= 0])
    step = np.searchsorted(on_cycle, parent[on_cycle])
    first = on_cycle.copy()
    for _ in range(on_cycle.size.bit_length()):
        first, step = np.minimum(first, first[step]), step[step]
    cuts: IntArray = on_cycle[first == on_cycle]
    return cuts


def upwards(parent: IntArray) -> IntArray:
    """Pointers to the parents, of tops to themselves."""
    return np.where(parent < 0, np.arange(parent.size), parent)


def depths(parent: IntArray) -> IntArray:
    """Number of spans above each, 0 at the tops."""
    top = parent < 0
    pointer = upwards(parent)
    depth = (~top).astype(np.int64)
    while not top[pointer].all():
        depth += depth[pointer]
        pointer = pointer[pointer]
    return depth


def entries(names: SpanNames, parent: IntArray) -> IntArray:
    """By which span the request entered the service instance of each span."""
    pod = names.codes("pod")
    other_pod = (pod != pod[parent]) & (pod >= 0) & (pod[parent] >= 0)
    served = is_called(names.kind) & is_calling(names.kind)[parent]
    enters = (parent < 0) | (names.service != names.service[parent]) | other_pod | served
    return follow(np.where(enters, np.arange(parent.size), parent))


def trace_starts(trace: IntArray, start_ns: IntArray, parent: IntArray, has_parent: BoolArray) -> IntArray:
    """Start of each span's trace: of its earliest true root, else of its earliest top, shape (n,).

    Args:
        trace: Ascending number of each span's trace.
        start_ns: Start of each span; ascending within a trace.
        parent: Row of each parent, -1 where there is none.
        has_parent: Whether each span names one.
    """
    starts = np.zeros(int(trace[-1]) + 1 if trace.size else 0, dtype=np.int64)
    for tops in (np.flatnonzero(parent < 0), np.flatnonzero(~has_parent)):
        # Written backwards, so that of several the earliest stays.
        starts[trace[tops[::-1]]] = start_ns[tops[::-1]]
    return starts[trace]
