"""The whole flow as a graph that a LangGraph server can offer: JSON in, JSON out (langgraph.json names it).

    read -> diagnose (the flow, a graph with nodes of its own) -> render

What to look at is the input; how to think about it is the configuration, which an assistant can keep. The
address and the key of a model come from the server's environment, never from a request: whoever named an
address would be sent the key. Whoever may call the server has files of its machine read: keep it on loopback.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Annotated, Any, TypedDict

from langgraph.channels import UntrackedValue
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from pydantic import BaseModel, ConfigDict, Field

from rclagent import connect, load_incident, read_settings
from rclagent.agents import Steps
from rclagent.core.diagnosis import Diagnosis
from rclagent.core.incident import Incident
from rclagent.engine.diagnosing import GRAPH, steps_of
from rclagent.engine.granting import Spending, StrategyName, granted
from rclagent.engine.graph_loader import load_graph
from rclagent.errors import RclError
from rclagent.llm import Limits

if TYPE_CHECKING:
    from rclagent.llm.openai_model import OpenAIModel


class Request(BaseModel):
    """What to look at."""

    model_config = ConfigDict(extra="forbid")

    paths: list[str] = Field(min_length=1)
    """Files or folders of telemetry, on the server's machine."""
    baseline: list[str] | None = None
    """Telemetry of normal times."""
    profile: str | None = None
    """What ``rclagent baseline learn`` saved, in place of it."""
    at_ns: int | None = None
    """When the alarm went off, in ns since 1970; found in the data by default."""
    window_s: float | None = Field(default=None, gt=0)
    """Seconds from the alarm on to explain."""


class Answer(BaseModel):
    """What comes of it."""

    report: dict[str, Any]
    """What ``rclagent diagnose -o json`` prints."""


class Configuration(BaseModel):
    """How to think about it: what the command line's options of the same names say."""

    model: str | None = None
    """A language model; the server's RCLAGENT_MODEL by default, and none where that is not set."""
    spend: Spending = "suspicious"
    """Where it is asked."""
    strategy: StrategyName = "parallel"
    """How it goes about it."""
    max_calls: int | None = Field(default=None, ge=0)
    """Requests to it at most."""
    max_tokens: int | None = Field(default=None, ge=0)
    """Its tokens at most."""
    max_seconds: float | None = Field(default=None, ge=0)
    """Seconds at most."""


class _State(TypedDict, total=False):
    """What the nodes hand on; only requests and reports can be kept by a checkpointer."""

    paths: list[str]
    baseline: list[str] | None
    profile: str | None
    at_ns: int | None
    window_s: float | None
    incident: Annotated[Incident, UntrackedValue]
    diagnosis: Annotated[Diagnosis, UntrackedValue]
    report: dict[str, Any]


async def _read(state: Request) -> _State:
    with _told():
        return {"incident": await asyncio.to_thread(load_incident, **state.model_dump())}


async def _render(state: _State) -> _State:
    return {"report": state["diagnosis"].model_dump(mode="json")}


@asynccontextmanager
async def served(config: Mapping[str, Any]) -> AsyncIterator[CompiledStateGraph[Any, Any, Any, Any]]:
    """The graph of one run.

    Args:
        config: LangGraph's; ``configurable`` holds a ``Configuration`` beside LangGraph's own.

    Raises:
        ValueError: The configuration is none, or a model is named that the environment does not lead to,
            or a strategy that needs one without it.
    """
    configurable = config.get("configurable", {})
    asked = Configuration.model_validate(configurable)
    # In a thread, as the client's library and the list of graphs are read from disk.
    with _told():
        model = await asyncio.to_thread(_model, asked)
    async with AsyncExitStack() as stack:
        if model is not None:
            stack.push_async_callback(model.aclose)
        steps = await asyncio.to_thread(_steps, asked, model)
        yield await asyncio.to_thread(_built, steps, drawn="thread_id" not in configurable)


@contextmanager
def _told() -> Iterator[None]:
    """Servers tell the words of Python's own errors only, and ours say what to do."""
    try:
        yield
    except RclError as error:
        raise ValueError(str(error)) from error


def _model(asked: Configuration) -> OpenAIModel | None:
    if asked.model is None and not os.environ.get("RCLAGENT_MODEL", "").strip():
        return None
    return connect(read_settings(os.environ, model=asked.model))


def _steps(asked: Configuration, model: OpenAIModel | None) -> Steps:
    limits = Limits(calls=asked.max_calls, tokens=asked.max_tokens, seconds=asked.max_seconds)
    with _told():
        terms = granted(model, limits=limits, spend=asked.spend, strategy=asked.strategy)
    return steps_of(terms, spend=asked.spend)


def _built(steps: Steps, *, drawn: bool) -> CompiledStateGraph[Any, Any, Any, Any]:
    flow: Any = load_graph(GRAPH)(steps)
    if drawn:
        # LangGraph looks only into graphs that would share a checkpointer; without a thread there is none.
        flow = flow.copy(update={"checkpointer": None})
    graph = StateGraph(_State, Configuration, input_schema=Request, output_schema=Answer)
    graph.add_node("read", _read, input_schema=Request)
    graph.add_node("diagnose", flow)
    graph.add_node("render", _render)
    graph.add_edge(START, "read")
    graph.add_edge("read", "diagnose")
    graph.add_edge("diagnose", "render")
    graph.add_edge("render", END)
    return graph.compile(name="rclagent")
