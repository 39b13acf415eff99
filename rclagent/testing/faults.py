"""Fault models: what each kind of fault does to the legs and branches of the requests it meets.

| fault at S | request into S | response into S | request out of S | response out of S | own time of S |
|---|---|---|---|---|---|
| network_delay | d on new connections | d | | | queries d |
| network_delay, egress | | | d | | queries d |
| network_loss | 1 s, rarely 200 ms, on some | 200 ms or 1 s on some | the same | | queries the same |
| cpu | 40-100 ms | | | 80-100 ms | 40-90 ms, queries too |
| memory | | | | | pauses, all operations alike |
| disk_io | | | | | queries only |

Of the code faults ``exception`` cuts an operation short, ``wrong_result`` swaps its last log
line and leads callers astray, and ``crash`` silences an instance, which then refuses calls.
Sources: what netem, stress and JVM fault injectors did to real recordings of microservices.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from rclagent.core.evidence import FaultType
from rclagent.errors import InputError
from rclagent.testing.draws import NEVER, BoolArray, Draws, FloatArray, cut_position
from rclagent.testing.system import System
from rclagent.testing.template import CallSlot, ServerSlot, Template, build_template

_NEW_CONNECTIONS: Final = 0.25  # share of calls that open one, and so wait a round trip more
_MISLED: Final = 0.6  # share of the callers of a wrong result that take another branch
_REFUSAL_MS: Final = 1.0
_PAUSE_EVERY_S: Final = 1.5

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
    """Service at fault."""
    pod: str | None = None
    """Instance at fault; None for all of the service, or for a crash its first."""
    operation: str | None = None
    """Operation at fault, for ``exception`` and ``wrong_result``; None for all of the service."""
    magnitude: float | None = None
    """Delay, longest pause or disk wait in ms, share of packets lost, or scale of CPU waits."""
    start_s: float = 0.0
    """When it starts, seconds after the alarm; negative where the alarm comes late."""
    share: float = 1.0
    """Share of the requests that meet it."""
    variant: Literal["usual", "egress"] = "usual"
    """``egress``: a network delay that spares the replies of the service's own port."""

    @property
    def strength(self) -> float:
        """The magnitude, or the usual one of its kind."""
        return _MAGNITUDES.get(self.fault_type, 0.0) if self.magnitude is None else self.magnitude

    def hit_pods(self, system: System) -> tuple[str, ...]:
        """Names of the instances at fault."""
        names = tuple(pod.name for pod in system.pods_of(self.service))
        if self.pod is not None:
            return (self.pod,)
        return names[:1] if self.fault_type is FaultType.CRASH else names


def check_fault(system: System, fault: Fault) -> None:
    """Refuse a fault that the system cannot have or that nothing would show.

    Raises:
        InputError: An unknown service, pod or operation, a number out of range, or no request meets it.
    """
    if fault.fault_type is FaultType.UNKNOWN:
        raise InputError("A fault of type 'unknown' cannot be injected.", "Name a type of fault.")
    service = system.service(fault.service)
    if fault.operation is not None:
        system.operation(fault.service, fault.operation)
    pods = [pod.name for pod in system.pods_of(service.name)]
    if fault.pod is not None and fault.pod not in pods:
        raise InputError(f"{service.name!r} has no pod {fault.pod!r}.", f"Choose one of: {', '.join(pods)}.")
    if not 0 < fault.share <= 1:
        raise InputError(
            f"A fault cannot meet {fault.share} of all requests.", "Give a share above 0, at most 1."
        )
    if fault.magnitude is not None and (fault.fault_type in _CODE_FAULTS or fault.magnitude <= 0):
        raise InputError(
            f"A fault of type {fault.fault_type.value!r} cannot have the magnitude {fault.magnitude}.",
            "Leave it out, or give a positive one to a fault of time.",
        )
    templates = [build_template(system, entry) for entry in system.entries]
    if not any(_touches(fault, template) for template in templates):
        raise InputError(
            f"No span would show a fault of type {fault.fault_type.value!r} at {fault.service!r}.",
            "Choose a service that is called, or one that asks a database or calls others.",
        )


def _touches(fault: Fault, template: Template) -> bool:
    servers = [slot for slot in template.servers if _at_fault(fault, slot)]
    queries = any(slot.service == fault.service for slot in template.queries)
    calls_out = any(slot.service == fault.service for slot in template.calls)
    calls_in = any(slot.peer == fault.service for slot in template.calls)
    if fault.fault_type is FaultType.DISK_IO:
        return queries
    if fault.fault_type is FaultType.NETWORK_DELAY:
        return queries or (calls_out if fault.variant == "egress" else calls_in)
    return bool(servers)


def _at_fault(fault: Fault, slot: ServerSlot) -> bool:
    return slot.service == fault.service and fault.operation in (None, slot.name)


@dataclass(frozen=True, slots=True)
class Hit:
    """Which requests of a block meet a fault."""

    fault: Fault
    """The fault."""
    active: BoolArray
    """Requests that come while the fault is there and belong to its share, shape (n,)."""
    inject_s: float
    """When the fault starts, seconds after the start of the data."""
    pods: tuple[int, ...]
    """Instances at fault, as places among the pods of the service."""
    seed: tuple[int, ...]
    """For what the fault does at moments that all blocks share."""

    def at(self, draws: Draws, server: int) -> BoolArray:
        """Requests that an instance at fault would handle in this server slot."""
        return self.active & np.isin(draws.pod[server], self.pods)


def apply_fault(hit: Hit, template: Template, draws: Draws, rng: np.random.Generator) -> None:
    """Change the draws of a block of requests as the fault does."""
    _MODELS[hit.fault.fault_type](hit, template, draws, rng)


def _network_delay(hit: Hit, template: Template, draws: Draws, rng: np.random.Generator) -> None:
    delay = hit.fault.strength
    egress = hit.fault.variant == "egress"
    for call in template.calls:
        if call.peer == hit.fault.service and not egress:
            late = delay * hit.at(draws, call.callee)
            draws.response[call.index] += late
            draws.request[call.index] += late * (rng.random(len(late)) < _NEW_CONNECTIONS)
        if call.service == hit.fault.service and egress:
            draws.request[call.index] += delay * hit.at(draws, call.owner)
    for query in template.queries:
        if query.service == hit.fault.service:
            draws.query[query.index] += delay * hit.at(draws, query.owner)


def _network_loss(hit: Hit, template: Template, draws: Draws, rng: np.random.Generator) -> None:
    loss = hit.fault.strength
    for call in template.calls:
        if call.peer == hit.fault.service:
            met = hit.at(draws, call.callee)
            draws.response[call.index] += met * _retransmission(loss, 0.75, len(met), rng)
            draws.request[call.index] += met * _retransmission(loss * _NEW_CONNECTIONS, 0.1, len(met), rng)
        if call.service == hit.fault.service:
            met = hit.at(draws, call.owner)
            draws.request[call.index] += met * _retransmission(loss, 0.75, len(met), rng)
    for query in template.queries:
        if query.service == hit.fault.service:
            met = hit.at(draws, query.owner)
            draws.query[query.index] += met * _retransmission(loss, 0.75, len(met), rng)


def _retransmission(loss: float, data_share: float, n: int, rng: np.random.Generator) -> FloatArray:
    """Waits in ms for TCP to send again: 200 ms for data, 1 s for a connection's first packet."""
    lost = rng.random(n) < loss
    timer = np.where(rng.random(n) < data_share, 200.0, 1000.0)
    return lost * (timer + rng.uniform(0, 8, n))


def _cpu(hit: Hit, template: Template, draws: Draws, rng: np.random.Generator) -> None:
    service, scale = hit.fault.service, hit.fault.strength
    for call in template.calls:
        if call.peer == service:
            met = hit.at(draws, call.callee)
            draws.request[call.index] += met * scale * rng.uniform(40, 100, len(met))
        if call.service == service:
            met = hit.at(draws, call.owner)
            draws.response[call.index] += met * scale * rng.uniform(80, 100, len(met))
    for slot in template.servers:
        if slot.service == service:
            met = hit.at(draws, slot.index)
            draws.own[slot.index][0] += met * scale * rng.uniform(40, 90, len(met))
    for query in template.queries:
        if query.service == service:
            met = hit.at(draws, query.owner)
            draws.query[query.index] += met * scale * rng.uniform(0, 90, len(met))


def _memory(hit: Hit, template: Template, draws: Draws, rng: np.random.Generator) -> None:
    """Garbage collection stops everything in an instance for up to the magnitude, again and again."""
    longest_s = hit.fault.strength / 1e3
    last_s = float(draws.arrival_s.max(initial=hit.inject_s)) + 60
    slots = [slot for slot in template.servers if slot.service == hit.fault.service]
    for pod in hit.pods:
        # Not from the block's own chance: all blocks and operations must see the same pauses.
        chance = np.random.default_rng([*hit.seed, pod])
        pauses = chance.uniform(0.5, 1.0, (int(max(0.0, last_s - hit.inject_s) / _PAUSE_EVERY_S) + 1, 2))
        begin = hit.inject_s + np.cumsum(_PAUSE_EVERY_S * (2 * pauses[:, 0] - 0.5))
        end = begin + longest_s * pauses[:, 1]
        for order, slot in enumerate(slots):
            # A later call of the same request comes after the pause that the earlier ones waited out.
            now = draws.arrival_s + order * longest_s
            latest = np.searchsorted(begin, now, side="right") - 1
            left_s = np.where(latest >= 0, end[latest] - now, 0.0).clip(min=0.0)
            draws.own[slot.index][0] += 1e3 * left_s * (hit.active & (draws.pod[slot.index] == pod))


def _disk_io(hit: Hit, template: Template, draws: Draws, rng: np.random.Generator) -> None:
    for query in template.queries:
        if query.service == hit.fault.service:
            met = hit.at(draws, query.owner)
            draws.query[query.index] += met * hit.fault.strength * rng.lognormal(0, 0.4, len(met))


def _exception(hit: Hit, template: Template, draws: Draws, rng: np.random.Generator) -> None:
    for slot in template.servers:
        if _at_fault(hit.fault, slot):
            met = hit.at(draws, slot.index)
            own = draws.cut.get(slot.index, np.full(len(met), NEVER))
            draws.cut[slot.index] = np.where(met, np.minimum(own, cut_position(len(slot.steps))), own)


def _wrong_result(hit: Hit, template: Template, draws: Draws, rng: np.random.Generator) -> None:
    for slot in template.servers:
        if _at_fault(hit.fault, slot):
            met = hit.at(draws, slot.index)
            _mark(draws.wrong, slot.index, met)
            if slot.caller is not None:
                _mark(draws.misled, slot.caller, met & (rng.random(len(met)) < _MISLED))


def _crash(hit: Hit, template: Template, draws: Draws, rng: np.random.Generator) -> None:
    for slot in template.servers:
        if slot.service == hit.fault.service:
            met = hit.at(draws, slot.index)
            _mark(draws.down, slot.index, met)
            if slot.caller is not None:
                _refuse(template, draws, slot.caller, met, rng)


def _refuse(template: Template, draws: Draws, caller: int, met: BoolArray, rng: np.random.Generator) -> None:
    call = template.slots[caller]
    assert isinstance(call, CallSlot)
    _mark(draws.refused, caller, met)
    draws.request[caller] = np.where(
        met, _REFUSAL_MS * rng.uniform(0.5, 1.5, len(met)), draws.request[caller]
    )
    draws.response[caller] = np.where(met, 0.0, draws.response[caller])


def _mark(marks: dict[int, BoolArray], slot: int, met: BoolArray) -> None:
    """Add to the marks of a slot: several faults may meet in one place."""
    marks[slot] = marks[slot] | met if slot in marks else met


_Model = Callable[[Hit, Template, Draws, np.random.Generator], None]
_MODELS: Final[dict[FaultType, _Model]] = {
    FaultType.NETWORK_DELAY: _network_delay,
    FaultType.NETWORK_LOSS: _network_loss,
    FaultType.CPU: _cpu,
    FaultType.MEMORY: _memory,
    FaultType.DISK_IO: _disk_io,
    FaultType.EXCEPTION: _exception,
    FaultType.WRONG_RESULT: _wrong_result,
    FaultType.CRASH: _crash,
}
