"""A simulated system: services with their operations, the calls between them, pods and nodes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from hashlib import blake2b
from typing import Final, NamedTuple

from rclagent.errors import InputError
from rclagent.testing.parts import Call, Publish, Step

_POD_ALPHABET: Final = "bcdfghjklmnpqrstvwxz2456789"  # what Kubernetes makes pod names from: no vowels


@dataclass(frozen=True, slots=True)
class Line:
    """A log line that an operation writes."""

    text: str
    """Message; ``{id}``, ``{n}``, ``{price}`` and ``{at}`` stand for parts that vary."""
    position: int = 0
    """How many steps are done when it is written."""
    share: float = 1.0
    """Share of the requests that write it."""


@dataclass(frozen=True, slots=True)
class Operation:
    """What a service does on one kind of request: own work, then steps with own work after each."""

    name: str
    """Span name."""
    self_ms: float = 2.0
    """Median of the time spent in the service itself."""
    steps: tuple[Step, ...] = ()
    """One after the other."""
    lines: tuple[Line, ...] = ()
    """Log lines, in order of position."""
    otherwise: str = "nothing to do for {id}"
    """Log line of the branch taken on an empty or wrong result, in place of the last line."""


@dataclass(frozen=True, slots=True)
class Service:
    """A service with its instances."""

    name: str
    """Logical name."""
    operations: tuple[Operation, ...]
    """What it does."""
    pods: int = 1
    """Number of instances; each request goes to one of them at random."""
    version: str | None = "1.0.0"
    """Deployed version."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An operation that users request."""

    service: str
    """Service that users reach."""
    operation: str
    """Its operation."""
    weight: float = 1.0
    """Share of all requests, relative to the other entries."""


class Pod(NamedTuple):
    """One instance."""

    name: str
    """Kubernetes style: the service and two more parts."""
    service: str
    """Service that it runs."""
    node: str
    """Machine that runs it."""
    version: str | None
    """Deployed version of the service."""


@dataclass(frozen=True, slots=True)
class System:
    """Services, who calls whom, and where users come in.

    Raises:
        InputError: A call, message or entry names an operation that does not exist, calls form a cycle,
            or something that records no spans has the name of a service.
    """

    services: tuple[Service, ...]
    """All services."""
    entries: tuple[Entry, ...]
    """Where users come in."""
    nodes: tuple[str, ...] = ("node-a", "node-b", "node-c")
    """Machines; pods are spread over them in turn."""
    _pods: tuple[Pod, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_pods", self._placed())
        known = {(service.name, operation.name) for service, operation in self._operations()}
        for entry in self.entries:
            _require(entry.service, entry.operation, known)
        callees: dict[tuple[str, str], set[tuple[str, str]]] = {}
        for service, operation in self._operations():
            parts = [part for step in operation.steps for part in step if isinstance(part, Call | Publish)]
            for part in parts:
                _require(part.service, part.operation, known)
            callees[service.name, operation.name] = {(part.service, part.operation) for part in parts}
        try:
            TopologicalSorter(callees).prepare()
        except CycleError as error:
            raise InputError(
                f"Calls of the simulated system form a cycle: {error.args[1]}.", "Remove one of them."
            ) from error
        for name in sorted(self.peers & {service.name for service in self.services}):
            raise InputError(f"A service and something without spans share the name {name!r}.", "Rename one.")

    def _operations(self) -> Iterator[tuple[Service, Operation]]:
        return ((service, operation) for service in self.services for operation in service.operations)

    def service(self, name: str) -> Service:
        """The service of that name.

        Raises:
            InputError: There is none.
        """
        for service in self.services:
            if service.name == name:
                return service
        names = ", ".join(sorted(service.name for service in self.services))
        raise InputError(f"The simulated system has no service {name!r}.", f"Choose one of: {names}.")

    def operation(self, service: str, name: str) -> Operation:
        """The operation of that service and name.

        Raises:
            InputError: There is none.
        """
        operations = self.service(service).operations
        for operation in operations:
            if operation.name == name:
                return operation
        names = ", ".join(repr(operation.name) for operation in operations)
        raise InputError(f"Service {service!r} has no operation {name!r}.", f"Choose one of: {names}.")

    @property
    def peers(self) -> frozenset[str]:
        """Databases, external services and topics: whoever is asked and records no spans."""
        parts = (part for _, operation in self._operations() for step in operation.steps for part in step)
        return frozenset(part.peer for part in parts if not isinstance(part, Call))

    def pods(self) -> tuple[Pod, ...]:
        """All instances, in order of services; names and machines depend on nothing but the system."""
        return self._pods

    def _placed(self) -> tuple[Pod, ...]:
        instances = [(service, index) for service in self.services for index in range(service.pods)]
        return tuple(
            Pod(
                pod_name(service.name, index),
                service.name,
                self.nodes[place % len(self.nodes)],
                service.version,
            )
            for place, (service, index) in enumerate(instances)
        )

    def pods_of(self, service: str) -> tuple[Pod, ...]:
        """The instances of one service."""
        return tuple(pod for pod in self.pods() if pod.service == service)


def _require(service: str, operation: str, known: set[tuple[str, str]]) -> None:
    if (service, operation) not in known:
        raise InputError(
            f"The simulated system calls {operation!r} of {service!r}, which does not exist.",
            "Add the operation or correct the name.",
        )


def pod_name(service: str, index: int) -> str:
    """Kubernetes style name of one of the instances that a service ever has, counted from 0."""
    digest = blake2b(f"{service}/{index}".encode(), digest_size=16).digest()
    letters = "".join(_POD_ALPHABET[byte % len(_POD_ALPHABET)] for byte in digest)
    return f"{service}-{letters[:9]}-{letters[9:14]}"
