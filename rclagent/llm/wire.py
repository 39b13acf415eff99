"""OpenAI's chat format: requests as it wants them, and replies as servers really send them."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

from rclagent.llm.chat_model import JsonSchema, Message, Reply, Tool, ToolCall
from rclagent.llm.loose_json import read_value
from rclagent.llm.usage import Usage

_NOT_IN_NAMES: Final = re.compile(r"[^A-Za-z0-9_-]+")


class _Part(BaseModel):
    text: str | None = None


class _Function(BaseModel):
    name: str = ""
    arguments: str | dict[str, Any] | None = None


class _Call(BaseModel):
    id: str | None = None
    function: _Function


class _Message(BaseModel):
    content: str | list[_Part] | None = None
    tool_calls: list[_Call] | None = None


class _Choice(BaseModel):
    message: _Message
    finish_reason: str | None = None


class _Tokens(BaseModel):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class Completion(BaseModel):
    """The part of a completion that is read; servers send more, and less."""

    model_config = ConfigDict(extra="ignore")

    choices: list[_Choice] = Field(min_length=1)
    """Answers, of which the first counts."""
    usage: _Tokens | None = None
    """Tokens, where the server counts them."""


def request_body(
    messages: Sequence[Message], tools: Sequence[Tool], schema: JsonSchema | None
) -> dict[str, Any]:
    """The fields of a request that carry the conversation."""
    body: dict[str, Any] = {"messages": [_message(message) for message in messages]}
    if tools:
        body["tools"] = [
            {
                "type": "function",
                "function": {
                    "name": tool.name,
                    "description": tool.description,
                    "parameters": dict(tool.parameters),
                },
            }
            for tool in tools
        ]
    if schema is not None:
        # Not in OpenAI's strict mode, which refuses much of what schemas say: answers are checked anyway.
        name = _NOT_IN_NAMES.sub("_", str(schema.get("title", "")))[:64] or "answer"
        asked = {"name": name, "schema": dict(schema)}
        body["response_format"] = {"type": "json_schema", "json_schema": asked}
    return body


def read_completion(completion: Completion) -> Reply:
    """The reply of a completion; a call without an id gets one from its place."""
    choice = completion.choices[0]
    content = choice.message.content
    text = content if isinstance(content, str) else "".join(part.text or "" for part in content or ())
    calls = tuple(_tool_call(call, place) for place, call in enumerate(choice.message.tool_calls or ()))
    tokens = completion.usage or _Tokens()
    return Reply(
        text=text,
        tool_calls=calls,
        usage=Usage(
            calls=1,
            prompt_tokens=max(0, tokens.prompt_tokens or 0),
            completion_tokens=max(0, tokens.completion_tokens or 0),
        ),
        truncated=choice.finish_reason == "length",
    )


def _message(message: Message) -> dict[str, Any]:
    told: dict[str, Any] = {"role": message.role.value, "content": _encodable(message.content)}
    if message.tool_calls:
        told["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": call.malformed or json.dumps(call.arguments)},
            }
            for call in message.tool_calls
        ]
    if message.tool_call_id is not None:
        told["tool_call_id"] = message.tool_call_id
    return told


def _tool_call(call: _Call, place: int) -> ToolCall:
    written = call.function.arguments
    arguments = read_value(written) if isinstance(written, str) else written
    if isinstance(arguments, dict):
        return ToolCall(call.id or f"call-{place}", call.function.name, arguments)
    # No arguments at all is none of them.
    malformed = written if isinstance(written, str) and written.strip() else None
    return ToolCall(call.id or f"call-{place}", call.function.name, malformed=malformed)


def _encodable(text: str) -> str:
    # A model may have written halves of surrogate pairs, which cannot be sent back to it.
    return text.encode("utf-8", "replace").decode("utf-8")
