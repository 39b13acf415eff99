"""Tool calls within a text."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rclagent.llm import ToolCall, read_tool_calls, write_tool_call

TOOLS = ("logs", "search_traces")

arguments = st.dictionaries(
    st.text(),
    st.none() | st.integers(-99, 99) | st.text() | st.lists(st.text(), max_size=2),
    max_size=3,
)
names = st.text(min_size=1)


def read(text: str) -> list[tuple[str, Any]]:
    """Names and arguments of the calls in a text."""
    return [(call.name, call.malformed or dict(call.arguments)) for call in read_tool_calls(text, TOOLS)]


@pytest.mark.parametrize(
    "text",
    [
        '<tool_call>{"name": "logs", "arguments": {"id": "7"}}</tool_call>',
        '<tool_call>{"name": "logs", "arguments": "{\\"id\\": \\"7\\"}"}</tool_call>',
        '<tool_call>{"name": "logs", "arguments": {"id": "7"}}<tool_call>',
        'I look.\n<tool_call>\n{"name": "logs", "arguments": {"id": "7"}}',
        '<tool_call>{"name": "logs", "arguments": {"id": "7"}}\nThen I wait.',
        "<tool_call>{'name': 'logs', 'arguments': {'id': '7'}}</tool_call>",
        '<tool_call>```json\n{"name": "logs", "parameters": {"id": "7"}}\n```</tool_call>',
        '<tool_call>{"function": {"name": "logs", "arguments": {"id": "7"}}}</tool_call>',
        '<think>{"name": "search_traces", "arguments": {}}</think>'
        '<tool_call>{"name": "logs", "arguments": {"id": "7"}}</tool_call>',
        'So:\n```json\n{"name": "logs", "arguments": {"id": "7"}}\n```',
        '{"name": "logs", "arguments": {"id": "7"}}',
        '[{"name": "logs", "arguments": {"id": "7"}}]',
        '{"function": "logs", "args": {"id": "7"}}',
        'Thought: hm\nAction: logs\nAction Input: {"id": "7"}',
        'Thought: hm\nAction: logs\nAction Input: {"id": "7"}\nObservation: made up\nThought: so',
        'Thought: hm\r\nAction: `logs`\r\nAction Input: ```json\r\n{"id":\r\n"7"}\r\n```\r\n',
        '**Action:** logs\n**Action Input:** {"id": "7"} and then I wait',
        '✿FUNCTION✿: logs\n✿ARGS✿: {"id": "7"}',
        '✿FUNCTION✿: logs\n✿ARGS✿: {"id": "7"}\n✿RESULT✿: made up\n✿RETURN✿',
    ],
)
def test_every_way_to_write_a_call_is_known(text: str) -> None:
    """They all ask for the same."""
    assert read(text) == [("logs", {"id": "7"})]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "The cause is the cache.",
        '{"name": "cache", "arguments": {"id": "7"}}',
        '```json\n{"name": "logs", "confidence": 1}\n```',
        "Action: logs",
        "Action: look at the logs\nAction Input: {}",
        "<tool_call>I will look</tool_call>",
        '<tool_call>{"name": "logs", "argu',
        '</tool_call>{"name": "cache", "arguments": {}}',
    ],
)
def test_what_is_no_call_is_none(text: str) -> None:
    """An answer in JSON may have a name, too; and what is cut off names nothing."""
    assert read(text) == []


def test_several_calls_keep_their_order_and_get_ids() -> None:
    """With closing marks that lack their slash."""
    text = (
        '<tool_call>{"name": "logs", "arguments": {}}<tool_call>'
        ' and <tool_call>{"name": "search_traces", "arguments": {}}</tool_call>'
        '<tool_call>{"name": "logs", "arguments": {"n": 1}}'
    )
    calls = read_tool_calls(text, TOOLS)
    assert [(call.id, call.name) for call in calls] == [
        ("text-0", "logs"),
        ("text-1", "search_traces"),
        ("text-2", "logs"),
    ]
    lines = "Action: logs\nAction Input: {}\nAction: search_traces\nAction Input: {}"
    assert [name for name, _ in read(lines)] == ["logs", "search_traces"]


def test_a_tool_that_was_not_offered_is_still_a_call_where_it_is_marked_as_one() -> None:
    """So that the model can be told that there is no such tool."""
    assert read('<tool_call>{"name": "dig", "arguments": {}}</tool_call>') == [("dig", {})]
    assert read("Action: dig\nAction Input: {}") == [("dig", {})]


def test_arguments_that_cannot_be_read_are_kept_as_written() -> None:
    """So that the model can be told, too."""
    assert read("Action: logs\nAction Input: the cache") == [("logs", "the cache")]
    assert read('<tool_call>{"name": "logs", "arguments": [1]}</tool_call>') == [("logs", "[1]")]


def test_no_arguments_are_none() -> None:
    """Empty text, and null."""
    assert read("Action: logs\nAction Input:") == [("logs", {})]
    assert read('<tool_call>{"name": "logs", "arguments": null}</tool_call>') == [("logs", {})]


@given(names, arguments)
def test_a_call_that_is_written_is_read_back(name: str, given_arguments: dict[str, Any]) -> None:
    """Marks within the arguments do not end it."""
    given_arguments["mark"] = "</tool_call><tool_call><think>"
    call = ToolCall("text-0", name, given_arguments)
    assert read_tool_calls(f"I look. {write_tool_call(call)} Now.", ()) == (call,)


@given(arguments)
def test_arguments_survive_each_way_to_write_them(given_arguments: dict[str, Any]) -> None:
    """As an object, and as JSON within JSON."""
    written = json.dumps(given_arguments)
    assert read(f"Action: logs\nAction Input: {written}") == [("logs", given_arguments)]
    assert read(f"✿FUNCTION✿: logs\n✿ARGS✿: {written}") == [("logs", given_arguments)]
    assert read(json.dumps({"name": "logs", "arguments": written})) == [("logs", given_arguments)]
    assert read(f'```\n{{"name": "logs", "arguments": {written}}}\n```') == [("logs", given_arguments)]


MARKS = "<tool_call> </tool_call> Action: Action_Input: ✿FUNCTION✿: ✿ARGS✿: ``` <think> </think> Observation:"
pieces = st.sampled_from(
    [*MARKS.split(), "Action Input:", "\n", " logs", '{"name":', '"logs"', ',"arguments":', "{}", "}"]
)


@given(st.lists(pieces | st.text(max_size=5), max_size=20).map("".join))
def test_no_text_raises(text: str) -> None:
    """And each call has a name."""
    assert all(call.name for call in read_tool_calls(text, TOOLS))


@pytest.mark.parametrize(
    "piece",
    [
        "<tool_call>",
        "Action: a\nAction Input:",
        "Action: a\n",
        "\n>",
        "✿FUNCTION✿: a\n✿ARGS✿:",
        "✿",
        "```\n",
        "{'a':",
    ],
)
def test_hostile_texts_come_to_an_end(piece: str) -> None:
    """A hundred thousand characters of marks make no call of a tool that was offered."""
    assert [name for name, _ in read(piece * (100_000 // len(piece))) if name in TOOLS] == []
