"""The talk of one agent with a model."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any, NoReturn

import networkx as nx
import polars as pl
import pytest

from rclagent import InputError
from rclagent.agents import EvidenceGraph, Talk
from rclagent.agents.assertions import Judgement
from rclagent.agents.dialogue import CALLS_A_ROUND, MAX_ARGUMENTS
from rclagent.agents.tool_index import ToolIndex
from rclagent.agents.tools import TOOLS, ToolBox
from rclagent.engine import load_agent_graph
from rclagent.errors import PermanentModelError
from rclagent.evidence.findings import Findings
from rclagent.llm import (
    Answered,
    Budget,
    Capabilities,
    ChatModel,
    JsonSchema,
    Limits,
    Message,
    ModelAccess,
    Reply,
    Role,
    Tool,
    ToolCall,
    Unanswered,
)
from rclagent.testing import FailingModel, ScriptedModel, ToolLoopModel

NONE = '{"claims": []}'
NEIGHBOURS = ToolCall("1", "findings_of_neighbours", {"component": "cart"})


def toolbox() -> ToolBox:
    """Tools that know nothing but a name."""
    findings = Findings({}, {}, (), (), (), pl.DataFrame(), ("cart",))
    return ToolBox(ToolIndex(findings, EvidenceGraph(findings, (), nx.DiGraph()), {}, {}, {}))


async def answer(model: ChatModel, *, rounds: int = 1, calls: int | None = None) -> Any:
    """What a talk comes to."""
    budget = Budget(Limits(calls=calls))
    paid = ModelAccess(model=model).paid_from(budget)
    talk = Talk(paid, budget, toolbox(), (Message(Role.USER, "Who?"),), Judgement, rounds)
    return (await load_agent_graph("agent").ainvoke({"talk": talk}))["answer"]


def calls_first(*calls: ToolCall) -> ScriptedModel:
    """Calls tools once, then answers."""

    def script(messages: Sequence[Message], tools: Sequence[Tool], schema: JsonSchema | None) -> Reply:
        return Reply(NONE) if any(message.tool_calls for message in messages) else Reply(tool_calls=calls)

    return ScriptedModel(script)


async def test_a_talk_never_leaves_the_event_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """LangGraph runs plain functions in threads, and each way there and back costs as much as a step."""

    def refuse(*arguments: object) -> NoReturn:
        raise AssertionError("something was run in a thread")

    monkeypatch.setattr(asyncio.BaseEventLoop, "run_in_executor", refuse)
    assert isinstance(await answer(calls_first(NEIGHBOURS)), Answered)


async def test_a_model_may_use_tools_and_then_answers() -> None:
    """The second request holds the call, its result, and the schema in place of the tools."""
    model = calls_first(NEIGHBOURS)
    assert isinstance(await answer(model), Answered)
    first, second = model.asked
    assert first.tools == TOOLS and first.schema is None
    assert second.tools == () and second.schema is not None
    assert [message.role for message in second.messages] == [Role.USER, Role.ASSISTANT, Role.TOOL]
    assert "no_data" in second.messages[-1].content and second.messages[-1].tool_call_id == "1"


async def test_calls_written_as_text_are_answered_too() -> None:
    """As by models without tools of their own."""
    call = '<tool_call>{"name":"findings_of_neighbours","arguments":{"component":"cart"}}</tool_call>'
    replies = iter([call, NONE])
    model = ScriptedModel(lambda *_: next(replies), capabilities=Capabilities(tools=False))
    assert isinstance(await answer(model), Answered)
    assert "no_data" in model.asked[1].messages[-1].content


async def test_an_answer_at_once_takes_one_call() -> None:
    """Tools are offered, not forced."""
    model = ScriptedModel(lambda *_: NONE)
    found = await answer(model)
    assert isinstance(found, Answered) and len(model.asked) == 1


@pytest.mark.parametrize("rounds", [0, 1, 2])
async def test_a_model_that_always_calls_tools_is_ended(rounds: int) -> None:
    """By hand: its rounds, the question without tools, and one repair."""
    budget = Budget()
    paid = ModelAccess(model=ToolLoopModel()).paid_from(budget)
    talk = Talk(paid, budget, toolbox(), (Message(Role.USER, "Who?"),), Judgement, rounds)
    found = (await load_agent_graph("agent").ainvoke({"talk": talk}))["answer"]
    assert isinstance(found, Unanswered) and budget.spent.calls == rounds + 2


async def test_no_tool_is_offered_where_the_answer_after_it_cannot_be_paid() -> None:
    """One call is left: it is spent on the answer."""
    model = calls_first(NEIGHBOURS)
    await answer(model, calls=1)
    assert [asked.tools for asked in model.asked] == [()]


async def test_calls_are_bounded() -> None:
    """Only so many a round, and none with arguments without end."""
    long = ToolCall("9", "findings_of_neighbours", {"component": "x" * 5_000})
    model = calls_first(long, *[NEIGHBOURS] * 9)
    await answer(model)
    said, *answers = model.asked[1].messages[1:]
    assert len(said.tool_calls) == len(answers) == CALLS_A_ROUND
    assert len(said.tool_calls[0].malformed or "") == MAX_ARGUMENTS
    assert json.loads(answers[0].content.splitlines()[1])["status"] == "error"


async def test_a_failure_is_a_value() -> None:
    """At the first request as at any other."""
    found = await answer(FailingModel(ToolLoopModel(), PermanentModelError("no key", "give one", status=401)))
    assert isinstance(found, Unanswered) and found.reason == "no key"


def test_the_graph_is_built_once() -> None:
    """And found by name."""
    assert load_agent_graph("agent") is load_agent_graph("agent")
    with pytest.raises(InputError, match="Installed graphs: agent"):
        load_agent_graph("monologue")
