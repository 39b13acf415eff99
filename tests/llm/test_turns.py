"""Turns of a conversation."""

from __future__ import annotations

from rclagent.llm import Message, Role, ToolCall
from rclagent.llm.turns import in_turns


def test_what_a_speaker_says_in_a_row_is_one_turn() -> None:
    """Of the system and of the user; answers to tools stay apart."""
    system, user = Message(Role.SYSTEM, "a"), Message(Role.USER, "b")
    tools = [Message(Role.TOOL, "c", tool_call_id=name) for name in ("1", "2")]
    said = Message(Role.ASSISTANT, tool_calls=(ToolCall("1", "logs"), ToolCall("2", "logs")))
    assert in_turns([system, system, user, said, *tools, user, user]) == [
        Message(Role.SYSTEM, "a\n\na"),
        user,
        said,
        *tools,
        Message(Role.USER, "b\n\nb"),
    ]


def test_the_messages_given_stay_as_they_are() -> None:
    """Nothing is changed in place."""
    given = [Message(Role.USER, "a"), Message(Role.USER, "b")]
    in_turns(given)
    assert given == [Message(Role.USER, "a"), Message(Role.USER, "b")]
