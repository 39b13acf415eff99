"""The talk of one agent with a model as a LangGraph graph: speak, use tools, settle.

Built once, run by many side by side.
"""

from __future__ import annotations

from typing import Any, TypedDict

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from rclagent.agents.dialogue import Next, Talk, after_speaking, after_tools, begin, finish, speak, use_tools


class TalkInput(TypedDict):
    """What the graph is given."""

    talk: Talk


class TalkOutput(TypedDict):
    """What the graph returns."""

    answer: Any


class _State(TalkInput, TalkOutput, total=False):
    """What the nodes hand on."""


async def _speak(state: _State) -> TalkInput:
    return {"talk": await speak(state["talk"])}


async def _use_tools(state: _State) -> TalkInput:
    return {"talk": use_tools(state["talk"])}


async def _settle(state: _State) -> TalkOutput:
    return {"answer": await finish(state["talk"])}


def build() -> CompiledStateGraph[_State, None, TalkInput, TalkOutput]:
    """The compiled graph: ``await build().ainvoke({"talk": talk})`` has the ``answer``.

    How often it may loop is the talk's own business: each round makes it shorter.
    """
    graph = StateGraph(_State, input_schema=TalkInput, output_schema=TalkOutput)
    graph.add_node(Next.SPEAK, _speak)
    graph.add_node(Next.USE_TOOLS, _use_tools)
    graph.add_node(Next.SETTLE, _settle)
    graph.add_conditional_edges(START, lambda state: begin(state["talk"]), [Next.SPEAK, Next.SETTLE])
    graph.add_conditional_edges(
        Next.SPEAK, lambda state: after_speaking(state["talk"]), [Next.USE_TOOLS, Next.SETTLE]
    )
    graph.add_conditional_edges(
        Next.USE_TOOLS, lambda state: after_tools(state["talk"]), [Next.SPEAK, Next.SETTLE]
    )
    graph.add_edge(Next.SETTLE, END)
    # Budgets and models are no state that a checkpointer could write, an outer graph's included.
    return graph.compile(name="agent", checkpointer=False)
