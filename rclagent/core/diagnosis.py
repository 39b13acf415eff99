"""The answer: a ranked, evidence-backed diagnosis of one incident."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from rclagent.core.coverage import Coverage
from rclagent.core.evidence import Evidence, FaultType
from rclagent.core.incident import Alarm
from rclagent.core.report import AgentReport, Failed

SCHEMA_VERSION: Final = "1.2"
"""Version of the JSON that a Diagnosis becomes; the first number changes when a field goes or changes
meaning."""


class Verdict(StrEnum):
    """What is said of the incident as a whole."""

    FAULT = "fault"
    """Something is wrong and at least one component stands out."""
    HEALTHY = "healthy"
    """Enough was seen, and it is as usual."""
    INCONCLUSIVE = "inconclusive"
    """Too little was seen, or nothing stands out enough, to say either."""


class Hop(BaseModel):
    """One step of a propagation path, from a component to the caller that feels it."""

    model_config = ConfigDict(frozen=True)

    source: str
    """Service nearer the root cause."""
    target: str
    """Service that calls ``source``, nearer the alarming entry."""
    edge_exists: bool
    """Whether the call is in the service graph of the incident or its baseline."""
    deviates: bool
    """Whether ``target`` or the call itself deviates from the baseline."""
    in_order: bool
    """Whether ``source`` deviated no later than ``target``, within the resolution of the data."""


class PropagationPath(BaseModel):
    """How a root cause reaches the alarming entry."""

    model_config = ConfigDict(frozen=True)

    services: tuple[str, ...]
    """From the root cause to the entry; one name where they are the same."""
    hops: tuple[Hop, ...] = ()
    """Each step with its checks."""
    verified: bool
    """Whether every check of every hop holds."""
    problem: str | None = None
    """Why the path is not verified."""


class RootCause(BaseModel):
    """A candidate root cause with what speaks for it."""

    model_config = ConfigDict(frozen=True)

    rank: int = Field(ge=1)
    """1 is the most likely; ties keep separate ranks and equal scores."""
    service: str
    """Service at fault."""
    pod: str | None = None
    """Instance at fault, where one stands out or is the only one."""
    node: str | None = None
    """Machine of the pod, where the data name it."""
    fault_type: FaultType
    """Kind of fault."""
    score: float = Field(ge=0)
    """Strength of the evidence; comparable within one diagnosis only."""
    confidence: float = Field(ge=0, le=1)
    """How sure this component is a cause."""
    chance: float = Field(default=1.0, ge=0, le=1)
    """Share of quiet windows that would show as much; 1 where nobody knows."""
    propagation_path: PropagationPath | None = None
    """How it reaches the alarming entry; None where no entry is known."""
    evidence: tuple[str, ...] = ()
    """Ids of the evidence, strongest first."""
    summary: str = ""
    """One sentence with the figures that decide it."""


class RuledOut(BaseModel):
    """A component that deviates but is not held to be a cause."""

    model_config = ConfigDict(frozen=True)

    service: str
    """The component."""
    reason: str
    """Why not, in one sentence."""
    evidence: tuple[str, ...] = ()
    """Ids of the evidence that it shows."""


class ChangeKind(StrEnum):
    """What was changed of a service."""

    VERSION = "version"
    """Another version of it runs."""
    PODS = "pods"
    """Other pods run it, or more or fewer of them."""


class Change(BaseModel):
    """A change of what runs: told for what it may explain, no fault by itself."""

    model_config = ConfigDict(frozen=True)

    service: str
    """What was changed."""
    kind: ChangeKind
    """What of it."""
    earliest_ns: int
    """When it can have been at the earliest, Unix epoch: the last trace of what ran before, where nothing of
    both ran side by side."""
    at_ns: int
    """When it was seen, Unix epoch: the first trace of what is new; else the last of what is gone, or the
    first without it where nobody saw what was in between."""
    before: tuple[str, ...] = ()
    """Versions that ran before; pods that are gone; at most 20."""
    after: tuple[str, ...] = ()
    """Versions that run after; pods that are new; at most 20."""
    statement: str
    """The change in one sentence."""


class IncidentSummary(BaseModel):
    """What was diagnosed."""

    model_config = ConfigDict(frozen=True)

    start_ns: int
    """Start of the incident window, Unix epoch."""
    end_ns: int
    """End of the incident window, Unix epoch."""
    alarm_ns: int
    """When the alarm went off; the start of the window where there is none."""
    alarm: Alarm
    """Where ``alarm_ns`` comes from."""
    entry: str | None = None
    """Service at which the alarm is felt: the most affected entry of requests."""
    entry_operation: str | None = None
    """Its operation."""


AgentResult = Annotated[AgentReport | Failed, Field(discriminator="outcome")]
"""A report or a failure."""


class ModelRanking(BaseModel):
    """What a model named by itself, without evidence: an account of it, not the answer."""

    model_config = ConfigDict(frozen=True)

    trace_id: str
    """Trace that it looked at."""
    turns: int
    """Turns that it took, forced ones included."""
    named: tuple[str, ...] = ()
    """Pods, services and nodes that there are, each once, the most likely first."""
    invented: int = 0
    """Names of nothing that there is."""
    repeated: int = 0
    """Names given again."""


class Reasoning(BaseModel):
    """How far the answer rests on a language model; counts are of all agents and the synthesizer."""

    model_config = ConfigDict(frozen=True)

    model: str
    """Name of the model."""
    strategy: str = "parallel"
    """Who asked it: Dedicated Agents in ``parallel``, or a single agent in ``recursion-of-thought``."""
    spend: str
    """Where its calls went: ``suspicious`` or ``all``."""
    questions: int = 0
    """Questions that were to be asked."""
    answered: int = 0
    """Of these, answered in a form that can be used."""
    repaired: int = 0
    """Of the answers, those that took a second request."""
    fell_back: dict[str, int] = Field(default_factory=dict)
    """Questions settled by statistics instead, counted by reason."""
    problems: tuple[str, ...] = ()
    """What the model failed with, in its own words and in order; untrusted text."""
    claims: int = 0
    """Claims that count, as the evidence that they cite bears them out."""
    claims_dropped: dict[str, int] = Field(default_factory=dict)
    """Claims that count nothing, counted by reason."""
    candidates_weighed: tuple[str, ...] = ()
    """Services between which the measurements leave the answer open, best first by measurement."""
    reordered: bool = False
    """Whether the model's claims changed the order of these."""
    budget_exhausted: bool = False
    """Whether a question went unasked or unanswered for want of calls, tokens, time or money."""
    stopped: bool = False
    """Whether the caller ended it early."""
    rankings: tuple[ModelRanking, ...] = ()
    """What it named in each trace; of ``recursion-of-thought`` alone, whose protocol cites no evidence."""


class Agents(BaseModel):
    """What the Dedicated Agents did and reported."""

    model_config = ConfigDict(frozen=True)

    reasoner: str = "statistical"
    """How the agents thought."""
    traces: tuple[str, ...] = ()
    """Representative anomalous traces that were walked."""
    spawned: int = 0
    """Agents created."""
    failed: int = 0
    """Agents that failed."""
    spans: int = 0
    """Spans covered by agents, settled subtrees included."""
    spans_settled: int = 0
    """Spans settled within a subtree that does not deviate."""
    root_reports: tuple[str, ...] = ()
    """Agent ids of the root-level reports."""
    results: tuple[AgentResult, ...] = ()
    """What each agent returned, in trace and span order."""
    reasoning: Reasoning | None = None
    """How far it rests on a language model; None where none was asked for."""


class Usage(BaseModel):
    """What the diagnosis cost."""

    model_config = ConfigDict(frozen=True)

    model_calls: int = 0
    """Requests to a language model."""
    input_tokens: int = 0
    """Tokens sent."""
    output_tokens: int = 0
    """Tokens received."""
    failed_calls: int = 0
    """Requests that gave no reply."""
    input_characters: int = 0
    """Characters sent."""
    estimated_calls: int = 0
    """Requests of which the tokens are an estimate, as the server did not count them."""
    cost_usd: float | None = None
    """US dollars; None where no prices were given."""


class Diagnosis(BaseModel):
    """The answer to one incident; its JSON schema stands in docs/diagnosis.schema.json."""

    model_config = ConfigDict(frozen=True)

    schema_version: str = SCHEMA_VERSION
    """Version of this layout."""
    verdict: Verdict
    """What is said of the incident as a whole."""
    confidence: float = Field(ge=0, le=1)
    """How sure the verdict is."""
    summary: str
    """The verdict in one sentence."""
    incident: IncidentSummary
    """What was diagnosed."""
    root_causes: tuple[RootCause, ...] = ()
    """Candidates, most likely first; of a healthy incident, deviations too weak to be called a fault."""
    evidence: tuple[Evidence, ...] = ()
    """All evidence of all channels, in order of id."""
    ruled_out: tuple[RuledOut, ...] = ()
    """Components that deviate but are explained by others."""
    explanation: str = ""
    """What happened, in a language model's words; untrusted text, empty where none was asked or it cited no
    evidence."""
    changes: tuple[Change, ...] = ()
    """Changes of versions and pods up to the end of the incident, in order of time: deploys and the like."""
    agents: Agents = Agents()
    """What the agents reported."""
    coverage: Coverage = Coverage()
    """What the answer rests on."""
    usage: Usage = Usage()
    """What it cost."""
