"""Whether a model is still worth asking: one that is gone for good is not asked again and again."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Sequence
from copy import copy
from typing import Final

from rclagent.errors import GivenUp, ModelError, PermanentModelError, TransientModelError
from rclagent.llm.chat_model import ChatModel, JsonSchema, Message, Reply, Tool
from rclagent.llm.per_loop import PerLoop
from rclagent.llm.wrapper import Wrapper

MOST_FAILURES: Final = 3
"""Failures in a row, one begun after the other, that it takes to give up a model."""
SILENT_S: Final = 2.0
"""Seconds of them, where nobody is there or nothing comes back: what a restart behind a proxy takes."""
BUSY_S: Final = 120.0
"""Seconds of them, where the server says that it can not now: all the patience that one call has."""
_FOR_GOOD: Final = frozenset({401, 402, 403, 404, 405, 429, *range(300, 400)})
"""Lasting refusals of the key, the account, the name or the address: no other request fares better."""


class Health:
    """How a model fares in one diagnosis; shared by all who ask it.

    Requests that fail side by side are one failure: each that counts began after the one before had failed.

    Args:
        clock: Seconds that go by.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.probing = PerLoop(asyncio.Lock)
        """Held by the one request that finds out whether the model is back."""
        self.given_up: GivenUp | None = None
        """Why the model is not asked any more; None while it is."""
        self._clock = clock
        self.answered()

    @property
    def doubtful(self) -> bool:
        """Whether the last that was heard is that nobody is there, or nobody who is a model."""
        return self._failures > 0 and self._patience_s <= SILENT_S

    def now(self) -> float:
        """When a request begins."""
        return self._clock()

    def since_failure_s(self) -> float:
        """Time since the last failure; infinite without one."""
        return self._clock() - self._last

    def answered(self) -> None:
        """The model replied."""
        self._failures, self._patience_s = 0, 0.0
        self._since, self._last = math.inf, -math.inf

    def failed(self, error: ModelError, began: float) -> None:
        """The model did not.

        Args:
            error: Why.
            began: When the request began, by ``now``.
        """
        now = self._clock()
        patience_s = _patience_s(error)
        if patience_s is None:
            return
        if began >= self._last:
            self._failures += 1
            self._last = now
        self._since = min(self._since, began)
        # Who was refused once knows that somebody is there, though the next connection breaks.
        self._patience_s = max(self._patience_s, patience_s)
        lasting = isinstance(error, PermanentModelError) and error.status in _FOR_GOOD
        in_vain = self._failures >= MOST_FAILURES and now - self._since >= self._patience_s
        if (lasting or in_vain) and self.given_up is None:
            self.given_up = GivenUp(error.problem, error.remedy, status=error.status)


def _patience_s(error: ModelError) -> float | None:
    """How long to go on; None where the failure says nothing about the next request."""
    if isinstance(error, TransientModelError):
        return SILENT_S if error.status is None else BUSY_S
    # What is no reply of a chat model is no better later. A refusal with another status may be a matter of
    # this one request: too long, for one.
    return 0.0 if error.status is None or error.status in _FOR_GOOD else None


class WatchedModel(Wrapper):
    """Asks until the model is given up; while that is in doubt, one request at a time and with pauses.

    So a server that is away for a moment does not eat up the budget of all who ask. It belongs inside the
    recording: a replay, which takes no time, then ends each call as it ended.

    Args:
        model: What to ask.
        health: How it fares, shared by all who ask it.
        pause_s: Time after a failure before the next request, while in doubt.
    """

    def __init__(self, model: ChatModel, health: Health, pause_s: float = 0.0) -> None:
        super().__init__(model)
        self._health = health
        self._pause_s = pause_s

    async def complete(
        self, messages: Sequence[Message], tools: Sequence[Tool] = (), schema: JsonSchema | None = None
    ) -> Reply:
        """The wrapped model's reply.

        Raises:
            GivenUp: The model is not asked any more.
        """
        if self._health.doubtful:
            async with self._health.probing.get():
                if await self._has_to_probe():
                    return await self._ask(messages, tools, schema)
        return await self._ask(messages, tools, schema)

    async def _has_to_probe(self) -> bool:
        """Whether it is this request that finds out, after a pause; not if another one has meanwhile."""
        health = self._health
        if health.doubtful and health.given_up is None:
            await asyncio.sleep(max(0.0, self._pause_s - health.since_failure_s()))
        return health.doubtful

    async def _ask(
        self, messages: Sequence[Message], tools: Sequence[Tool], schema: JsonSchema | None
    ) -> Reply:
        if self._health.given_up is not None:
            raise copy(self._health.given_up)  # raising adds to an error, and this one is raised again
        began = self._health.now()
        try:
            reply = await self._model.complete(messages, tools, schema)
        except ModelError as error:
            self._health.failed(error, began)
            raise
        self._health.answered()
        return reply
