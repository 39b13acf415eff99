"""How large requests are, and what calls cost where nobody says."""

from __future__ import annotations

from rclagent.llm import Message, Reply, Role, Tool, ToolCall, Usage
from rclagent.llm.estimate import prompt_characters, prompt_tokens, with_usage

HELLO = (Message(Role.USER, "Hello there"),)


def test_characters_are_those_of_contents_and_of_tool_calls() -> None:
    """11 of the content, 4 of the name, 9 of ``{"id": 7}``, 2 of what is malformed and 4 of its tool."""
    calls = (ToolCall("a", "logs", {"id": 7}), ToolCall("b", "logs", malformed="{7"))
    assert prompt_characters([*HELLO, Message(Role.ASSISTANT, tool_calls=calls)]) == 11 + 4 + 9 + 4 + 2


def test_tokens_are_a_third_of_the_characters_rounded_up() -> None:
    """11 / 3 is 3.67; the tool adds 4 + 3 + 2 characters, the schema 16: 36 / 3 is 12."""
    assert prompt_tokens(HELLO) == 4
    assert prompt_tokens(HELLO, [Tool("logs", "All", {})], {"type": "null"}) == 12


def test_a_reply_that_tells_its_tokens_is_believed() -> None:
    """Only what it leaves out is filled in: the call itself and the characters."""
    reply = with_usage(Reply("Hi", usage=Usage(prompt_tokens=5, completion_tokens=1)), HELLO, 4)
    assert reply.usage == Usage(calls=1, prompt_tokens=5, completion_tokens=1, prompt_characters=11)


def test_a_reply_that_does_not_tell_its_tokens_is_estimated() -> None:
    """4 tokens for the 11 characters read, 2 for the 6 written, and the call counts as estimated."""
    reply = with_usage(Reply("Hi you"), HELLO, 4)
    expected = Usage(calls=1, prompt_tokens=4, completion_tokens=2, prompt_characters=11, estimated_calls=1)
    assert reply.usage == expected
