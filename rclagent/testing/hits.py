"""Which requests of a block meet a fault, and where in their call tree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rclagent.testing.draws import BoolArray, Draws
from rclagent.testing.faults import Fault
from rclagent.testing.fleet import Fleet
from rclagent.testing.template import CallSlot, ServerSlot, Template


@dataclass(frozen=True, slots=True)
class Hit:
    """Where the requests of a block meet a fault."""

    fault: Fault
    """The fault."""
    met: dict[int, BoolArray]
    """By slot: requests that would meet the fault there, shape (n,). Server slots of the service at
    fault; query and publish slots that ask the database, external service or topic at fault."""
    inject_s: float
    """When the fault starts, seconds after the start of the data."""
    pods: tuple[int, ...]
    """Instances at fault, as places among all that the service ever has."""
    seed: tuple[int, ...]
    """For what the fault does at moments that all blocks share."""


def hit(
    fault: Fault,
    inject_s: float,
    fleet: Fleet,
    template: Template,
    draws: Draws,
    chance: Sequence[np.random.Generator],
    seed: tuple[int, ...],
) -> Hit:
    """Find out who meets a fault.

    Args:
        fault: What goes wrong.
        inject_s: When it starts, seconds after the start of the data.
        fleet: All instances.
        template: Call tree of the block.
        draws: When the requests of the block come in and who handles them.
        chance: Two sources: for the requests, and for the attempts that they repeat.
        seed: For what the fault does at moments that all blocks share.
    """
    first, repeated = chance
    n = len(draws.arrival_s)
    there = draws.arrival_s >= inject_s
    active: dict[int | None, BoolArray] = {None: there & (first.random(n) < fault.share)}
    active |= {
        slot.index: there & (repeated.random(n) < fault.share) for slot in template.asking if slot.repeats
    }
    own = fleet.of(fault.service)
    pods = np.flatnonzero(np.isin(own, fault.hit_places(fleet, inject_s)))
    met = {}
    for slot in template.slots:
        if isinstance(slot, ServerSlot):
            if slot.service == fault.service:
                met[slot.index] = active[slot.retry] & np.isin(draws.pod[slot.index], pods)
        elif not isinstance(slot, CallSlot) and slot.part.peer == fault.service:
            met[slot.index] = active[slot.retry]
    return Hit(fault, met, inject_s, tuple(pods.tolist()), seed)
