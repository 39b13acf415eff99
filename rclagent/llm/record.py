"""Every call of a model goes into a recording."""

from __future__ import annotations

from collections.abc import Sequence

from rclagent.errors import ModelError
from rclagent.llm.chat_model import ChatModel, JsonSchema, Message, Reply, Tool
from rclagent.llm.recording import Recorder, Request
from rclagent.llm.wrapper import Wrapper


class RecordingModel(Wrapper):
    """Records each request with its reply or its error, then passes them on.

    It belongs right around the back end and its time-out: what wraps it then runs in a replay as it ran here.
    A call that was cancelled had no outcome and is not recorded.
    """

    def __init__(self, model: ChatModel, recorder: Recorder) -> None:
        super().__init__(model)
        self._recorder = recorder

    async def complete(
        self, messages: Sequence[Message], tools: Sequence[Tool] = (), schema: JsonSchema | None = None
    ) -> Reply:
        """The wrapped model's reply."""
        request = Request(self.name, self.capabilities, messages, tools, schema)
        try:
            reply = await self._model.complete(messages, tools, schema)
        except ModelError as error:
            self._recorder.add(request, error)
            raise
        self._recorder.add(request, reply)
        return reply
