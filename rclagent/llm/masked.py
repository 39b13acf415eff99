"""No model sees a secret."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rclagent.llm.chat_model import ChatModel, JsonSchema, Message, Reply, Tool, ToolCall
from rclagent.llm.mask import Masker
from rclagent.llm.wrapper import Wrapper


class MaskedModel(Wrapper):
    """Masks every request and turns the stand-ins in its reply back.

    It is the outermost wrapper: recordings then hold stand-ins, and tools get the real values.
    """

    def __init__(self, model: ChatModel, masker: Masker) -> None:
        super().__init__(model)
        self._masker = masker

    async def complete(
        self, messages: Sequence[Message], tools: Sequence[Tool] = (), schema: JsonSchema | None = None
    ) -> Reply:
        """The wrapped model's reply to the masked request, unmasked."""
        reply = await self._model.complete(
            [self._masked(message) for message in messages],
            [replace(tool, parameters=self._masker.mask_all(tool.parameters)) for tool in tools],
            self._masker.mask_all(schema),
        )
        text = self._masker.unmask(reply.text, in_json="{" in reply.text)
        calls = tuple(self._changed(call, back=True) for call in reply.tool_calls)
        return replace(reply, text=text, tool_calls=calls)

    def _masked(self, message: Message) -> Message:
        calls = tuple(self._changed(call, back=False) for call in message.tool_calls)
        return replace(message, content=self._masker.mask(message.content), tool_calls=calls)

    def _changed(self, call: ToolCall, *, back: bool) -> ToolCall:
        change = self._masker.unmask_all if back else self._masker.mask_all
        return replace(call, arguments=change(call.arguments), malformed=change(call.malformed))
