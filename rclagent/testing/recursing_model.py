"""A language model for tests that speaks the protocol of recursion of thought, in any of its dialects."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any, Final

from rclagent.llm import Capabilities, JsonSchema, Message, Reply, Role, Tool, ToolCall

_CELLS: Final = re.compile(r"\S+")
_RESPONSE: Final = re.compile(r"<tool_response>\n(.*)\n</tool_response>")


class Dialect(StrEnum):
    """How a model writes a call."""

    TAGS = "tags"
    """Between marks, the arguments as JSON within JSON."""
    TWO_OPENING_TAGS = "two-opening-tags"
    """The closing mark without its slash."""
    UNCLOSED = "unclosed"
    """No closing mark."""
    SINGLE_QUOTES = "single-quotes"
    """As a Python literal."""
    ACTION = "action"
    """In lines, as ReAct does."""
    QWEN = "qwen"
    """Between Qwen's marks."""
    STRUCTURED = "structured"
    """Apart from the text, by a server that reads the marks itself."""


class RecursingModel:
    """Follows the slowest child span down to a leaf, asks for its metrics, and names all, the deepest first.

    Args:
        dialect: How it writes its calls.
        takes_tools: Whether its server takes messages of the role ``tool``; else results stand in words.
    """

    def __init__(self, dialect: Dialect = Dialect.TAGS, *, takes_tools: bool = True) -> None:
        self.name = "recursing"
        self.capabilities = Capabilities(tools=takes_tools, json_schema=False)
        self.asked: list[tuple[Message, ...]] = []
        """Conversations so far, in order of arrival."""
        self._dialect = dialect

    async def complete(
        self, messages: Sequence[Message], tools: Sequence[Tool] = (), schema: JsonSchema | None = None
    ) -> Reply:
        """Its next call."""
        self.asked.append(tuple(messages))
        return written(self._dialect, *_next(messages))


def _next(messages: Sequence[Message]) -> tuple[str, Mapping[str, Any]]:
    answers = [json.loads(result) for result in _results(messages)]
    lists = [answer for answer in answers if isinstance(answer, list)]
    path = [_first_row(messages[1].content), *map(_slowest, lists)]
    last = path[-1]
    if '"search_traces"' in messages[0].content:  # else only print_results is offered
        if len(lists) == len(answers):
            return "search_traces", {"parent_span_id": last["span_id"]}
        if len(lists) == len(answers) - 1:  # the last span is a leaf
            asked = {"service_name": last["cmdb_id"], "timestamp": str(last["timestamp"])}
            return "search_fluctuating_metrics", asked
    named = dict.fromkeys(span["cmdb_id"] for span in reversed(path))
    return "print_results", {"root_causes": [{"pod": each} for each in named]}


def _results(messages: Sequence[Message]) -> Iterator[str]:
    for message in messages:
        if message.role is Role.TOOL:
            yield message.content
        elif message.role is Role.USER:
            yield from _RESPONSE.findall(message.content)


def written(dialect: Dialect, name: str, arguments: Mapping[str, Any]) -> Reply:
    """A call in a dialect, with a thought in front."""
    within = json.dumps(arguments)
    call = json.dumps({"name": name, "arguments": within})
    forms: Mapping[Dialect, Callable[[], str]] = {
        Dialect.TAGS: lambda: f"<tool_call>{call}</tool_call>",
        Dialect.TWO_OPENING_TAGS: lambda: f"<tool_call>{call}<tool_call>",
        Dialect.UNCLOSED: lambda: f"<tool_call>\n{call}",
        Dialect.SINGLE_QUOTES: lambda: (
            f"<tool_call>{ {'name': name, 'arguments': dict(arguments)} }<tool_call>"
        ),
        Dialect.ACTION: lambda: f"Action: {name}\nAction Input: {within}",
        Dialect.QWEN: lambda: f"✿FUNCTION✿: {name}\n✿ARGS✿: {within}",
    }
    thought = "The slowest child may tell more."
    if dialect is Dialect.STRUCTURED:
        return Reply(thought, tool_calls=(ToolCall("call-0", name, dict(arguments)),))
    return Reply(f"{thought}\n{forms[dialect]()}")


def _first_row(task: str) -> dict[str, str]:
    header, row = task.splitlines()[-2:]
    return dict(zip(_CELLS.findall(header), _CELLS.findall(row)[1:], strict=False))


def _slowest(children: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    return max(children, key=lambda child: child.get("duration", -1))
