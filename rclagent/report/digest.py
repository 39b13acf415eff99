"""What of a diagnosis a reader needs first: chosen and put into sentences once, for every layout.

All strings of a digest are as raw as the telemetry that they quote: each layout escapes them.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Final

from rclagent.agents.wording import FAULT_NAMES
from rclagent.core.calendar import utc
from rclagent.core.coverage import Coverage
from rclagent.core.diagnosis import (
    Agents,
    Change,
    Diagnosis,
    IncidentSummary,
    Reasoning,
    RootCause,
    RuledOut,
    Usage,
    Verdict,
)
from rclagent.core.evidence import Evidence
from rclagent.core.incident import Alarm
from rclagent.core.window import NS_PER_S
from rclagent.report import words
from rclagent.telemetry.read import IGNORED

MAX_LEADING: Final = 3
"""Causes told at length."""
LEADING_CONFIDENCE: Final = 0.25
"""A further cause is told at length from here on: two true causes weaken each other's confidence."""
MAX_PROOFS: Final = (5, 3)
"""Pieces of evidence told for the first cause, and for each further one."""
MAX_PROBLEMS: Final = 2
"""Failures of a model told."""
MAX_LISTED: Final = 5
"""Entries of a list told in a line each; the rest is counted."""
RECENT_S: Final = 1800.0
"""A change is told with the cause that it happened to if it was no longer before the alarm: what is deployed
mostly fails within minutes, and an alarm waits for some minutes of failures."""
CHANGED: Final = "Changed, which is no fault by itself"
"""Title of what else was changed."""
EXPLAINED: Final = "In the words of the model, which prove nothing"
"""Title of a language model's explanation."""


@dataclass(frozen=True, slots=True)
class CauseDigest:
    """A root cause told at length or in a line."""

    rank: int
    """1 is the most likely."""
    service: str
    """Service at fault."""
    place: str
    """Pod and node, empty where neither is known."""
    fault: str
    """Kind of fault in words."""
    confidence: str
    """As a percentage."""
    proofs: tuple[str, ...]
    """Statements of the strongest evidence; the summary where there are none."""
    further_proofs: int
    """Pieces of evidence not told."""
    changes: tuple[str, ...]
    """Statements of what was changed of it within the incident or shortly before, latest first."""
    path: tuple[str, ...]
    """Services from the cause to the entry; empty where no entry is known."""
    path_problem: str | None
    """Why the path is not verified; None where it is."""


@dataclass(frozen=True, slots=True)
class Digest:
    """A diagnosis as a message to a colleague."""

    headline: str
    """The verdict in one sentence."""
    verdict: str
    """Verdict and confidence."""
    incident: str
    """When it was, and where it is felt."""
    leading: tuple[CauseDigest, ...]
    """Causes told at length."""
    explanation: str
    """What happened, in a language model's words; empty where there are none."""
    others_title: str
    """What the further candidates are."""
    others: tuple[CauseDigest, ...]
    """Further candidates, told in a line each."""
    further_others: int
    """Candidates not told."""
    ruled_out: tuple[RuledOut, ...]
    """Components that deviate but are explained by others."""
    further_ruled_out: int
    """Of these, not told."""
    changes: tuple[str, ...]
    """Statements of what else was changed: of candidates first, then the latest first."""
    further_changes: int
    """Of these, not told."""
    unseen: tuple[str, ...]
    """Sentences: what was missing, dropped, mended, and what else limits the answer."""
    work: tuple[str, ...]
    """Sentences: what the answer rests on."""


_ALARMS: Final = {Alarm.GIVEN: "given", Alarm.FOUND: "found in the data"}


def digest(diagnosis: Diagnosis) -> Digest:
    """Chooses what to tell of a diagnosis."""
    by_id = {piece.id: piece for piece in diagnosis.evidence}
    healthy = diagnosis.verdict is Verdict.HEALTHY
    leading = leading_causes(diagnosis)
    others = [cause for cause in diagnosis.root_causes if cause not in leading]
    told = {change for cause in leading for change in recent_changes(diagnosis, cause.service)}
    changes = [change.statement for change in _candidates_first(diagnosis) if change not in told]
    return Digest(
        headline=diagnosis.summary,
        verdict=f"{diagnosis.verdict.value}, confidence {words.percent(diagnosis.confidence)}",
        incident=_incident(diagnosis.incident),
        leading=tuple(_cause(cause, diagnosis, by_id) for cause in leading),
        explanation=diagnosis.explanation.strip(),
        others_title="Deviations too weak to be called a fault" if healthy else "Less likely",
        others=tuple(_cause(cause, diagnosis, by_id) for cause in others[:MAX_LISTED]),
        further_others=max(0, len(others) - MAX_LISTED),
        ruled_out=diagnosis.ruled_out[:MAX_LISTED],
        further_ruled_out=max(0, len(diagnosis.ruled_out) - MAX_LISTED),
        changes=tuple(changes[:MAX_LISTED]),
        further_changes=max(0, len(changes) - MAX_LISTED),
        unseen=(*_unseen(diagnosis.coverage), *_troubles(diagnosis.agents.reasoning)),
        work=(
            *_read(diagnosis.coverage),
            *_walked(diagnosis.agents),
            *_asked(diagnosis.agents.reasoning, diagnosis.usage),
        ),
    )


def leading_causes(diagnosis: Diagnosis) -> tuple[RootCause, ...]:
    """Causes worth telling at length, most likely first; a healthy incident has none."""
    return tuple(
        cause
        for cause in diagnosis.root_causes
        if diagnosis.verdict is not Verdict.HEALTHY
        and (cause.rank == 1 or cause.confidence >= LEADING_CONFIDENCE)
    )[:MAX_LEADING]


def recent_changes(diagnosis: Diagnosis, service: str) -> tuple[Change, ...]:
    """What changed of a service within the incident or at most RECENT_S before its alarm, latest first."""
    since_ns = diagnosis.incident.alarm_ns - RECENT_S * NS_PER_S
    found = [change for change in diagnosis.changes if change.service == service and change.at_ns >= since_ns]
    return tuple(sorted(found, key=lambda change: (-change.at_ns, change.kind)))


def _candidates_first(diagnosis: Diagnosis) -> list[Change]:
    ranks = {cause.service: cause.rank for cause in diagnosis.root_causes}
    last = len(ranks) + 1
    return sorted(
        diagnosis.changes,
        key=lambda change: (ranks.get(change.service, last), -change.at_ns, change.service, change.kind),
    )


def _incident(incident: IncidentSummary) -> str:
    seconds = (incident.end_ns - incident.start_ns + NS_PER_S // 2) // NS_PER_S
    when = f"{seconds:,} s from {utc(incident.start_ns)}"
    alarm = (
        f"alarm at {utc(incident.alarm_ns)}, {_ALARMS[incident.alarm]}"
        if incident.alarm in _ALARMS
        else "no alarm"
    )
    text = f"{when}; {alarm}"
    if incident.entry is None:
        return text
    return f"{text}; felt at {incident.entry} {incident.entry_operation or ''}".rstrip()


def _cause(cause: RootCause, diagnosis: Diagnosis, by_id: dict[str, Evidence]) -> CauseDigest:
    told = [by_id[key].statement for key in cause.evidence if key in by_id]
    limit = MAX_PROOFS[0] if cause.rank == 1 else MAX_PROOFS[1]
    path = cause.propagation_path
    return CauseDigest(
        rank=cause.rank,
        service=cause.service,
        place=_place(cause),
        fault=FAULT_NAMES[cause.fault_type],
        confidence=words.percent(cause.confidence),
        proofs=tuple(told[:limit]) or (cause.summary,),
        further_proofs=max(0, len(told) - limit),
        changes=tuple(change.statement for change in recent_changes(diagnosis, cause.service)),
        path=path.services if path else (),
        path_problem=None
        if path is None or path.verified
        else path.problem or "not every step could be checked",
    )


def _place(cause: RootCause) -> str:
    pod = f"pod {cause.pod}" if cause.pod else ""
    node = f"node {cause.node}" if cause.node else ""
    return " on ".join(part for part in (pod, node) if part)


def _unseen(coverage: Coverage) -> tuple[str, ...]:
    sentences = list(coverage.missing)
    dropped: Counter[str] = Counter()
    mended: Counter[str] = Counter(coverage.repairs)
    for source in coverage.sources:
        dropped.update(source.dropped)
        mended.update(source.repaired)
    if dropped.total():
        places = [source.path for source in coverage.sources if any(source.dropped.values())]
        sentences.append(f"Left out: {words.tally(dropped)}, of {_places(places)}.")
    ignored = [source.path for source in coverage.sources if source.format == IGNORED]
    if ignored:
        sentences.append(f"Not telemetry, and not read: {_places(ignored)}.")
    if mended.total():
        sentences.append(f"Mended or noted: {words.tally(mended)}.")
    return (*sentences, *coverage.notes)


def _places(paths: list[str]) -> str:
    if len(paths) <= 2:
        return words.listing(paths)
    return f"{paths[0]} and {len(paths) - 1:,} other files"


def _read(coverage: Coverage) -> tuple[str, ...]:
    nouns = {"spans": "span", "traces": "trace", "logs": "log line", "metrics": "metric sample"}
    seen = {key: coverage.modalities[key] for key in nouns if key in coverage.modalities}
    if not seen:
        return ()
    incident = words.listing([words.count(seen[key].incident, nouns[key]) for key in seen])
    normal = words.listing(
        [words.count(seen[key].baseline, nouns[key]) for key in seen if seen[key].baseline]
    )
    files = words.count(sum(source.format != IGNORED for source in coverage.sources), "file")
    return (f"Read {incident} of the incident ({files}), against {normal or 'nothing'} of normal times.",)


def _troubles(reasoning: Reasoning | None) -> tuple[str, ...]:
    """What a model failed with; foreign words, and as many as it likes."""
    problems = () if reasoning is None else reasoning.problems
    told = tuple(f"What the model failed with: {problem}" for problem in problems[:MAX_PROBLEMS])
    more = len(problems) - len(told)
    return (
        (*told, f"It failed in {words.count(more, 'other way')}, told in the JSON report.") if more else told
    )


def _walked(agents: Agents) -> tuple[str, ...]:
    """Who looked at what; that nobody did, or failed, is told with what was not seen."""
    if not agents.spawned:
        return ()
    text = (
        f"{words.count(agents.spawned, 'agent')} ({agents.reasoner}) walked"
        f" {words.count(len(agents.traces), 'trace')} of {words.count(agents.spans, 'span')},"
        f" {agents.spans_settled:,} of them settled at a glance"
    )
    return (f"{text}." if agents.failed else f"{text}; none failed.",)


def _asked(reasoning: Reasoning | None, usage: Usage) -> tuple[str, ...]:
    """What a model was asked and what that changed; what came to nothing is told with what was not seen."""
    if reasoning is None:
        return ()
    strategy = "" if reasoning.strategy == "parallel" else f"{reasoning.strategy}, "
    name = f"Model {reasoning.model!r} ({strategy}spending {reasoning.spend})"
    if not reasoning.questions:
        return (f"{name} was asked nothing: the measurements leave nothing open.",)
    tokens = words.count(usage.input_tokens + usage.output_tokens, "token")
    cost = "" if usage.cost_usd is None else f", {usage.cost_usd:.4f} USD"
    spent = f"{words.count(usage.model_calls, 'request')}, {tokens}{cost}"
    weighed = (
        f" between {words.listing(reasoning.candidates_weighed)}" if reasoning.candidates_weighed else ""
    )
    changed = "changed the order" if reasoning.reordered else "changed nothing in the order"
    counted = f", made {words.count(reasoning.claims, 'claim')} that count" if reasoning.answered else ""
    return (
        f"{name} answered {reasoning.answered:,} of {words.count(reasoning.questions, 'question')} ({spent})"
        f"{counted} and {changed}{weighed}.",
    )
