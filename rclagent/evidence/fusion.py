"""Fusion: from observations to ranked candidates.

Three families of channels look at different things; each gives a service a share in 0..1:

- timing: the share of all time lost in slow legs that the service owns (ownership), times the
  precision of its best mechanism, times how much the loss matters to requests;
- code: the strongest of its changes in logs, calls, break points and errors. Channels that see the
  same requests are one witness, so the strongest counts, not the sum;
- resources: 1 where a limit is reached, less for mere changes.

The score of a service is their sum: families see different things, and a service that is slow *and*
saturated is more suspect than one that is either.

Explain-away: a change of code in a caller is discounted by what a service below it shows, since
callers show the same later and weaker; a change in a callee is discounted by a break of its
caller, which asks it differently.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import networkx as nx

from rclagent.evidence.observations import figure

EXPLAINED: Final = 0.8
"""Share of a change that is taken away where another service explains all of it; the rest keeps ties
apart."""
FELT: Final = 0.05
"""Time lost that is a smaller share of all request time is scaled down: users do not feel it."""


@dataclass(slots=True)
class Suspicion:
    """What speaks for one service, by family, before and after explain-away."""

    timing: float = 0.0
    """Share of lost time owned, 0..1."""
    code: float = 0.0
    """Strongest change of behaviour, 0..1, before explain-away."""
    code_left: float = 0.0
    """The same after explain-away."""
    resources: float = 0.0
    """Exhaustion or change of a resource, 0..1."""
    explained_by: str | None = None
    """Service that explains most of the change."""
    weights: dict[str, float] = field(default_factory=dict)
    """Evidence id to its share in the score."""
    chance: float = 1.0
    """Probability that quiet time shows as much in one of the channels, 0..1."""

    @property
    def score(self) -> float:
        """Sum of the families, six significant digits."""
        return figure(self.timing + self.code_left + self.resources)


def lost_share(lost_ms: float, request_ms: float) -> float:
    """Lost time in units of what users feel: lost / (FELT x time of all requests); 1 where no request is
    known."""
    return lost_ms / (FELT * request_ms) if request_ms else 1.0


def explain_away(
    code: Mapping[str, float], breaks: Mapping[str, float], services: nx.DiGraph[str]
) -> tuple[dict[str, float], dict[str, str]]:
    """Discount changes of behaviour that another service explains.

    For a caller S with the strongest changed service D below it:
    left(S) = code(S) (1 - 0.8 min(1, code(D) / code(S))). For a callee D below a service S that breaks
    requests itself: left(D) = code(D) (1 - 0.8 min(1, breaks(S) / code(D))), the larger discount counting.

    Args:
        code: Strongest change of each service, > 0.
        breaks: Strength with which a service itself ends requests early.
        services: Caller -> callee.

    Returns:
        What is left of each, and who explains the discount.
    """
    left: dict[str, float] = {}
    explained_by: dict[str, str] = {}
    for service, strength in sorted(code.items()):
        rivals = {name: code[name] for name in _reachable(services, service) if code.get(name, 0.0) > 0}
        for caller in _reachable(services.reverse(copy=False), service):
            # A break only explains what is weaker than itself: else cause and effect would both vanish.
            if breaks.get(caller, 0.0) > strength:
                rivals[caller] = max(rivals.get(caller, 0.0), breaks[caller])
        if not rivals:
            left[service] = strength
            continue
        # Of equally strong ones the deepest: what lies between it and the service is explained by it too.
        rival = max(sorted(rivals), key=lambda name: (rivals[name], -len(_reachable(services, name))))
        left[service] = strength * (1 - EXPLAINED * min(1.0, rivals[rival] / strength))
        explained_by[service] = rival
    return left, explained_by


def fuse(
    timing: Mapping[str, Mapping[str, float]],
    code: Mapping[str, Mapping[str, float]],
    resources: Mapping[str, Mapping[str, float]],
    breaks: Mapping[str, float],
    services: nx.DiGraph[str],
    *,
    one_witness: bool = True,
) -> dict[str, Suspicion]:
    """What speaks for each service.

    Args:
        timing: Service to evidence id to share of lost time (they add).
        code: Service to evidence id to strength 0..1 (the strongest counts).
        resources: Service to evidence id to strength 0..1 (the strongest counts).
        breaks: Service to the strength with which it ends requests itself.
        services: Caller -> callee.
        one_witness: Whether of a service's changes the strongest counts; else they add up.
    """
    together = max if one_witness else sum
    found: dict[str, Suspicion] = defaultdict(Suspicion)
    left, explained_by = explain_away(
        {name: together(items.values()) for name, items in code.items()}, breaks, services
    )
    for service, items in timing.items():
        found[service].timing = min(1.0, sum(items.values()))
        found[service].weights.update(items)
    for service, items in code.items():
        suspicion = found[service]
        suspicion.code, suspicion.code_left = together(items.values()), left[service]
        suspicion.explained_by = explained_by.get(service)
        scale = suspicion.code_left / suspicion.code
        suspicion.weights.update({evidence: strength * scale for evidence, strength in items.items()})
    for service, items in resources.items():
        found[service].resources = max(items.values())
        found[service].weights.update(items)
    for suspicion in found.values():
        # Rounded before they are compared: sums over many rows differ in the last digits with their order.
        suspicion.weights = {evidence: figure(weight) for evidence, weight in suspicion.weights.items()}
    return dict(sorted(found.items()))


def _reachable(graph: nx.DiGraph[str], service: str) -> list[str]:
    if service not in graph:
        return []
    return sorted(nx.descendants(graph, service) - {service})
