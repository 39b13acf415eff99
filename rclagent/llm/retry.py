"""Asks again when that may help, and only then."""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type

from rclagent.errors import TransientModelError
from rclagent.llm.chat_model import ChatModel, JsonSchema, Message, Reply, Tool
from rclagent.llm.wrapper import Wrapper

Sleep = Callable[[float], Awaitable[None]]
"""Waits so many seconds."""
_MOST_DOUBLINGS: Final = 30


def _unlimited() -> float:
    return math.inf


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often, and how patiently."""

    attempts: int = 4
    """Requests for one reply, the first included."""
    first_wait_s: float = 0.5
    """Longest wait before the second request; doubles with each further one."""
    longest_wait_s: float = 30.0
    """Longest single wait, unless the server asks for a longer one."""
    total_wait_s: float = 120.0
    """Waits of one call together; a wait that would pass it, asked for by the server or not, is the end."""


class RetryingModel(Wrapper):
    """Repeats a request after a transient error; a permanent one passes at once.

    Waits grow exponentially and are drawn at random, so that agents refused together do not come back
    together. Where the server says how long to wait (``Retry-After``), that is what is waited at least.

    Args:
        model: What to ask.
        policy: How often, and how patiently.
        seconds_left: What remains of the time; a wait that would pass it is the end.
        sleep: How to wait; a replay need not.
        rng: Where chance comes from.
    """

    def __init__(
        self,
        model: ChatModel,
        policy: RetryPolicy | None = None,
        *,
        seconds_left: Callable[[], float] = _unlimited,
        sleep: Sleep = asyncio.sleep,
        rng: random.Random | None = None,
    ) -> None:
        super().__init__(model)
        self._policy = RetryPolicy() if policy is None else policy
        self._seconds_left = seconds_left
        self._sleep = sleep
        self._rng = random.Random() if rng is None else rng

    async def complete(
        self, messages: Sequence[Message], tools: Sequence[Tool] = (), schema: JsonSchema | None = None
    ) -> Reply:
        """The first reply of the wrapped model.

        Raises:
            TransientModelError: The last one, when patience is at an end.
        """
        # Made for each call: it keeps the state of the call that it repeats.
        retrying = AsyncRetrying(
            retry=retry_if_exception_type(TransientModelError),
            wait=self._wait,
            stop=self._stop,
            sleep=self._sleep,
            reraise=True,
        )
        return await retrying(self._model.complete, messages, tools, schema)

    def _wait(self, state: RetryCallState) -> float:
        longest = self._policy.first_wait_s * 2 ** min(state.attempt_number - 1, _MOST_DOUBLINGS)
        drawn: float = self._rng.uniform(0.5, 1.0) * min(longest, self._policy.longest_wait_s)
        asked = _asked_for(state)
        return drawn if asked is None else asked + drawn

    def _stop(self, state: RetryCallState) -> bool:
        waited = state.idle_for + state.upcoming_sleep
        return (
            state.attempt_number >= self._policy.attempts
            or waited > self._policy.total_wait_s
            or state.upcoming_sleep >= self._seconds_left()
        )


def _asked_for(state: RetryCallState) -> float | None:
    error = None if state.outcome is None else state.outcome.exception()
    return error.retry_after_s if isinstance(error, TransientModelError) else None
