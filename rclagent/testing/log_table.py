"""Log lines of played requests as columns."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from rclagent.core.log import LOG_SCHEMA
from rclagent.core.window import NS_PER_MS
from rclagent.testing.draws import BoolArray, FloatArray, IntArray
from rclagent.testing.parts import Part, Publish
from rclagent.testing.span_table import Block, hex_ids
from rclagent.testing.template import ServerSlot

_VARIABLES: Final = ("{id}", "{n}", "{price}", "{at}")
_PIECES: Final = re.compile("(" + "|".join(re.escape(name) for name in _VARIABLES) + ")")
_ERRORS: Final = (
    ("IllegalStateException", "unexpected state of record"),
    ("NullPointerException", "cannot read field 'amount' of record"),
    ("IndexOutOfBoundsException", "index 7 out of bounds for record"),
)


@dataclass(frozen=True, slots=True)
class _Written:
    """Requests in which a server slot writes one and the same message."""

    slot: int
    severity: str
    text: str
    request: IntArray
    at_ms: FloatArray


def log_table(block: Block, rng: np.random.Generator, *, ids: bool) -> pl.DataFrame:
    """Lines that the services of a block write, columns of LOG_SCHEMA.

    Args:
        block: Played requests.
        rng: Where the variable parts come from; they do not depend on what is written.
        ids: Whether lines name their trace and span.
    """
    n = len(block.arrival_ns)
    shares = rng.random((len(block.run.template.slots), n))
    values = _values(block, rng)
    lines = [line for slot in block.run.template.servers for line in _lines(block, slot, shares[slot.index])]
    if not lines:
        return pl.DataFrame(schema=LOG_SCHEMA)
    counts = [len(line.request) for line in lines]
    request = np.concatenate([line.request for line in lines])
    slot = np.repeat([line.slot for line in lines], counts)
    at_ns = np.rint(np.concatenate([line.at_ms for line in lines]) * NS_PER_MS).astype(np.int64)
    pod = block.pod[slot, request]
    nobody = pl.repeat(None, len(request), dtype=pl.String(), eager=True)
    frame = pl.DataFrame(
        {
            "time_ns": block.arrival_ns[request] + block.skew_ns[slot, request] + at_ns,
            "service": pl.Series([each.service for each in block.pods]).gather(pod),
            "pod": pl.Series([each.name for each in block.pods]).gather(pod),
            "node": pl.Series([each.node for each in block.pods]).gather(pod),
            "trace_id": block.trace_ids.gather(request) if ids else nobody,
            "span_id": block.span_ids.gather(block.span_row(slot, request)) if ids else nobody,
            "severity": pl.Series([line.severity for line in lines]).gather(
                np.repeat(np.arange(len(lines)), counts)
            ),
            "body": _bodies([line.text for line in lines], counts, request, values),
        }
    )
    return frame.select(*LOG_SCHEMA).sort("time_ns", maintain_order=True)


def _lines(block: Block, slot: ServerSlot, share: FloatArray) -> Iterator[_Written]:
    """What a server slot writes: its lines as far as it gets, the other branch's line, and errors."""
    run, index = block.run, slot.index
    outcome, alive, end = run.outcomes[index], run.alive[index], run.end_ms[index]
    wrong = block.wrong.get(index, np.zeros_like(alive)) & ~outcome.failed
    last = len(slot.operation.lines) - 1
    for number, line in enumerate(slot.operation.lines):
        written = alive & (line.position < outcome.reach) & (share < line.share)
        if number == last:
            written &= ~wrong
        yield _written(slot, written, run.marks_ms[index][line.position], "INFO", line.text)
    yield _written(slot, alive & (wrong | outcome.misled), end, "INFO", slot.operation.otherwise)
    yield _written(slot, alive & outcome.raised, end, "ERROR", stack_trace(slot.service, slot.name))
    for attempts in (part for step in slot.steps for part in step):
        for attempt in attempts:
            final = attempt is attempts[-1]
            severity = "ERROR" if final and attempt.part.required else "WARN"
            failed, at_ms = run.failed[attempt.index], run.end_ms[attempt.index]
            yield _written(slot, failed, at_ms, severity, _failure(attempt.part, final))


def _written(slot: ServerSlot, written: BoolArray, at_ms: FloatArray, severity: str, text: str) -> _Written:
    request = np.flatnonzero(written)
    return _Written(slot.index, severity, text, request, at_ms[request])


def _failure(part: Part, final: bool) -> str:
    """What a service logs when an attempt fails."""
    what = part.name if isinstance(part, Publish) else f"{part.name} of {part.peer}"
    return f"{what} failed in request {{id}}" + ("" if final else ", trying again")


def stack_trace(service: str, operation: str) -> str:
    """What a service logs when an operation of it fails by itself."""
    number = sum(operation.encode()) % len(_ERRORS)
    error, message = _ERRORS[number]
    handler = f"{service.title().replace('-', '')}Handler"
    place = f"app.{service.replace('-', '_')}.{handler}"
    return (
        f"request {{id}} failed: java.lang.{error}: {message} {{n}}\n"
        f"\tat {place}.handle({handler}.java:{80 + number})\n"
        f"\tat {place}.dispatch({handler}.java:41)\n"
        "\tat app.runtime.Server.serve(Server.java:212)"
    )


def _values(block: Block, rng: np.random.Generator) -> pl.Series:
    """Variable parts of all requests, one variable after the other, and at the end an empty one."""
    n = len(block.arrival_ns)
    return pl.concat(
        [
            hex_ids(n, 4, rng),
            pl.Series(rng.integers(1, 500, n)).cast(pl.String()),
            (pl.Series(rng.integers(100, 20_000, n)) / 100).cast(pl.String()),
            pl.Series(block.arrival_ns).cast(pl.Datetime("ns")).dt.strftime("%H:%M:%S"),
            pl.Series([""]),
        ]
    )


def _bodies(texts: list[str], counts: list[int], request: IntArray, values: pl.Series) -> pl.Series:
    """Messages with their variable parts filled in, all at a time: fixed and variable pieces in turn."""
    pieces = [_PIECES.split(text) for text in texts]
    width = max(len(each) for each in pieces)
    text = np.repeat(np.arange(len(texts)), counts)
    columns = []
    for place in range(width):
        here = [each[place] if place < len(each) else "" for each in pieces]
        if place % 2 == 0:
            columns.append(pl.Series(f"piece {place}", here).gather(text))
            continue
        variable = np.array([_VARIABLES.index(name) if name else len(_VARIABLES) for name in here])[text]
        row = np.where(variable < len(_VARIABLES), variable * (len(values) // len(_VARIABLES)) + request, -1)
        columns.append(values.gather(row % len(values)).alias(f"piece {place}"))
    return pl.DataFrame(columns).select(pl.concat_str(pl.all()).alias("body"))["body"]
