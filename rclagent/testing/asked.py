"""What a service sees of one thing that it asks of others: its attempts, and how long it waits in all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from rclagent.testing.draws import BoolArray, Draws, FloatArray
from rclagent.testing.template import AskSlot, CallSlot

BACKOFF_MS: Final = 25.0
"""Wait between a failed attempt and the next: the default of Envoy's retries."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server slot gives back in each of n requests, if it is asked."""

    failed: BoolArray
    """Whether it is an error."""
    duration_ms: FloatArray
    """Time until it is there."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt in each of n requests whose owner gets that far."""

    slot: AskSlot
    """Its place in the call tree."""
    made: BoolArray | None
    """Whether it is made; None for always."""
    begin_ms: FloatArray
    """Its start after that of the step."""
    ms: FloatArray
    """Its duration."""
    failed: BoolArray
    """Whether it fails, if it is made."""
    timed_out: BoolArray | None
    """Whether the owner gives it up before the answer is there; None where there is no limit."""


@dataclass(frozen=True, slots=True)
class Asked:
    """All attempts of one part of a step."""

    attempts: Sequence[Attempt]
    """One after the other."""
    waited_ms: FloatArray
    """How long the owner waits for them in all; 0 where nothing is asked."""
    failed: BoolArray
    """Whether it is asked and no attempt succeeds."""
    misled: BoolArray | None
    """Whether a wrong answer leads the owner astray; None for never."""


def ask(slots: Sequence[AskSlot], draws: Draws, below: Mapping[int, Answer]) -> Asked:
    """Play one part of a step: each attempt is made where the one before it failed.

    Args:
        slots: The attempts.
        draws: Times and decisions.
        below: Answers of the services asked, by server slot.
    """
    attempts: list[Attempt] = []
    made = draws.taken.get(slots[0].index)
    begin = waited = np.zeros(len(draws.arrival_s))
    for slot in slots:
        attempt = _attempt(slot, made, begin, draws, below)
        attempts.append(attempt)
        ended = begin + attempt.ms
        waited = ended if made is None else np.where(made, ended, waited)
        made = attempt.failed if made is None else made & attempt.failed
        begin = ended + BACKOFF_MS
    assert made is not None
    return Asked(attempts, waited, failed=made, misled=_misled(attempts, draws))


def _attempt(
    slot: AskSlot, made: BoolArray | None, begin: FloatArray, draws: Draws, below: Mapping[int, Answer]
) -> Attempt:
    ms, failed = _untimed(slot, draws, below)
    timeout_ms = slot.part.timeout_ms
    if timeout_ms is None:
        return Attempt(slot, made, begin, ms, failed, timed_out=None)
    timed_out = ms > timeout_ms
    return Attempt(slot, made, begin, np.minimum(ms, timeout_ms), failed | timed_out, timed_out)


def _untimed(slot: AskSlot, draws: Draws, below: Mapping[int, Answer]) -> tuple[FloatArray, BoolArray]:
    """Duration and failure of an attempt whose owner waits as long as it takes."""
    refused = draws.refused.get(slot.index)
    if not isinstance(slot, CallSlot):
        never = np.zeros(len(draws.arrival_s), dtype=np.bool_)
        return draws.query[slot.index], never if refused is None else refused
    answer = below[slot.callee]
    request, response = draws.request[slot.index], draws.response[slot.index]
    if refused is None:
        return request + answer.duration_ms + response, answer.failed
    return request + answer.duration_ms * ~refused + response, answer.failed | refused


def _misled(attempts: Sequence[Attempt], draws: Draws) -> BoolArray | None:
    misled: BoolArray | None = None
    for attempt in attempts:
        wrong = draws.misled.get(attempt.slot.index)
        if wrong is None:
            continue
        wrong = wrong & ~attempt.failed
        wrong = wrong if attempt.made is None else wrong & attempt.made
        misled = wrong if misled is None else misled | wrong
    return misled
