"""What the evidence step hands to the agents: observations, owners, candidates, witnesses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from rclagent.core.diagnosis import Change, RuledOut
from rclagent.core.evidence import Component, Evidence, FaultType


@dataclass(frozen=True, slots=True)
class Claim:
    """One observation read as the doing of one component."""

    component: Component
    """Held responsible."""
    fault_type: FaultType
    """Kind of fault that it speaks for."""
    weight: float
    """Credit that the observation gives, on the scale of candidate scores; > 0."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A component with all that speaks for it, incident-wide."""

    component: Component
    """Service, with pod and node where one stands out."""
    fault_type: FaultType
    """Most likely kind of fault."""
    score: float
    """Fused strength after explain-away; comparable within one incident."""
    evidence: tuple[str, ...]
    """Ids, strongest first."""
    chance: float = 1.0
    """Probability that quiet time shows as much, 0..1 (rclagent.evidence.chance); 1 where nobody knows."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Where users feel the incident."""

    service: str
    """Service that requests enter."""
    operation: str
    """Its operation."""
    requests: int
    """Requests inside the incident window."""
    affected: int
    """Of these, slower than the baseline's 95th percentile, failing or cut short."""
    strength: float
    """z score of the deviation; 0 where the entry is as usual."""


@dataclass(frozen=True, slots=True)
class Findings:
    """Everything measured about one incident."""

    evidence: Mapping[str, Evidence]
    """All observations by id, in order of id."""
    claims: Mapping[str, tuple[Claim, ...]]
    """Owners of each observation, strongest first; an observation explained away has none."""
    candidates: tuple[Candidate, ...]
    """Components that own evidence, best first."""
    ruled_out: tuple[RuledOut, ...]
    """Components that deviate but are explained by a candidate."""
    entries: tuple[Entry, ...]
    """Entries of requests, most affected first."""
    witnesses: pl.DataFrame
    """Which spans of the incident show which observation: columns ``trace_id``, ``span_id``,
    ``evidence_id``, ``excess_ms`` (0 where the observation is not about time), ``start_ns``."""
    services: tuple[str, ...]
    """Every service seen in the incident or its baseline, sorted."""
    changes: tuple[Change, ...] = ()
    """What was changed of the services, in order of time."""
    sees_failures: bool = True
    """Whether failures would show: by log lines, or by the status of spans."""
    missing: tuple[str, ...] = ()
    """Sentences that say what could not be measured."""
    notes: tuple[str, ...] = field(default=())
    """Sentences that say what else to know."""
