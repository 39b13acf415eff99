"""A caller who has waited long enough gets the best answer so far: whatever a model is asked ends at once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from rclagent.agents.ledger import Stopped
from rclagent.llm import ChatModel, JsonSchema, Message, Reply, Tool
from rclagent.llm.wrapper import Wrapper


class StoppableModel(Wrapper):
    """Ends its calls when an event is set.

    Args:
        model: What to ask.
        stop: Set by the caller, in the event loop's thread.
    """

    def __init__(self, model: ChatModel, stop: asyncio.Event) -> None:
        super().__init__(model)
        self._stop = stop

    async def complete(
        self, messages: Sequence[Message], tools: Sequence[Tool] = (), schema: JsonSchema | None = None
    ) -> Reply:
        """The wrapped model's reply.

        Raises:
            Stopped: The event was set first.
        """
        if self._stop.is_set():
            raise _stopped()
        work = asyncio.ensure_future(self._model.complete(messages, tools, schema))
        waiting = asyncio.ensure_future(self._stop.wait())
        try:
            await asyncio.wait((work, waiting), return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                return work.result()
        finally:
            waiting.cancel()
            if not work.done():
                work.cancel()
                # Its budget is settled before the caller goes on.
                await asyncio.gather(work, return_exceptions=True)
        raise _stopped()


def _stopped() -> Stopped:
    return Stopped("The caller stopped it.", "Let it run to its end.")
