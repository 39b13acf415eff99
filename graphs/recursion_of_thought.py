"""Recursion of thought as a LangGraph graph: think, look, think ..., force an answer, settle.

Built once, run by many side by side.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import TypedDict

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from rclagent.agents.episode import (
    DEPTH,
    FORCED_TURNS,
    Episode,
    Next,
    after_looking,
    after_turn,
    force,
    look,
    think,
)


class EpisodeState(TypedDict):
    """What the graph is given, hands on and returns."""

    episode: Episode


async def _think(state: EpisodeState) -> EpisodeState:
    return {"episode": await think(state["episode"])}


async def _look(state: EpisodeState) -> EpisodeState:
    return {"episode": look(state["episode"])}


async def _force(state: EpisodeState) -> EpisodeState:
    return {"episode": await force(state["episode"])}


# Coroutines, though they wait for nothing: LangGraph would run plain functions in a thread, after every step.
async def _after_turn(state: EpisodeState) -> Next:
    return after_turn(state["episode"])


async def _after_looking(state: EpisodeState) -> Next:
    return after_looking(state["episode"])


def build() -> CompiledStateGraph[EpisodeState, None, EpisodeState, EpisodeState]:
    """The compiled graph: ``await build().ainvoke({"episode": episode})`` has the ended ``episode``."""
    graph = StateGraph(EpisodeState)
    graph.add_node(Next.THINK, _think)
    graph.add_node(Next.LOOK, _look)
    graph.add_node(Next.FORCE, _force)
    ends: dict[Hashable, str] = {each: each for each in (Next.THINK, Next.LOOK, Next.FORCE)}
    ends[Next.SETTLE] = END
    # Before its first turn an episode stands where it stands after looking.
    graph.add_conditional_edges(START, _after_looking, ends)
    graph.add_conditional_edges(Next.THINK, _after_turn, ends)
    graph.add_conditional_edges(Next.LOOK, _after_looking, ends)
    graph.add_conditional_edges(Next.FORCE, _after_turn, ends)
    # Budgets and models are no state that a checkpointer could write, an outer graph's included.
    compiled = graph.compile(name="recursion-of-thought", checkpointer=False)
    # LangGraph ends a graph after 25 steps unless told otherwise: a turn is two, its look included.
    return compiled.with_config(recursion_limit=2 * DEPTH + FORCED_TURNS + 1)
