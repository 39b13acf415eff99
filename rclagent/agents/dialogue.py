"""The steps of an agent's talk with a model, which a graph definition strings together.

    speak -> use tools -> speak -> ... -> settle

Each step takes a Talk and gives the next. All is bounded: rounds, calls of a round, characters of each.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final, TypeAlias

from pydantic import BaseModel

from rclagent.agents.tools import TOOLS, ToolBox
from rclagent.errors import ModelError
from rclagent.llm import (
    Answer,
    Budget,
    ChatModel,
    Message,
    Reply,
    Role,
    ToolCall,
    Unanswered,
    ask,
    settle,
)

CALLS_A_ROUND: Final = 3
"""Calls of tools that are answered in one round; further ones are not heard."""
MAX_SAID: Final = 2_000
"""Characters kept of what a model says beside its calls."""
MAX_ARGUMENTS: Final = 500
"""Characters of the arguments of a call; what is longer is no call of these tools."""
FEWEST_CALLS: Final = 2
"""Calls that must be left for a tool to be offered: its round, and the answer after it."""


class Next(StrEnum):
    """Where a talk goes on."""

    USE_TOOLS = "use_tools"
    SPEAK = "speak"
    SETTLE = "settle"


@dataclass(frozen=True, slots=True)
class Talk:
    """A talk under way."""

    model: ChatModel
    """Asked."""
    budget: Budget
    """What pays for it."""
    toolbox: ToolBox | None
    """Answers calls of tools; None where none are offered."""
    messages: tuple[Message, ...]
    """The conversation so far."""
    kind: type[BaseModel]
    """What the answer has to be."""
    rounds: int
    """Rounds of tools still to be had."""
    reply: Reply | None = None
    """The model's last turn; None before it, and where it failed."""
    failure: ModelError | None = None
    """What the model failed with."""


Converse: TypeAlias = Callable[[Talk], Awaitable[Answer[Any]]]
"""Leads a talk to its end."""


def begin(talk: Talk) -> Next:
    """The first step: an answer right away, where no tools are to be had."""
    return Next.SPEAK if _offers_tools(talk) else Next.SETTLE


async def speak(talk: Talk) -> Talk:
    """The model's turn, with tools at hand."""
    try:
        reply = await talk.model.complete(talk.messages, TOOLS)
    except ModelError as error:
        return replace(talk, reply=None, failure=error)
    return replace(talk, reply=reply)


def after_speaking(talk: Talk) -> Next:
    """Whether the model wants tools."""
    return Next.USE_TOOLS if talk.reply is not None and talk.reply.tool_calls else Next.SETTLE


def use_tools(talk: Talk) -> Talk:
    """The tools' answers to the model's calls."""
    if talk.reply is None or talk.toolbox is None:
        raise ValueError("no calls of tools to answer")
    calls = tuple(_bounded(call) for call in talk.reply.tool_calls[:CALLS_A_ROUND])
    said = Message(Role.ASSISTANT, talk.reply.text[:MAX_SAID], tool_calls=calls)
    answers = (Message(Role.TOOL, talk.toolbox.answer(call), tool_call_id=call.id) for call in calls)
    return replace(
        talk,
        messages=(*talk.messages, said, *answers),
        rounds=talk.rounds - 1,
        reply=None,
    )


def after_tools(talk: Talk) -> Next:
    """Whether there may be another round."""
    return Next.SPEAK if _offers_tools(talk) else Next.SETTLE


async def finish(talk: Talk) -> Answer[Any]:
    """The typed answer: of the last turn, else of one more that is asked for it without tools."""
    if talk.failure is not None:
        return Unanswered(talk.failure.problem, talk.failure)
    if talk.reply is None:
        return await ask(talk.model, talk.messages, talk.kind)
    return await settle(talk.model, talk.messages, talk.reply, talk.kind)


def _offers_tools(talk: Talk) -> bool:
    return talk.toolbox is not None and talk.rounds > 0 and talk.budget.left.calls >= FEWEST_CALLS


def _bounded(call: ToolCall) -> ToolCall:
    written = call.malformed if call.malformed is not None else json.dumps(dict(call.arguments), default=str)
    if len(written) <= MAX_ARGUMENTS and len(call.name) <= MAX_ARGUMENTS:
        return call
    return ToolCall(call.id, call.name[:MAX_ARGUMENTS], malformed=written[:MAX_ARGUMENTS])
