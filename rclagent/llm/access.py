"""How all agents of all incidents reach a model: its wrappers, in the order in which they belong."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace

from rclagent.llm.budget import Budget
from rclagent.llm.budgeted import REPLY_TOKENS, BudgetedModel, DeadlineModel
from rclagent.llm.chat_model import ChatModel
from rclagent.llm.fallback import FallbackModel
from rclagent.llm.guard import GuardedModel
from rclagent.llm.health import Health, WatchedModel
from rclagent.llm.limit import Limit, LimitedModel
from rclagent.llm.mask import Masker
from rclagent.llm.masked import MaskedModel
from rclagent.llm.record import RecordingModel
from rclagent.llm.recording import Recorder
from rclagent.llm.replay import ReplayModel
from rclagent.llm.retry import RetryingModel, RetryPolicy
from rclagent.llm.text_tools import TextToolsModel
from rclagent.llm.timeout import TimeoutModel


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelAccess:
    """A model with all that every call of it needs.

    What is shared is made once: limit, record, masks, health. ``paid_from`` adds what is each spender's own.
    """

    model: ChatModel
    """Asked first."""
    fallback: ChatModel | None = None
    """Asked where the first fails."""
    limit: Limit = field(default_factory=lambda: Limit(16))
    """Requests at a time, over both models."""
    timeout_s: float = 60.0
    """Longest time of one request."""
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    """How often, and how patiently."""
    reply_tokens: int = REPLY_TOKENS
    """Longest reply that budgets reckon with."""
    recorder: Recorder | None = None
    """Where calls are recorded."""
    masker: Masker | None = None
    """What masks requests."""
    health: Health = field(default_factory=Health)
    """How the first model fares; each diagnosis begins anew."""
    fallback_health: Health = field(default_factory=Health)
    """How the other one fares."""

    def paid_from(self, budget: Budget, urgency: int = 0) -> ChatModel:
        """The model for one who spends from a budget.

        Args:
            budget: What pays.
            urgency: Requests of more of it go first where all places are taken.
        """
        model = self._paid(self.model, budget, self.health, urgency)
        if self.fallback is not None:
            second = self._paid(self.fallback, budget, self.fallback_health, urgency)
            model = FallbackModel(model, second, self.health)
        model = TextToolsModel(model)
        return model if self.masker is None else MaskedModel(model, self.masker)

    def anew(self) -> ModelAccess:
        """The same for another diagnosis: a model that was given up may be back."""
        return replace(self, health=Health(), fallback_health=Health())

    def _paid(self, model: ChatModel, budget: Budget, health: Health, urgency: int) -> ChatModel:
        # Each attempt is paid for, once it has a place. The deadline ends attempts, and waits for a place or
        # for the next attempt.
        budgeted = BudgetedModel(self._recorded(model, health), budget, self.reply_tokens)
        paid = LimitedModel(budgeted, self.limit, urgency)
        sleep = _at_once if isinstance(model, ReplayModel) else asyncio.sleep
        tried = RetryingModel(paid, self.retry, seconds_left=budget.seconds_left, sleep=sleep)
        return DeadlineModel(tried, budget)

    def _recorded(self, model: ChatModel, health: Health) -> ChatModel:
        replayed = isinstance(model, ReplayModel)
        model = TimeoutModel(GuardedModel(model), self.timeout_s)
        # A replay takes no time to tell a model's health by, and the recording holds what came of it.
        model = model if replayed else WatchedModel(model, health, self.retry.first_wait_s)
        return model if self.recorder is None else RecordingModel(model, self.recorder)


async def _at_once(seconds: float) -> None:
    """Waits not: nobody is spared by it."""
