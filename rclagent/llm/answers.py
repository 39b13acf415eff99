"""Typed answers: what a model says becomes a pydantic model, or a value that says why not."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final, Generic, TypeAlias, TypeVar

from pydantic import BaseModel, ValidationError

from rclagent.errors import ModelError, UnsupportedFeature
from rclagent.llm.chat_model import ChatModel, JsonSchema, Message, Reply, Role
from rclagent.llm.foreign_text import one_line
from rclagent.llm.loose_json import fenced, objects_in, read_value, without_thoughts
from rclagent.llm.turns import in_turns
from rclagent.llm.usage import Usage

_MAX_ERRORS: Final = 5
_KEPT: Final = 2_000
"""Characters of a useless answer that the model is shown again."""

T = TypeVar("T", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Answered(Generic[T]):
    """An answer of the type asked for."""

    value: T
    """The answer."""
    repaired: bool = False
    """Whether it took a second request."""
    usage: Usage = field(default_factory=Usage)
    """What it cost."""


@dataclass(frozen=True, slots=True)
class Unanswered:
    """No answer that can be used."""

    reason: str
    """Why, in one line."""
    error: ModelError | None = None
    """What the model failed with; None where it answered something else than was asked for."""
    usage: Usage = field(default_factory=Usage)
    """What the replies cost that came; a budget counts failed calls, too."""


Answer: TypeAlias = Answered[T] | Unanswered


async def ask(model: ChatModel, messages: Sequence[Message], kind: type[T]) -> Answer[T]:
    """Asks for an answer of a type, with one more request where the first answer is not of it.

    A model that takes a JSON schema is given the type's; others are told it in words.
    """
    try:
        reply = await _request(model, messages, kind)
    except ModelError as error:
        return Unanswered(error.problem, error)
    return await settle(model, messages, reply, kind)


async def settle(model: ChatModel, messages: Sequence[Message], reply: Reply, kind: type[T]) -> Answer[T]:
    """Makes an answer of a reply that has come, with one more request where it is not of the type.

    Args:
        model: What replied.
        messages: What it replied to.
        reply: What it said.
        kind: What it has to be.
    """
    value = read_answer(reply.text, kind)
    if not isinstance(value, str):
        return Answered(value, usage=reply.usage)
    problem = "it was cut off; be brief" if reply.truncated else value
    try:
        again = await _request(model, [*messages, *_repair(reply, problem)], kind)
    except ModelError as error:
        return Unanswered(error.problem, error, reply.usage)
    usage = reply.usage + again.usage
    value = read_answer(again.text, kind)
    if isinstance(value, str):
        return Unanswered(f"The model {model.name!r} gave no usable answer: {value}.", usage=usage)
    return Answered(value, repaired=True, usage=usage)


def read_answer(text: str, kind: type[T]) -> T | str:
    """The last object in a text that is of a type, else what is wrong with the last that there is.

    Args:
        text: JSON, in a fence or surrounded by prose or not.
        kind: What it has to be.
    """
    problem = "it holds no JSON object"
    for value in _candidates(without_thoughts(text)):
        try:
            return kind.model_validate(value)
        except ValidationError as error:
            problem = _told(error) if problem.startswith("it holds") else problem
    return problem


def _candidates(text: str) -> list[dict[str, Any]]:
    # A literal of Python is only looked for where there is no JSON.
    found = objects_in(text) or [read_value(part) for part in (text, *fenced(text))]
    return [value for value in reversed(found) if isinstance(value, dict)]


def _told(error: ValidationError) -> str:
    problems = error.errors(include_url=False, include_context=False, include_input=False)
    told = [f"{'.'.join(map(str, each['loc'])) or 'it'}: {each['msg']}" for each in problems[:_MAX_ERRORS]]
    return one_line("; ".join(told))


async def _request(model: ChatModel, messages: Sequence[Message], kind: type[BaseModel]) -> Reply:
    schema = _schema(kind)
    if model.capabilities.json_schema:
        try:
            return await model.complete(messages, schema=schema)
        except UnsupportedFeature as error:
            if error.feature != "json_schema":
                raise
    return await model.complete(_asked_in_words(messages, schema))


@cache
def _schema(kind: type[BaseModel]) -> JsonSchema:
    return kind.model_json_schema()


def _asked_in_words(messages: Sequence[Message], schema: JsonSchema) -> list[Message]:
    told = json.dumps(schema, ensure_ascii=False, separators=(",", ":"))
    wish = f"Answer with one JSON object, and nothing else, that follows this schema:\n{told}"
    return in_turns([*messages, Message(Role.USER, wish)])


def _repair(reply: Reply, problem: str) -> tuple[Message, ...]:
    said = Message(Role.ASSISTANT, reply.text[:_KEPT] or "(nothing)")
    return said, Message(
        Role.USER, f"This answer cannot be used: {problem}. Answer again, with the JSON alone."
    )
