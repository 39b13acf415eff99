"""The whole flow as a graph that a LangGraph server can offer: JSON in, JSON out (langgraph.json names it).

Whoever may call the server has files of its machine read as telemetry: keep it on loopback.
"""

from __future__ import annotations

import asyncio
from typing import Any, TypedDict

from langgraph.graph import END, START, StateGraph

from rclagent import diagnose, load_incident


class Request(TypedDict, total=False):
    """What the graph is given; only ``paths`` is needed."""

    paths: list[str]
    baseline: list[str] | None
    profile: str | None
    at_ns: int | None
    window_s: float | None


class Answer(TypedDict):
    """What the graph returns."""

    diagnosis: dict[str, Any]


class _State(Request, Answer, total=False):
    pass


async def _diagnose(state: _State) -> Answer:
    incident = await asyncio.to_thread(
        load_incident,
        state.get("paths", []),
        baseline=state.get("baseline"),
        profile=state.get("profile"),
        at_ns=state.get("at_ns"),
        window_s=state.get("window_s"),
    )
    return {"diagnosis": (await diagnose(incident)).model_dump(mode="json")}


_graph = StateGraph(_State, input_schema=Request, output_schema=Answer)
_graph.add_node("diagnose", _diagnose)
_graph.add_edge(START, "diagnose")
_graph.add_edge("diagnose", END)
graph = _graph.compile(name="rclagent")
