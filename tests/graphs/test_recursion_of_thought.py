"""Recursion of thought as a graph: its turns, its end, and what it does when a model does not play along."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass

import polars as pl
import pytest

from rclagent.agents import EvidenceGraph, StatisticalReasoner, investigate_all
from rclagent.agents.episode import DEPTH, FORCED_TURNS, MAX_SAID, Episode, start
from rclagent.agents.named_causes import Places
from rclagent.agents.tool_index import ToolIndex
from rclagent.agents.trace_tools import TraceTools
from rclagent.core.evidence import Channel, Component, Evidence, EvidenceKind
from rclagent.engine.graph_loader import load_agent_graph
from rclagent.errors import PermanentModelError
from rclagent.evidence.findings import Findings
from rclagent.llm import Budget, ChatModel, JsonSchema, Limits, Message, Reply, Role, Tool, ToolCall, Usage
from rclagent.testing import Dialect, RecursingModel, ScriptedModel, written
from rclagent.topology.service_graph import build_service_graph
from rclagent.topology.trace_graph import build_trace_graph

SHOP = """
    front: GET /     0..100  trace=t id=a
        cart: GET /cart     10..20  id=b
        stock: GET /stock     20..90  id=c pod=stock-0
"""
RESULTS = (
    '<tool_call>{"name": "print_results", "arguments": {"root_causes": [{"service": "cart"}]}}</tool_call>'
)
LOOK = '<tool_call>{"name": "search_traces", "arguments": "{\\"parent_span_id\\": \\"a\\"}"}</tool_call>'


def stock_is_slow() -> Findings:
    """One observation, which stock's span bears."""
    slow = Evidence(
        id="e1",
        channel=Channel.LEGS,
        kind=EvidenceKind.SELF_LEG,
        component=Component(service="stock"),
        strength=9.0,
        statement="stock is slow",
    )
    rows = {"trace_id": ["t"], "span_id": ["c"], "evidence_id": ["e1"], "excess_ms": [30.0], "start_ns": [0]}
    return Findings(
        evidence={"e1": slow},
        claims={},
        candidates=(),
        ruled_out=(),
        entries=(),
        witnesses=pl.DataFrame(rows),
        services=("cart", "front", "stock"),
    )


async def ended(
    model: ChatModel, text: str = SHOP, budget: Budget | None = None, heard: list[int] | None = None
) -> Episode:
    """An episode on a trace, at its end."""
    findings = stock_is_slow()
    spans = written(text).spans
    trace = build_trace_graph(spans)
    walked = await investigate_all([trace], findings, StatisticalReasoner(findings))
    graph = EvidenceGraph(findings, walked, build_service_graph(spans))
    tools = TraceTools(trace, ToolIndex(findings, graph, {}, {}, {}))
    places = Places.of([Component(service="cart"), Component(service="stock", pod="stock-0")])
    turns = [] if heard is None else heard
    episode = start(model, budget or Budget(), tools, places, turns.append)
    state = await load_agent_graph("recursion-of-thought").ainvoke({"episode": episode})
    found: Episode = state["episode"]
    return found


@pytest.mark.parametrize("dialect", Dialect)
async def test_every_dialect_is_understood(dialect: Dialect) -> None:
    """Down to the slowest leaf, its metrics, and the answer."""
    heard: list[int] = []
    episode = await ended(RecursingModel(dialect), heard=heard)
    assert episode.named is not None and episode.named.places == (("pod", "stock-0"),)
    assert heard == [1, 2, 3, 4] and episode.forced == 0
    assert episode.looked_at == ("e1",)


async def test_the_conversation_is_that_of_the_protocol() -> None:
    """Rules, task, then calls and results in turn; no tools and no schema beside the messages."""
    model = ScriptedModel(lambda messages, tools, schema: LOOK if len(messages) == 2 else RESULTS)
    await ended(model)
    assert [(len(asked.tools), asked.schema) for asked in model.asked] == [(0, None), (0, None)]
    roles = [message.role for message in model.asked[1].messages]
    assert roles == [Role.SYSTEM, Role.USER, Role.ASSISTANT, Role.TOOL]
    result = model.asked[1].messages[3]
    assert result.tool_call_id is None and result.content.startswith('[{"timestamp":')


async def test_only_the_first_call_of_a_reply_is_done() -> None:
    """An answer behind it is not heard."""
    replies = [LOOK + RESULTS.replace("cart", "stock"), RESULTS]
    episode = await ended(ScriptedModel(lambda messages, tools, schema: replies.pop(0)))
    assert episode.named is not None and episode.named.places == (("service", "cart"),)


async def test_after_ten_turns_the_answer_is_forced() -> None:
    """The last request offers print_results alone."""

    def looking(messages: Sequence[Message], tools: Sequence[Tool], schema: JsonSchema | None) -> str:
        return LOOK if "search_traces" in messages[0].content else RESULTS

    model = ScriptedModel(looking)
    episode = await ended(model)
    assert (episode.turns, episode.forced, len(model.asked)) == (DEPTH, 1, DEPTH + 1)
    assert episode.named is not None
    assert "No turns are left" in model.asked[-1].messages[-1].content


async def test_who_never_answers_is_not_asked_for_ever() -> None:
    """Ten turns and two forced ones, all with calls of a tool that looks."""
    model = ScriptedModel(lambda messages, tools, schema: LOOK)
    episode = await ended(model)
    assert len(model.asked) == DEPTH + FORCED_TURNS and episode.named is None and episode.failure is None


@pytest.mark.parametrize(
    "reply",
    [
        "I think it is cart.",
        "",
        RESULTS.replace("[{", '"nobody"').replace("}]", ""),
        RESULTS.replace("[", ""),
    ],
)
async def test_two_replies_without_a_usable_call_force_the_answer(reply: str) -> None:
    """Four requests then: two turns, and two forced ones."""
    model = ScriptedModel(lambda messages, tools, schema: reply)
    episode = await ended(model)
    if episode.named is None:
        assert len(model.asked) == 2 + FORCED_TURNS
    else:
        assert episode.named.places == (("service", "cart"),)


async def test_a_call_between_silent_replies_starts_the_count_anew() -> None:
    """Only two in a row force the answer."""
    replies = ["well", LOOK, "well", LOOK, RESULTS]
    episode = await ended(ScriptedModel(lambda messages, tools, schema: replies.pop(0)))
    assert (episode.turns, episode.forced) == (5, 0)


async def test_the_last_call_of_a_budget_is_for_the_answer() -> None:
    """With three calls there is one turn more than the forced one."""
    budget = Budget(Limits(calls=3))

    class Paid:
        name = "paid"
        capabilities = RecursingModel().capabilities
        asked = 0

        async def complete(
            self, messages: Sequence[Message], tools: Sequence[Tool] = (), schema: JsonSchema | None = None
        ) -> Reply:
            """Looks until it is forced to answer."""
            self.asked += 1
            budget.settle(budget.hold(1, 1), Usage(calls=1))
            return Reply(LOOK if "search_traces" in messages[0].content else RESULTS)

    model = Paid()
    episode = await ended(model, budget=budget)
    assert (episode.turns, episode.forced, model.asked) == (2, 1, 3)
    assert episode.named is not None


async def test_a_failing_model_ends_the_episode() -> None:
    """Its error is kept."""

    def failing(messages: Sequence[Message], tools: Sequence[Tool], schema: JsonSchema | None) -> str:
        raise PermanentModelError("No.", "None.")

    episode = await ended(ScriptedModel(failing))
    assert episode.named is None and isinstance(episode.failure, PermanentModelError)


async def test_a_long_reply_is_cut_but_its_call_stays() -> None:
    """What the model said before its call is shown to it again in part only."""
    replies = ["x" * 5_000 + LOOK, RESULTS]
    model = ScriptedModel(lambda messages, tools, schema: replies.pop(0))
    await ended(model)
    said = model.asked[1].messages[2].content
    assert len(said) < MAX_SAID + 200 and said.endswith("</tool_call>")


async def test_calls_that_a_server_reads_itself_count_too() -> None:
    """They are shown to the model as text, as the protocol has them."""
    call = ToolCall("1", "search_traces", {"parent_span_id": "a"})
    replies = [Reply("", tool_calls=(call,)), Reply(RESULTS)]
    model = ScriptedModel(lambda messages, tools, schema: replies.pop(0))
    await ended(model)
    said = model.asked[1].messages[2]
    assert said.tool_calls == () and "search_traces" in said.content


async def test_a_server_that_streams_its_steps_can_write_them_as_json() -> None:
    """Servers of LangGraph turn dataclasses into JSON themselves, whose mappings must have text as keys."""
    episode = await ended(RecursingModel())
    assert all(isinstance(key, str) for each in mappings(episode) for key in each)


def mappings(value: object) -> Iterator[Mapping[object, object]]:
    """Every mapping within a value, down through its dataclasses."""
    if isinstance(value, Mapping):
        yield value
        for inner in value.values():
            yield from mappings(inner)
    elif isinstance(value, tuple | list):
        for inner in value:
            yield from mappings(inner)
    elif is_dataclass(value):
        for each in fields(value):
            yield from mappings(getattr(value, each.name))
