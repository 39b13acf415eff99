"""Everything that chance decides about a block of requests of one kind, before any fault."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from rclagent.testing.system import System
from rclagent.testing.template import PublishSlot, QuerySlot, Template

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

NEVER: Final = 1 << 30
"""Number of steps that no operation has: an operation that is cut there runs to its end."""
LEG_MS: Final = 0.4
"""Median of the request and of the response leg of a call."""
ACK_MS: Final = 1.0
"""Median time until the broker has a message."""

_OWN_SPREAD: Final = 0.45  # sigma of log-normal times: the 95th percentile is twice the median
_LEG_SPREAD: Final = 0.35
_QUERY_SPREAD: Final = 0.5
_QUEUE_SPREAD: Final = 0.5


@dataclass(frozen=True, slots=True)
class Draws:
    """Times in ms and decisions for n requests; faults change them in place.

    Keys are slots of the template; every array has one element a request.
    """

    arrival_s: FloatArray
    """When the requests come in, seconds after the start of the data."""
    own: dict[int, FloatArray]
    """Server slots: time in the service before, between and after its steps, shape (steps + 1, n)."""
    request: dict[int, FloatArray]
    """Call slots: server start less client start; publish slots: consumer start less producer end."""
    response: dict[int, FloatArray]
    """Call slots: client end less server end."""
    query: dict[int, FloatArray]
    """Query slots: time until the answer is there; publish slots: until the broker has the message."""
    taken: dict[int, BoolArray]
    """Slots of what not every request asks for: whether it does; of several attempts, the first."""
    pod: dict[int, IntArray]
    """Server slots: which instance of the service handles it, as a place among all that it ever has."""
    cut: dict[int, IntArray]
    """Server slots that may fail by themselves: after how many steps; NEVER where they don't."""
    refused: dict[int, BoolArray] = field(default_factory=dict)
    """Slots of what a crashed instance, database or broker is asked: whether the connection is refused."""
    down: dict[int, BoolArray] = field(default_factory=dict)
    """Server slots of a crashed instance: whether nothing answers there."""
    wrong: dict[int, BoolArray] = field(default_factory=dict)
    """Server slots with wrong results: whether this one is."""
    misled: dict[int, BoolArray] = field(default_factory=dict)
    """Call slots whose wrong result may turn the caller to another branch: whether it does."""


def draw(
    system: System,
    template: Template,
    arrival_s: FloatArray,
    slowness: FloatArray,
    error_share: float,
    rng: np.random.Generator,
) -> Draws:
    """Draw a block of requests.

    Args:
        system: Where the number of instances stands.
        template: Call tree.
        arrival_s: When the requests come in, shape (n,).
        slowness: Factor on the services' own time at that moment, shape (n,); 1 at normal load.
        error_share: Share of the handled requests of any service that fail for no reason.
        rng: Where chance comes from.

    Returns:
        Times and decisions of a system without a fault.
    """
    n = len(arrival_s)
    servers, calls, queries, messages = (
        template.servers,
        template.calls,
        template.queries,
        template.messages,
    )
    medians = [
        np.full(len(slot.steps) + 1, slot.operation.self_ms / (len(slot.steps) + 1), dtype=np.float64)
        for slot in servers
    ]
    own = _log_normal(np.concatenate(medians), _OWN_SPREAD, n, rng) * slowness
    first = np.cumsum([0, *(len(slot.steps) + 1 for slot in servers)])
    legs = _log_normal(np.full(2 * len(calls), LEG_MS), _LEG_SPREAD, n, rng)
    answers = _log_normal(np.array([slot.part.median_ms for slot in queries]), _QUERY_SPREAD, n, rng)
    acks = _log_normal(np.full(len(messages), ACK_MS), _LEG_SPREAD, n, rng)
    queued = _log_normal(np.array([slot.part.delay_ms for slot in messages]), _QUEUE_SPREAD, n, rng)
    return Draws(
        arrival_s=arrival_s,
        own={slot.index: own[first[i] : first[i + 1]] for i, slot in enumerate(servers)},
        request={slot.index: legs[2 * i] for i, slot in enumerate(calls)} | _rows(messages, queued),
        response={slot.index: legs[2 * i + 1] for i, slot in enumerate(calls)},
        query=_rows(queries, answers) | _rows(messages, acks),
        taken={
            slot.index: rng.random(n) < slot.part.share
            for slot in template.asking
            if slot.part.share < 1 and not slot.repeats
        },
        pod={slot.index: rng.integers(system.service(slot.service).pods, size=n) for slot in servers},
        cut=_background_errors(template, n, error_share, rng),
    )


def cut_position(steps: int) -> int:
    """After how many of its steps an operation that fails by itself stops: half way."""
    return (steps + 1) // 2


def _log_normal(medians: FloatArray, spread: float, n: int, rng: np.random.Generator) -> FloatArray:
    """Times in ms with the given medians, shape (medians, n)."""
    times = rng.standard_normal((len(medians), n))
    times *= spread
    np.exp(times, out=times)
    times *= medians[:, None]
    return times


def _rows(slots: Sequence[QuerySlot | PublishSlot], times: FloatArray) -> dict[int, FloatArray]:
    return {slot.index: row for slot, row in zip(slots, times, strict=True)}


def _background_errors(
    template: Template, n: int, share: float, rng: np.random.Generator
) -> dict[int, IntArray]:
    if share <= 0:
        return {}
    return {
        slot.index: np.where(rng.random(n) < share, cut_position(len(slot.steps)), NEVER)
        for slot in template.servers
    }
