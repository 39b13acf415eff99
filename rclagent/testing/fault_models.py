"""How faults change the draws of a block of requests; what each does stands in the table of ``faults``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import numpy as np

from rclagent.core.evidence import FaultType
from rclagent.testing.draws import NEVER, BoolArray, Draws, FloatArray, cut_position
from rclagent.testing.hits import Hit
from rclagent.testing.parts import Query
from rclagent.testing.template import PublishSlot, QuerySlot, ServerSlot, Template

_NEW_CONNECTIONS: Final = 0.25  # share of calls that open one, and so wait a round trip more
_MISLED: Final = 0.6  # share of the callers of a wrong result that take another branch
_REFUSAL_MS: Final = 1.0
_PAUSE_EVERY_S: Final = 1.5


def apply_fault(hit: Hit, template: Template, draws: Draws, rng: np.random.Generator) -> None:
    """Change the draws of a block of requests as the fault does."""
    _MODELS[hit.fault.fault_type](hit, template, draws, rng)


def _network_delay(hit: Hit, template: Template, draws: Draws, rng: np.random.Generator) -> None:
    delay = hit.fault.strength
    egress = hit.fault.variant == "egress"
    for call in template.calls:
        if call.callee in hit.met and not egress:
            late = delay * hit.met[call.callee]
            draws.response[call.index] += late
            draws.request[call.index] += late * (rng.random(len(late)) < _NEW_CONNECTIONS)
        if call.owner in hit.met and egress:
            draws.request[call.index] += delay * hit.met[call.owner]
    for slot, met in _at_either_end(hit, template):
        draws.query[slot.index] += delay * met
    for message, met in _fetched(hit, template):
        draws.request[message.index] += delay * met


def _network_loss(hit: Hit, template: Template, draws: Draws, rng: np.random.Generator) -> None:
    loss = hit.fault.strength
    for call in template.calls:
        if call.callee in hit.met:
            met = hit.met[call.callee]
            draws.response[call.index] += met * _retransmission(loss, 0.75, len(met), rng)
            draws.request[call.index] += met * _retransmission(loss * _NEW_CONNECTIONS, 0.1, len(met), rng)
        if call.owner in hit.met:
            met = hit.met[call.owner]
            draws.request[call.index] += met * _retransmission(loss, 0.75, len(met), rng)
    for slot, met in _at_either_end(hit, template):
        draws.query[slot.index] += met * _retransmission(loss, 0.75, len(met), rng)
    for message, met in _fetched(hit, template):
        draws.request[message.index] += met * _retransmission(loss, 0.75, len(met), rng)


def _at_either_end(hit: Hit, template: Template) -> Iterator[tuple[QuerySlot | PublishSlot, BoolArray]]:
    """What services at fault ask of databases, external services and brokers, or others of one at fault."""
    for slot in template.untraced:
        for place in (slot.owner, slot.index):
            if place in hit.met:
                yield slot, hit.met[place]


def _fetched(hit: Hit, template: Template) -> Iterator[tuple[PublishSlot, BoolArray]]:
    """Messages that consumers at fault fetch, or others from a broker at fault."""
    for message in template.messages:
        for place in (message.callee, message.index):
            if place in hit.met:
                yield message, hit.met[place]


def _retransmission(loss: float, data_share: float, n: int, rng: np.random.Generator) -> FloatArray:
    """Waits in ms for TCP to send again: 200 ms for data, 1 s for a connection's first packet."""
    lost = rng.random(n) < loss
    timer = np.where(rng.random(n) < data_share, 200.0, 1000.0)
    return lost * (timer + rng.uniform(0, 8, n))


def _cpu(hit: Hit, template: Template, draws: Draws, rng: np.random.Generator) -> None:
    scale = hit.fault.strength
    for call in template.calls:
        if call.callee in hit.met:
            met = hit.met[call.callee]
            draws.request[call.index] += met * scale * rng.uniform(40, 100, len(met))
        if call.owner in hit.met:
            met = hit.met[call.owner]
            draws.response[call.index] += met * scale * rng.uniform(80, 100, len(met))
    for slot in template.servers:
        if slot.index in hit.met:
            met = hit.met[slot.index]
            draws.own[slot.index][0] += met * scale * rng.uniform(40, 90, len(met))
    for asked, met in _at_either_end(hit, template):
        draws.query[asked.index] += met * scale * rng.uniform(0, 90, len(met))
    for message, met in _fetched(hit, template):
        draws.request[message.index] += met * scale * rng.uniform(40, 100, len(met))


def _memory(hit: Hit, template: Template, draws: Draws, rng: np.random.Generator) -> None:
    """Garbage collection stops everything in an instance for up to the magnitude, again and again."""
    longest_s = hit.fault.strength / 1e3
    last_s = float(draws.arrival_s.max(initial=hit.inject_s)) + 60
    slots = [slot for slot in template.servers if slot.index in hit.met]
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
            draws.own[slot.index][0] += 1e3 * left_s * (hit.met[slot.index] & (draws.pod[slot.index] == pod))


def _disk_io(hit: Hit, template: Template, draws: Draws, rng: np.random.Generator) -> None:
    for slot, met in _at_either_end(hit, template):
        if slot.index in hit.met or isinstance(slot.part, Query):
            draws.query[slot.index] += met * hit.fault.strength * rng.lognormal(0, 0.4, len(met))


def _exception(hit: Hit, template: Template, draws: Draws, rng: np.random.Generator) -> None:
    for slot, met in _operations(hit, template):
        own = draws.cut.get(slot.index, np.full(len(met), NEVER))
        draws.cut[slot.index] = np.where(met, np.minimum(own, cut_position(len(slot.steps))), own)


def _wrong_result(hit: Hit, template: Template, draws: Draws, rng: np.random.Generator) -> None:
    for slot, met in _operations(hit, template):
        _mark(draws.wrong, slot.index, met)
        if slot.caller is not None and not slot.consumer:
            _mark(draws.misled, slot.caller, met & (rng.random(len(met)) < _MISLED))


def _operations(hit: Hit, template: Template) -> Iterator[tuple[ServerSlot, BoolArray]]:
    """Where an operation at fault runs."""
    for slot in template.servers:
        if slot.index in hit.met and hit.fault.operation in (None, slot.name):
            yield slot, hit.met[slot.index]


def _crash(hit: Hit, template: Template, draws: Draws, rng: np.random.Generator) -> None:
    for slot in template.servers:
        if slot.index in hit.met:
            met = hit.met[slot.index]
            _mark(draws.down, slot.index, met)
            if slot.caller is not None and not slot.consumer:
                _mark(draws.refused, slot.caller, met)
                draws.request[slot.caller] = np.where(met, _refusal(met, rng), draws.request[slot.caller])
                draws.response[slot.caller] = np.where(met, 0.0, draws.response[slot.caller])
    for asked in template.untraced:
        if asked.index in hit.met:
            met = hit.met[asked.index]
            _mark(draws.refused, asked.index, met)
            draws.query[asked.index] = np.where(met, _refusal(met, rng), draws.query[asked.index])


def _refusal(met: BoolArray, rng: np.random.Generator) -> FloatArray:
    """Times in ms until it is clear that nobody listens."""
    return _REFUSAL_MS * rng.uniform(0.5, 1.5, len(met))


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
