"""What agents and the synthesizer ask a model, as messages, and how long these can get."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from typing import Final

from pydantic import BaseModel

from rclagent.agents import briefing
from rclagent.agents.margin import open_group
from rclagent.agents.ranking import Ranked
from rclagent.agents.span_task import SpanTask
from rclagent.agents.suspicion import Suspicion
from rclagent.agents.tools import TOOLS
from rclagent.core.report import AgentReport, Failed
from rclagent.evidence.findings import Findings
from rclagent.llm import Message, Role
from rclagent.llm.estimate import prompt_characters
from rclagent.prompting import load_prompt

WORDS: Final = 1_500
"""Characters by which a request grows for a model that takes tools or schemas only in words."""


def opening(prompt: str) -> tuple[Message, ...]:
    """The messages that a talk begins with."""
    return Message(Role.SYSTEM, load_prompt("rules").render()), Message(Role.USER, prompt)


def verification(findings: Findings, task: SpanTask, evidence: Sequence[str]) -> str:
    """An agent asks about its own span.

    Args:
        findings: What was measured.
        task: The agent's work.
        evidence: Ids of what the span shows.
    """
    shown = briefing.observations(findings, evidence)
    return load_prompt("verification").render(
        {"span": briefing.span(task), "observations": shown.text, "left_out": shown.left_out}
    )


def consolidation(
    findings: Findings,
    task: SpanTask,
    suspicions: Sequence[Suspicion],
    reports: Sequence[AgentReport | Failed],
    *,
    tools: bool,
) -> str:
    """An agent asks which of its suspects it is.

    Args:
        findings: What was measured.
        task: The agent's work.
        suspicions: Own and reported suspects, heaviest first; only those within the margin are told.
        reports: What it heard from below.
        tools: Whether it may look closer: it has not asked about its own span before.
    """
    group = open_group(suspicions, lambda item: item.weight)
    shown = briefing.observations(findings, _in_turn([item.evidence for item in group]))
    return load_prompt("span_agent" if tools else "consolidation").render(
        {
            "span": briefing.span(task),
            "suspects": briefing.suspects(group),
            "reports": briefing.reports(reports),
            "observations": shown.text,
            "left_out": shown.left_out,
        }
    )


def conclusion(
    findings: Findings,
    group: Sequence[Ranked],
    verdicts: Sequence[AgentReport],
    relations: Sequence[list[str]],
) -> str:
    """The synthesizer asks which candidate it is.

    Args:
        findings: What was measured.
        group: Candidates within the margin, best first.
        verdicts: Root-level reports.
        relations: How the candidates are related: a service, a verb, a service.
    """
    shown = briefing.observations(findings, _in_turn([item.candidate.evidence for item in group]))
    return load_prompt("synthesizer").render(
        {
            "candidates": briefing.candidates(group),
            "reports": briefing.reports(verdicts),
            "relations": briefing.relations(relations),
            "observations": shown.text,
            "left_out": shown.left_out,
        }
    )


def characters(prompt: str, kind: type[BaseModel], *, tools: bool, reports: bool) -> int:
    """Characters of a first request at most, tools and schema included.

    Args:
        prompt: As it would be asked after measurements alone.
        kind: What the answer has to be.
        tools: Whether tools are offered.
        reports: Whether it tells reports, which other answers may still change.
    """
    return prompt_characters(opening(prompt)) + _around(kind, tools) + reports * briefing.MAX_OTHER


@cache
def _around(kind: type[BaseModel], tools: bool) -> int:
    offered = [[tool.name, tool.description, tool.parameters] for tool in TOOLS] if tools else []
    return len(json.dumps(offered)) + len(json.dumps(kind.model_json_schema())) + WORDS


def _in_turn(lists: Sequence[Sequence[str]]) -> list[str]:
    """The first of each list, then the second of each: where room ends, nobody is left out altogether."""
    longest = max(map(len, lists), default=0)
    return [items[place] for place in range(longest) for items in lists if place < len(items)]
