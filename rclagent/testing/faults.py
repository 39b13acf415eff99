"""Faults to inject, and what each kind does to the legs and branches of the requests it meets.

| fault at S | request into S | response into S | request out of S | response out of S | own time of S |
|---|---|---|---|---|---|
| network_delay | d on new connections | d | | | queries d |
| network_delay, egress | | | d | | queries d |
| network_loss | 1 s, rarely 200 ms, on some | 200 ms or 1 s on some | the same | | queries the same |
| cpu | 40-100 ms | | | 80-100 ms | 40-90 ms, queries too |
| memory | | | | | pauses, all operations alike |
| disk_io | | | | | queries only |

Messages have no response: what the table says of a request into S holds for the time that a message to S
lies in its queue (a delay at S holds it back by d each time), and what it says of queries for the time
until the broker has a message of S. So a consumer's fault reaches no producer.

Of the code faults ``exception`` cuts an operation short, ``wrong_result`` swaps its last log
line and leads callers astray, and ``crash`` silences an instance, which then refuses calls; messages
to it are lost.

S may also be a database, an external service or a topic, which records nothing itself:

| fault at S | queries of S, requests to S and messages to S, from whatever service |
|---|---|
| network_delay | d |
| disk_io | d on average, varying |
| crash | an error at once, and no consumer |

Calls that time out or are repeated show these faults as failed attempts too. Sources: what netem,
stress and JVM fault injectors did to real recordings of microservices.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from rclagent.core.evidence import FaultType
from rclagent.errors import InputError
from rclagent.testing.draws import IntArray
from rclagent.testing.fleet import Fleet
from rclagent.testing.parts import Query
from rclagent.testing.system import System
from rclagent.testing.template import CallSlot, Template, build_template

PEER_FAULTS: Final = (FaultType.NETWORK_DELAY, FaultType.DISK_IO, FaultType.CRASH)
"""What a database, an external service or a topic can have."""

_MAGNITUDES: Final[dict[FaultType, float]] = {
    FaultType.NETWORK_DELAY: 200.0,  # ms
    FaultType.NETWORK_LOSS: 0.3,  # share of packets
    FaultType.CPU: 1.0,  # scale of the waits in the table above
    FaultType.MEMORY: 600.0,  # ms of the longest pause
    FaultType.DISK_IO: 150.0,  # ms
}
_CODE_FAULTS: Final = (FaultType.EXCEPTION, FaultType.WRONG_RESULT, FaultType.CRASH)


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault to inject."""

    fault_type: FaultType
    """Kind of fault; any but ``unknown``."""
    service: str
    """Service at fault; or the database, external service or topic."""
    pod: str | None = None
    """Instance at fault; None for all of the service, or for a crash its first."""
    operation: str | None = None
    """Operation at fault, for ``exception`` and ``wrong_result``; None for all of the service."""
    magnitude: float | None = None
    """Delay, longest pause or disk wait in ms, share of packets lost, or scale of CPU waits."""
    start_s: float = 0.0
    """When it starts, seconds after the alarm; negative where the alarm comes late."""
    share: float = 1.0
    """Share of the requests that meet it; of a repeated attempt, the chance that it does."""
    variant: Literal["usual", "egress"] = "usual"
    """``egress``: a network delay that spares the replies of the service's own port."""

    @property
    def strength(self) -> float:
        """The magnitude, or the usual one of its kind."""
        return _MAGNITUDES.get(self.fault_type, 0.0) if self.magnitude is None else self.magnitude

    def hit_places(self, fleet: Fleet, inject_s: float) -> IntArray:
        """Places of the instances at fault in the fleet; none where who is at fault has no instances.

        Args:
            fleet: All instances.
            inject_s: When the fault starts, seconds after the start of the data.
        """
        places = fleet.of(self.service)
        left = places[fleet.until_s[places] > inject_s]
        if self.pod is not None:
            return np.array([place for place in left if fleet.pods[place].name == self.pod], dtype=np.int64)
        return left[:1] if self.fault_type is FaultType.CRASH else left


def check_fault(system: System, fleet: Fleet, fault: Fault, inject_s: float) -> None:
    """Refuse a fault that the system cannot have or that nothing would show.

    Args:
        system: Who calls whom.
        fleet: All instances.
        fault: What is to go wrong.
        inject_s: When it starts, seconds after the start of the data.

    Raises:
        InputError: An unknown service, pod or operation, a number out of range, or no request meets it.
    """
    if fault.fault_type is FaultType.UNKNOWN:
        raise InputError("A fault of type 'unknown' cannot be injected.", "Name a type of fault.")
    if not 0 < fault.share <= 1:
        raise InputError(
            f"A fault cannot meet {fault.share} of all requests.", "Give a share above 0, at most 1."
        )
    if fault.magnitude is not None and (fault.fault_type in _CODE_FAULTS or fault.magnitude <= 0):
        raise InputError(
            f"A fault of type {fault.fault_type.value!r} cannot have the magnitude {fault.magnitude}.",
            "Leave it out, or give a positive one to a fault of time.",
        )
    if fault.service in system.peers:
        _check_peer(fault)
    else:
        _check_service(system, fleet, fault, inject_s)
    templates = [build_template(system, entry) for entry in system.entries]
    if not any(_touches(fault, template) for template in templates):
        raise InputError(
            f"No span would show a fault of type {fault.fault_type.value!r} at {fault.service!r}.",
            "Choose a service that is called, or one that asks a database or calls others.",
        )


def _check_service(system: System, fleet: Fleet, fault: Fault, inject_s: float) -> None:
    service = system.service(fault.service)
    if fault.operation is not None:
        system.operation(fault.service, fault.operation)
    places = fleet.of(service.name)
    pods = [fleet.pods[place].name for place in places[fleet.until_s[places] > inject_s]]
    if fault.pod is not None and fault.pod not in pods:
        raise InputError(f"{service.name!r} has no pod {fault.pod!r}.", f"Choose one of: {', '.join(pods)}.")


def _check_peer(fault: Fault) -> None:
    if fault.fault_type not in PEER_FAULTS:
        raise InputError(
            f"{fault.service!r} records nothing that would show a fault of type {fault.fault_type.value!r}.",
            f"Choose one of: {', '.join(kind.value for kind in PEER_FAULTS)}.",
        )
    if fault.pod is not None or fault.operation is not None or fault.variant != "usual":
        raise InputError(
            f"{fault.service!r} has no pods, operations or network of its own.", "Name the fault only."
        )


def _touches(fault: Fault, template: Template) -> bool:
    if any(slot.part.peer == fault.service for slot in template.untraced):
        return True
    if fault.fault_type is FaultType.DISK_IO:
        return any(
            slot.service == fault.service and isinstance(slot.part, Query) for slot in template.queries
        )
    if fault.fault_type is FaultType.NETWORK_DELAY:
        asks = [slot for slot in template.asking if slot.service == fault.service]
        asked = [slot for slot in template.servers[1:] if slot.service == fault.service]
        if fault.variant == "egress":
            return bool(asks) or any(slot.consumer for slot in asked)
        return bool(asked) or any(not isinstance(slot, CallSlot) for slot in asks)
    return any(
        slot.service == fault.service and fault.operation in (None, slot.name) for slot in template.servers
    )
