"""Repairs span tables and links every span to its parent, root and entry, in columns.

Stands between the readers and everything else: whoever looks at spans looks at
a repaired table. How rows are linked: rclagent.telemetry.links.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import polars as pl

from rclagent.core.span import SPAN_SCHEMA
from rclagent.errors import InputError
from rclagent.telemetry.coded_spans import CodedSpans, SpanNames
from rclagent.telemetry.codes import BoolArray, IntArray
from rclagent.telemetry.duplicates import without_duplicates
from rclagent.telemetry.links import (
    cycle_cuts,
    depths,
    entries,
    follow,
    trace_numbers,
    trace_starts,
    upwards,
)
from rclagent.telemetry.span_keys import SpanKeys

LINK_SCHEMA: Final[dict[str, pl.DataType]] = {
    "row": pl.Int64(),  # 0..n-1 in order of trace, start, end, span id
    "parent_row": pl.Int64(),  # -1 at the tops
    "root_row": pl.Int64(),  # top of the tree
    "trace_ns": pl.Int64(),  # start of the trace
    "depth": pl.Int32(),  # 0 at the tops
    "entry_row": pl.Int64(),  # where the request entered the service instance
    "orphan": pl.Boolean(),  # names a parent that is not in the data
}
"""Columns that the repair adds to those of SPAN_SCHEMA."""

REQUIRED: Final = ("trace_id", "span_id", "service", "operation", "kind", "start_ns", "end_ns")


@dataclass(frozen=True)
class RepairedSpans:
    """Spans in canonical order, linked, with what had to be mended.

    Text stays where it was read, and is fetched for the rows that somebody looks at: to sort all of it
    would take longer than everything else.
    """

    spans: CodedSpans
    """All spans as numbers; row i has ``row == i``."""
    counts: dict[str, int]
    """Repairs and oddities by kind, sorted by name; a kind that did not occur is absent."""
    source: pl.DataFrame
    """SPAN_SCHEMA, mended, in the order in which the spans were read."""
    order: IntArray
    """Where each row stands in ``source``, shape (n,)."""

    @cached_property
    def frame(self) -> pl.DataFrame:
        """All rows: columns of SPAN_SCHEMA, then of LINK_SCHEMA."""
        return self.rows(self.spans)

    def texts(self, rows: IntArray, *names: str) -> pl.DataFrame:
        """Columns of SPAN_SCHEMA for some rows, in the order of ``rows``."""
        return self.source.select(names)[self.order[rows]]

    def find(self, trace_ids: pl.Series, span_ids: pl.Series) -> tuple[IntArray, IntArray]:
        """Rows by name: of the trace's first span, and of the span; -1 where there is none."""
        if trace_ids.is_empty():
            return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
        heads = self.spans.heads
        known = self.texts(heads, "trace_id").with_columns(pl.Series("head", heads))
        asked = (
            trace_ids.alias("trace_id")
            .to_frame()
            .join(known, on="trace_id", how="left", maintain_order="left")
        )
        head = asked["head"].fill_null(-1).to_numpy()
        trace = np.empty_like(self.order)
        trace[self.order] = self.spans.trace
        number = np.where(head < 0, -1, self.spans.trace[head]) if heads.size else head
        place = SpanKeys.of_distinct(trace, self.source["span_id"]).find(number, span_ids)
        return head, _moved(place, self.order)

    def of_traces(self, trace_ids: Sequence[str]) -> pl.DataFrame:
        """The same as ``frame``, of a few traces."""
        heads = self.spans.heads
        asked = self.texts(heads, "trace_id")["trace_id"].is_in(list(trace_ids)).to_numpy()
        return self.rows(self.spans.where(np.isin(self.spans.trace, self.spans.trace[heads[asked]])))

    def rows(self, spans: CodedSpans) -> pl.DataFrame:
        """Columns of SPAN_SCHEMA, then of LINK_SCHEMA, for the spans of some whole traces."""
        top = follow(upwards(spans.parent))
        links = {
            "row": spans.row,
            "parent_row": np.where(spans.parent < 0, -1, spans.row[spans.parent]),
            "root_row": spans.row[top],
            "trace_ns": spans.trace_ns,
            "depth": depths(spans.parent),
            "entry_row": spans.row[spans.entry],
            "orphan": spans.orphan,
        }
        return self.texts(spans.row, *SPAN_SCHEMA).with_columns(
            pl.Series(name, values).cast(LINK_SCHEMA[name]) for name, values in links.items()
        )


def repair_spans(spans: pl.DataFrame) -> RepairedSpans:
    """Removes duplicates, mends times and links, and adds the columns of LINK_SCHEMA.

    Kinds counted: ``duplicate_identical``, ``duplicate_conflicting`` (the longest stays),
    ``shared_span_id`` (client and server under one id, split), ``self_parent``, ``cycle`` (both
    lose their parent), ``negative_duration`` (ends at its start), ``missing_parent``,
    ``multiple_roots`` (traces); and, unchanged, ``zero_duration``, ``outlives_parent`` (outside its
    parent's interval, same service or host) and ``clock_skew`` (the same between hosts, where a clock set
    right may put it inside). Whoever is not waited for may end as late as it likes.

    Args:
        spans: Columns of SPAN_SCHEMA, any row order, any number of traces.

    Returns:
        The same bytes for any row order of the input. Repairing it again changes nothing.

    Raises:
        InputError: A column is missing, of another type, or null where every span needs a value.
    """
    counts: dict[str, int] = {}
    # Single rows of a table in many chunks are fetched ten times slower.
    source = _checked(spans).rechunk()
    trace = trace_numbers(source["trace_id"])
    keys = SpanKeys(trace, source["span_id"])
    if keys.repeated:
        source = without_duplicates(source, counts)
        trace = trace_numbers(source["trace_id"])
        keys = SpanKeys.of_distinct(trace, source["span_id"])
    source = _with_forward_times(source, counts)
    source = _without_self_parents(source, counts)
    with ThreadPoolExecutor(max_workers=1) as beside:  # numpy and polars let other threads work meanwhile
        coding = beside.submit(SpanNames.of, source)
        order = _canonical_order(source, trace)
        parent = keys.parents(source["parent_id"], order)
        names = coding.result().take(order)
    orphan = (parent < 0) & source["parent_id"].is_not_null().to_numpy()[order]
    cut = cycle_cuts(parent, follow(upwards(parent)))
    parent[cut] = -1
    source = _without_parents(source, order[cut])
    counts["cycle"] = cut.size
    counts["missing_parent"] = int(orphan.sum())
    linked = _linked(source, order, names, trace[order], parent, orphan)
    _count_odd_shapes(linked, counts)
    return RepairedSpans(
        linked, {kind: count for kind, count in sorted(counts.items()) if count}, source, order
    )


def _checked(spans: pl.DataFrame) -> pl.DataFrame:
    missing = [name for name in SPAN_SCHEMA if name not in spans.columns]
    if missing:
        raise InputError(
            f"The span table has no column {missing[0]!r}.", f"Give it the columns {', '.join(SPAN_SCHEMA)}."
        )
    try:
        frame = spans.select(pl.col(name).cast(dtype) for name, dtype in SPAN_SCHEMA.items())
    except pl.exceptions.PolarsError as error:
        raise InputError(
            f"A column of the span table has another type: {str(error).splitlines()[0]}",
            "Give times as integer nanoseconds, names and ids as strings.",
        ) from error
    for name in REQUIRED:
        if frame[name].null_count():
            raise InputError(
                f"The span table has {frame[name].null_count()} rows without {name!r}.",
                "Fill the column or leave those rows out.",
            )
    return frame


def _with_forward_times(frame: pl.DataFrame, counts: dict[str, int]) -> pl.DataFrame:
    counts["zero_duration"] = int((frame["end_ns"] == frame["start_ns"]).sum())
    counts["negative_duration"] = int((frame["end_ns"] < frame["start_ns"]).sum())
    return frame.with_columns(end_ns=pl.max_horizontal("start_ns", "end_ns"))


def _without_self_parents(frame: pl.DataFrame, counts: dict[str, int]) -> pl.DataFrame:
    own = frame["parent_id"] == frame["span_id"]
    counts["self_parent"] = int(own.sum())
    return _without_parents(frame, np.flatnonzero(own.fill_null(False).to_numpy()))


def _without_parents(frame: pl.DataFrame, rows: IntArray) -> pl.DataFrame:
    if not rows.size:
        return frame
    mask = np.zeros(frame.height, dtype=np.bool_)
    mask[rows] = True
    return frame.with_columns(parent_id=pl.when(pl.Series(~mask)).then("parent_id"))


def _canonical_order(frame: pl.DataFrame, trace: IntArray) -> IntArray:
    """Rows in order of trace, start, end and span id, shape (n,)."""
    start = frame["start_ns"].to_numpy()
    order = _by_trace_and_start(trace, start)
    # Few spans of a trace start at the same time: only these are compared any further.
    trace_at, start_at = trace[order], start[order]
    equal = np.zeros(order.size + 1, dtype=np.bool_)
    equal[1:-1] = (trace_at[1:] == trace_at[:-1]) & (start_at[1:] == start_at[:-1])
    tied = np.flatnonzero(equal[1:] | equal[:-1])
    if tied.size:
        rows = order[tied]
        among = frame.select("start_ns", "end_ns", "span_id")[rows].with_columns(trace=pl.Series(trace[rows]))
        order[tied] = rows[among.select(pl.arg_sort_by("trace", "start_ns", "end_ns", "span_id")).to_series()]
    return order


def _by_trace_and_start(trace: IntArray, start: IntArray) -> IntArray:
    least = int(start.min(initial=0))
    width = int(start.max(initial=0)) - least + 1
    if (int(trace.max(initial=0)) + 1) * width < 2**63:  # both fit one number, which is quicker to sort
        return np.argsort(trace * width + (start - least), kind="stable")
    order: IntArray = np.lexsort((start, trace))
    return order


def _moved(rows: IntArray, order: IntArray) -> IntArray:
    """Where rows stand once they are in order; -1 stays -1."""
    place = np.empty(order.size + 1, dtype=np.int64)
    place[order] = np.arange(order.size)
    place[-1] = -1  # where -1 points at
    return place[rows]


def _linked(
    source: pl.DataFrame,
    order: IntArray,
    names: SpanNames,
    trace: IntArray,
    parent: IntArray,
    orphan: BoolArray,
) -> CodedSpans:
    start = source["start_ns"].to_numpy()[order]
    has_parent = source["parent_id"].is_not_null().to_numpy()[order]
    return CodedSpans(
        names=names,
        row=np.arange(order.size),
        trace=trace,
        trace_ns=trace_starts(trace, start, parent, has_parent),
        start_ns=start,
        end_ns=source["end_ns"].to_numpy()[order],
        parent=parent,
        entry=entries(names, parent),
        orphan=orphan,
    )


def _count_odd_shapes(spans: CodedSpans, counts: dict[str, int]) -> None:
    names, parent, start, end = spans.names, spans.parent, spans.start_ns, spans.end_ns
    tops = np.bincount(spans.trace[parent < 0])
    counts["multiple_roots"] = int((tops > 1).sum())
    outside = np.flatnonzero((parent >= 0) & ((start < start[parent]) | (end > end[parent])))
    above = parent[outside]
    early = start[outside] < start[above]
    same_clock = np.zeros(outside.size, dtype=np.bool_)
    for code in (names.service, names.codes("pod"), names.codes("node")):
        same_clock |= (code[outside] == code[above]) & (code[outside] >= 0)
    # Nobody waits for a message, nor to the end for a child that lasts longer than its parent.
    message = spans.is_message[outside]
    unwaited = message | (end[outside] - start[outside] > end[above] - start[above])
    counts["outlives_parent"] = int((same_clock & (early | ~message)).sum())
    counts["clock_skew"] = int((~same_clock & (early | ~unwaited)).sum())
