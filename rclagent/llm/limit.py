"""One limit on requests at a time, shared by all agents of all incidents."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from rclagent.llm.chat_model import ChatModel, JsonSchema, Message, Reply, Tool
from rclagent.llm.per_loop import PerLoop
from rclagent.llm.wrapper import Wrapper


class Limit:
    """So many requests at a time; others wait their turn, first come first served.

    Args:
        concurrency: Requests at a time, at least 1.
    """

    def __init__(self, concurrency: int) -> None:
        self._places = PerLoop(lambda: asyncio.Semaphore(concurrency))

    @property
    def places(self) -> asyncio.Semaphore:
        """The running event loop's places."""
        return self._places.get()


class LimitedModel(Wrapper):
    """Takes a place before each request.

    It belongs right around the requests: whoever waits to try again, or for other agents, holds no place.
    """

    def __init__(self, model: ChatModel, limit: Limit) -> None:
        super().__init__(model)
        self._limit = limit

    async def complete(
        self, messages: Sequence[Message], tools: Sequence[Tool] = (), schema: JsonSchema | None = None
    ) -> Reply:
        """The wrapped model's reply, when it is this request's turn."""
        async with self._limit.places:
            return await self._model.complete(messages, tools, schema)
