"""From drawn legs to spans in time: what each request does, and when.

Durations and failures go up the call tree (a slow or failed callee is felt by every
caller above it), then start times come down.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from rclagent.testing.draws import NEVER, BoolArray, Draws, FloatArray, IntArray
from rclagent.testing.template import CallSlot, QuerySlot, ServerSlot, Template

HANDLING_MS: Final = 0.5
"""Time a service takes to answer with an error."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one server slot does in each of n requests, if it is asked at all."""

    reach: IntArray
    """Steps done before it stops; NEVER where it runs to its end."""
    raised: BoolArray
    """Whether it fails by itself."""
    gave_up: BoolArray
    """Whether it fails because a call failed."""
    misled: BoolArray
    """Whether a wrong result made it take another branch, skipping the rest of its steps."""
    duration_ms: FloatArray
    """From its start to its end."""
    step_ms: list[FloatArray]
    """Time of each step."""

    @property
    def failed(self) -> BoolArray:
        """Whether it answers with an error."""
        return self.raised | self.gave_up


@dataclass(frozen=True, slots=True)
class Run:
    """A block of requests as they happened."""

    template: Template
    """Their call tree."""
    alive: BoolArray
    """Which spans exist, shape (slots, n)."""
    start_ms: FloatArray
    """Start of each span after the request's arrival, shape (slots, n)."""
    end_ms: FloatArray
    """End, shape (slots, n)."""
    failed: BoolArray
    """Which spans failed, shape (slots, n)."""
    outcomes: dict[int, Outcome]
    """By server slot."""
    marks_ms: dict[int, FloatArray]
    """By server slot: when the own work before each step, and after the last, is done; (steps + 1, n)."""


def run(template: Template, draws: Draws) -> Run:
    """Play a block of requests."""
    outcomes: dict[int, Outcome] = {}
    for slot in reversed(template.servers):
        outcomes[slot.index] = _outcome(slot, draws, outcomes)
    shape = (len(template.slots), len(draws.arrival_s))
    played = Run(
        template=template,
        alive=np.zeros(shape, dtype=np.bool_),
        start_ms=np.zeros(shape),
        end_ms=np.zeros(shape),
        failed=np.zeros(shape, dtype=np.bool_),
        outcomes=outcomes,
        marks_ms={},
    )
    played.alive[0] = ~draws.down[0] if 0 in draws.down else True
    for slot in template.servers:
        _place(slot, draws, played)
    return played


def _outcome(slot: ServerSlot, draws: Draws, below: dict[int, Outcome]) -> Outcome:
    n = len(draws.arrival_s)
    own = draws.cut.get(slot.index, np.full(n, NEVER))
    given_up, misled = np.full(n, NEVER), np.full(n, NEVER)
    step_ms = []
    for number, step in enumerate(slot.steps):
        longest = np.zeros(n)
        for part in step:
            np.maximum(longest, _part_ms(part, draws, below), out=longest)
            if isinstance(part, CallSlot):
                if part.call.required:
                    given_up[_fails(part, draws, below) & (given_up == NEVER)] = number + 1
                if part.index in draws.misled:
                    misled[_misleads(part, draws, below) & (misled == NEVER)] = number + 1
        step_ms.append(longest)
    # A step that has failed or misled the caller is done before the caller's own work after it.
    raised = (own < given_up) & (own < misled)
    gave_up = (given_up <= own) & (given_up <= misled) & (given_up < NEVER)
    reach = np.minimum(np.minimum(own, given_up), misled)
    duration: FloatArray = np.where(raised | gave_up, HANDLING_MS, 0.0)
    for number, work in enumerate(draws.own[slot.index]):
        duration += work * (number < reach + raised)
        if number < len(step_ms):
            duration += step_ms[number] * (number < reach)
    return Outcome(reach, raised, gave_up, (misled == reach) & ~gave_up & (reach < NEVER), duration, step_ms)


def _part_ms(part: CallSlot | QuerySlot, draws: Draws, below: dict[int, Outcome]) -> FloatArray:
    """Duration of a call or query as its owner sees it; 0 where it is not made."""
    if isinstance(part, QuerySlot):
        return draws.query[part.index]
    answer = below[part.callee].duration_ms
    if part.index in draws.refused:
        answer = answer * ~draws.refused[part.index]
    whole = draws.request[part.index] + answer + draws.response[part.index]
    return whole * draws.taken[part.index] if part.index in draws.taken else whole


def _fails(part: CallSlot, draws: Draws, below: dict[int, Outcome]) -> BoolArray:
    fails = below[part.callee].failed
    if part.index in draws.refused:
        fails = fails | draws.refused[part.index]
    return fails & draws.taken[part.index] if part.index in draws.taken else fails


def _misleads(part: CallSlot, draws: Draws, below: dict[int, Outcome]) -> BoolArray:
    misleads = draws.misled[part.index] & ~below[part.callee].failed
    return misleads & draws.taken[part.index] if part.index in draws.taken else misleads


def _place(slot: ServerSlot, draws: Draws, played: Run) -> None:
    """Put a server span's children in time; the span itself has its start from its caller."""
    outcome = played.outcomes[slot.index]
    asked = played.alive[slot.index]
    now = played.start_ms[slot.index].copy()
    played.end_ms[slot.index] = now + outcome.duration_ms
    played.failed[slot.index] = asked & outcome.failed
    marks = np.empty_like(draws.own[slot.index])
    for number, work in enumerate(draws.own[slot.index]):
        now = now + work * (number < outcome.reach + outcome.raised)
        marks[number] = now
        if number < len(slot.steps):
            reached = asked & (number < outcome.reach)
            for part in slot.steps[number]:
                _place_part(part, now, reached, draws, played)
            now = now + outcome.step_ms[number] * (number < outcome.reach)
    played.marks_ms[slot.index] = marks


def _place_part(
    part: CallSlot | QuerySlot, now: FloatArray, reached: BoolArray, draws: Draws, played: Run
) -> None:
    made = reached & draws.taken[part.index] if part.index in draws.taken else reached
    played.alive[part.index] = made
    played.start_ms[part.index] = now
    played.end_ms[part.index] = now + _part_ms(part, draws, played.outcomes)
    if isinstance(part, CallSlot):
        played.failed[part.index] = made & _fails(part, draws, played.outcomes)
        answered = made & ~draws.refused[part.index] if part.index in draws.refused else made
        played.alive[part.callee] = answered
        played.start_ms[part.callee] = now + draws.request[part.index]
