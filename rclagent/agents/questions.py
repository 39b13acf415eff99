"""Which agents have something to ask a model: found from what the measurements alone conclude."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from rclagent.agents.confidence import GATE_Z
from rclagent.agents.margin import open_group
from rclagent.agents.noting import Note
from rclagent.core.evidence import Channel, EvidenceKind
from rclagent.core.names import VIRTUAL_ROOT

VERIFYING_ROUNDS: Final = 2
"""Rounds of tools of an agent that verifies its span and does nothing else: logs, and metrics."""


class Step(StrEnum):
    """What an agent asks for."""

    VERIFY = "verify"
    """What its own span shows."""
    CONSOLIDATE = "consolidate"
    """Which of the suspects, its own and the reported ones, it is."""
    DESCEND = "descend"
    """Where the root cause is, from the top of its trace down."""


class Doubt(StrEnum):
    """Why it asks."""

    RIVALS = "rivals"
    """Suspects within the margin meet here."""
    CONTRADICTION = "contradiction"
    """What the span shows is claimed of two components about equally."""
    WORDS = "words"
    """The span shows what only words explain: new log lines, errors."""
    MIDDLING = "middling"
    """The suspect's evidence is not much stronger than scatter."""
    EVERYTHING = "everything"
    """Every agent asks."""


@dataclass(frozen=True, slots=True)
class Question:
    """Something that one agent asks."""

    agent_id: str
    """Who asks."""
    step: Step
    """At which of its steps."""
    why: Doubt
    """What is open."""
    subjects: tuple[str, ...]
    """Services between which, or about which, it asks."""
    votes: int
    """Alarming requests in which the question comes up, at least 1."""
    rounds: int = 1
    """Rounds of tools at most."""
    ahead: int = 0
    """Questions that wait for its answer, one after the other, up to the top of the trace."""
    characters: int = 0
    """Length of its first request at most."""


def suspicious_questions(
    notes: Sequence[Mapping[str, Note]], votes: Sequence[int], open_services: Collection[str]
) -> list[Question]:
    """Questions whose answer can matter, most votes first.

    A question between rivals is asked where they first meet on the way up, and once in the whole incident:
    agents above it, and those of other traces, hear of the same suspects for the same reasons. What
    one span shows by itself is asked about where no rival ever meets it, once for each suspect.

    Args:
        notes: What each agent concluded, agent id to note in span order, of each trace.
        votes: Alarming requests that each trace stands for.
        open_services: Candidates of the incident whose order the measurements leave open.
    """
    if len(open_services) < 2:
        return []
    rivals: dict[frozenset[str], Question] = {}
    for trace, weight in zip(notes, votes, strict=True):
        for subjects, question in _first_meetings(trace, open_services).items():
            known = rivals.get(subjects)
            rivals[subjects] = (
                replace(question, votes=max(1, weight))
                if known is None
                else replace(known, votes=known.votes + weight)
            )
    met = {service for subjects in rivals for service in subjects}
    alone: dict[str, Question] = {}
    for trace, weight in zip(notes, votes, strict=True):
        for question in _alone(trace, set(open_services) - met):
            alone.setdefault(question.subjects[0], replace(question, votes=max(1, weight)))
    found = [*rivals.values(), *alone.values()]
    return sorted(found, key=lambda question: (question.why is not Doubt.RIVALS, -question.votes))


def all_questions(notes: Sequence[Mapping[str, Note]], votes: Sequence[int]) -> list[Question]:
    """Every agent verifies its span, and every one with agents below it consolidates."""
    found: list[Question] = []
    for trace, weight in zip(notes, votes, strict=True):
        for agent_id, note in trace.items():
            suspects = tuple(item.component.service for item in note.suspicions)
            if note.task.service != VIRTUAL_ROOT:
                own = dict.fromkeys([note.task.service, *_claimed(note)])
                found.append(
                    Question(
                        agent_id,
                        Step.VERIFY,
                        Doubt.EVERYTHING,
                        tuple(own),
                        votes=max(1, weight),
                        rounds=VERIFYING_ROUNDS,
                    )
                )
            if note.reports:
                # All that tools can tell was asked of them when each span was verified.
                found.append(
                    Question(
                        agent_id,
                        Step.CONSOLIDATE,
                        Doubt.EVERYTHING,
                        suspects,
                        votes=max(1, weight),
                        rounds=0,
                    )
                )
    return found


def _first_meetings(
    notes: Mapping[str, Note], open_services: Collection[str]
) -> dict[frozenset[str], Question]:
    found: dict[frozenset[str], Question] = {}
    # From the leaves up: in span order, whoever is below comes later.
    for agent_id, note in reversed(list(notes.items())):
        group = open_group(note.suspicions, lambda item: item.weight)
        subjects = tuple(item.component.service for item in group)
        known = frozenset(subjects)
        if len(known.intersection(open_services)) >= 2 and not any(known <= below for below in found):
            found[known] = Question(agent_id, Step.CONSOLIDATE, Doubt.RIVALS, subjects, votes=1)
    return found


def _alone(notes: Mapping[str, Note], services: Collection[str]) -> Iterator[Question]:
    for agent_id, note in notes.items():
        for service in _claimed(note):
            why = _doubt(note, service)
            if service in services and why is not None:
                yield Question(agent_id, Step.CONSOLIDATE, why, (service,), votes=1)


def _doubt(note: Note, service: str) -> Doubt | None:
    """Why what the span itself shows of a service does not speak for itself; None where it does."""
    own = [
        seen
        for seen in note.task.observations
        if service in {claim.component.service for claim in seen.claims}
    ]
    if any(len(open_group(seen.claims, lambda claim: claim.weight)) > 1 for seen in own):
        return Doubt.CONTRADICTION
    if any(
        seen.evidence.kind is EvidenceKind.LOG_APPEARED or seen.evidence.channel is Channel.ERRORS
        for seen in own
    ):
        return Doubt.WORDS
    if max(seen.evidence.strength for seen in own) < 2 * GATE_Z:
        return Doubt.MIDDLING
    return None


def _claimed(note: Note) -> list[str]:
    """Services held responsible for what the span itself shows."""
    return list(
        dict.fromkeys(claim.component.service for seen in note.task.observations for claim in seen.claims)
    )
