"""A second model answers where the first can not."""

from __future__ import annotations

from collections.abc import Sequence

from rclagent.errors import BudgetExhausted, ModelError, UnsupportedFeature
from rclagent.llm.chat_model import Capabilities, ChatModel, JsonSchema, Message, Reply, Tool
from rclagent.llm.health import Health


class FallbackModel:
    """Asks the second model whatever the first fails at, and everything once the first is given up.

    It belongs around the retries of each. An exhausted budget is no failure of the model.

    Args:
        first: Asked first.
        second: Asked then.
        health: How the first fares.
    """

    def __init__(self, first: ChatModel, second: ChatModel, health: Health) -> None:
        self._first = first
        self._second = second
        self._health = health

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
                return await self._first.complete(messages, tools, schema)
            except (BudgetExhausted, UnsupportedFeature):
                raise
            except ModelError:
                pass  # whether it is asked again is a matter of its health
        return await self._second.complete(messages, tools, schema)
