"""How good one ranking is, ties at their expected place.

A method names services with scores. Equal scores are a tie; the candidates that it does not
name share the last place. The members of a tie of size g that begins at rank a stand at ranks
a .. a+g-1 in any order, each order as likely as the next, and every figure is the expected one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from benchmarks.cases import FAMILIES, Cause

Ranked = tuple[str, float, str | None]
"""Service, score (more is worse for the service), kind of fault or None."""
Tie = tuple[str, ...]
"""Services that share a place."""

_ROUNDING: Final = 1e-9


def ties(ranking: Sequence[Ranked], candidates: Iterable[str]) -> list[Tie]:
    """The ranking as groups of equal services, best first, with unnamed candidates last.

    Services within rounding (a billionth of the score) of the one before are a tie; a service
    named twice counts at its best place; a named service that is no candidate keeps its place.
    """
    groups: list[list[str]] = []
    seen: set[str] = set()
    last = 0.0
    for service, score, _ in sorted(ranking, key=lambda entry: (-entry[1], entry[0])):
        if service in seen:
            continue
        seen.add(service)
        if groups and last - score <= _ROUNDING * max(1.0, abs(last)):
            groups[-1].append(service)
        else:
            groups.append([service])
        last = score
    rest = sorted(set(candidates) - seen)
    return [tuple(group) for group in [*groups, rest] if group]


def recall_at(k: int, places: Sequence[Tie], causes: Sequence[str]) -> float:
    """Expected share of the causes within the first k.

    A cause in a tie of size g that begins at rank a is within the first k with probability
    ``min(g, max(0, k - a + 1)) / g``; a cause that is nowhere in the ranking never is.
    """
    found = 0.0
    before = 0
    for tie in places:
        share = min(len(tie), max(0, k - before)) / len(tie)
        found += share * len(set(tie) & set(causes))
        before += len(tie)
    return found / len(causes)


def first_hit(places: Sequence[Tie], causes: Sequence[str]) -> float:
    """Probability that the service at rank 1 is a cause: the share of causes in the first tie."""
    return len(set(places[0]) & set(causes)) / len(places[0]) if places else 0.0


def reciprocal_rank(places: Sequence[Tie], causes: Sequence[str]) -> float:
    """One over the expected rank of the first cause found; 0 where none is in the ranking.

    With c causes in a tie of size g that begins at rank a, the first of them stands at
    ``a - 1 + (g + 1) / (c + 1)`` on average.
    """
    before = 0
    for tie in places:
        hits = len(set(tie) & set(causes))
        if hits:
            return 1.0 / (before + (len(tie) + 1) / (hits + 1))
        before += len(tie)
    return 0.0


def type_hit(places: Sequence[Tie], ranking: Sequence[Ranked], causes: Sequence[Cause]) -> float:
    """Probability that rank 1 is a cause *and* its kind of fault is named right."""
    return _named_right(places, ranking, {(cause.service, cause.fault_type) for cause in causes})


def family_hit(places: Sequence[Tie], ranking: Sequence[Ranked], causes: Sequence[Cause]) -> float:
    """Probability that rank 1 is a cause whose family is named right: network, cpu or code."""
    families = [
        (service, score, None if kind is None else FAMILIES.get(kind)) for service, score, kind in ranking
    ]
    labels = {(cause.service, FAMILIES[cause.fault_type]) for cause in causes if cause.fault_type in FAMILIES}
    return _named_right(places, families, labels)


def _named_right(places: Sequence[Tie], ranking: Sequence[Ranked], labels: set[tuple[str, str]]) -> float:
    if not places:
        return 0.0
    named: dict[str, str | None] = {}
    for service, _, kind in sorted(ranking, key=lambda entry: -entry[1]):
        named.setdefault(service, kind)
    right = [service for service in places[0] if (service, named.get(service)) in labels]
    return len(right) / len(places[0])
