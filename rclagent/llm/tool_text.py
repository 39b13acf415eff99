"""Tool calls that a model writes into its text instead of making them.

Known are: JSON between ``<tool_call>`` marks, JSON in a fence or as the whole text, ``Action:`` lines as in
ReAct, and Qwen's marks. Nothing of it is ever executed; what cannot be read is not a call.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from typing import Any, Final

from rclagent.llm.chat_model import ToolCall
from rclagent.llm.loose_json import MAX_LENGTH, fenced, objects_in, read_value, without_thoughts

_MARK: Final = re.compile(r"<(/?)tool_call>")
_NAME: Final = r"[ \t]*[`\"']?([\w.-]{1,128})[`\"']?(?:\([ \t]*\))?[ \t]*"
_LINES: Final = re.compile(
    rf"^[ \t>*]*Action[*]*:[*]*{_NAME}\r?\n+[ \t>*]*Action[ _]Input[*]*:[*]*(.*?)"
    r"(?=^[ \t>*]*(?:Action|Action[ _]Input|Observation|Thought|Final Answer)[*]*:|\Z)"
    rf"|✿FUNCTION✿:{_NAME}\r?\n+✿ARGS✿:(.*?)(?=✿[A-Z]{{1,20}}✿|\Z)",
    re.DOTALL | re.MULTILINE,
)
_ESCAPED: Final = "\\u003c"
_NAMES: Final = ("name", "tool", "tool_name")
_ARGUMENTS: Final = ("arguments", "parameters", "args", "input")


def read_tool_calls(text: str, tools: Collection[str]) -> tuple[ToolCall, ...]:
    """Calls written in a text, in order.

    Args:
        text: What a model said.
        tools: Names of the tools offered. Between marks and in lines any name is a call; JSON without a mark
            is one only where it names one of these, as it may be an answer just as well.
    """
    text = without_thoughts(text[:MAX_LENGTH])
    found = list(_marked(text)) or list(_in_lines(text)) or list(_bare(text, tools))
    return tuple(
        ToolCall(f"text-{place}", name, arguments, malformed)
        for place, (name, arguments, malformed) in enumerate(found)
    )


def write_tool_call(call: ToolCall) -> str:
    """The call as text between marks, which ``read_tool_calls`` reads."""
    arguments = dict(call.arguments) if call.malformed is None else call.malformed
    written = json.dumps({"name": call.name, "arguments": arguments})
    # A mark within the arguments would end the call; outside of strings JSON has no such character.
    return f"<tool_call>{written.replace('<', _ESCAPED)}</tool_call>"


_Call = tuple[str, dict[str, Any], str | None]


def _marked(text: str) -> Iterator[_Call]:
    marks = list(_MARK.finditer(text))
    ends = [*(mark.start() for mark in marks[1:]), len(text)]
    for mark, end in zip(marks, ends, strict=False):  # one end more, where there is no mark
        # A closing mark may lack its slash, or be missing: all between two marks is looked at but what
        # follows a right closing one.
        if not mark.group(1):
            yield from _calls(_unfenced(text[mark.end() : end]), None)


def _in_lines(text: str) -> Iterator[_Call]:
    for match in _LINES.finditer(text):
        name = match.group(1) or match.group(3)
        written = _unfenced(match.group(2) or match.group(4) or "")
        yield (name, *_arguments(written))


def _bare(text: str, tools: Collection[str]) -> Iterator[_Call]:
    for part in fenced(text) or [text]:
        yield from _calls(part, tools)


def _calls(text: str, tools: Collection[str] | None) -> Iterator[_Call]:
    value = _first(text)
    for item in value if isinstance(value, list) else [value]:
        call = _call(item)
        if call is not None and (tools is None or call[0] in tools):
            yield call


def _call(value: Any) -> _Call | None:
    if not isinstance(value, dict):
        return None
    if isinstance(value.get("function"), dict):
        value = value["function"]
    names = [value[key] for key in (*_NAMES, "function") if isinstance(value.get(key), str)]
    given = [value[key] for key in _ARGUMENTS if key in value]
    if not names or not given:
        return None
    return (names[0], *_arguments(given[0]))


def _arguments(given: Any) -> tuple[dict[str, Any], str | None]:
    # Often JSON within JSON.
    value = _first(given) if isinstance(given, str) else given
    if isinstance(value, dict):
        return value, None
    if value is None and not (isinstance(given, str) and given.strip()):
        return {}, None
    return {}, given.strip() if isinstance(given, str) else json.dumps(given)


def _first(text: str) -> Any:
    value = read_value(text)
    if value is None and text.lstrip().startswith("{"):
        return next(iter(objects_in(text)), None)  # words follow
    return value


def _unfenced(text: str) -> str:
    blocks = fenced(text)
    return blocks[0] if blocks else text
