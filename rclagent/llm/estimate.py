"""How large a request is, and what a call cost where the model does not say."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from math import ceil
from typing import Any, Final

from rclagent.llm.chat_model import JsonSchema, Message, Reply, Tool, ToolCall

CHARACTERS_PER_TOKEN: Final = 3
"""English has about 4; ids, numbers and JSON fewer. Rather too many tokens than too few are reckoned with."""


def prompt_characters(messages: Sequence[Message]) -> int:
    """Characters of contents, and of names and arguments of tool calls."""
    return sum(len(message.content) + _calls(message.tool_calls) for message in messages)


def prompt_tokens(
    messages: Sequence[Message], tools: Sequence[Tool] = (), schema: JsonSchema | None = None
) -> int:
    """Tokens that a request may have, tools and schema included, rounded up."""
    offered = sum(len(tool.name) + len(tool.description) + len(_json(tool.parameters)) for tool in tools)
    asked = 0 if schema is None else len(_json(schema))
    return _tokens(prompt_characters(messages) + offered + asked)


def with_usage(reply: Reply, messages: Sequence[Message], tokens: int) -> Reply:
    """The reply with all that its call cost: as it says itself, estimated where it names no tokens.

    Args:
        reply: What came.
        messages: What it replies to.
        tokens: What ``prompt_tokens`` says of the request.
    """
    usage = replace(
        reply.usage,
        calls=max(1, reply.usage.calls),
        prompt_characters=reply.usage.prompt_characters or prompt_characters(messages),
    )
    if usage.tokens:
        return replace(reply, usage=usage)
    estimated = replace(
        usage,
        prompt_tokens=tokens,
        completion_tokens=_tokens(len(reply.text) + _calls(reply.tool_calls)),
        estimated_calls=usage.calls,
    )
    return replace(reply, usage=estimated)


def _calls(calls: Sequence[ToolCall]) -> int:
    # An empty object still takes its braces.
    return sum(len(call.name) + len(call.malformed or _json(call.arguments)) for call in calls)


def _tokens(characters: int) -> int:
    return ceil(characters / CHARACTERS_PER_TOKEN)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
