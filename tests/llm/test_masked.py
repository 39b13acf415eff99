"""A model that sees no secret."""

from __future__ import annotations

import json

from rclagent.llm import Masker, Message, Reply, Role, Tool, ToolCall
from rclagent.llm.masked import MaskedModel
from rclagent.testing.models import ScriptedModel

JANE = "jane@example.com"


async def test_the_model_sees_stand_ins_and_the_caller_what_they_stand_for() -> None:
    """In contents, in calls of tools and in the schema."""
    call = ToolCall("a", "logs", {"user": JANE})
    model = ScriptedModel(
        lambda messages, *_: Reply(
            json.dumps({"who": messages[0].content}),
            (ToolCall("b", "logs", {"users": [messages[0].content]}, None),),
        )
    )
    messages = [Message(Role.USER, JANE), Message(Role.ASSISTANT, tool_calls=(call,))]
    tools = [Tool("logs", "Lines.", {"enum": [JANE]})]
    reply = await MaskedModel(model, Masker(b"salt")).complete(messages, tools, {"const": JANE})
    assert JANE not in str(model.asked)
    assert model.asked[0].messages[1].tool_calls[0].arguments["user"] == model.asked[0].messages[0].content
    assert json.loads(reply.text) == {"who": JANE}
    assert reply.tool_calls == (ToolCall("b", "logs", {"users": [JANE]}),)


async def test_line_breaks_in_a_secret_do_not_break_the_answer() -> None:
    """The text is JSON, so what comes back is written as JSON has it."""
    pem = "-----BEGIN PRIVATE" + " KEY-----\nabc\n-----END PRIVATE" + " KEY-----"
    model = ScriptedModel(lambda messages, *_: json.dumps({"why": messages[0].content}))
    reply = await MaskedModel(model, Masker(b"salt")).complete([Message(Role.USER, pem)])
    assert json.loads(reply.text) == {"why": pem}


async def test_arguments_that_could_not_be_read_are_masked_too() -> None:
    """They are sent back to the model as it wrote them."""
    broken = Message(Role.ASSISTANT, tool_calls=(ToolCall("a", "logs", malformed=f"{{user: {JANE}"),))
    model = ScriptedModel(lambda messages, *_: messages[0].tool_calls[0].malformed or "")
    reply = await MaskedModel(model, Masker(b"salt")).complete([broken])
    assert JANE not in str(model.asked)
    assert reply.text == f"{{user: {JANE}"
