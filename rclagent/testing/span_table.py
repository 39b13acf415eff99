"""Spans of played requests as columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from rclagent.core.span import SPAN_SCHEMA, SpanKind
from rclagent.core.window import NS_PER_MS
from rclagent.testing.draws import BoolArray, IntArray
from rclagent.testing.parts import Call, External
from rclagent.testing.system import Pod
from rclagent.testing.template import PublishSlot, ServerSlot, Slot
from rclagent.testing.timing import HANDLING_MS, Run

ERROR_HANDLER: Final = "handle error"
"""Name of the span of a service that answers with an error of its own."""


@dataclass(frozen=True, slots=True)
class Block:
    """A block of played requests with what spans and logs need besides."""

    run: Run
    """What happened."""
    wrong: dict[int, BoolArray]
    """By server slot: whether the result is wrong, shape (n,); slots that are always right are missing."""
    arrival_ns: IntArray
    """When the requests came in, Unix epoch, shape (n,)."""
    pods: Sequence[Pod]
    """All instances of the system."""
    pod: IntArray
    """Which of them ran each span, shape (slots, n)."""
    skew_ns: IntArray
    """How far the clock of its machine was off, shape (slots, n)."""
    trace_ids: pl.Series
    """Shape (n,)."""
    span_ids: pl.Series
    """Of all spans that could be, request by request, shape (n * slots,)."""

    def span_row(self, slot: IntArray, request: IntArray) -> IntArray:
        """Where the id of a span stands in ``span_ids``."""
        return request * len(self.run.template.slots) + slot


def hex_ids(count: int, width: int, rng: np.random.Generator) -> pl.Series:
    """Random ids of ``width`` bytes in hexadecimal, shape (count,)."""
    digits = np.frombuffer(rng.bytes(count * width).hex().encode(), dtype=f"S{2 * width}")
    return pl.Series(digits).cast(pl.String())


def span_table(block: Block, *, kinds: bool, statuses: bool, client_spans: bool) -> pl.DataFrame:
    """Spans of a block, columns of SPAN_SCHEMA, request by request.

    Args:
        block: Played requests.
        kinds: Whether spans say what kind they are.
        statuses: Whether spans say if they failed.
        client_spans: Whether only what services handle is recorded, or also what they ask of others.
    """
    made = _made(block, client_spans)
    frame = pl.concat([made, _error_handlers(block)]) if client_spans else made
    if not kinds:
        frame = frame.with_columns(pl.lit(SpanKind.UNKNOWN.value).alias("kind"))
    if not statuses:
        frame = frame.with_columns(
            pl.lit(None, pl.Boolean).alias("error"), pl.lit(None, pl.String).alias("status")
        )
    return frame.select(pl.col(name).cast(kind) for name, kind in SPAN_SCHEMA.items())


def _made(block: Block, client_spans: bool) -> pl.DataFrame:
    run = block.run
    alive = run.alive if client_spans else run.alive & _is_server(block)[:, None]
    # Request by request: a file then holds whole traces close together.
    request, slot = (np.ascontiguousarray(part) for part in np.nonzero(alive.T))
    start, end = _times(block, slot, request)
    parent_slot = _parents(block, client_spans)[slot]
    parent = block.span_ids.gather(block.span_row(np.maximum(parent_slot, 0), request))
    failed = run.failed[slot, request]
    return pl.DataFrame(
        {
            "trace_id": block.trace_ids.gather(request),
            "span_id": block.span_ids.gather(block.span_row(slot, request)),
            "parent_id": parent.set(pl.Series(parent_slot < 0), None),
            **_places(block, slot, request),
            **_names(block, slot),
            "start_ns": start,
            "end_ns": end,
            "error": failed,
            "status": _statuses(block, slot, request, failed),
        }
    )


def _is_server(block: Block) -> BoolArray:
    return np.array([isinstance(slot, ServerSlot) for slot in block.run.template.slots])


def _parents(block: Block, client_spans: bool) -> IntArray:
    """Slot of the parent span of each slot, -1 at the top."""
    slots = block.run.template.slots
    parents = []
    for slot in slots:
        above = slot.caller if isinstance(slot, ServerSlot) else slot.owner
        if above is not None and isinstance(slot, ServerSlot) and not client_spans:
            caller = slots[above]
            above = above if isinstance(caller, ServerSlot) else caller.owner
        parents.append(-1 if above is None else above)
    return np.array(parents)


def _times(block: Block, slot: IntArray, request: IntArray) -> tuple[IntArray, IntArray]:
    offset = block.arrival_ns[request] + block.skew_ns[slot, request]
    start = np.rint(block.run.start_ms[slot, request] * NS_PER_MS).astype(np.int64)
    end = np.rint(block.run.end_ms[slot, request] * NS_PER_MS).astype(np.int64)
    return offset + start, offset + end


def _places(block: Block, slot: IntArray, request: IntArray) -> dict[str, pl.Series]:
    pod = block.pod[slot, request]
    return {
        "service": pl.Series([pod.service for pod in block.pods]).gather(pod),
        "pod": pl.Series([pod.name for pod in block.pods]).gather(pod),
        "node": pl.Series([pod.node for pod in block.pods]).gather(pod),
        "version": pl.Series([pod.version for pod in block.pods], dtype=pl.String()).gather(pod),
    }


def _names(block: Block, slot: IntArray) -> dict[str, pl.Series]:
    slots = block.run.template.slots
    peers = [None if isinstance(each, ServerSlot) else each.part.peer for each in slots]
    names = [each.name if isinstance(each, ServerSlot) else each.part.name for each in slots]
    return {
        "operation": pl.Series(names).gather(slot),
        "kind": pl.Series([_kind(each).value for each in slots]).gather(slot),
        "peer": pl.Series(peers, dtype=pl.String()).gather(slot),
    }


def _kind(slot: Slot) -> SpanKind:
    if isinstance(slot, ServerSlot):
        return SpanKind.CONSUMER if slot.consumer else SpanKind.SERVER
    return SpanKind.PRODUCER if isinstance(slot, PublishSlot) else SpanKind.CLIENT


def _statuses(block: Block, slot: IntArray, request: IntArray, failed: BoolArray) -> pl.Series:
    """HTTP status of what was handled or called; queries and messages have none unless nobody answers."""
    run = block.run
    http = np.array([_speaks_http(each) for each in run.template.slots])
    code = np.where(http[slot], np.where(failed, 1, 0), 4)
    code[run.refused[slot, request]] = 2
    code[run.timed_out[slot, request]] = 3
    return pl.Series(["200", "500", "connection_refused", "timeout", None]).gather(code)


def _speaks_http(slot: Slot) -> bool:
    if isinstance(slot, ServerSlot):
        return not slot.consumer
    return isinstance(slot.part, Call | External)


def _error_handlers(block: Block) -> pl.DataFrame:
    """An internal span at the end of each handled request that failed in the service itself."""
    run = block.run
    raised = np.zeros(run.alive.shape, dtype=np.bool_)
    for server, outcome in run.outcomes.items():
        raised[server] = outcome.raised & run.alive[server]
    request, slot = (np.ascontiguousarray(part) for part in np.nonzero(raised.T))
    _, end = _times(block, slot, request)
    count = len(slot)
    parent = block.span_ids.gather(block.span_row(slot, request))
    return pl.DataFrame(
        {
            "trace_id": block.trace_ids.gather(request),
            "span_id": parent.str.tail(8) + parent.str.head(8),
            "parent_id": parent,
            **_places(block, slot, request),
            "operation": pl.repeat(ERROR_HANDLER, count, eager=True),
            "kind": pl.repeat(SpanKind.INTERNAL.value, count, eager=True),
            "peer": pl.repeat(None, count, dtype=pl.String(), eager=True),
            "start_ns": end - round(HANDLING_MS * NS_PER_MS),
            "end_ns": end,
            "error": np.zeros(count, dtype=np.bool_),
            "status": pl.repeat(None, count, dtype=pl.String(), eager=True),
        }
    )
