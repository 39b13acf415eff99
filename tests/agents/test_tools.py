"""The tools that an agent may call while it thinks."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from rclagent import FaultType, Incident, Window, incident_from_telemetry
from rclagent.agents import EvidenceGraph, StatisticalReasoner, investigate_all, read_traces, select_traces
from rclagent.agents.tool_index import ToolIndex
from rclagent.agents.tool_results import MAX_RESULT, MAX_ROWS, ok
from rclagent.agents.tools import TOOLS, ToolBox
from rclagent.core.window import NS_PER_S
from rclagent.evidence.collect import collect_evidence
from rclagent.llm import ToolCall
from rclagent.testing import Fault, IncidentSpec, generate
from rclagent.topology.service_graph import build_service_graph

if TYPE_CHECKING:
    from tests.agents.conftest import Drawn, Measured

SHOP = """
    front: GET /     0..100  trace=t id=a pod=p1
        cart: GET /cart     10..90  id=b pod=p2
            stock: GET /stock     20..80  id=c error
"""


def rows(text: str) -> list[dict[str, Any]]:
    """What stands between the marks of a result."""
    return [json.loads(line) for line in text.splitlines()[1:-1]]


def asked(box: ToolBox, name: str, **arguments: object) -> list[dict[str, Any]]:
    """Rows that a tool answers."""
    return rows(box.answer(ToolCall("1", name, arguments)))


async def boxed(measured: Measured, drawn: Drawn) -> ToolBox:
    """The tools on the shop: stock is slow."""
    measured.observe("e1", "stock", owner="stock", strength=12.34)
    measured.observe("e2", "front", strength=5)
    measured.witness("e1", "t", "c")
    findings, trace, incident = measured.findings(), drawn.trace(SHOP), drawn.incident(SHOP)
    walked = await investigate_all([trace], findings, StatisticalReasoner(findings))
    graph = EvidenceGraph(findings, walked, build_service_graph(incident.store.spans(["t"])))
    return ToolBox(ToolIndex(findings, graph, dict.fromkeys(trace.graph, trace), {}, {}))


async def test_children_of_a_span_are_told_with_their_times(measured: Measured, drawn: Drawn) -> None:
    """By hand: 80 ms, of which 60 are those of the call below."""
    head, child = asked(await boxed(measured, drawn), "children_of_span", span_id="a")
    assert head == {"status": "ok", "rows": 1, "left_out": 0}
    assert (child["span_id"], child["component"], child["duration_ms"], child["own_time_ms"]) == (
        "b",
        "cart",
        80,
        20,
    )


async def test_neighbours_are_told_with_what_they_show(measured: Measured, drawn: Drawn) -> None:
    """Cart itself shows nothing; front calls it, it calls stock."""
    head, first, second = asked(await boxed(measured, drawn), "findings_of_neighbours", component="cart")
    assert head["rows"] == 2
    assert (first["relation"], first["id"], first["z"], first["points_at"]) == (
        "calls",
        "e1",
        12.3,
        {"stock": 1.0},
    )
    assert (second["id"], second["points_at"]) == ("e2", {})


@pytest.mark.parametrize(
    ("name", "arguments", "status"),
    [
        ("children_of_span", {"span_id": "c"}, "no_data"),
        ("children_of_span", {"span_id": "z"}, "error"),
        ("children_of_span", {"span_id": 7}, "error"),
        ("children_of_span", {}, "error"),
        ("logs_of_component", {"component": "cart"}, "no_data"),
        ("logs_of_component", {"component": "nobody"}, "error"),
        ("logs_of_component", {"component": ["front"]}, "error"),
        ("logs_of_component", {"component": "front", "at_s": "noon"}, "error"),
        ("deviating_metrics", {"component": "front"}, "no_data"),
        ("deviating_metrics", {}, "error"),
        ("findings_of_neighbours", {"component": None}, "error"),
        ("drop_table", {}, "error"),
    ],
)
async def test_what_cannot_be_answered_says_so(
    measured: Measured, drawn: Drawn, name: str, arguments: dict[str, object], status: str
) -> None:
    """Nothing there is one thing, a wrong call another; neither raises."""
    box = await boxed(measured, drawn)
    assert asked(box, name, **arguments)[0]["status"] == status


async def test_malformed_arguments_are_told(measured: Measured, drawn: Drawn) -> None:
    """The model may try again."""
    (told,) = rows(
        (await boxed(measured, drawn)).answer(ToolCall("1", "children_of_span", malformed="{span"))
    )
    assert told["status"] == "error" and "JSON" in told["problem"]


async def test_a_wrong_name_is_answered_with_those_there_are(measured: Measured, drawn: Drawn) -> None:
    """At most so many, and how many were left out."""
    (told,) = asked(await boxed(measured, drawn), "deviating_metrics", component="nobody")
    assert told["components"] == ["cart", "front", "stock"] and told["left_out"] == 0


@pytest.mark.parametrize("length", [1, 500, 5_000])
def test_a_result_is_bounded_and_says_what_is_left_out(length: int) -> None:
    """By rows and by characters."""
    text = ok([{"line": "x" * length}] * 100)
    head, *shown = rows(text)
    assert head["rows"] == 100 and head["left_out"] == 100 - len(shown)
    assert len(shown) <= MAX_ROWS and len(text) < MAX_RESULT + 200


def test_each_tool_is_described_with_its_arguments() -> None:
    """As models want it."""
    for tool in TOOLS:
        assert tool.description and set(tool.parameters["required"]) <= set(tool.parameters["properties"])


@pytest.fixture(scope="module")
def exhausted() -> Incident:
    """Stock is short of CPU: its metrics deviate, and its service logs."""
    made = generate(
        IncidentSpec(
            seed=5,
            faults=(Fault(FaultType.CPU, "stock"),),
            requests_per_s=2.0,
            baseline_s=420,
            incident_s=180,
            metric_interval_s=30.0,
        )
    )
    window = Window(made.alarm_ns, made.alarm_ns + 180 * NS_PER_S)
    return incident_from_telemetry(made.incident, baseline_telemetry=made.baseline, window=window)


async def test_logs_and_metrics_come_from_indexes_of_the_whole_incident(exhausted: Incident) -> None:
    """Shares of lines by piece of time, metrics far from what is usual."""
    findings = collect_evidence(exhausted)
    traces = read_traces(exhausted, select_traces(findings))
    walked = await investigate_all(traces, findings, StatisticalReasoner(findings))
    graph = EvidenceGraph(findings, walked, build_service_graph(exhausted.store.spans_in([exhausted.window])))
    box = ToolBox(ToolIndex.build(exhausted, findings, graph, walked))
    head, *lines = asked(box, "logs_of_component", component="stock", at_s=60)
    assert head["status"] == "ok" and all(-30 <= line["at_s"] <= 120 for line in lines)
    assert all(0 <= line["share"] <= 1 and 0 <= line["usual"] <= 1 for line in lines)
    everything = asked(box, "logs_of_component", component="stock")
    assert everything[0]["rows"] > head["rows"]
    head, *series = asked(box, "deviating_metrics", component="stock")
    assert head["status"] == "ok" and any("cpu" in each["metric"] for each in series)
    assert all(abs(each["deviation"]) >= 3 for each in series)
