"""Turns of a conversation, one speaker after the other."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from rclagent.llm.chat_model import Message, Role

_JOINED = frozenset({Role.SYSTEM, Role.USER})


def in_turns(messages: Iterable[Message]) -> list[Message]:
    """The messages, with those that a system or a user says in a row as one.

    Some servers refuse two messages of the same speaker in a row.
    """
    turns: list[Message] = []
    for message in messages:
        if turns and message.role in _JOINED and turns[-1].role is message.role:
            turns[-1] = replace(turns[-1], content=f"{turns[-1].content}\n\n{message.content}")
        else:
            turns.append(message)
    return turns
