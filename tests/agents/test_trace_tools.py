"""The tools of recursion of thought."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from rclagent.agents import EvidenceGraph, StatisticalReasoner, investigate_all
from rclagent.agents.span_records import COLUMNS
from rclagent.agents.tool_index import ToolIndex
from rclagent.agents.trace_tools import MAX_CHARACTERS, MAX_RECORDS, TRACE_TOOLS, TraceTools, offered
from rclagent.core.evidence import Channel
from rclagent.llm import ToolCall
from rclagent.topology.service_graph import build_service_graph

if TYPE_CHECKING:
    from tests.agents.conftest import Drawn, Measured

SHOP = """
    front: GET /     0..100  trace=t id=a pod=p1
        cart: GET /cart     10..90  id=b pod=p2
            stock: GET /stock     20..80  id=c error
"""
SERIES = {
    "cart": [
        {
            "metric": "cpu",
            "node": "n1",
            "pod": "p2",
            "median": 90.0,
            "mean": 88.888,
            "std": 2.0,
            "usual": 40.0,
            "usual_mean": 41.0,
            "usual_std": 1.0,
            "z": 25.0,
        },
        {
            "metric": "disk",
            "node": "",
            "pod": "p9",
            "median": 1.0,
            "mean": 1.0,
            "std": 0.0,
            "usual": 1.0,
            "usual_mean": 1.0,
            "usual_std": 0.1,
            "z": 2.9,
        },
    ]
}


async def tools(measured: Measured, drawn: Drawn, text: str = SHOP) -> TraceTools:
    """The tools on a trace: stock is slow, and cart's CPU is busy."""
    measured.observe("e1", "stock", owner="stock", strength=12.34)
    measured.witness("e1", "t", "c")
    measured.observe("e2", "cart", channel=Channel.RESOURCES)
    findings, trace, incident = measured.findings(), drawn.trace(text), drawn.incident(text)
    walked = await investigate_all([trace], findings, StatisticalReasoner(findings))
    graph = EvidenceGraph(findings, walked, build_service_graph(incident.store.spans(["t"])))
    return TraceTools(trace, ToolIndex(findings, graph, dict.fromkeys(trace.graph, trace), {}, SERIES))


async def test_children_come_as_records_with_what_they_bear(measured: Measured, drawn: Drawn) -> None:
    """Stock's span shows that it is slow, so whoever saw it has seen that."""
    box = await tools(measured, drawn)
    shown = box.answer(ToolCall("1", "search_traces", {"parent_span_id": "b"}))
    (record,) = json.loads(shown.text)
    assert tuple(record) == COLUMNS
    assert (record["span_id"], record["parent_span"], record["duration"]) == ("c", "b", 60_000)
    assert shown.evidence == ("e1",)


async def test_fluctuating_metrics_are_named_by_node_pod_and_metric(measured: Measured, drawn: Drawn) -> None:
    """Only what is at least 3 standard deviations off, of a service or of one of its instances."""
    box = await tools(measured, drawn)
    for asked in ("cart", "p2"):
        shown = box.answer(
            ToolCall("1", "search_fluctuating_metrics", {"service_name": asked, "timestamp": "1"})
        )
        assert json.loads(shown.text) == {
            "n1.p2.cpu": {
                "regular_mean": 41.0,
                "regular_std_dev": 1.0,
                "current_mean": 88.9,
                "current_std_dev": 2.0,
            }
        }
        assert shown.evidence == ("e2",)


@pytest.mark.parametrize(
    ("name", "arguments", "told"),
    [
        ("search_traces", {"parent_span_id": "c"}, "no child spans"),
        ("search_traces", {"parent_span_id": "zz"}, "No span of this trace"),
        ("search_traces", {"parent_span_id": 3}, "No span of this trace"),
        ("search_traces", {}, "No span of this trace"),
        ("search_fluctuating_metrics", {"service_name": "stock"}, "None of its metrics"),
        ("search_fluctuating_metrics", {"service_name": "p9"}, "None of its metrics"),
        ("search_fluctuating_metrics", {"service_name": "nobody"}, "No such service"),
        ("search_fluctuating_metrics", {"service_name": ["cart"]}, "No such service"),
        ("delete_everything", {}, "no such tool"),
    ],
)
async def test_what_cannot_be_answered_says_why(
    measured: Measured, drawn: Drawn, name: str, arguments: dict[str, Any], told: str
) -> None:
    """In a message, as the protocol has it; nothing was seen then."""
    shown = (await tools(measured, drawn)).answer(ToolCall("1", name, arguments))
    assert told in json.loads(shown.text)["message"] and shown.evidence == ()


async def test_malformed_arguments_are_answered_too(measured: Measured, drawn: Drawn) -> None:
    """The model may do better in its next turn."""
    shown = (await tools(measured, drawn)).answer(ToolCall("1", "search_traces", malformed="b"))
    assert "JSON object" in json.loads(shown.text)["message"]


async def test_many_children_are_cut_with_a_word(measured: Measured, drawn: Drawn) -> None:
    """By hand: of 50 children 40 are shown, and what the others bear is not seen."""
    rows = "\n".join(
        f"        item: GET /{place}     {place}..{place + 1}  id=s{place}" for place in range(50)
    )
    measured.observe("e9", "item")
    measured.witness("e9", "t", "s45")
    box = await tools(measured, drawn, f"    front: GET /     0..100  trace=t id=a\n{rows}\n")
    shown = box.answer(ToolCall("1", "search_traces", {"parent_span_id": "a"}))
    *records, last = json.loads(shown.text)
    assert len(records) == MAX_RECORDS and last == {"message": "10 more left out"}
    assert len(shown.text) <= MAX_CHARACTERS + 100 and "e9" not in shown.evidence


async def test_a_trace_with_several_tops_begins_at_the_first(measured: Measured, drawn: Drawn) -> None:
    """A virtual root is no span to show."""
    box = await tools(measured, drawn, SHOP + "    front: GET /again     100..110  trace=t id=x\n")
    assert box.first.span_id == "a"


def test_tools_are_offered_in_openais_form() -> None:
    """As text of the prompt, without a character that could end a mark."""
    told = json.loads(offered(TRACE_TOOLS))
    assert [each["function"]["name"] for each in told] == [tool.name for tool in TRACE_TOOLS]
    assert {each["type"] for each in told} == {"function"}
