"""What a model is told: evidence, suspects, reports and spans as bounded rows of data.

Every text of telemetry goes through rclagent.prompting.shown_text, every row into a data block. What does not
fit is left out, the weakest first, and the prompt says how much.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any, Final, TypeAlias

from rclagent.agents.ranking import Ranked
from rclagent.agents.span_task import SpanTask
from rclagent.agents.suspicion import Suspicion
from rclagent.core.evidence import Component, Evidence
from rclagent.core.report import AgentReport, Failed
from rclagent.core.window import NS_PER_MS
from rclagent.evidence.findings import Findings
from rclagent.prompting import data_block, fitting, shown_text

MAX_OBSERVATIONS: Final = 20
"""Observations of one prompt."""
MAX_REPORTS: Final = 12
"""Reports of one prompt."""
MAX_OBSERVED: Final = 8_000
"""Characters of the observations of one prompt."""
MAX_OTHER: Final = 2_500
"""Characters of each other block."""
MAX_CITED: Final = 6
"""Ids of observations that a suspect, a candidate or a report is told with."""
MAX_NAME: Final = 120
"""Characters of a name."""
MAX_OWNERS: Final = 4
"""Components that an observation is said to point at."""

Row: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Block:
    """Rows for a prompt, and what was left out of it."""

    text: str
    """A data block."""
    left_out: str
    """How many rows there are, and how many of them are shown."""


def observations(findings: Findings, ids: Iterable[str]) -> Block:
    """Observations, as many of the first ones as fit."""
    ordered = list(dict.fromkeys(key for key in ids if key in findings.evidence))
    rows = [observation(findings, findings.evidence[key]) for key in ordered[:MAX_OBSERVATIONS]]
    shown = fitting(rows, MAX_OBSERVATIONS, MAX_OBSERVED)
    return Block(data_block(shown), counted(len(shown), len(ordered), "observation"))


def observation(findings: Findings, evidence: Evidence) -> Row:
    """One observation as a row: figures as they are, words bounded and screened."""
    row: Row = {"id": evidence.id, "kind": evidence.kind.value, "at": name(evidence.component.service)}
    for key, text in (
        ("pod", evidence.component.pod),
        ("operation", evidence.operation),
        ("other_end", evidence.peer),
        ("severity", evidence.severity),
        ("subject", evidence.subject),
    ):
        if text:
            row[key] = shown_text(text)
    owners = findings.claims.get(evidence.id, ())[:MAX_OWNERS]
    heaviest = max((claim.weight for claim in owners), default=1.0) or 1.0
    return {
        **row,
        "z": number(evidence.strength),
        "incident": _figures(evidence.incident),
        "usual": _figures(evidence.baseline),
        "points_at": {name(claim.component.service): number(claim.weight / heaviest) for claim in owners},
    }


def suspects(suspicions: Sequence[Suspicion]) -> str:
    """Suspects of an agent, heaviest first; weights as shares of the heaviest."""
    heaviest = suspicions[0].weight if suspicions else 1.0
    return _bounded(
        [
            {
                **_place(item.component),
                "weight": number(item.weight / heaviest),
                "kind_of_fault": item.fault_type.value,
                "observations": list(item.evidence[:MAX_CITED]),
            }
            for item in suspicions
        ]
    )


def candidates(ranked: Sequence[Ranked]) -> str:
    """Candidates of the incident, best first; scores as shares of the best."""
    best = ranked[0].score if ranked else 1.0
    return _bounded(
        [
            {
                **_place(item.candidate.component),
                "score": number(item.score / best),
                "kind_of_fault": item.candidate.fault_type.value,
                "chance_in_quiet_time": number(item.candidate.chance),
                "observations": list(item.candidate.evidence[:MAX_CITED]),
            }
            for item in ranked
        ]
    )


def span(task: SpanTask) -> str:
    """The span of an agent; of identical siblings the range of their times."""
    row: Row = {"component": name(task.service), "operation": shown_text(task.operation)}
    if task.pod:
        row["pod"] = name(task.pod)
    if task.spans:
        first = task.spans[0]
        durations = [each.duration_ns / NS_PER_MS for each in task.spans]
        row |= {
            "span_id": shown_text(first.span_id),
            "spans": len(task.spans),
            "duration_ms": [number(min(durations)), number(max(durations))],
            "own_time_ms": [number(min(task.self_ns) / NS_PER_MS), number(max(task.self_ns) / NS_PER_MS)],
        }
        if first.error:
            row["failed"] = shown_text(first.status or "yes")
    return _bounded([row])


def reports(results: Sequence[AgentReport | Failed]) -> str:
    """Reports from below; what nobody suspects anything of is only counted."""
    telling = [each for each in results if isinstance(each, AgentReport) and each.suspect is not None]
    failed = [each for each in results if isinstance(each, Failed)]
    rows: list[Row] = [_report(each) for each in telling]
    rows += [{"of": name(each.service), "outcome": "failed"} for each in failed]
    quiet = len(results) - len(rows)
    return _bounded([*([{"reports_without_a_suspect": quiet}] if quiet else []), *rows], MAX_REPORTS)


def relations(triples: Sequence[list[str]]) -> str:
    """How components are related: a name, a verb, a name."""
    return _bounded([[name(one), how, name(other)] for one, how, other in triples])


def counted(shown: int, there: int, what: str) -> str:
    """How many things are shown, of how many."""
    noun = what if there == 1 else f"{what}s"
    return f"{there} {noun}" if shown == there else f"{shown} of {there} {noun}, the strongest"


def name(text: str) -> str:
    """A name as it is, unless it is too long or addresses its reader."""
    return shown_text(text, MAX_NAME)


def number(value: float) -> float | None:
    """Three significant digits; None for what is no number."""
    return float(f"{value:.3g}") if isfinite(value) else None


def _report(report: AgentReport) -> Row:
    suspect = report.suspect
    return {
        "of": name(report.service),
        "operation": shown_text(report.operation),
        "suspects": None if suspect is None else name(suspect.service),
        "confidence": number(report.confidence),
        "observations": list(report.evidence[:MAX_CITED]),
    }


def _bounded(rows: Sequence[Row | list[str]], most: int = MAX_OBSERVATIONS) -> str:
    shown = fitting(rows, most, MAX_OTHER)
    left_out = len(rows) - len(shown)
    return data_block([*shown, *([{"left_out": left_out}] if left_out else [])])


def _place(component: Component) -> Row:
    row = {"component": name(component.service)}
    if component.pod:
        row["pod"] = name(component.pod)
    if component.node:
        row["node"] = name(component.node)
    return row


def _figures(values: Mapping[str, float]) -> Row:
    return {key: number(value) for key, value in values.items()}
