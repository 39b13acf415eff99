"""Why this cause, and why not that service: answered from what a diagnosis recorded, and nothing else.

A diagnosis records what deviates: of a service that it says nothing about, only what was measured
can be told. All strings are as raw as the telemetry that they quote: each layout escapes them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from enum import StrEnum
from typing import Final

from pydantic import BaseModel, ConfigDict

from rclagent.core.diagnosis import Diagnosis, RootCause, Verdict
from rclagent.core.evidence import Evidence, EvidenceKind
from rclagent.core.report import AgentReport, SelfState
from rclagent.errors import InputError
from rclagent.report.digest import digest, leading_causes
from rclagent.report.records import Records
from rclagent.report.words import count, listing, percent

MAX_NAMES: Final = 3
"""Other services named for one reason."""
MAX_KINDS: Final = 4
"""Kinds of observation told of a service, the strongest of each."""
LEAST_CHANCE: Final = 0.001
"""What quiet time shows less often than this does not speak against a cause."""
RIVAL_SHARE: Final = 0.5
"""Another candidate speaks against a cause from this share of its score on."""
SLIP: Final = 0.9
"""Likeness (difflib) from which a name that is not recorded is taken for a slip of one that is."""

_FOUND: Final = {
    SelfState.ABNORMAL: "found trouble there",
    SelfState.WITHIN_BASELINE: "found it as usual",
    SelfState.SETTLED: "settled it at a glance",
    None: "failed",
}


class Standing(StrEnum):
    """Where a service stands in a diagnosis."""

    FIRST = "first"
    """It is the first candidate."""
    SCORED_LOWER = "scored_lower"
    """It is a further candidate."""
    RULED_OUT = "ruled_out"
    """It deviates and is ruled out with a reason, be it a further candidate or none."""
    COUNTS_ELSEWHERE = "counts_elsewhere"
    """What was observed of it counts for others or for nobody."""
    NO_EVIDENCE = "no_evidence"
    """It was seen, and no evidence about it is recorded."""
    NOT_NAMED = "not_named"
    """Nothing recorded names it."""


class Observation(BaseModel):
    """The first of several observations of one kind."""

    model_config = ConfigDict(frozen=True)

    evidence: Evidence
    """With its figures."""
    alike: int
    """Further observations of that kind."""
    counts_for: tuple[str, ...]
    """Candidates that it is cited for."""


class Account(BaseModel):
    """What is recorded of one service."""

    model_config = ConfigDict(frozen=True)

    service: str
    """The service."""
    standing: Standing
    """Where it stands."""
    sentence: str
    """The same in words, with the reason."""
    cause: RootCause | None
    """The candidate that it is, with rank, score and confidence; None where it is none."""
    cited: int
    """Observations that speak for it, be it a candidate or ruled out."""
    strongest: float
    """z score of the strongest of these; 0 where there are none."""
    observations: tuple[Observation, ...]
    """The few that decide: of those that speak for it, else of those at it or at its calls."""
    against: tuple[str, ...]
    """Sentences: what speaks against it as a cause; empty where it is no candidate."""
    changes: tuple[str, ...]
    """Sentences: what was changed of it, in order of time."""
    suspecting: int
    """Root-level reports that suspect it."""
    reports: int
    """All root-level reports."""
    agents: tuple[str, ...]
    """Sentences: how the agents saw it."""


class Explanation(BaseModel):
    """Why a diagnosis says what it says."""

    model_config = ConfigDict(frozen=True)

    headline: str
    """The verdict in one sentence."""
    verdict: str
    """Verdict and confidence."""
    causes: tuple[Account, ...]
    """The likely causes; only the first where a service is asked about."""
    asked: Account | None
    """The service asked about; None where none is."""
    unseen: tuple[str, ...]
    """Sentences: what was not seen, and what else limits the answer."""
    work: tuple[str, ...]
    """Sentences: what the answer rests on."""


def explain(diagnosis: Diagnosis, service: str | None = None) -> Explanation:
    """Why the likely causes are held to be causes, and why a service is not.

    Args:
        diagnosis: What was recorded.
        service: Service to ask about.

    Raises:
        InputError: Nothing recorded names the service, and its name is but a slip away from one that is.
    """
    told = digest(diagnosis)
    records = Records(diagnosis)
    causes = leading_causes(diagnosis) or diagnosis.root_causes[:1]
    shown = causes if service is None else causes[:1]
    asked = next((cause for cause in diagnosis.root_causes if cause.service == service), None)
    return Explanation(
        headline=told.headline,
        verdict=told.verdict,
        causes=tuple(_account(cause.service, cause, records) for cause in shown),
        asked=None if service is None else _account(service, asked, records),
        unseen=told.unseen,
        work=told.work,
    )


def _account(service: str, cause: RootCause | None, records: Records) -> Account:
    standing, sentence = _standing(service, cause, records)
    cited = records.cited(service)
    return Account(
        service=service,
        standing=standing,
        sentence=sentence,
        cause=cause,
        cited=len(cited),
        strongest=max((piece.strength for piece in cited), default=0.0),
        observations=_observations(cited or records.near(service), records),
        against=() if cause is None else tuple(_against(cause, cited, records)),
        changes=tuple(change.statement for change in records.diagnosis.changes if change.service == service),
        suspecting=sum(_suspect(report) == service for report in records.reports),
        reports=len(records.reports),
        agents=(_root_level(service, records.reports), _own_agents(service, records.diagnosis)),
    )


def _observations(pieces: Sequence[Evidence], records: Records) -> tuple[Observation, ...]:
    kinds: dict[EvidenceKind, list[Evidence]] = {}
    for piece in pieces:
        kinds.setdefault(piece.kind, []).append(piece)
    return tuple(
        Observation(evidence=first, alike=len(further), counts_for=records.counts_for.get(first.id, ()))
        for first, *further in list(kinds.values())[:MAX_KINDS]
    )


def _standing(service: str, cause: RootCause | None, records: Records) -> tuple[Standing, str]:
    reason = records.reason_against(service)
    if cause is not None:
        standing = (
            Standing.FIRST if cause.rank == 1 else Standing.RULED_OUT if reason else Standing.SCORED_LOWER
        )
        return standing, f"It ranks {cause.rank} of {count(len(records.diagnosis.root_causes), 'candidate')}."
    if reason:
        return Standing.RULED_OUT, f"Ruled out: {reason}."
    near = records.near(service)
    if near:
        felt = sum(piece.id not in records.counts_for for piece in near)
        nobody = [f"{felt:,} for nobody (felt there, not caused)"] if felt else []
        return Standing.COUNTS_ELSEWHERE, (
            f"{count(len(near), 'observation')} at it or at its calls, and none counts for it:"
            f" {listing([*_credit(records.others(service, near)), *nobody])}."
        )
    names = records.names()
    measured = f"what was measured ({listing(records.measured()) or 'nothing'})"
    if service in names:
        return Standing.NO_EVIDENCE, (
            f"It was seen, and no evidence about it is recorded: in {measured} nothing of it stands out."
        )
    _refuse_slip(service, names)
    alike = get_close_matches(service, names, MAX_NAMES, cutoff=0.0)
    return Standing.NOT_NAMED, (
        f"No evidence about it is recorded, and nothing recorded names it: in {measured} nothing of it"
        f" stands out, or it was not seen at all. Names most like it: {listing(alike) or 'none'}."
    )


def _credit(others: Counter[str]) -> list[str]:
    return [f"{number:,} for {name}" for name, number in others.most_common(MAX_NAMES)]


def _refuse_slip(service: str, names: Sequence[str]) -> None:
    folded = {name.casefold(): name for name in names}
    near = get_close_matches(service.casefold(), folded, MAX_NAMES, SLIP)
    # Names that differ in a number, as orders and orders2, are two services and no slip.
    slips = [repr(folded[key]) for key in near if re.findall(r"\d+", key) == re.findall(r"\d+", service)]
    if slips:
        raise InputError(
            f"Nothing is recorded about a service {service!r}.", f"Did you mean {' or '.join(slips)}?"
        )


def _against(cause: RootCause, cited: Sequence[Evidence], records: Records) -> Iterator[str]:
    diagnosis = records.diagnosis
    if diagnosis.verdict is not Verdict.FAULT:
        yield f"The verdict is {diagnosis.verdict.value}: what it shows is too little to be called a fault."
    if reason := records.reason_against(cause.service):
        yield f"Ruled out: {reason}."
    if LEAST_CHANCE <= cause.chance < 1:
        yield f"Quiet time shows as much in {cause.chance:.1%} of its windows."
    least = RIVAL_SHARE * cause.score
    rivals = [other for other in diagnosis.root_causes if other.rank != cause.rank and other.score >= least]
    if rivals:
        told = listing([f"{other.service} ({other.score:.3g})" for other in rivals[:MAX_NAMES]])
        yield f"Others score more or nearly as much: {told} against its {cause.score:.3g}."
    seen = [piece for piece in records.near(cause.service) if piece.component.service == cause.service]
    credit = _credit(records.others(cause.service, seen))
    if credit:
        yield f"Some of what was observed at it counts for others: {listing(credit)}."
    channels = {piece.channel.value for piece in cited}
    silent = [name for name in records.measured() if name not in channels]
    if len(channels) == 1 and silent:
        yield f"Only {channels.pop()} speak for it; {listing(silent)} do not."
    path = cause.propagation_path
    if path is not None and not path.verified:
        problem = path.problem or "not every step could be checked"
        entry = diagnosis.incident.entry or "the entry"
        yield f"Its path to {entry} is unverified: {problem.rstrip('.')}."


def _suspect(report: AgentReport) -> str | None:
    return None if report.suspect is None else report.suspect.service


def _root_level(service: str, reports: Sequence[AgentReport]) -> str:
    if not reports:
        return "There is no root-level report: no trace was walked."
    own = [report.confidence for report in reports if _suspect(report) == service]
    others = Counter(name for report in reports if (name := _suspect(report)) != service)
    rest = listing([f"{name or 'nobody'} ({number:,})" for name, number in others.most_common(MAX_NAMES)])
    sure = f", at most {percent(max(own))} sure" if own else ""
    told = f"Suspected by {len(own):,} of {count(len(reports), 'root-level report')}{sure}"
    return f"{told}; the others suspect {rest}." if rest else f"{told}."


def _own_agents(service: str, diagnosis: Diagnosis) -> str:
    own = [result for result in diagnosis.agents.results if result.service == service]
    found = Counter(result.state if isinstance(result, AgentReport) else None for result in own)
    if not own:
        return "No agent looked after a span of it by itself."
    parts = listing([f"{found[state]:,} {words}" for state, words in _FOUND.items() if found[state]])
    return f"{count(len(own), 'agent')} looked after its spans: {parts}."
