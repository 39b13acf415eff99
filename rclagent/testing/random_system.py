"""Random systems of any number of services, for tests that must not fit one call graph."""

from __future__ import annotations

from typing import Final

import numpy as np

from rclagent.errors import InputError
from rclagent.testing.parts import Call, Query, Step
from rclagent.testing.system import Entry, Line, Operation, Service, System

_LAYERS: Final = 5  # calls go from one layer to the next, so that a call tree stays small


def random_system(services: int, seed: int = 0) -> System:
    """A layered system in which every service is reached from an entry.

    Args:
        services: Number of services, at least 2.
        seed: Same number and seed, same system.

    Returns:
        1-3 pods a service, 1-2 operations each, one node for each four services.

    Raises:
        InputError: Fewer than two services, or a negative seed.
    """
    if seed < 0:
        raise InputError(f"{seed} is no seed.", "Give a whole number from 0 on.")
    if services < 2:
        raise InputError(f"A random system of {services} services is too small.", "Ask for at least 2.")
    rng = np.random.default_rng([seed, services])
    layers = _layers(services, rng)
    built: list[Service] = []
    below: list[Service] = []
    for names in reversed(layers):
        below = [
            _service(name, callees, rng)
            for name, callees in zip(names, _deal(names, below, rng), strict=True)
        ]
        built = below + built
    return System(
        services=tuple(built),
        entries=tuple(
            Entry(service.name, operation.name, float(rng.uniform(1, 4)))
            for service in below
            for operation in service.operations
        ),
        nodes=tuple(f"node-{index}" for index in range(max(2, services // 4))),
    )


def _layers(services: int, rng: np.random.Generator) -> list[list[str]]:
    depth = min(_LAYERS, services)
    sizes = np.ones(depth, dtype=int)
    sizes[1:] += rng.multinomial(services - depth, np.full(depth - 1, 1 / (depth - 1)))
    names = iter(range(services))
    return [[f"unit-{next(names):03d}" for _ in range(size)] for size in sizes]


def _deal(callers: list[str], callees: list[Service], rng: np.random.Generator) -> list[list[Service]]:
    """Which callees each caller has: every callee is dealt to one caller, and some to a second."""
    hands: list[list[Service]] = [[] for _ in callers]
    for place, callee in enumerate(callees):
        hands[place % len(callers)].append(callee)
        if rng.random() < 0.3:
            other = hands[int(rng.integers(len(callers)))]
            if callee not in other:
                other.append(callee)
    return hands


def _service(name: str, callees: list[Service], rng: np.random.Generator) -> Service:
    """A service whose operations share out the callees, four each at most."""
    count = max(int(rng.integers(1, 3)), -(-len(callees) // 4))
    operations = tuple(_operation(name, f"op-{index}", callees[index::count], rng) for index in range(count))
    return Service(name, operations, pods=int(rng.integers(1, 4)))


def _operation(service: str, name: str, callees: list[Service], rng: np.random.Generator) -> Operation:
    steps: list[Step] = []
    for callee in callees:
        # A caller of a service reaches all its operations, so that none is dead.
        for operation in callee.operations:
            call = Call(callee.name, operation.name, share=1.0 if rng.random() < 0.8 else 0.5)
            if steps and rng.random() < 0.3:
                steps[-1] = (*steps[-1], call)
            else:
                steps.append((call,))
    if not callees or rng.random() < 0.3:
        steps.append((Query(f"{service}-db", f"SELECT {name}", float(rng.uniform(1, 6))),))
    lines = (
        Line(f"{name} of {service} accepted request {{id}}"),
        Line(f"{name} of {service} answered {{id}} with {{n}} records", len(steps)),
    )
    return Operation(
        name, float(rng.uniform(1, 6)), tuple(steps), lines, f"{name} of {service}: empty answer"
    )
