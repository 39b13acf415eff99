"""No call takes longer than it may."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from rclagent.errors import TransientModelError
from rclagent.llm.chat_model import ChatModel, JsonSchema, Message, Reply, Tool
from rclagent.llm.wrapper import Wrapper


class TimeoutModel(Wrapper):
    """Gives up a call after some time, however the server spends it.

    The time covers the whole call: a server that sends a byte now and then does not outwit it.
    """

    def __init__(self, model: ChatModel, timeout_s: float) -> None:
        super().__init__(model)
        self._timeout_s = timeout_s

    async def complete(
        self, messages: Sequence[Message], tools: Sequence[Tool] = (), schema: JsonSchema | None = None
    ) -> Reply:
        """The wrapped model's reply.

        Raises:
            TransientModelError: None came in time.
        """
        deadline = asyncio.timeout(self._timeout_s)
        try:
            async with deadline:
                return await self._model.complete(messages, tools, schema)
        except TimeoutError as error:
            if not deadline.expired():
                raise  # the back end's own
            raise TransientModelError(
                f"The model {self.name!r} did not answer within {self._timeout_s:g} s.",
                "Allow more with --timeout, or use a faster model.",
                maybe_billed=True,
            ) from error
