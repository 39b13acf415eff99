"""Tools for models without."""

from __future__ import annotations

import pytest

from rclagent.errors import UnsupportedFeature
from rclagent.llm import Capabilities, Message, Reply, Role, Tool, ToolCall
from rclagent.llm.text_tools import TextToolsModel
from rclagent.testing.models import FailingModel, ScriptedModel

LOGS = Tool("logs", "Lines of a log.", {"type": "object", "properties": {"id": {"type": "string"}}})
CALL = ToolCall("text-0", "logs", {"id": "7"})
WRITTEN = '<tool_call>{"name": "logs", "arguments": {"id": "7"}}</tool_call>'
CONVERSATION = (
    Message(Role.SYSTEM, "You help."),
    Message(Role.USER, "Who?"),
    Message(Role.ASSISTANT, "I look.", (CALL, CALL)),
    Message(Role.TOOL, "one line", tool_call_id="a"),
    Message(Role.TOOL, "no line", tool_call_id="b"),
)
WITHOUT = Capabilities(tools=False)


async def test_a_model_without_tools_reads_and_writes_them_as_text() -> None:
    """One message of each speaker in turn; calls come back apart from the text."""
    model = ScriptedModel(lambda *_: f"Let me see. {WRITTEN}", capabilities=WITHOUT)
    told = TextToolsModel(model)
    reply = await told.complete(CONVERSATION, [LOGS])
    assert reply.tool_calls == (CALL,)
    assert told.capabilities == Capabilities()
    asked = model.asked[0]
    assert asked.tools == ()
    assert [message.role for message in asked.messages] == [Role.SYSTEM, Role.USER, Role.ASSISTANT, Role.USER]
    system, _, said, results = (message.content for message in asked.messages)
    assert system.startswith("You help.\n\n")
    assert '{"name": "logs", "description": "Lines of a log.", "parameters":' in system
    assert said == f"I look.\n{WRITTEN}\n{WRITTEN}"
    assert results.index("one line") < results.index("no line")
    assert not any(message.tool_calls or message.tool_call_id for message in asked.messages)


async def test_a_model_with_tools_is_given_them() -> None:
    """And its own calls count, not its words."""
    own = Reply(WRITTEN, (ToolCall("a", "dig"),))
    model = ScriptedModel(lambda *_: own)
    assert await TextToolsModel(model).complete(CONVERSATION, [LOGS]) == own
    assert model.asked[0].tools == (LOGS,)
    assert model.asked[0].messages == CONVERSATION


async def test_a_call_in_the_text_of_a_model_with_tools_counts_where_it_makes_none() -> None:
    """Small models forget how."""
    reply = await TextToolsModel(ScriptedModel(lambda *_: WRITTEN)).complete(CONVERSATION, [LOGS])
    assert reply.tool_calls == (CALL,)


async def test_where_no_tool_is_offered_text_is_text() -> None:
    """The answer may quote a call."""
    for capabilities in (Capabilities(), WITHOUT):
        model = ScriptedModel(lambda *_: WRITTEN, capabilities=capabilities)
        assert await TextToolsModel(model).complete(CONVERSATION) == Reply(WRITTEN)


async def test_a_model_that_turns_out_to_take_no_tools_is_told_them() -> None:
    """At once."""
    model = ScriptedModel(lambda *_: WRITTEN)
    refusing = FailingModel(model, UnsupportedFeature("no", "without", feature="tools"), every=2)
    refusing.calls = 1
    assert (await TextToolsModel(refusing).complete(CONVERSATION, [LOGS])).tool_calls == (CALL,)
    assert model.asked[0].tools == ()


async def test_a_refusal_of_something_else_passes() -> None:
    """Whoever asks for a schema knows what to do."""
    refusing = FailingModel(ScriptedModel(lambda *_: ""), UnsupportedFeature("no", "without"))
    with pytest.raises(UnsupportedFeature):
        await TextToolsModel(refusing).complete(CONVERSATION, [LOGS])
