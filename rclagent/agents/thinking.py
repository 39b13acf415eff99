"""A model's part in one diagnosis: what it is asked, what that costs, and what comes of it.

prepare:   walk by measurements alone, find what they leave open, plan the questions
reasoner:  thinks for the agents of the second walk
conclude:  one more question for the synthesizer, then all that counts
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from rclagent.agents.asking import conclusion, opening
from rclagent.agents.assertions import Conclusion
from rclagent.agents.dialogue import Converse, Talk
from rclagent.agents.investigation import TraceInvestigation
from rclagent.agents.ledger import Ledger
from rclagent.agents.model_part import usage_of
from rclagent.agents.model_reasoner import Ballot, Means, ModelReasoner
from rclagent.agents.planning import plan
from rclagent.agents.progress import ProgressCallback, ignore_progress
from rclagent.agents.purses import Purses
from rclagent.agents.statistical import StatisticalReasoner
from rclagent.agents.survey import Case, Survey, survey
from rclagent.agents.terms import Terms
from rclagent.agents.thought import Thought
from rclagent.agents.tool_index import ToolIndex
from rclagent.agents.tools import ToolBox
from rclagent.agents.trust import check, joint_credit
from rclagent.llm import Answered


class Thinking:
    """A model at work on one incident; made by ``prepare``."""

    def __init__(
        self, case: Case, terms: Terms, found: Survey, converse: Converse, toolbox: ToolBox | None
    ) -> None:
        self.plan = plan(found, terms)
        self._case = case
        self._terms = terms
        self._found = found
        self._ledger = Ledger()
        self._means = Means(
            findings=case.findings,
            model=terms.paid_from,
            converse=converse,
            toolbox=toolbox,
            ledger=self._ledger,
        )
        self.budget = terms.budget
        self.reasoner = ModelReasoner(
            StatisticalReasoner(case.findings),
            self.plan.questions,
            Purses(terms.budget, self.plan.reserved, found.measured, self.plan.questions),
            self._means,
            name=f"model {terms.access.model.name}",
        )

    @staticmethod
    async def prepare(case: Case, terms: Terms, converse: Converse) -> Thinking:
        """Plans the questions; indexes for tools are built, in a thread, only where there are any."""
        found = await survey(case, terms.spend)
        toolbox = None
        if found.questions:
            index = await asyncio.to_thread(
                ToolIndex.build, case.incident, case.findings, found.graph, found.measured
            )
            toolbox = ToolBox(index)
        return Thinking(case, terms, found, converse, toolbox)

    async def conclude(
        self, investigations: Sequence[TraceInvestigation], on_progress: ProgressCallback = ignore_progress
    ) -> Thought:
        """The synthesizer's own question, where there is one, and all that counts together."""
        final, explanation = None, ""
        if self.plan.concludes:
            final, explanation = await self._weigh_once_more(investigations)
        ballots = self.reasoner.ballots
        credits = {service: _credit(service, ballots, final) for service in self.plan.candidates}
        return Thought(
            measured=self._found.measured,
            credits=credits,
            explanation=explanation,
            reasoning=self._ledger.account(self.plan, self._terms.access.model.name),
            usage=usage_of(self.budget),
        )

    async def _weigh_once_more(
        self, investigations: Sequence[TraceInvestigation]
    ) -> tuple[Ballot | None, str]:
        verdicts = [each for investigation in investigations if (each := investigation.verdict) is not None]
        found = self._found
        prompt = conclusion(self._case.findings, found.open_group, verdicts, found.relations)
        answer = await self._means.converse(
            Talk(
                model=self._terms.paid_from(self._terms.budget),
                budget=self._terms.budget,
                toolbox=None,
                messages=opening(prompt),
                kind=Conclusion,
                rounds=0,
            )
        )
        self._ledger.enter(answer)
        if not isinstance(answer, Answered):
            return None, ""
        checked = check(answer.value.claims, self._case.findings)
        self._ledger.weigh(checked)
        # Who cites nothing that counts has nothing to explain.
        explanation = answer.value.explanation if checked.claims else ""
        return Ballot(self.plan.candidates, 1, checked), explanation


def _credit(service: str, ballots: Sequence[Ballot], final: Ballot | None) -> float:
    """Half by the agents that were asked about it, half by the synthesizer; either alone counts whole."""
    heard = [(float(ballot.votes), ballot.checked) for ballot in ballots if service in ballot.subjects]
    views = []
    if heard:
        views.append(joint_credit(heard, service))
    if final is not None:
        views.append(final.checked.credit(service))
    return sum(views) / len(views) if views else 0.0
