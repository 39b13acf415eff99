"""One observation about one component, with the figures that it rests on."""

from __future__ import annotations

from enum import StrEnum
from hashlib import blake2b

from pydantic import BaseModel, ConfigDict, Field


class Channel(StrEnum):
    """A way of looking at an incident."""

    LEGS = "legs"
    LOGS = "logs"
    CALLS = "calls"
    RESOURCES = "resources"
    ERRORS = "errors"
    ENTRY = "entry"


class Idea(StrEnum):
    """A rule of the evidence step that can be left out, to see what it contributes."""

    HALVES = "halves"
    """Requests and responses of a call are told apart; without, whole calls are charged to the end that
    more slow calls share."""
    NEGATIVES = "negatives"
    """What a mechanism predicts to be slow and is not counts against it."""
    BREAK_POINTS = "break-points"
    """The call that requests make last more often than before is suspect."""
    LEADS = "leads"
    """A line is missed where the line that leads it in is there."""
    ONE_WITNESS = "one-witness"
    """Channels that see the same requests count once; without, they add up."""
    CHANCE = "chance"
    """A channel that is loud in quiet time is believed less."""


class EvidenceKind(StrEnum):
    """What was observed."""

    SELF_LEG = "self_leg"
    REQUEST_LEG = "request_leg"
    RESPONSE_LEG = "response_leg"
    LOG_VANISHED = "log_vanished"
    LOG_APPEARED = "log_appeared"
    CALL_VANISHED = "call_vanished"
    CALL_APPEARED = "call_appeared"
    BREAK_POINT = "break_point"
    SATURATION = "saturation"
    METRIC_CHANGE = "metric_change"
    ERROR_RATE = "error_rate"
    SILENCE = "silence"
    ENTRY_SLOW = "entry_slow"
    ENTRY_FAILING = "entry_failing"


class FaultType(StrEnum):
    """Kinds of fault that a diagnosis can name."""

    NETWORK_DELAY = "network_delay"
    NETWORK_LOSS = "network_loss"
    CPU = "cpu"
    MEMORY = "memory"
    DISK_IO = "disk_io"
    EXCEPTION = "exception"
    WRONG_RESULT = "wrong_result"
    CRASH = "crash"
    UNKNOWN = "unknown"


class Component(BaseModel):
    """A place that can be at fault, as precisely as the data name it."""

    model_config = ConfigDict(frozen=True)

    service: str
    """Logical service."""
    pod: str | None = None
    """Instance, where one stands out or is the only one."""
    node: str | None = None
    """Machine, where the data name it."""


class SpanReference(BaseModel):
    """Points at one span record."""

    model_config = ConfigDict(frozen=True)

    trace_id: str
    """Trace."""
    span_id: str
    """Span within the trace."""


class Evidence(BaseModel):
    """One observation about one component: what, how strong, against which baseline.

    Evidence says what was measured and where; which component *owns* it is the
    business of fusion, which refers to it by ``id``.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    """Stable: the same observation in the same incident has the same id."""
    channel: Channel
    """How it was seen."""
    kind: EvidenceKind
    """What was seen."""
    component: Component
    """Where: for a leg of a call, the callee."""
    operation: str | None = None
    """Operation of the spans concerned; for a leg of a call, the callee's."""
    peer: str | None = None
    """The other service of a call: for a leg the caller, for a call or break point the callee."""
    subject: str | None = None
    """Log template, metric name or called operation."""
    severity: str | None = None
    """Severity of the log line, upper case."""
    strength: float = Field(ge=0)
    """How far from the baseline, as a z score (standard deviations of the baseline's own scatter)."""
    incident: dict[str, float] = Field(default_factory=dict)
    """Figures inside the incident window; times in ms, shares in 0..1, counts."""
    baseline: dict[str, float] = Field(default_factory=dict)
    """The same figures in the baseline."""
    statement: str
    """The observation in one sentence with its figures."""
    references: tuple[SpanReference, ...] = ()
    """Example records, at most 20."""


def evidence_id(*parts: str | None) -> str:
    """Stable id of an observation from the parts that identify it."""
    key = "\x1f".join("\x00" if part is None else part for part in parts)
    return "e" + blake2b(key.encode(), digest_size=5).hexdigest()
