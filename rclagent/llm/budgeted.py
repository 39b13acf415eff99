"""Calls are paid for from a budget, and end when its time is over."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from typing import Final

from rclagent.errors import BudgetExhausted, GivenUp, ModelError
from rclagent.llm.budget import Budget
from rclagent.llm.chat_model import ChatModel, JsonSchema, Message, Reply, Tool
from rclagent.llm.estimate import prompt_characters, prompt_tokens, with_usage
from rclagent.llm.usage import Usage
from rclagent.llm.wrapper import Wrapper

REPLY_TOKENS: Final = 2_000
"""Longest reply that is reckoned with, in tokens."""


class BudgetedModel(Wrapper):
    """Makes no request that the budget can not pay, and counts each that it makes, failed ones too.

    A failed call costs no tokens where the server refused it, and those of its prompt where it may have
    worked on it.

    Args:
        model: What to ask.
        budget: What may be spent.
        reply_tokens: Longest reply that the model gives, in tokens.
    """

    def __init__(self, model: ChatModel, budget: Budget, reply_tokens: int = REPLY_TOKENS) -> None:
        super().__init__(model)
        self._budget = budget
        self._reply_tokens = reply_tokens

    async def complete(
        self, messages: Sequence[Message], tools: Sequence[Tool] = (), schema: JsonSchema | None = None
    ) -> Reply:
        """The wrapped model's reply, its usage complete.

        Raises:
            BudgetExhausted: The request was not made: it can not be paid.
        """
        asked = prompt_tokens(messages, tools, schema)
        held = self._budget.hold(asked, self._reply_tokens)
        # Stands when the call is cancelled while it is under way.
        usage = _failed(messages, asked, maybe_billed=True)
        try:
            reply = await self._model.complete(messages, tools, schema)
            reply = with_usage(reply, messages, asked)
            usage = reply.usage
            return reply
        except GivenUp:
            usage = Usage()
            raise
        except ModelError as error:
            usage = _failed(messages, asked, maybe_billed=error.maybe_billed)
            raise
        finally:
            self._budget.settle(held, usage)


class DeadlineModel(Wrapper):
    """Ends whatever a call is waiting for when the budget's time is over."""

    def __init__(self, model: ChatModel, budget: Budget) -> None:
        super().__init__(model)
        self._budget = budget

    async def complete(
        self, messages: Sequence[Message], tools: Sequence[Tool] = (), schema: JsonSchema | None = None
    ) -> Reply:
        """The wrapped model's reply.

        Raises:
            BudgetExhausted: The time is over.
        """
        left = self._budget.seconds_left()
        deadline = asyncio.timeout(None if math.isinf(left) else left)
        try:
            async with deadline:
                return await self._model.complete(messages, tools, schema)
        except TimeoutError as error:
            if not deadline.expired():
                raise  # the back end's own
            raise BudgetExhausted("The time for language models is over.", "Raise --max-seconds.") from error


def _failed(messages: Sequence[Message], tokens: int, *, maybe_billed: bool) -> Usage:
    return Usage(
        calls=1,
        failed_calls=1,
        prompt_tokens=tokens if maybe_billed else 0,
        prompt_characters=prompt_characters(messages),
        estimated_calls=int(maybe_billed),
    )
