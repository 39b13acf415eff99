"""The flow of a diagnosis as a LangGraph graph."""

from __future__ import annotations

import threading
from typing import Any, TypedDict

import networkx as nx
import polars as pl
import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph

from rclagent.agents import ProgressEvent, ProgressKind, Steps
from rclagent.core.diagnosis import Diagnosis, Verdict
from rclagent.core.evidence import Channel, Component, Evidence, EvidenceKind, FaultType
from rclagent.core.incident import Alarm, Incident
from rclagent.core.window import NS_PER_S, Window
from rclagent.engine.graph_loader import load_graph
from rclagent.evidence.findings import Candidate, Claim, Findings
from rclagent.telemetry.frame_store import FrameStore
from rclagent.testing.builder import written
from rclagent.testing.spec import START_NS
from rclagent.topology.service_graph import build_service_graph

SHOP = """
    front: GET /     0..100  trace=t id=a
        cart: GET /cart     10..90  id=b
"""
CART = Component(service="cart")


def incident() -> Incident:
    """One slow request."""
    window = Window(START_NS, START_NS + 60 * NS_PER_S)
    return Incident(FrameStore(written(SHOP)), window, window.start_ns, Alarm.GIVEN, None)


def slow_cart(measured_incident: Incident) -> Findings:
    """Cart is slow."""
    late = Evidence(
        id="e1",
        channel=Channel.LEGS,
        kind=EvidenceKind.SELF_LEG,
        component=CART,
        strength=9,
        statement="cart is slow",
    )
    return Findings(
        evidence={"e1": late},
        claims={"e1": (Claim(CART, FaultType.CPU, 1.0),)},
        candidates=(Candidate(CART, FaultType.CPU, 1.0, ("e1",), chance=0.001),),
        ruled_out=(),
        entries=(),
        witnesses=pl.DataFrame(
            {
                "trace_id": ["t"],
                "span_id": ["b"],
                "evidence_id": ["e1"],
                "excess_ms": [60.0],
                "start_ns": [START_NS],
            }
        ),
        services=("cart", "front"),
    )


def service_graph(read_incident: Incident) -> nx.DiGraph[str]:
    """Front calls cart."""
    return build_service_graph(read_incident.store.spans(["t"]))


async def test_the_graph_goes_from_incident_to_diagnosis() -> None:
    """Measured, chosen, walked and synthesized."""
    graph = load_graph("parallel")(Steps(measure=slow_cart, service_graph=service_graph))
    result = await graph.ainvoke({"incident": incident()})
    assert set(result) == {"diagnosis"}
    diagnosis: Diagnosis = result["diagnosis"]
    assert diagnosis.verdict is Verdict.FAULT
    assert [cause.service for cause in diagnosis.root_causes] == ["cart"]
    assert (diagnosis.agents.traces, diagnosis.agents.spawned) == (("t",), 2)
    assert diagnosis.agents.reasoner == "statistical"


async def test_progress_is_told_in_the_thread_of_the_event_loop() -> None:
    """Step by step, agents in between; a listener needs no lock."""
    heard: list[tuple[ProgressKind, int]] = []

    def hear(event: ProgressEvent) -> None:
        heard.append((event.kind, threading.get_ident()))

    steps = Steps(measure=slow_cart, service_graph=service_graph, on_progress=hear)
    await load_graph("parallel")(steps).ainvoke({"incident": incident()})
    assert [kind for kind, _ in heard] == [
        ProgressKind.MEASURED,
        ProgressKind.TRACES_CHOSEN,
        ProgressKind.AGENT_STARTED,
        ProgressKind.AGENT_STARTED,
        ProgressKind.EVIDENCE_FOUND,
        ProgressKind.AGENT_DONE,
        ProgressKind.AGENT_DONE,
        ProgressKind.DIAGNOSED,
    ]
    assert {thread for _, thread in heard} == {threading.get_ident()}


async def test_progress_and_updates_can_be_streamed() -> None:
    """As LangGraph's users know it."""
    graph = load_graph("parallel")(Steps(measure=slow_cart, service_graph=service_graph))
    nodes: list[str] = []
    events: list[ProgressKind] = []
    item: Any
    async for mode, item in graph.astream({"incident": incident()}, stream_mode=["updates", "custom"]):
        if mode == "updates":
            nodes += item
        else:
            events.append(item.kind)
    assert nodes == ["measure", "choose_traces", "agents", "synthesize"]
    assert events[0] is ProgressKind.MEASURED and events[-1] is ProgressKind.DIAGNOSED


async def test_an_error_of_a_step_reaches_the_caller_as_it_is() -> None:
    """LangGraph wraps nothing."""

    def breaks(read_incident: Incident) -> Findings:
        raise ValueError("no such column")

    graph = load_graph("parallel")(Steps(measure=breaks, service_graph=service_graph))
    with pytest.raises(ValueError, match="no such column"):
        await graph.ainvoke({"incident": incident()})


async def test_an_incident_without_anomalous_traces_passes_through() -> None:
    """No trace is walked; the answer still comes."""

    def nothing(read_incident: Incident) -> Findings:
        found = slow_cart(read_incident)
        return Findings({}, {}, (), (), (), found.witnesses.clear(), found.services)

    graph = load_graph("parallel")(Steps(measure=nothing, service_graph=service_graph))
    result = await graph.ainvoke({"incident": incident()})
    assert result["diagnosis"].verdict is Verdict.INCONCLUSIVE
    assert result["diagnosis"].agents.traces == ()


class Outer(TypedDict, total=False):
    """State of a graph of somebody else's."""

    causes: int


async def test_it_runs_inside_a_graph_that_checkpoints() -> None:
    """A LangGraph server keeps the outer state; the columns inside are none of its business."""

    async def inner(state: Outer) -> Outer:
        graph = load_graph("parallel")(Steps(measure=slow_cart, service_graph=service_graph))
        result = await graph.ainvoke({"incident": incident()})
        return {"causes": len(result["diagnosis"].root_causes)}

    outer = StateGraph(Outer)
    outer.add_node("inner", inner)
    outer.add_edge(START, "inner")
    outer.add_edge("inner", END)
    compiled = outer.compile(checkpointer=InMemorySaver())
    result = await compiled.ainvoke({"causes": 0}, {"configurable": {"thread_id": "1"}})
    assert result == {"causes": 1}
