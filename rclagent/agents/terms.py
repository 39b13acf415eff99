"""What a caller grants a language model in one diagnosis."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from rclagent.agents.spending import Spend
from rclagent.agents.stopping import StoppableModel
from rclagent.agents.strategy import Strategy
from rclagent.llm import Budget, ChatModel, Limits, ModelAccess


@dataclass(frozen=True, slots=True)
class Terms:
    """What a caller grants a model."""

    access: ModelAccess
    """How it is reached."""
    limits: Limits
    """What may be spent."""
    budget: Budget
    """The same, being spent."""
    spend: Spend
    """Where calls go."""
    strategy: Strategy = Strategy.PARALLEL
    """How the model goes about it."""
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    """Set to get the best answer so far."""

    def paid_from(self, budget: Budget, urgency: int = 0) -> ChatModel:
        """The model for one who spends from a budget; it ends when the caller wants it to.

        Args:
            budget: What pays.
            urgency: Requests of more of it go first.
        """
        return StoppableModel(self.access.paid_from(budget, urgency), self.stop)
