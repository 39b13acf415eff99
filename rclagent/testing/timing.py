"""From drawn legs to spans in time: what each request does, and when.

Durations and failures go up the call tree (a slow or failed callee is felt by every
caller above it), then start times come down.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from rclagent.testing.asked import Answer, Asked, Attempt, ask
from rclagent.testing.draws import NEVER, BoolArray, Draws, FloatArray, IntArray
from rclagent.testing.template import CallSlot, PublishSlot, ServerSlot, Template

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
    asked: list[list[Asked]]
    """What each step asks of others."""

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
    refused: BoolArray
    """Which of them because nobody listened, shape (slots, n)."""
    timed_out: BoolArray
    """Which of them because the caller gave up waiting, shape (slots, n)."""
    outcomes: dict[int, Outcome]
    """By server slot."""
    marks_ms: dict[int, FloatArray]
    """By server slot: when the own work before each step, and after the last, is done; (steps + 1, n)."""


def run(template: Template, draws: Draws) -> Run:
    """Play a block of requests."""
    outcomes: dict[int, Outcome] = {}
    answers: dict[int, Answer] = {}
    for slot in reversed(template.servers):
        outcome = _outcome(slot, draws, answers)
        outcomes[slot.index] = outcome
        answers[slot.index] = Answer(outcome.failed, outcome.duration_ms)
    shape = (len(template.slots), len(draws.arrival_s))
    played = Run(
        template=template,
        alive=np.zeros(shape, dtype=np.bool_),
        start_ms=np.zeros(shape),
        end_ms=np.zeros(shape),
        failed=np.zeros(shape, dtype=np.bool_),
        refused=np.zeros(shape, dtype=np.bool_),
        timed_out=np.zeros(shape, dtype=np.bool_),
        outcomes=outcomes,
        marks_ms={},
    )
    played.alive[0] = ~draws.down[0] if 0 in draws.down else True
    for slot in template.servers:
        _place(slot, draws, played)
    return played


def _outcome(slot: ServerSlot, draws: Draws, below: dict[int, Answer]) -> Outcome:
    n = len(draws.arrival_s)
    own = draws.cut.get(slot.index, np.full(n, NEVER))
    given_up, misled = np.full(n, NEVER), np.full(n, NEVER)
    asked = [[ask(attempts, draws, below) for attempts in step] for step in slot.steps]
    step_ms = []
    for number, step in enumerate(asked):
        longest = np.zeros(n)
        for each in step:
            np.maximum(longest, each.waited_ms, out=longest)
            if each.attempts[0].slot.part.required:
                given_up[each.failed & (given_up == NEVER)] = number + 1
            if each.misled is not None:
                misled[each.misled & (misled == NEVER)] = number + 1
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
    astray = (misled == reach) & ~gave_up & (reach < NEVER)
    return Outcome(reach, raised, gave_up, astray, duration, step_ms, asked)


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
            for part in outcome.asked[number]:
                for attempt in part.attempts:
                    _place_attempt(attempt, now, reached, draws, played)
            now = now + outcome.step_ms[number] * (number < outcome.reach)
    played.marks_ms[slot.index] = marks


def _place_attempt(
    attempt: Attempt, step_ms: FloatArray, reached: BoolArray, draws: Draws, played: Run
) -> None:
    slot, place = attempt.slot, attempt.slot.index
    made = reached if attempt.made is None else reached & attempt.made
    played.alive[place] = made
    played.start_ms[place] = step_ms + attempt.begin_ms
    played.end_ms[place] = played.start_ms[place] + attempt.ms
    played.failed[place] = made & attempt.failed
    if place in draws.refused:
        played.refused[place] = made & draws.refused[place]
    if attempt.timed_out is not None:
        played.timed_out[place] = made & attempt.timed_out
    if isinstance(slot, CallSlot):
        arrives = made & ~played.refused[place]
        if slot.part.timeout_ms is not None:
            arrives &= draws.request[place] < slot.part.timeout_ms
        played.alive[slot.callee] = arrives
        played.start_ms[slot.callee] = played.start_ms[place] + draws.request[place]
    if isinstance(slot, PublishSlot):
        heard = made & ~played.refused[place]
        played.alive[slot.callee] = heard & ~draws.down[slot.callee] if slot.callee in draws.down else heard
        played.start_ms[slot.callee] = played.end_ms[place] + draws.request[place]
