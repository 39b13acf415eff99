"""One call to a language model: the protocol that a back end implements, and the values it takes and gives.

A back end needs a ``name``, its ``capabilities`` and one method; ``examples/own_model.py`` is a whole one.
What every back end would need besides (retries, limits, budgets, records) wraps around it: each wrapper is a
``ChatModel`` itself. Back ends raise ``TransientModelError`` for what may pass when asked again, and
``PermanentModelError`` for what will not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol, TypeAlias

from rclagent.llm.usage import Usage

JsonSchema: TypeAlias = Mapping[str, Any]
"""A JSON schema as a mapping."""


class Role(StrEnum):
    """Who speaks."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"


@dataclass(frozen=True, slots=True)
class Tool:
    """A function that the model may ask to have called."""

    name: str
    """Name that the model calls it by."""
    description: str
    """What it answers, for the model."""
    parameters: JsonSchema
    """Schema of the object that holds its arguments."""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A wish of the model to have a tool called."""

    id: str
    """Names this call in the message that answers it."""
    name: str
    """Tool; may be one that was not offered."""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    """Arguments by name."""
    malformed: str | None = None
    """The arguments as written, where they are no JSON object; ``arguments`` is empty then."""


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: Role
    """Who speaks."""
    content: str = ""
    """What is said."""
    tool_calls: tuple[ToolCall, ...] = ()
    """Calls that the assistant asks for."""
    tool_call_id: str | None = None
    """Call that a message of role ``tool`` answers."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a model answers."""

    text: str = ""
    """The answer; may be empty."""
    tool_calls: tuple[ToolCall, ...] = ()
    """Tools to call before it goes on."""
    usage: Usage = field(default_factory=Usage)
    """What it cost; a budget counts the call and estimates the tokens where this does not tell."""
    truncated: bool = False
    """Whether the answer was cut off at the longest that the model may give."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a model can do; what it can not is worked around by whoever asks it."""

    tools: bool = True
    """Takes tools, and returns calls of them apart from its text."""
    json_schema: bool = True
    """Takes a JSON schema and answers in it."""
    temperature: bool = True
    """Takes a temperature; one that does not answers the same question differently each time."""


class ChatModel(Protocol):
    """A language model, or a wrapper around one; one object serves many calls side by side."""

    @property
    def name(self) -> str:
        """Short name, stated in records and diagnoses."""

    @property
    def capabilities(self) -> Capabilities:
        """What the model can do; may shrink when the model turns out to refuse something."""

    async def complete(
        self, messages: Sequence[Message], tools: Sequence[Tool] = (), schema: JsonSchema | None = None
    ) -> Reply:
        """The model's next turn.

        Args:
            messages: The conversation so far, the last one to be answered.
            tools: What the model may call; given only to a model that takes tools.
            schema: What the answer has to follow; given only to a model that takes one.

        Raises:
            TransientModelError: No reply, but there may be one if asked again.
            PermanentModelError: No reply, and there will be none.
        """
