"""What an operation asks of others: other services, databases, external services, consumers of messages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rclagent.errors import InputError


@dataclass(frozen=True, slots=True)
class Query:
    """A request to a database: a client span without a span on the other side."""

    database: str
    """Name of the database, the span's peer; several services may share one."""
    statement: str
    """Span name."""
    median_ms: float = 2.0
    """Median time until the answer."""

    share: ClassVar[float] = 1.0
    required: ClassVar[bool] = True
    retries: ClassVar[int] = 0
    timeout_ms: ClassVar[float | None] = None

    @property
    def peer(self) -> str:
        """Who is asked."""
        return self.database

    @property
    def name(self) -> str:
        """Span name."""
        return self.statement


@dataclass(frozen=True, slots=True)
class External:
    """A request to a service of somebody else: a client span with a status, without one on the other side."""

    host: str
    """Who answers, the span's peer; several services may share one."""
    operation: str
    """Span name."""
    median_ms: float = 60.0
    """Median time until the answer."""
    share: float = 1.0
    """Share of the caller's requests that ask it."""
    required: bool = True
    """Whether the caller gives up when no attempt is answered."""
    retries: int = 0
    """How often a failed attempt is followed by another."""
    timeout_ms: float | None = None
    """Time after which the caller gives an attempt up; None for never."""

    def __post_init__(self) -> None:
        _check_attempts(self.retries, self.timeout_ms)

    @property
    def peer(self) -> str:
        """Who is asked."""
        return self.host

    @property
    def name(self) -> str:
        """Span name."""
        return self.operation


@dataclass(frozen=True, slots=True)
class Call:
    """A request to another service: a client span around a server span."""

    service: str
    """Callee."""
    operation: str
    """Its operation."""
    share: float = 1.0
    """Share of the caller's requests that make this call."""
    required: bool = True
    """Whether the caller gives up when no attempt is answered without an error."""
    retries: int = 0
    """How often a failed attempt is followed by another: a client span more, and whatever it causes."""
    timeout_ms: float | None = None
    """Time after which the caller gives an attempt up, though the callee goes on; None for never."""

    def __post_init__(self) -> None:
        _check_attempts(self.retries, self.timeout_ms)

    @property
    def peer(self) -> str:
        """Who is asked."""
        return self.service

    @property
    def name(self) -> str:
        """Span name."""
        return self.operation


@dataclass(frozen=True, slots=True)
class Publish:
    """A message: a producer span that ends when the broker has it, and later a consumer span elsewhere.

    Nobody waits for the consumer, and its failures reach nobody.
    """

    topic: str
    """Queue or topic, the producer span's peer."""
    service: str
    """Consumer."""
    operation: str
    """What the consumer does with the message."""
    share: float = 1.0
    """Share of the producer's requests that publish it."""
    delay_ms: float = 20.0
    """Median time that the message lies in the queue."""

    required: ClassVar[bool] = True
    retries: ClassVar[int] = 0
    timeout_ms: ClassVar[float | None] = None

    @property
    def peer(self) -> str:
        """Where the message goes."""
        return self.topic

    @property
    def name(self) -> str:
        """Span name, as OpenTelemetry's conventions for messaging have it."""
        return f"publish {self.topic}"


Part = Call | Query | External | Publish
"""One thing that an operation asks of others."""

Step = tuple[Part, ...]
"""What starts together; the operation goes on when all have answered."""


def _check_attempts(retries: int, timeout_ms: float | None) -> None:
    if retries < 0 or (timeout_ms is not None and not timeout_ms > 0):
        raise InputError(
            f"A call cannot have {retries} retries and a timeout of {timeout_ms} ms.",
            "Give a whole number of retries from 0 on, and a positive timeout or None.",
        )
