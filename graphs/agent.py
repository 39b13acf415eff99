"""The talk of one agent with a model as a LangGraph graph: speak, use tools, settle.

Built once, run by many side by side.
"""

from __future__ import annotations

from typing import Any, TypedDict

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import Command

from rclagent.agents.dialogue import Next, Talk, after_speaking, after_tools, begin, finish, speak, use_tools


class TalkInput(TypedDict):
    """What the graph is given."""

    talk: Talk


class TalkOutput(TypedDict):
    """What the graph returns."""

    answer: Any


class _State(TalkInput, TalkOutput, total=False):
    """What the nodes hand on."""


async def _speak(state: _State) -> Command[Next]:
    talk = await speak(state["talk"])
    return Command(update={"talk": talk}, goto=after_speaking(talk))


async def _use_tools(state: _State) -> Command[Next]:
    talk = use_tools(state["talk"])
    return Command(update={"talk": talk}, goto=after_tools(talk))


async def _settle(state: _State) -> TalkOutput:
    return {"answer": await finish(state["talk"])}


# Coroutines, though they wait for nothing: LangGraph would run plain functions in a thread, after every step.
async def _begin(state: _State) -> Next:
    return begin(state["talk"])


def build() -> CompiledStateGraph[_State, None, TalkInput, TalkOutput]:
    """The compiled graph: ``await build().ainvoke({"talk": talk})`` has the ``answer``.

    How often it may loop is the talk's own business: each round makes it shorter.
    """
    graph = StateGraph(_State, input_schema=TalkInput, output_schema=TalkOutput)
    graph.add_node(Next.SPEAK, _speak, destinations=(Next.USE_TOOLS, Next.SETTLE))
    graph.add_node(Next.USE_TOOLS, _use_tools, destinations=(Next.SPEAK, Next.SETTLE))
    graph.add_node(Next.SETTLE, _settle)
    graph.add_conditional_edges(START, _begin, [Next.SPEAK, Next.SETTLE])
    graph.add_edge(Next.SETTLE, END)
    # Budgets and models are no state that a checkpointer could write, an outer graph's included.
    return graph.compile(name="agent", checkpointer=False)
