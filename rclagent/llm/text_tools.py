"""Tools for models that take none, and for those that write their calls into the text."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from itertools import takewhile
from typing import Final

from rclagent.errors import UnsupportedFeature
from rclagent.llm.chat_model import Capabilities, JsonSchema, Message, Reply, Role, Tool
from rclagent.llm.tool_text import read_tool_calls, write_tool_call
from rclagent.llm.turns import in_turns
from rclagent.llm.wrapper import Wrapper

_HOW_TO_CALL: Final = """You may call these functions, given with the schemas of their arguments:
$tools
To call one, write {"name": ..., "arguments": {...}} between <tool_call> and </tool_call>, then wait."""


class TextToolsModel(Wrapper):
    """Takes tools whether or not the model does.

    To a model without them, tools are described in words, and calls and results are part of the text. Where
    a reply makes no call apart from its text, one within it counts.
    """

    @property
    def capabilities(self) -> Capabilities:
        """As those of the wrapped model, with tools."""
        return replace(self._model.capabilities, tools=True)

    async def complete(
        self, messages: Sequence[Message], tools: Sequence[Tool] = (), schema: JsonSchema | None = None
    ) -> Reply:
        """The wrapped model's reply, with the calls in its text."""
        reply = await self._reply(messages, tools, schema)
        if reply.tool_calls or not tools:
            return reply
        return replace(reply, tool_calls=read_tool_calls(reply.text, [tool.name for tool in tools]))

    async def _reply(
        self, messages: Sequence[Message], tools: Sequence[Tool], schema: JsonSchema | None
    ) -> Reply:
        if self._model.capabilities.tools:
            try:
                return await self._model.complete(messages, tools, schema)
            except UnsupportedFeature as error:
                if error.feature != "tools":
                    raise
        return await self._model.complete(_in_words(messages, tools), (), schema)


def _in_words(messages: Sequence[Message], tools: Sequence[Tool]) -> list[Message]:
    told = [_without_calls(message) for message in messages]
    if not tools:
        return in_turns(told)
    offered = "\n".join(
        json.dumps({"name": tool.name, "description": tool.description, "parameters": tool.parameters})
        for tool in tools
    )
    # After the system's own words, so that a prompt's beginning stays the same and may be cached.
    place = sum(1 for _ in takewhile(lambda message: message.role is Role.SYSTEM, told))
    how = Message(Role.SYSTEM, _HOW_TO_CALL.replace("$tools", offered))
    return in_turns([*told[:place], how, *told[place:]])


def _without_calls(message: Message) -> Message:
    if message.role is Role.TOOL:
        return Message(Role.USER, f"<tool_response>\n{message.content}\n</tool_response>")
    if message.tool_calls:
        calls = "\n".join(map(write_tool_call, message.tool_calls))
        return Message(message.role, f"{message.content}\n{calls}" if message.content else calls)
    return message
