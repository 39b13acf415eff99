"""The flow of one diagnosis as a LangGraph graph: measure, choose traces, agents, synthesize.

The graph holds the steps of an incident; the recursion of the Dedicated Agents inside the node
``agents`` runs on asyncio, where a slow subtree delays only its ancestors (a level of ``Send`` waits
for its slowest). Each node's update can be streamed (``stream_mode="updates"``), and every
ProgressEvent too (``stream_mode="custom"``).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeAlias, TypedDict

import networkx as nx
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import StreamWriter

from rclagent.agents import (
    Case,
    ModelPart,
    ProgressEvent,
    ProgressKind,
    Steps,
    TraceInvestigation,
    investigate_all,
    priced,
    synthesize,
)
from rclagent.core.diagnosis import Diagnosis
from rclagent.core.incident import Incident
from rclagent.evidence.findings import Findings
from rclagent.topology.trace_graph import TraceGraph

if TYPE_CHECKING:
    ServiceGraph: TypeAlias = nx.DiGraph[str]
else:
    ServiceGraph = nx.DiGraph  # LangGraph reads the state's types at run time, where this takes no index.


class IncidentInput(TypedDict):
    """What the graph is given."""

    incident: Incident


class IncidentOutput(TypedDict):
    """What the graph returns."""

    diagnosis: Diagnosis


class IncidentState(IncidentInput, IncidentOutput, total=False):
    """What the nodes hand on."""

    findings: Findings
    service_graph: ServiceGraph
    traces: tuple[TraceGraph, ...]
    investigations: tuple[TraceInvestigation, ...]
    reasoner: str
    thinking: ModelPart | None


class _Update(TypedDict, total=False):
    """What a node adds to the state."""

    findings: Findings
    service_graph: ServiceGraph
    traces: tuple[TraceGraph, ...]
    investigations: tuple[TraceInvestigation, ...]
    reasoner: str
    thinking: ModelPart | None
    diagnosis: Diagnosis


class _Nodes:
    """The nodes, around the steps that they run."""

    def __init__(self, steps: Steps) -> None:
        self._steps = steps

    async def measure(self, state: IncidentState, writer: StreamWriter) -> _Update:
        # In threads, so that the caller's event loop stays free while columns are crunched.
        findings = await asyncio.to_thread(self._steps.measure, state["incident"])
        service_graph = await asyncio.to_thread(self._steps.service_graph, state["incident"])
        self._tell(writer, ProgressEvent(ProgressKind.MEASURED, done=len(findings.evidence)))
        return {"findings": findings, "service_graph": service_graph}

    async def choose_traces(self, state: IncidentState, writer: StreamWriter) -> _Update:
        chosen = self._steps.choose(state["findings"])
        traces = self._steps.read_traces(state["incident"], chosen)
        self._tell(writer, ProgressEvent(ProgressKind.TRACES_CHOSEN, done=len(traces), total=len(chosen)))
        return {"traces": traces}

    async def agents(self, state: IncidentState, writer: StreamWriter) -> _Update:
        thinking = await self._prepared(state)
        if thinking is not None:
            asked = len(thinking.plan.questions) + thinking.plan.concludes
            most = thinking.plan.calls_most
            self._tell(writer, ProgressEvent(ProgressKind.SPENDING_PLANNED, done=asked, total=most), thinking)
        reasoner = self._steps.reasoner(state["findings"]) if thinking is None else thinking.reasoner
        investigations = await investigate_all(
            state["traces"],
            state["findings"],
            reasoner,
            spend_all=self._steps.spend_all,
            on_progress=lambda event: self._tell(writer, event, thinking),
        )
        return {"investigations": investigations, "reasoner": reasoner.name, "thinking": thinking}

    async def synthesize(self, state: IncidentState, writer: StreamWriter) -> _Update:
        thinking, investigations = state["thinking"], state["investigations"]
        thought = None
        if thinking is not None:
            thought = await thinking.conclude(
                investigations, lambda event: self._tell(writer, event, thinking)
            )
        diagnosis = synthesize(
            state["incident"],
            state["findings"],
            investigations,
            state["service_graph"],
            reasoner=state["reasoner"],
            thought=thought,
        )
        done = ProgressEvent(ProgressKind.DIAGNOSED, done=len(diagnosis.root_causes))
        self._tell(writer, done, thinking)
        return {"diagnosis": diagnosis}

    async def _prepared(self, state: IncidentState) -> ModelPart | None:
        if self._steps.think is None:
            return None
        known = (state["incident"], state["findings"], state["service_graph"], state["traces"])
        return await self._steps.think(Case(*known))

    def _tell(self, writer: StreamWriter, event: ProgressEvent, thinking: ModelPart | None = None) -> None:
        if thinking is not None:
            event = priced(event, thinking.budget)
        writer(event)
        self._steps.on_progress(event)


def build(steps: Steps) -> CompiledStateGraph[IncidentState, None, IncidentInput, IncidentOutput]:
    """The compiled graph: ``await build(steps).ainvoke({"incident": incident})`` has the ``diagnosis``.

    Args:
        steps: What the nodes run.
    """
    nodes = _Nodes(steps)
    graph = StateGraph(IncidentState, input_schema=IncidentInput, output_schema=IncidentOutput)
    graph.add_node("measure", nodes.measure)
    graph.add_node("choose_traces", nodes.choose_traces)
    graph.add_node("agents", nodes.agents)
    graph.add_node("synthesize", nodes.synthesize)
    graph.add_edge(START, "measure")
    graph.add_edge("measure", "choose_traces")
    graph.add_edge("choose_traces", "agents")
    graph.add_edge("agents", "synthesize")
    graph.add_edge("synthesize", END)
    # The state holds columns and stores, which no checkpointer can write, an outer graph's included.
    return graph.compile(name="parallel", checkpointer=False)
