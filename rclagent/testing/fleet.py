"""All instances that run at some time: those of the system, and those that deploys put in their place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import inf

import numpy as np

from rclagent.errors import InputError
from rclagent.testing.draws import Draws, FloatArray, IntArray
from rclagent.testing.system import Pod, System, pod_name
from rclagent.testing.template import Template


@dataclass(frozen=True, slots=True)
class Deploy:
    """New instances take over a service and behave as those before.

    They handle the requests that come in from that moment on. An instance that has crashed is
    replaced as well: a deploy ends a crash.
    """

    service: str
    """Service that is deployed."""
    at_s: float
    """When, seconds after the alarm; negative before it."""
    version: str
    """Version from then on."""
    pods: int | None = None
    """Number of instances from then on; None for as many as the system says."""


@dataclass(frozen=True, slots=True)
class Crew:
    """Instances of a service that run together."""

    version: str | None
    """What they run."""
    since_s: float
    """When they start, seconds after the start of the data."""
    until_s: float
    """When a deploy ends them; infinite where none does."""
    first: int
    """Place of the first of them among all instances that the service ever has."""
    count: int
    """How many there are."""


@dataclass(frozen=True, slots=True)
class Fleet:
    """Instances with the time for which each of them runs."""

    pods: tuple[Pod, ...]
    """Those of the system, then those that deploys bring, by service and in order of time."""
    since_s: FloatArray
    """When each starts, seconds after the start of the data, shape (pods,)."""
    until_s: FloatArray
    """When a deploy ends it, shape (pods,); infinite where none does."""
    like: IntArray
    """Place of the system's pod whose work each does, shape (pods,)."""
    crews: dict[str, tuple[Crew, ...]]
    """By service, in order of time; the first is the system's."""
    places: dict[str, IntArray]
    """By service: where all instances that it ever has stand in ``pods``, in order of time."""

    def of(self, service: str) -> IntArray:
        """Places of all instances of a service in ``pods``; of a database or the like there are none."""
        return self.places.get(service, np.array([], dtype=np.int64))

    def assign(self, template: Template, draws: Draws, rng: np.random.Generator) -> None:
        """Hand the requests that come after a deploy to the instances that run then."""
        for slot in template.servers:
            usual, *later = self.crews[slot.service]
            chosen = draws.pod[slot.index]
            for crew in later:
                # As many as usual: each takes over from one, and no request moves to another.
                mine = chosen if crew.count == usual.count else rng.integers(crew.count, size=len(chosen))
                late = draws.arrival_s >= crew.since_s
                draws.pod[slot.index] = np.where(late, crew.first + mine, draws.pod[slot.index])


def build_fleet(system: System, deploys: Sequence[Deploy], baseline_s: float) -> Fleet:
    """Instances of a system and of its deploys.

    Args:
        system: Who runs at first.
        deploys: In any order.
        baseline_s: When the alarm goes off, seconds after the start of the data.

    Raises:
        InputError: A deploy of a service that does not exist, or of no pods.
    """
    crews = _crews(system, deploys, baseline_s)
    started = [(pod, crews[pod.service][0], place) for place, pod in enumerate(system.pods())]
    places: dict[str, list[int]] = {service: [] for service in crews}
    for pod, _, place in started:
        places[pod.service].append(place)
    for service, (usual, *later) in crews.items():
        for crew in later:
            for number in range(crew.count):
                node = system.nodes[len(started) % len(system.nodes)]
                pod = Pod(pod_name(service, crew.first + number), service, node, crew.version)
                places[service].append(len(started))
                started.append((pod, crew, places[service][number % usual.count]))
    return Fleet(
        pods=tuple(pod for pod, _, _ in started),
        since_s=np.array([crew.since_s for _, crew, _ in started]),
        until_s=np.array([crew.until_s for _, crew, _ in started]),
        like=np.array([like for _, _, like in started]),
        crews=crews,
        places={service: np.array(each) for service, each in places.items()},
    )


def _crews(system: System, deploys: Sequence[Deploy], baseline_s: float) -> dict[str, tuple[Crew, ...]]:
    crews: dict[str, tuple[Crew, ...]] = {
        service.name: (Crew(service.version, 0.0, inf, 0, service.pods),) for service in system.services
    }
    for deploy in sorted(deploys, key=lambda deploy: deploy.at_s):
        count = system.service(deploy.service).pods if deploy.pods is None else deploy.pods
        if count < 1:
            raise InputError(f"{deploy.service!r} cannot run in {count} pods.", "Deploy at least one.")
        start_s = baseline_s + deploy.at_s
        *earlier, last = crews[deploy.service]
        crews[deploy.service] = (
            *earlier,
            replace(last, until_s=start_s),
            Crew(deploy.version, start_s, inf, last.first + last.count, count),
        )
    return crews
