"""The spans that one kind of request can make, laid out once so that many requests are drawn at a time."""

from __future__ import annotations

from dataclasses import dataclass, field

from rclagent.testing.system import Call, Entry, Operation, Query, System


@dataclass(slots=True)
class ServerSlot:
    """A place in the call tree where a service handles a request."""

    index: int
    """Place in the template, parents first."""
    caller: int | None
    """Slot of the call that asked for it; None at the entry."""
    service: str
    """Service that runs it."""
    operation: Operation
    """What it does."""
    steps: list[list[CallSlot | QuerySlot]] = field(default_factory=list)
    """Calls and queries of each step."""

    @property
    def name(self) -> str:
        """Span name."""
        return self.operation.name


@dataclass(frozen=True, slots=True)
class CallSlot:
    """A place in the call tree where a service calls another."""

    index: int
    """Place in the template."""
    owner: int
    """Server slot that calls."""
    service: str
    """Service that calls."""
    call: Call
    """Whom, and how often."""
    callee: int
    """Server slot that is called."""

    @property
    def name(self) -> str:
        """Span name."""
        return self.call.operation

    @property
    def peer(self) -> str:
        """Callee."""
        return self.call.service


@dataclass(frozen=True, slots=True)
class QuerySlot:
    """A place in the call tree where a service asks its database."""

    index: int
    """Place in the template."""
    owner: int
    """Server slot that asks."""
    service: str
    """Service that asks."""
    query: Query
    """What it asks."""

    @property
    def name(self) -> str:
        """Span name."""
        return self.query.statement

    @property
    def peer(self) -> str:
        """Database."""
        return self.query.database


Slot = ServerSlot | CallSlot | QuerySlot
"""A place in the call tree; at most one span of each request."""


@dataclass(frozen=True, slots=True)
class Template:
    """Call tree of one entry, parents before children."""

    entry: Entry
    """Where the request comes in."""
    slots: tuple[Slot, ...]
    """All places; a slot's index is its place here."""

    @property
    def servers(self) -> list[ServerSlot]:
        """Places where a service handles a request."""
        return [slot for slot in self.slots if isinstance(slot, ServerSlot)]

    @property
    def calls(self) -> list[CallSlot]:
        """Places where a service calls another."""
        return [slot for slot in self.slots if isinstance(slot, CallSlot)]

    @property
    def queries(self) -> list[QuerySlot]:
        """Places where a service asks its database."""
        return [slot for slot in self.slots if isinstance(slot, QuerySlot)]


def build_template(system: System, entry: Entry) -> Template:
    """Unfold an entry into its call tree; a list of places to visit keeps deep trees off the stack."""
    slots: list[Slot] = [ServerSlot(0, None, entry.service, system.operation(entry.service, entry.operation))]
    waiting = [0]
    while waiting:
        slot = slots[waiting.pop()]
        if not isinstance(slot, ServerSlot):
            continue
        for step in slot.operation.steps:
            parts = [_unfold(system, slots, slot, part) for part in step]
            slot.steps.append(parts)
            waiting += [part.callee for part in parts if isinstance(part, CallSlot)]
    return Template(entry, tuple(slots))


def _unfold(system: System, slots: list[Slot], owner: ServerSlot, part: Call | Query) -> CallSlot | QuerySlot:
    index = len(slots)
    if isinstance(part, Query):
        query = QuerySlot(index, owner.index, owner.service, part)
        slots.append(query)
        return query
    call = CallSlot(index, owner.index, owner.service, part, callee=index + 1)
    operation = system.operation(part.service, part.operation)
    slots += [call, ServerSlot(index + 1, index, part.service, operation)]
    return call
