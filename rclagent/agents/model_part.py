"""What a strategy does with a language model in one diagnosis: the protocol that each implements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from rclagent.agents.investigation import TraceInvestigation
from rclagent.agents.progress import ProgressCallback, ProgressEvent, ignore_progress
from rclagent.agents.reasoner import Reasoner
from rclagent.agents.spending import SpendingPlan
from rclagent.agents.thought import Thought
from rclagent.core.diagnosis import Usage
from rclagent.llm import Budget


class ModelPart(Protocol):
    """A language model's part in one diagnosis, planned, and then carried out once."""

    @property
    def plan(self) -> SpendingPlan:
        """Who asks, and what that can take."""

    @property
    def budget(self) -> Budget:
        """What may be spent, being spent."""

    @property
    def reasoner(self) -> Reasoner:
        """Thinks for the Dedicated Agents."""

    async def conclude(
        self, investigations: Sequence[TraceInvestigation], on_progress: ProgressCallback = ignore_progress
    ) -> Thought:
        """All that the model adds.

        Args:
            investigations: What the Dedicated Agents report.
            on_progress: Hears of what is asked after them.
        """


def priced(event: ProgressEvent, budget: Budget) -> ProgressEvent:
    """The event with what was spent from a budget."""
    spent = budget.spent
    return replace(event, calls=spent.calls, tokens=spent.tokens, cost_usd=budget.spent_usd)


def usage_of(budget: Budget) -> Usage:
    """What was spent from a budget, as a diagnosis states it."""
    spent = budget.spent
    return Usage(
        model_calls=spent.calls,
        input_tokens=spent.prompt_tokens,
        output_tokens=spent.completion_tokens,
        failed_calls=spent.failed_calls,
        input_characters=spent.prompt_characters,
        estimated_calls=spent.estimated_calls,
        cost_usd=budget.spent_usd,
    )
