"""Models for tests."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from enum import StrEnum
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from rclagent.llm import Capabilities, JsonSchema, Message, Reply, Role, Tool
from rclagent.testing.models import FailingModel, ScriptedModel, SenselessModel, SlowModel, ToolLoopModel

HELLO = (Message(Role.USER, "Is it the cache or e0f1?"),)
LOGS = Tool("logs", "Lines.", {"type": "object", "properties": {"id": {"type": "string"}}})
TRACES = Tool("traces", "Spans.", {"type": "object"})


class Kind(StrEnum):
    """A choice."""

    CPU = "cpu"
    NETWORK = "network"


class Claim(BaseModel):
    """A part that holds parts of its kind."""

    text: str = Field(min_length=2, max_length=20)
    weight: float = Field(gt=0, lt=1)
    count: int = Field(ge=3, le=5)
    kind: Kind
    either: Literal["a", "b"] | None
    sure: bool
    below: list[Claim] = Field(default_factory=list, max_length=2)


async def test_a_scripted_model_says_what_it_is_told_and_remembers_what_it_was_asked() -> None:
    """Text, or a whole reply."""
    model = ScriptedModel(lambda messages, *_: messages[0].content, capabilities=Capabilities(tools=False))
    assert await model.complete(HELLO, [LOGS], {}) == Reply(HELLO[0].content)
    assert (model.asked[0].messages, model.asked[0].tools, model.asked[0].schema) == (HELLO, (LOGS,), {})
    whole = Reply("Hi", truncated=True)
    assert await ScriptedModel(lambda *_: whole).complete(HELLO) is whole


async def test_a_slow_model_answers_in_the_order_of_its_times() -> None:
    """The first asked needs longest; both are under way together."""
    order: list[str] = []

    def noted(messages: Sequence[Message], tools: Sequence[Tool], schema: JsonSchema | None) -> str:
        order.append(messages[0].content)
        return ""

    echo = ScriptedModel(noted)
    model = SlowModel(echo, lambda messages: 0.02 if messages[0].content == "slow" else 0.0)
    await asyncio.gather(*(model.complete([Message(Role.USER, text)]) for text in ("slow", "fast")))
    assert order == ["fast", "slow"]
    assert model.most_at_once == 2


async def test_a_failing_model_fails_at_every_so_many_calls() -> None:
    """The second and the fourth, each time with an error of its own."""
    model = FailingModel(ScriptedModel(lambda *_: "Hi"), ValueError("no"), every=2)
    ends = [await asyncio.gather(model.complete(HELLO), return_exceptions=True) for _ in range(4)]
    assert [isinstance(end, ValueError) for (end,) in ends] == [False, True, False, True]
    assert ends[1][0] is not ends[3][0]


async def test_a_call_that_hangs_can_be_cancelled() -> None:
    """Nothing else ends it."""
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.001):
            await FailingModel(ScriptedModel(lambda *_: "Hi"), None).complete(HELLO)


@given(seed=st.integers(0, 10_000), text=st.text())
async def test_nonsense_fits_its_schema_and_repeats_itself(seed: int, text: str) -> None:
    """Whatever the prompt is."""
    said = [
        (
            await SenselessModel(seed).complete([Message(Role.USER, text)], schema=Claim.model_json_schema())
        ).text
        for _ in range(2)
    ]
    assert said[0] == said[1]
    Claim.model_validate_json(said[0])


async def test_nonsense_takes_words_of_the_prompt_and_others() -> None:
    """So it may cite what exists, by chance."""
    words = {word for seed in range(50) for word in (await SenselessModel(seed).complete(HELLO)).text.split()}
    assert "e0f1" in words
    assert "nobody-service" in words


async def test_a_tool_loop_calls_all_tools_in_turn_and_says_nothing() -> None:
    """Until it is offered none."""
    model, messages = ToolLoopModel(), list(HELLO)
    called = []
    for _ in range(3):
        reply = await model.complete(messages, [LOGS, TRACES])
        called += [call.name for call in reply.tool_calls]
        messages.append(Message(Role.ASSISTANT, reply.text, reply.tool_calls))
    assert called == ["logs", "traces", "logs"]
    assert isinstance(messages[1].tool_calls[0].arguments["id"], str)
    assert await model.complete(messages) == Reply()
    assert json.dumps(messages[1].tool_calls[0].arguments)
