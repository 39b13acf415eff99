"""The spans that one kind of request can make, laid out once so that many requests are drawn at a time."""

from __future__ import annotations

from dataclasses import dataclass, field

from rclagent.testing.parts import Call, External, Part, Publish, Query
from rclagent.testing.system import Entry, Operation, System


@dataclass(slots=True)
class ServerSlot:
    """A place in the call tree where a service handles a request or a message."""

    index: int
    """Place in the template, parents first."""
    caller: int | None
    """Slot of the call or message that asked for it; None at the entry."""
    service: str
    """Service that runs it."""
    operation: Operation
    """What it does."""
    consumer: bool = False
    """Whether it handles a message, for which nobody waits."""
    retry: int | None = None
    """Slot of the innermost repeated attempt that it is part of; None where it is of none."""
    steps: list[list[tuple[AskSlot, ...]]] = field(default_factory=list)
    """What each step asks of others, each as its attempts one after the other."""

    @property
    def name(self) -> str:
        """Span name."""
        return self.operation.name


@dataclass(frozen=True, slots=True)
class _Asks:
    """One attempt of a service to ask something of others."""

    index: int
    """Place in the template."""
    owner: int
    """Server slot that asks."""
    service: str
    """Service that asks."""
    retry: int | None
    """Slot of the innermost repeated attempt that it is part of; its own where it repeats another."""

    @property
    def repeats(self) -> bool:
        """Whether it is made only because an attempt before it failed."""
        return self.retry == self.index


@dataclass(frozen=True, slots=True)
class CallSlot(_Asks):
    """A place in the call tree where a service calls another."""

    part: Call
    """Whom, and how often."""
    callee: int
    """Server slot that is called."""


@dataclass(frozen=True, slots=True)
class QuerySlot(_Asks):
    """A place in the call tree where a service asks a database or an external service."""

    part: Query | External
    """What it asks."""


@dataclass(frozen=True, slots=True)
class PublishSlot(_Asks):
    """A place in the call tree where a service publishes a message."""

    part: Publish
    """Where to, and how often."""
    callee: int
    """Server slot of the consumer."""


AskSlot = CallSlot | QuerySlot | PublishSlot
"""A place in the call tree where a service asks something of others."""

Slot = ServerSlot | AskSlot
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
        """Places where a service handles a request or a message."""
        return [slot for slot in self.slots if isinstance(slot, ServerSlot)]

    @property
    def asking(self) -> list[AskSlot]:
        """Places where a service asks something of others."""
        return [slot for slot in self.slots if not isinstance(slot, ServerSlot)]

    @property
    def calls(self) -> list[CallSlot]:
        """Places where a service calls another."""
        return [slot for slot in self.slots if isinstance(slot, CallSlot)]

    @property
    def queries(self) -> list[QuerySlot]:
        """Places where a service asks a database or an external service."""
        return [slot for slot in self.slots if isinstance(slot, QuerySlot)]

    @property
    def untraced(self) -> list[QuerySlot | PublishSlot]:
        """Places where a service asks what records no spans of its own: databases, hosts, brokers."""
        return [*self.queries, *self.messages]

    @property
    def messages(self) -> list[PublishSlot]:
        """Places where a service publishes a message."""
        return [slot for slot in self.slots if isinstance(slot, PublishSlot)]


def build_template(system: System, entry: Entry) -> Template:
    """Unfold an entry into its call tree; a list of places to visit keeps deep trees off the stack."""
    slots: list[Slot] = [ServerSlot(0, None, entry.service, system.operation(entry.service, entry.operation))]
    waiting = [0]
    while waiting:
        slot = slots[waiting.pop()]
        if not isinstance(slot, ServerSlot):
            continue
        for step in slot.operation.steps:
            asked = [_unfold(system, slots, slot, part) for part in step]
            slot.steps.append(asked)
            attempts = (attempt for attempts in asked for attempt in attempts)
            waiting += [attempt.callee for attempt in attempts if not isinstance(attempt, QuerySlot)]
    return Template(entry, tuple(slots))


def _unfold(system: System, slots: list[Slot], owner: ServerSlot, part: Part) -> tuple[AskSlot, ...]:
    """All attempts of one part; each has a place of its own, with all that it causes."""
    return tuple(
        _attempt(system, slots, owner, part, repeats=number > 0) for number in range(part.retries + 1)
    )


def _attempt(system: System, slots: list[Slot], owner: ServerSlot, part: Part, *, repeats: bool) -> AskSlot:
    index = len(slots)
    retry = index if repeats else owner.retry
    if isinstance(part, Query | External):
        query = QuerySlot(index, owner.index, owner.service, retry, part)
        slots.append(query)
        return query
    asks: CallSlot | PublishSlot
    if isinstance(part, Call):
        asks = CallSlot(index, owner.index, owner.service, retry, part, callee=index + 1)
    else:
        asks = PublishSlot(index, owner.index, owner.service, retry, part, callee=index + 1)
    operation = system.operation(part.service, part.operation)
    consumer = isinstance(part, Publish)
    slots += [asks, ServerSlot(index + 1, index, part.service, operation, consumer, retry)]
    return asks
