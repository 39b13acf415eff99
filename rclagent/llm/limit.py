"""One limit on requests at a time, shared by all agents of all incidents."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from heapq import heappop, heappush
from itertools import count
from typing import Final

from rclagent.llm.chat_model import ChatModel, JsonSchema, Message, Reply, Tool
from rclagent.llm.per_loop import PerLoop
from rclagent.llm.wrapper import Wrapper

KEPT_S: Final = 0.02
"""Longest time that a place is kept for who had it: a few steps of a graph, a look-up, the next prompt."""


class Limit:
    """So many requests at a time; others wait their turn: the most urgent first, of equals the first come.

    Args:
        concurrency: Requests at a time, at least 1.
    """

    def __init__(self, concurrency: int) -> None:
        self._places = PerLoop(lambda: _Places(concurrency))

    @asynccontextmanager
    async def place(self, urgency: int = 0) -> AsyncIterator[None]:
        """Holds a place among those of the running event loop.

        Args:
            urgency: Whoever has more of it goes first.
        """
        places = self._places.get()
        await places.take(urgency)
        try:
            yield
        finally:
            places.give_back(urgency)


class LimitedModel(Wrapper):
    """Takes a place before each request.

    It belongs right around the requests: whoever waits to try again, or for other agents, holds no place.

    Args:
        model: What to ask.
        limit: Shared with others.
        urgency: Of all requests through this wrapper.
    """

    def __init__(self, model: ChatModel, limit: Limit, urgency: int = 0) -> None:
        super().__init__(model)
        self._limit = limit
        self._urgency = urgency

    async def complete(
        self, messages: Sequence[Message], tools: Sequence[Tool] = (), schema: JsonSchema | None = None
    ) -> Reply:
        """The wrapped model's reply, when it is this request's turn."""
        async with self._limit.place(self._urgency):
            return await self._model.complete(messages, tools, schema)


class _Places:
    """What asyncio's semaphore does, but for the order.

    Whoever talks with a model asks again right after an answer. If it is more urgent than all who wait, its
    place is kept for a moment: given away, it would be gone for the time of a whole answer.
    """

    def __init__(self, free: int) -> None:
        self._free = free
        self._kept: list[asyncio.TimerHandle] = []
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        self._arrival = count()

    async def take(self, urgency: int) -> None:
        if self._free:  # nobody waits then
            self._free -= 1
            return
        if self._kept and self._outdone_by(urgency):
            self._kept.pop().cancel()
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heappush(self._waiting, (-urgency, next(self._arrival), turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._hand_on()  # its turn had come just then
            raise

    def give_back(self, urgency: int) -> None:
        if self._waiting and self._outdone_by(urgency):
            self._kept.append(asyncio.get_running_loop().call_later(KEPT_S, self._expire))
        else:
            self._hand_on()

    def _outdone_by(self, urgency: int) -> bool:
        return not self._waiting or -self._waiting[0][0] < urgency

    def _expire(self) -> None:
        self._kept.pop(0)  # all are kept equally long: the first one's time is over first
        self._hand_on()

    def _hand_on(self) -> None:
        while self._waiting:
            _, _, turn = heappop(self._waiting)
            if not turn.done():  # else who waited for it has given up
                turn.set_result(None)
                return
        self._free += 1
