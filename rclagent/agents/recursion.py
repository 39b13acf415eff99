"""A language model's part in recursion of thought: a single agent descends a trace and names root causes.

Its protocol knows no citations. So what an episode has shown the model stands for what it cites: a name
counts as a claim that the observations seen on the way bear out, by the same rules and within the same margin
as any other (rclagent.agents.trust), the first name in full, the second by half, the third by a third. A name
that nothing seen on the way points at counts nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from rclagent.agents.assertions import MAX_CITATIONS, Assertion, Citation
from rclagent.agents.episode import DEPTH, Descend, Episode, opening, start
from rclagent.agents.investigation import TraceInvestigation
from rclagent.agents.ledger import Ledger
from rclagent.agents.model_part import usage_of
from rclagent.agents.named_causes import NamedCauses, Places
from rclagent.agents.planning import plan
from rclagent.agents.progress import ProgressCallback, ProgressEvent, ProgressKind, ignore_progress
from rclagent.agents.questions import Doubt, Question, Step
from rclagent.agents.selection import represented
from rclagent.agents.spending import Spend
from rclagent.agents.statistical import StatisticalReasoner
from rclagent.agents.survey import Case, Survey, survey
from rclagent.agents.terms import Terms
from rclagent.agents.thought import Thought
from rclagent.agents.tool_index import ToolIndex
from rclagent.agents.trace_tools import TraceTools
from rclagent.agents.trust import Checked, check, joint_credit, points_at
from rclagent.core.diagnosis import ModelRanking
from rclagent.core.evidence import Component
from rclagent.core.report import Stance
from rclagent.core.span import Span
from rclagent.evidence.findings import Findings
from rclagent.evidence.observations import figure
from rclagent.llm import Answer, Answered, Budget, Unanswered
from rclagent.llm.estimate import prompt_characters

NO_CAUSES: Final = "It named no root causes."


@dataclass(frozen=True, slots=True)
class _Planned:
    """An episode to come."""

    question: Question
    """What is asked."""
    tools: TraceTools
    """What it looks with."""


class RecursionOfThought:
    """A model at work on one incident; made by ``prepare``."""

    def __init__(
        self, case: Case, terms: Terms, found: Survey, planned: Sequence[_Planned], descend: Descend
    ) -> None:
        asking = replace(found, questions=tuple(each.question for each in planned), conclusion_characters=0)
        self.plan = plan(asking, terms)
        self._case = case
        self._terms = terms
        self._found = found
        self._planned = planned[: len(self.plan.questions)]
        self._descend = descend
        self._places = Places.of(_components(case, found))
        self._ledger = Ledger()
        self.budget = terms.budget
        self.reasoner = StatisticalReasoner(case.findings)

    @staticmethod
    async def prepare(case: Case, terms: Terms, descend: Descend) -> RecursionOfThought:
        """Plans the episodes: none where nothing is open, one in the trace that stands for most alarming
        requests, and with ``Spend.ALL`` one in each trace."""
        found = await survey(case, Spend.SUSPICIOUS)
        planned: list[_Planned] = []
        if found.measured and (terms.spend is Spend.ALL or len(found.open_group) > 1):
            index = await asyncio.to_thread(
                ToolIndex.build, case.incident, case.findings, found.graph, found.measured
            )
            planned = _episodes(case, found, index)
        if terms.spend is not Spend.ALL:
            planned = sorted(planned, key=lambda each: -each.question.votes)[:1]
        return RecursionOfThought(case, terms, found, planned, descend)

    async def conclude(
        self, investigations: Sequence[TraceInvestigation], on_progress: ProgressCallback = ignore_progress
    ) -> Thought:
        """All episodes, side by side, and what counts of them."""
        shares = self.budget.split([each.question.votes for each in self._planned])
        async with asyncio.TaskGroup() as group:
            running = [
                group.create_task(self._descend(self._episode(planned, share, on_progress)))
                for planned, share in zip(self._planned, shares, strict=True)
            ]
        ended = [(planned, task.result()) for planned, task in zip(self._planned, running, strict=True)]
        ballots = [(float(planned.question.votes), self._weighed(episode)) for planned, episode in ended]
        return Thought(
            measured=self._found.measured,
            credits={service: joint_credit(ballots, service) for service in self.plan.candidates},
            explanation="",
            reasoning=self._ledger.account(
                self.plan, self._terms.access.model.name, tuple(_ranking(*each) for each in ended)
            ),
            usage=usage_of(self.budget),
        )

    def _episode(self, planned: _Planned, budget: Budget, on_progress: ProgressCallback) -> Episode:
        first = planned.tools.first

        def tell(turns: int) -> None:
            on_progress(
                ProgressEvent(
                    ProgressKind.TURN_TAKEN,
                    done=turns,
                    total=DEPTH,
                    trace_id=first.trace_id,
                    span_id=first.span_id,
                )
            )

        return start(self._terms.paid_from(budget), budget, planned.tools, self._places, tell)

    def _weighed(self, episode: Episode) -> Checked:
        answer = _answer(episode)
        self._ledger.enter(answer)
        if episode.named is None:
            return Checked()
        checked = borne_out(episode.named, episode.looked_at, self._places, self._case.findings)
        self._ledger.weigh(checked)
        return checked


def borne_out(named: NamedCauses, looked_at: Iterable[str], places: Places, findings: Findings) -> Checked:
    """What names count, by the observations seen on the way.

    By hand: of two names, each with one observation that points at it alone, the first has a credit of 1, the
    second of 1/2.

    Args:
        named: What the model named.
        looked_at: Ids of the observations.
        places: Whom each name means.
        findings: What was measured.
    """
    seen = [findings.evidence[key] for key in looked_at if key in findings.evidence]
    seen.sort(key=lambda evidence: (-evidence.strength, evidence.id))
    services = named.services(places)
    assertions = []
    for service in services:
        pointing = [each for each in seen if points_at(findings, each.id, service) > 0]
        citations = [Citation(id=each.id, z=each.strength) for each in pointing[:MAX_CITATIONS]]
        assertions.append(Assertion(component=service, stance=Stance.SUPPORTS, citations=citations))
    checked = check(assertions, findings)
    rank = {service: place for place, service in enumerate(services, start=1)}
    claims = (
        claim.model_copy(update={"credit": figure(claim.credit / rank[claim.service])})
        for claim in checked.claims
    )
    return replace(checked, claims=tuple(claims))


def _episodes(case: Case, found: Survey, index: ToolIndex) -> list[_Planned]:
    traces = [investigation.trace for investigation in found.measured]
    votes = represented(case.findings, [trace.trace_id for trace in traces])
    services = tuple(item.candidate.component.service for item in found.open_group)
    planned = []
    for trace in traces:
        tools = TraceTools(trace, index)
        question = Question(
            agent_id=f"{trace.trace_id}/{tools.first.span_id}",
            step=Step.DESCEND,
            why=Doubt.RIVALS if len(services) > 1 else Doubt.EVERYTHING,
            subjects=services,
            votes=max(1, votes[trace.trace_id]),
            rounds=DEPTH,
            characters=prompt_characters(opening(tools)),
        )
        planned.append(_Planned(question, tools))
    return planned


def _components(case: Case, found: Survey) -> list[Component]:
    """Everything that can be named."""
    nodes = (node for each in found.measured for node in each.trace.graph.nodes.values())
    walked: list[Span] = [node["span"] for node in nodes if node["span"] is not None]
    return [
        *(Component(service=name) for name in case.findings.services),
        *(candidate.component for candidate in case.findings.candidates),
        *(Component(service=span.service, pod=span.pod, node=span.node) for span in walked),
    ]


def _answer(episode: Episode) -> Answer[NamedCauses]:
    if episode.named is not None:
        return Answered(episode.named)
    if episode.failure is not None:
        return Unanswered(episode.failure.problem, episode.failure)
    return Unanswered(NO_CAUSES)


def _ranking(planned: _Planned, episode: Episode) -> ModelRanking:
    named = episode.named or NamedCauses()
    return ModelRanking(
        trace_id=planned.tools.first.trace_id,
        turns=episode.turns + episode.forced,
        named=tuple(name for _, name in named.places),
        invented=named.invented,
        repeated=named.repeated,
    )
