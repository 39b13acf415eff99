"""Repairs span tables and links every span to its parent, root and entry, in columns.

Stands between the readers and everything else: whoever looks at spans looks at
a repaired table. Links are row numbers, followed by pointer doubling, so that
the cost is n log(depth) and no depth meets a recursion limit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from rclagent.core.span import SPAN_SCHEMA
from rclagent.errors import InputError

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

SERVER_SUFFIX: Final = "~server"
"""Appended to the id of the server half of a span that client and server share."""

REQUIRED: Final = ("trace_id", "span_id", "service", "operation", "kind", "start_ns", "end_ns")
KEY: Final = ("trace_id", "span_id")
CALLING, NEUTRAL, CALLED = 0, 1, 2

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class RepairedSpans:
    """Spans in canonical order, linked, with what had to be mended."""

    frame: pl.DataFrame
    """Columns of SPAN_SCHEMA, then of LINK_SCHEMA; row i has ``row == i``."""
    counts: dict[str, int]
    """Repairs and oddities by kind, sorted by name; a kind that did not occur is absent."""


def repair_spans(spans: pl.DataFrame) -> RepairedSpans:
    """Removes duplicates, mends times and links, and adds the columns of LINK_SCHEMA.

    Kinds counted: ``duplicate_identical``, ``duplicate_conflicting`` (the longest stays),
    ``shared_span_id`` (client and server under one id, split), ``self_parent``, ``cycle`` (both
    lose their parent), ``negative_duration`` (ends at its start), ``missing_parent``,
    ``multiple_roots`` (traces); and, unchanged, ``zero_duration``, ``outlives_parent`` (outside its
    parent's interval, same service or host) and ``clock_skew`` (the same between hosts).

    Args:
        spans: Columns of SPAN_SCHEMA, any row order, any number of traces.

    Returns:
        The same bytes for any row order of the input. Repairing it again changes nothing.

    Raises:
        InputError: A column is missing, of another type, or null where every span needs a value.
    """
    counts: dict[str, int] = {}
    frame = _without_duplicates(_checked(spans), counts)
    frame = _with_forward_times(frame, counts)
    frame = _without_self_parents(frame, counts)
    frame = frame.sort("trace_id", "start_ns", "end_ns", "span_id")
    trace = frame["trace_id"].rle_id().to_numpy().astype(np.int64)
    parent = _parent_rows(frame, trace)
    orphan = (parent < 0) & frame["parent_id"].is_not_null().to_numpy()
    cut = _cycle_cuts(parent)
    parent[cut] = -1
    frame = _without_parents(frame, cut)
    counts["cycle"] = cut.size
    counts["missing_parent"] = int(orphan.sum())
    _count_odd_shapes(frame, trace, parent, counts)
    linked = frame.with_columns(_links(frame, trace, parent, orphan))
    return RepairedSpans(linked, {kind: count for kind, count in sorted(counts.items()) if count})


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


def _without_duplicates(frame: pl.DataFrame, counts: dict[str, int]) -> pl.DataFrame:
    repeated = frame.select(pl.struct(KEY).is_duplicated()).to_series()
    if not repeated.any():
        return frame
    distinct = frame.filter(repeated).unique()
    counts["duplicate_identical"] = int(repeated.sum()) - distinct.height
    distinct = distinct.with_columns(
        side=_side(),
        brevity=-(pl.col("end_ns") - pl.col("start_ns")).clip(lower_bound=0),
        gaps=pl.sum_horizontal(pl.all().is_null()),
    )
    order = ["brevity", "gaps", *SPAN_SCHEMA]
    callers = _first_of_each(distinct, ["side", *order])
    servers = _first_of_each(_server_halves(distinct, callers), [-pl.col("side"), *order])
    others = _first_of_each(distinct.join(servers, on=KEY, how="anti"), order)
    counts["shared_span_id"] = servers.height
    counts["duplicate_conflicting"] = distinct.height - 2 * servers.height - others.height
    kept = [frame.filter(~repeated), others, callers.join(servers, on=KEY, how="semi")]
    rest = pl.concat([part.select(list(SPAN_SCHEMA)) for part in kept])
    return _split_shared(rest, servers) if servers.height else rest


def _side() -> pl.Expr:
    kind = pl.col("kind")
    return (
        pl.when(kind.is_in(["client", "producer"]))
        .then(CALLING)
        .when(kind.is_in(["server", "consumer"]))
        .then(CALLED)
        .otherwise(NEUTRAL)
        .cast(pl.Int8)
    )


def _first_of_each(rows: pl.DataFrame, order: Sequence[str | pl.Expr]) -> pl.DataFrame:
    return rows.sort(*order).unique(subset=list(KEY), keep="first", maintain_order=True)


def _server_halves(distinct: pl.DataFrame, callers: pl.DataFrame) -> pl.DataFrame:
    """Rows that are the other side of the caller with their id, not another version of it."""
    caller = callers.select(*KEY, caller_side="side", caller_service="service")
    called = (pl.col("side") == CALLED) & (pl.col("caller_side") == CALLING)
    return distinct.join(caller, on=KEY).filter(called | (pl.col("service") != pl.col("caller_service")))


def _split_shared(rest: pl.DataFrame, servers: pl.DataFrame) -> pl.DataFrame:
    """Gives the server halves ids of their own, below their callers, and hands them their children."""
    halves = servers.with_columns(server_id=_free_ids(rest, servers))
    adopted = rest.join(
        halves.select("trace_id", "server_id", "caller_service", parent_id="span_id", server="service"),
        on=["trace_id", "parent_id"],
        how="left",
    )
    # A request passes from the client half to the server half alone, so that only what the client's
    # own service did meanwhile stays with the client.
    below_server = (pl.col("service") == pl.col("server")) | (pl.col("service") != pl.col("caller_service"))
    below_server &= pl.col("span_id") != pl.col("parent_id")
    parent = pl.when(below_server).then("server_id").otherwise("parent_id")
    adopted = adopted.with_columns(parent_id=parent)
    split = halves.with_columns(parent_id="span_id", span_id="server_id")
    return pl.concat([part.select(list(SPAN_SCHEMA)) for part in (adopted, split)])


def _free_ids(rest: pl.DataFrame, servers: pl.DataFrame) -> pl.Series:
    """Server ids that no other span of the trace has; one suffix for all keeps them apart."""
    suffix = SERVER_SUFFIX
    while True:
        ids = servers.select("trace_id", span_id=pl.col("span_id") + suffix)
        if rest.join(ids, on=KEY, how="semi").is_empty():
            return ids["span_id"]
        suffix += SERVER_SUFFIX


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


def _parent_rows(frame: pl.DataFrame, trace: IntArray) -> IntArray:
    keys = frame.select("parent_id", "span_id", trace=pl.Series(trace, dtype=pl.Int64))
    found = keys.select("trace", "parent_id").join(
        keys.select("trace", "span_id").with_row_index("parent_row"),
        left_on=["trace", "parent_id"],
        right_on=["trace", "span_id"],
        how="left",
        maintain_order="left",
    )
    # A copy, for polars hands out views that may not be written to.
    return np.array(found["parent_row"].cast(pl.Int64).fill_null(-1).to_numpy(), dtype=np.int64)


def _cycle_cuts(parent: IntArray) -> IntArray:
    """The earliest row of each cycle; without its parent the cycle becomes a tree."""
    rows = np.arange(parent.size)
    ends = follow(np.where(parent < 0, rows, parent))
    # Whoever reaches no top is on a cycle or leads into one, and has been led onto it.
    on_cycle = np.unique(ends[parent[ends] >= 0])
    step = np.searchsorted(on_cycle, parent[on_cycle])
    first = on_cycle.copy()
    for _ in range(on_cycle.size.bit_length()):
        first, step = np.minimum(first, first[step]), step[step]
    cuts: IntArray = on_cycle[first == on_cycle]
    return cuts


def _depths(parent: IntArray) -> IntArray:
    top = parent < 0
    pointer = np.where(top, np.arange(parent.size), parent)
    depth = (~top).astype(np.int64)
    while not top[pointer].all():
        depth += depth[pointer]
        pointer = pointer[pointer]
    return depth


def _links(frame: pl.DataFrame, trace: IntArray, parent: IntArray, orphan: BoolArray) -> list[pl.Series]:
    rows = np.arange(parent.size)
    columns = {
        "row": rows,
        "parent_row": parent,
        "root_row": follow(np.where(parent < 0, rows, parent)),
        "trace_ns": _trace_starts(frame, trace, parent)[trace],
        "depth": _depths(parent),
        "entry_row": follow(np.where(_enters(frame, parent), rows, parent)),
        "orphan": orphan,
    }
    return [pl.Series(name, values).cast(LINK_SCHEMA[name]) for name, values in columns.items()]


def _trace_starts(frame: pl.DataFrame, trace: IntArray, parent: IntArray) -> IntArray:
    """Start of each trace: of its earliest true root, else of its earliest top, shape (traces,)."""
    start = frame["start_ns"].to_numpy()
    starts = np.zeros(int(trace[-1]) + 1 if trace.size else 0, dtype=np.int64)
    true_root = frame["parent_id"].is_null().to_numpy()
    for tops in (np.flatnonzero(parent < 0), np.flatnonzero(true_root)):
        number, first = np.unique(trace[tops], return_index=True)
        starts[number] = start[tops[first]]
    return starts


def _enters(frame: pl.DataFrame, parent: IntArray) -> BoolArray:
    """Whether the request enters the service instance at each span."""
    service, pod = _codes(frame["service"]), _codes(frame["pod"])
    side = frame.select(_side()).to_series().to_numpy()
    other_pod = (pod != pod[parent]) & (pod >= 0) & (pod[parent] >= 0)
    served = (side == CALLED) & (side[parent] == CALLING)
    entered: BoolArray = (parent < 0) | (service != service[parent]) | other_pod | served
    return entered


def _count_odd_shapes(frame: pl.DataFrame, trace: IntArray, parent: IntArray, counts: dict[str, int]) -> None:
    tops = np.bincount(trace[parent < 0])
    counts["multiple_roots"] = int((tops > 1).sum())
    start, end = frame["start_ns"].to_numpy(), frame["end_ns"].to_numpy()
    outside = (parent >= 0) & ((start < start[parent]) | (end > end[parent]))
    codes = (_codes(frame[name]) for name in ("service", "pod", "node"))
    same_clock = np.zeros(parent.size, dtype=np.bool_)
    for code in codes:
        same_clock |= (code == code[parent]) & (code >= 0)
    counts["outlives_parent"] = int((outside & same_clock).sum())
    counts["clock_skew"] = int((outside & ~same_clock).sum())


def _codes(names: pl.Series) -> IntArray:
    """A number for each distinct name, -1 for null; they tell names apart and have no order."""
    codes: IntArray = names.cast(pl.Categorical).to_physical().cast(pl.Int64).fill_null(-1).to_numpy()
    return codes
