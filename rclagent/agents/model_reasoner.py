"""The reasoner that asks a language model where the measurements leave something open.

Measurement comes first: each step is done by the statistical reasoner, and its result stands wherever no
question is planned, no answer comes, or the answer cites nothing that counts. What counts moves a suspect
within the margin (rclagent.agents.margin), among those that are within it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from rclagent.agents.asking import consolidation, opening, verification
from rclagent.agents.assertions import Judgement
from rclagent.agents.dialogue import Converse, Talk
from rclagent.agents.ledger import Ledger
from rclagent.agents.margin import moved, open_group
from rclagent.agents.purses import Purses
from rclagent.agents.questions import Question, Step
from rclagent.agents.reasoner import Consolidation, Opinion, Verification
from rclagent.agents.span_task import SpanTask
from rclagent.agents.statistical import StatisticalReasoner
from rclagent.agents.suspicion import Suspicion
from rclagent.agents.tools import ToolBox
from rclagent.agents.trust import Checked, check
from rclagent.core.report import AgentReport, Basis, Failed
from rclagent.evidence.findings import Findings
from rclagent.llm import Answered, Budget, ChatModel


@dataclass(frozen=True, slots=True)
class Means:
    """What asking takes, the same for all agents of an incident."""

    findings: Findings
    """Held against what a model says."""
    model: Callable[[Budget, int], ChatModel]
    """The model for one who spends from a budget, and how urgent it is."""
    converse: Converse
    """Leads a talk to its end."""
    toolbox: ToolBox | None
    """Tools at hand."""
    ledger: Ledger
    """Where everything is counted."""


@dataclass(frozen=True, slots=True)
class Ballot:
    """The answer to one question, as far as it counts."""

    subjects: tuple[str, ...]
    """Services that it was about."""
    votes: int
    """Alarming requests that it stands for."""
    checked: Checked
    """Claims that count."""


class ModelReasoner:
    """Thinks with a model for the agents that have a question, and by statistics for all others.

    Args:
        statistical: Thinks first, and alone where nothing is asked.
        questions: What agents ask.
        purses: What they may spend.
        means: What asking takes.
        name: Stated in the diagnosis.
    """

    def __init__(
        self,
        statistical: StatisticalReasoner,
        questions: Sequence[Question],
        purses: Purses,
        means: Means,
        name: str,
    ) -> None:
        self.name = name
        self._statistical = statistical
        self._questions: Mapping[tuple[str, Step], Question] = {
            (question.agent_id, question.step): question for question in questions
        }
        self._purses = purses
        self._means = means
        self._ballots: dict[tuple[str, Step], Ballot] = {}

    @property
    def ballots(self) -> tuple[Ballot, ...]:
        """Answers so far, in the order in which the questions were planned."""
        return tuple(self._ballots[key] for key in self._questions if key in self._ballots)

    async def verify(self, task: SpanTask) -> Verification:
        """What the measurements say, and what a model says of it; the former is not changed."""
        measured = await self._statistical.verify(task)
        question = self._questions.get((task.agent_id, Step.VERIFY))
        if question is None:
            return measured
        prompt = verification(self._means.findings, task, measured.evidence)
        opinion, _ = await self._ask(question, prompt)
        return replace(measured, opinion=opinion)

    async def consolidate(
        self, task: SpanTask, verified: Verification, reports: Sequence[AgentReport | Failed]
    ) -> Consolidation:
        """What the measurements say, with suspects within the margin in the order that claims give them."""
        suspicions = self._statistical.suspicions(verified, reports)
        opinion = Opinion()
        question = self._questions.get((task.agent_id, Step.CONSOLIDATE))
        try:
            if question is not None:
                prompt = consolidation(
                    self._means.findings, task, suspicions, reports, tools=question.rounds > 0
                )
                opinion, checked = await self._ask(question, prompt)
                suspicions = _reordered(suspicions, checked)
        finally:
            self._purses.done(task.agent_id)
        said = self._statistical.conclude(suspicions, verified, reports)
        return replace(said, opinion=opinion)

    async def _ask(self, question: Question, prompt: str) -> tuple[Opinion, Checked]:
        means = self._means
        budget = self._purses.of(question.agent_id)
        talk = Talk(
            # The longer the chain that waits for an answer, the sooner it is asked for.
            model=means.model(budget, question.ahead + question.rounds),
            budget=budget,
            toolbox=means.toolbox,
            messages=opening(prompt),
            kind=Judgement,
            rounds=question.rounds,
        )
        answer = await means.converse(talk)
        problem = means.ledger.enter(answer)
        if not isinstance(answer, Answered):
            return Opinion(Basis.FALLBACK, fallback=problem), Checked()
        checked = check(answer.value.claims, means.findings)
        means.ledger.weigh(checked)
        self._ballots[question.agent_id, question.step] = Ballot(question.subjects, question.votes, checked)
        return Opinion(Basis.MODEL, checked.claims), checked


def _reordered(suspicions: Sequence[Suspicion], checked: Checked) -> list[Suspicion]:
    group = open_group(suspicions, lambda item: item.weight)
    ordered = sorted(group, key=lambda item: -moved(item.weight, checked.credit(item.component.service)))
    return [*ordered, *suspicions[len(group) :]]
