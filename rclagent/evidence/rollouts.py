"""Rollouts: when the versions or pods of one service came and went, from their first and last visits.

A member (a version, or a pod) is known to have *gone* where it would have been missed since its last visit.
Of N visits of its service b came before its first, a after its last. Given the first of its own n visits, the
others may stand anywhere behind it; that none of them is among the last a has the chance

    (1 - a / (N - b - 1))^(n - 1) <= e^-10 = 0.005 %

It is known to have *come* by the same, seen from its last visit backwards. Visits are counted, not minutes,
so that a member that is rarely used, a quiet hour, or a gap in the recording looks like nothing.

Comings and goings that follow one another closely are one rollout: within ROLLOUT_S, or with so few visits
of the service between them that the members may have come and gone at any of these. Of the latter, those
count too that are but likely (chance of e^-3 = 5 %).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import log
from typing import Final, NamedTuple

from rclagent.core.window import NS_PER_S

SURE: Final = 10.0
"""Visits due of a member before none at all tells that it is not there: the chance of none is e^-10."""
LIKELY: Final = 3.0
"""The same where other members come and go: the chance of none is e^-3."""
ROLLOUT_S: Final = 300.0
"""Pods are replaced one after the other; five minutes are ample for one of them to start."""


@dataclass(frozen=True, slots=True)
class Member:
    """A version or a pod of a service."""

    name: str
    """Version or name of the pod."""
    visits: int
    """Traces that visit it."""
    first_ns: int
    """First of these."""
    last_ns: int
    """Last of these."""
    before: int
    """Visits of the service before the first."""
    after: int
    """Visits of the service after the last."""


@dataclass(frozen=True, slots=True)
class Seam:
    """Where two recordings of a service meet: nobody saw what happened between them."""

    visits: int
    """Visits of the service in the first recording."""
    last_ns: int
    """Last of these."""
    first_ns: int
    """First visit in the second recording."""


@dataclass(frozen=True, slots=True)
class Rollout:
    """Members that came and went together."""

    earliest_ns: int
    """When it began at the earliest."""
    at_ns: int
    """When it was seen: the first visit of what came, else the last of what went."""
    begin_ns: int
    """When the first member came or went."""
    end_ns: int
    """When the last member came or went."""
    before: frozenset[str]
    """Members before it."""
    after: frozenset[str]
    """Members after it."""


class _Turn(NamedTuple):
    """A member comes or goes."""

    time_ns: int
    place: int  # visits of the service so far
    comes: bool
    name: str
    sure: bool
    slack: float  # visits of the service of which so few are due to the member that it may be missed


def rollouts(members: Sequence[Member], visits: int, seam: Seam | None = None) -> list[Rollout]:
    """The rollouts of a service that are known, in order of time.

    Args:
        members: Its versions, or its pods.
        visits: Visits of the service, those of unnamed members included.
        seam: Where two recordings meet; None where it was recorded in one.

    Returns:
        Those before and after which the service has members: one that comes into being, or is not seen
        any more at all, has not changed.
    """
    groups = _groups([turn for member in members for turn in _turns(member, visits)])
    came = {turn.name for group in groups for turn in group if turn.comes}
    before = frozenset(member.name for member in members) - came
    found = []
    for group in groups:
        after = (before | {turn.name for turn in group if turn.comes}) - {
            turn.name for turn in group if not turn.comes
        }
        if before and after and before != after:
            earliest_ns, at_ns = _times(group, seam)
            found.append(Rollout(earliest_ns, at_ns, group[0].time_ns, group[-1].time_ns, before, after))
        before = after
    return found


def _turns(member: Member, visits: int) -> Iterator[_Turn]:
    """Its coming and its going, where they are at least likely."""
    slack = LIKELY * (visits - member.before - member.after) / member.visits
    due = _due(member.visits, member.before, visits - member.after)
    if due >= LIKELY:
        yield _Turn(member.first_ns, member.before, True, member.name, due >= SURE, slack)
    due = _due(member.visits, member.after, visits - member.before)
    if due >= LIKELY:
        yield _Turn(member.last_ns, visits - member.after, False, member.name, due >= SURE, slack)


def _due(own: int, without: int, among: int) -> float:
    """Visits due in a stretch without any: less the logarithm of the chance of none."""
    return 0.0 if own < 2 else -(own - 1) * log(1 - without / (among - 1))


def _groups(turns: Sequence[_Turn]) -> list[list[_Turn]]:
    """Turns that follow one another closely, in order of time; the likely ones join those that are sure."""
    sure: list[dict[str, _Turn]] = []
    for turn in sorted(turn for turn in turns if turn.sure):
        # A member that goes as soon as it came is another matter.
        if sure and turn.name not in sure[-1] and _follows(turn, sure[-1]):
            sure[-1][turn.name] = turn
        else:
            sure.append({turn.name: turn})
    groups = [dict(group) for group in sure]
    for turn in sorted(turn for turn in turns if not turn.sure):
        for core, group in zip(sure, groups, strict=True):
            if turn.name not in group and _is_beside(turn, core):
                group[turn.name] = turn
                break
    return [sorted(group.values()) for group in groups]


def _follows(turn: _Turn, group: dict[str, _Turn]) -> bool:
    last = group[next(reversed(group))]
    return turn.time_ns - last.time_ns <= ROLLOUT_S * NS_PER_S or _touch(turn, last)


def _is_beside(turn: _Turn, group: dict[str, _Turn]) -> bool:
    first, last = next(iter(group.values())), group[next(reversed(group))]
    within = first.time_ns <= turn.time_ns <= last.time_ns
    return within or _touch(turn, first) or _touch(turn, last)


def _touch(one: _Turn, other: _Turn) -> bool:
    """Whether both may have been at the same time, for all that was seen."""
    return abs(other.place - one.place) <= one.slack + other.slack


def _times(group: Sequence[_Turn], seam: Seam | None) -> tuple[int, int]:
    """When a rollout began at the earliest, and when it was seen."""
    comes, goes = ([turn for turn in group if turn.comes is way] for way in (True, False))
    if not comes:
        first = goes[0]
        unseen = seam is not None and 0 <= seam.visits - first.place <= first.slack
        return first.time_ns, seam.first_ns if seam is not None and unseen else first.time_ns
    first = comes[0]
    earliest_ns = min(first.time_ns, goes[-1].time_ns) if goes else first.time_ns
    if seam is not None and 0 <= first.place - seam.visits <= first.slack:
        earliest_ns = min(earliest_ns, seam.last_ns)
    return earliest_ns, first.time_ns
