"""A second model answers where the first can not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rclagent.errors import BudgetExhausted, ModelError, PermanentModelError, UnsupportedFeature
from rclagent.llm.chat_model import Capabilities, ChatModel, JsonSchema, Message, Reply, Tool

MOST_FAILURES: Final = 3
"""Failures in a row after which the first model is not asked again."""
_FOR_GOOD: Final = frozenset({401, 403, 404})
"""Refusals of the key, the name or the address: no other request fares better."""


class Health:
    """How the first model of a fallback fares; shared by all who ask it."""

    def __init__(self) -> None:
        self.given_up: str | None = None
        """Why the first model is not asked any more; None while it is."""
        self._failures = 0

    def succeeded(self) -> None:
        """The first model answered."""
        self._failures = 0

    def failed(self, error: ModelError) -> None:
        """The first model did not."""
        self._failures += 1
        lasting = isinstance(error, PermanentModelError) and error.status in _FOR_GOOD
        if lasting or self._failures >= MOST_FAILURES:
            self.given_up = self.given_up or error.problem


class FallbackModel:
    """Asks the second model whatever the first fails at, and everything once the first is given up.

    It belongs around the retries of each. An exhausted budget is no failure of the model.

    Args:
        first: Asked first.
        second: Asked then.
        health: How the first fares, where several share that knowledge.
    """

    def __init__(self, first: ChatModel, second: ChatModel, health: Health | None = None) -> None:
        self._first = first
        self._second = second
        self._health = Health() if health is None else health

    @property
    def name(self) -> str:
        """Name of the model that is asked first now."""
        return self._first.name if self._health.given_up is None else self._second.name

    @property
    def capabilities(self) -> Capabilities:
        """What both can do, as either may answer."""
        second = self._second.capabilities
        if self._health.given_up is not None:
            return second
        first = self._first.capabilities
        return Capabilities(
            tools=first.tools and second.tools,
            json_schema=first.json_schema and second.json_schema,
            temperature=first.temperature and second.temperature,
        )

    async def complete(
        self, messages: Sequence[Message], tools: Sequence[Tool] = (), schema: JsonSchema | None = None
    ) -> Reply:
        """The reply of the first model, else of the second.

        Raises:
            ModelError: Of the second, when both fail.
        """
        if self._health.given_up is None:
            try:
                reply = await self._first.complete(messages, tools, schema)
            except (BudgetExhausted, UnsupportedFeature):
                raise
            except ModelError as error:
                self._health.failed(error)
            else:
                self._health.succeeded()
                return reply
        return await self._second.complete(messages, tools, schema)
