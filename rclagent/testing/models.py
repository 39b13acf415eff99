"""Language models for tests: scripted, slow, failing, senseless, and one that never stops calling tools.

All are deterministic, whatever order calls come in, but for FailingModel, which counts them.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import asdict, dataclass
from hashlib import blake2b
from typing import Any, Final, TypeAlias

from rclagent.llm import Capabilities, ChatModel, JsonSchema, Message, Reply, Tool, ToolCall

Script: TypeAlias = Callable[[Sequence[Message], Sequence[Tool], JsonSchema | None], Reply | str]
"""What a scripted model answers to messages, tools and schema."""

_DEPTH: Final = 6
_WORD: Final = re.compile(r"[\w./:-]{2,40}")
_GIBBERISH: Final = ("lorem", "ipsum", "dolor", "amet", "e0123456789", "nobody-service", "42", "", "\u202e")


@dataclass(frozen=True, slots=True)
class Asked:
    """One request."""

    messages: tuple[Message, ...]
    """The conversation."""
    tools: tuple[Tool, ...]
    """Tools offered."""
    schema: JsonSchema | None
    """Schema asked for."""


class ScriptedModel:
    """Answers what a function says, at once.

    Args:
        script: What to answer; it may raise.
        name: Name of the model.
        capabilities: What it claims to be able to do.
    """

    def __init__(
        self, script: Script, *, name: str = "scripted", capabilities: Capabilities | None = None
    ) -> None:
        self.name = name
        self.capabilities = Capabilities() if capabilities is None else capabilities
        self.asked: list[Asked] = []
        """Requests so far, in order of arrival."""
        self._script = script

    async def complete(
        self, messages: Sequence[Message], tools: Sequence[Tool] = (), schema: JsonSchema | None = None
    ) -> Reply:
        """What the function says."""
        self.asked.append(Asked(tuple(messages), tuple(tools), schema))
        said = self._script(messages, tools, schema)
        return Reply(said) if isinstance(said, str) else said


class SlowModel:
    """Takes its time before each answer.

    Args:
        model: What answers.
        seconds: How long it takes, always or for these messages.
    """

    def __init__(self, model: ChatModel, seconds: float | Callable[[Sequence[Message]], float]) -> None:
        self.name = model.name
        self.capabilities = model.capabilities
        self.most_at_once = 0
        """Most calls that were under way at a time."""
        self._model = model
        self._seconds = seconds
        self._under_way = 0

    async def complete(
        self, messages: Sequence[Message], tools: Sequence[Tool] = (), schema: JsonSchema | None = None
    ) -> Reply:
        """The other model's answer, later."""
        self._under_way += 1
        self.most_at_once = max(self.most_at_once, self._under_way)
        try:
            await asyncio.sleep(self._seconds(messages) if callable(self._seconds) else self._seconds)
            return await self._model.complete(messages, tools, schema)
        finally:
            self._under_way -= 1


class FailingModel:
    """Fails at every so many calls.

    Args:
        model: What answers the others.
        error: What is raised; None never ends the call.
        every: Fails at this call, and at each further so many; 1 is always.
    """

    def __init__(self, model: ChatModel, error: Exception | None, *, every: int = 1) -> None:
        self.name = model.name
        self.capabilities = model.capabilities
        self.calls = 0
        """Calls so far."""
        self._model = model
        self._error = error
        self._every = every

    async def complete(
        self, messages: Sequence[Message], tools: Sequence[Tool] = (), schema: JsonSchema | None = None
    ) -> Reply:
        """The other model's answer, or failure."""
        self.calls += 1
        if self.calls % self._every:
            return await self._model.complete(messages, tools, schema)
        if self._error is None:
            await asyncio.Event().wait()
        raise copy(self._error) if self._error is not None else AssertionError("nothing ends this call")


class SenselessModel:
    """Answers well-formed nonsense, half of it in words of the prompt; the same to the same request.

    Args:
        seed: Another seed, other nonsense.
    """

    def __init__(self, seed: int = 0) -> None:
        self.name = "senseless"
        self.capabilities = Capabilities()
        self._seed = seed

    async def complete(
        self, messages: Sequence[Message], tools: Sequence[Tool] = (), schema: JsonSchema | None = None
    ) -> Reply:
        """JSON of the schema, else a few words."""
        nonsense = Nonsense(self._seed, messages)
        if schema is None:
            return Reply(" ".join(nonsense.word() for _ in range(12)))
        return Reply(json.dumps(nonsense.of(schema)))


class ToolLoopModel:
    """Calls the tools that it is offered, one after the other, and never answers.

    Args:
        seed: Another seed, other arguments.
    """

    def __init__(self, seed: int = 0) -> None:
        self.name = "tool-loop"
        self.capabilities = Capabilities()
        self._seed = seed

    async def complete(
        self, messages: Sequence[Message], tools: Sequence[Tool] = (), schema: JsonSchema | None = None
    ) -> Reply:
        """A call with arguments that fit the tool; nothing where no tool is offered."""
        if not tools:
            return Reply()
        turn = sum(len(message.tool_calls) for message in messages)
        tool = tools[turn % len(tools)]
        arguments = Nonsense(self._seed, messages).of(tool.parameters)
        return Reply(tool_calls=(ToolCall(f"loop-{turn}", tool.name, arguments),))


class Nonsense:
    """Values that fit a schema and mean nothing.

    Args:
        seed: Where chance starts, together with the messages.
        messages: Where words come from.
    """

    def __init__(self, seed: int, messages: Sequence[Message]) -> None:
        told = json.dumps([seed, *map(asdict, messages)], sort_keys=True)
        self._rng = random.Random(blake2b(told.encode(), digest_size=8).digest())
        self._words = sorted({word for message in messages for word in _WORD.findall(message.content)})

    def word(self) -> str:
        """A word of the prompt, or gibberish."""
        known = self._words and self._rng.random() < 0.5
        return str(self._rng.choice(self._words if known else _GIBBERISH))

    def of(self, schema: JsonSchema) -> Any:
        """A value of a schema."""
        return self._of(schema, schema, 0)

    def _of(self, schema: JsonSchema, root: JsonSchema, depth: int) -> Any:
        schema = _resolved(schema, root)
        if "const" in schema:
            return schema["const"]
        if schema.get("enum"):
            return self._rng.choice(schema["enum"])
        choices = schema.get("anyOf") or schema.get("oneOf")
        if choices:
            # The last one ends what refers to itself: null, as a rule.
            return self._of(choices[-1] if depth > _DEPTH else self._rng.choice(choices), root, depth + 1)
        match schema.get("type", "object" if "properties" in schema else "string"):
            case "object":
                fields: Mapping[str, JsonSchema] = schema.get("properties", {})
                return {name: self._of(field, root, depth + 1) for name, field in fields.items()}
            case "array":
                least = schema.get("minItems", 0)
                most = least if depth > _DEPTH else max(least, min(schema.get("maxItems", 3), least + 3))
                count = self._rng.randint(least, most)
                return [self._of(schema.get("items", {}), root, depth + 1) for _ in range(count)]
            case "integer":
                return self._rng.randint(*_bounds(schema, whole=True))
            case "number":
                return self._rng.uniform(*_bounds(schema, whole=False))
            case "boolean":
                return self._rng.random() < 0.5
            case "null":
                return None
            case _:
                return self.word().ljust(schema.get("minLength", 0), "x")[: schema.get("maxLength")]


def _resolved(schema: JsonSchema, root: JsonSchema) -> JsonSchema:
    while "$ref" in schema:
        place: Any = root
        for step in schema["$ref"].removeprefix("#/").split("/"):
            place = place[step]
        schema = place
    return schema


def _bounds(schema: JsonSchema, *, whole: bool) -> tuple[Any, Any]:
    step = 1 if whole else 1e-6
    low = schema.get("minimum", schema.get("exclusiveMinimum", 0 - step) + step)
    high = schema.get("maximum", schema.get("exclusiveMaximum", low + 100 + step) - step)
    return low, max(low, high)
