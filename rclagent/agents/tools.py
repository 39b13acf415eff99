"""The tools that an agent may call while it thinks: all look things up, none scans or waits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from rclagent.agents.briefing import name, number, observation
from rclagent.agents.evidence_graph import NodeKind, Relation
from rclagent.agents.tool_index import PIECE_S, ToolIndex
from rclagent.agents.tool_results import error, no_data, ok
from rclagent.core.evidence import Evidence
from rclagent.core.window import NS_PER_MS
from rclagent.llm import JsonSchema, Tool, ToolCall
from rclagent.prompting import shown_text
from rclagent.topology.trace_graph import children

NEARLY: Final = 3.0
"""Standard deviations from which a metric deviates."""
AROUND_S: Final = 60.0
"""How far around a time logs are looked up."""
MOST_KNOWN: Final = 30
"""Components named to a model that asks for one that there is not."""

_COMPONENT: Final = {"type": "string", "description": "exact name of a component"}


def _parameters(**properties: JsonSchema) -> JsonSchema:
    return {"type": "object", "properties": properties, "required": [next(iter(properties))]}


TOOLS: Final = (
    Tool(
        "children_of_span",
        "Spans that a span caused: component, operation, duration and own time in ms, observations.",
        _parameters(span_id={"type": "string", "description": "id of the span above"}),
    ),
    Tool(
        "logs_of_component",
        "Kinds of log lines that a component wrote around a time: share of its spans that wrote each, now "
        "and usually, those that changed most first.",
        _parameters(
            component=_COMPONENT,
            at_s={"type": "number", "description": "seconds after the start of the incident; all without"},
        ),
    ),
    Tool(
        "deviating_metrics",
        "Metrics of a component that deviate from what is usual by 3 standard deviations or more.",
        _parameters(component=_COMPONENT),
    ),
    Tool(
        "findings_of_neighbours",
        "Observations at a component and at those that call it, are called by it, or share a pod or machine.",
        _parameters(component=_COMPONENT),
    ),
)
"""In the order in which a model is told of them."""


class ToolBox:
    """Answers calls of the tools.

    Args:
        index: What they know.
    """

    def __init__(self, index: ToolIndex) -> None:
        self._index = index
        self._seen_at: dict[str, list[Evidence]] = {}
        for evidence in index.findings.evidence.values():
            self._seen_at.setdefault(evidence.component.service, []).append(evidence)
        services = [node.name for node in index.graph.graph if node.kind is NodeKind.SERVICE]
        self._known = frozenset([*services, *index.lines, *index.series])
        self._answers: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
            "children_of_span": self._children,
            "logs_of_component": self._logs,
            "deviating_metrics": self._metrics,
            "findings_of_neighbours": self._neighbours,
        }

    def answer(self, call: ToolCall) -> str:
        """What a call gives; never raises."""
        if call.malformed is not None:
            return error("the arguments are no JSON object")
        answer = self._answers.get(call.name)
        if answer is None:
            return error("there is no such tool", tools=[tool.name for tool in TOOLS])
        return answer(call.arguments)

    def _children(self, arguments: Mapping[str, Any]) -> str:
        span_id = arguments.get("span_id")
        if not isinstance(span_id, str) or not span_id:
            return error("give the id of a span as span_id")
        trace = self._index.traces.get(span_id)
        if trace is None:
            return error("no walked trace holds such a span")
        rows = []
        for node in children(trace.graph, span_id):
            span = trace.graph.nodes[node]["span"]
            rows.append(
                {
                    "span_id": shown_text(node),
                    "component": name(span.service),
                    "operation": shown_text(span.operation),
                    "duration_ms": number(span.duration_ns / NS_PER_MS),
                    "own_time_ms": number(trace.graph.nodes[node]["self_ns"] / NS_PER_MS),
                    "failed": span.error,
                }
            )
        return ok(rows) if rows else no_data("this span caused no others")

    def _logs(self, arguments: Mapping[str, Any]) -> str:
        component = self._component(arguments)
        if component is None:
            return self._unknown()
        at_s = arguments.get("at_s")
        if at_s is not None and (isinstance(at_s, bool) or not isinstance(at_s, int | float)):
            return error("at_s is a number of seconds")
        lines = self._index.lines.get(component, ())
        near = [line for line in lines if at_s is None or _near(line["at_s"], at_s)]
        return ok(
            [
                {
                    "at_s": number(line["at_s"]),
                    "severity": line["severity"],
                    "operation": shown_text(line["operation"]),
                    "line": shown_text(line["template"]),
                    "share": number(line["share"]),
                    "usual": None if line["usual"] is None else number(line["usual"]),
                }
                for line in sorted(near, key=_change)
            ]
        )

    def _metrics(self, arguments: Mapping[str, Any]) -> str:
        component = self._component(arguments)
        if component is None:
            return self._unknown()
        series = self._index.series.get(component, ())
        far = [each for each in series if abs(each["z"]) >= NEARLY]
        if series and not far:
            return no_data("none of its metrics deviates")
        return ok(
            [
                {
                    "metric": shown_text(each["metric"]),
                    "pod": name(each["pod"]),
                    "median": number(each["median"]),
                    "usual": number(each["usual"]),
                    "deviation": number(each["z"]),
                }
                for each in far
            ]
        )

    def _neighbours(self, arguments: Mapping[str, Any]) -> str:
        component = self._component(arguments)
        if component is None:
            return self._unknown()
        findings = self._index.findings
        near = self._index.graph.neighbours(component)
        relation = {component: "itself"}
        for kind in (Relation.CALLS, Relation.SAME_INSTANCE, Relation.SAME_NODE):
            for service in near[kind]:
                relation.setdefault(service, kind.value)
        found = [item for service in relation for item in self._seen_at.get(service, ())]
        found.sort(key=lambda item: (item.component.service != component, -item.strength, item.id))
        return ok(
            [{"relation": relation[item.component.service], **observation(findings, item)} for item in found]
        )

    def _component(self, arguments: Mapping[str, Any]) -> str | None:
        component = arguments.get("component")
        return component if isinstance(component, str) and component in self._known else None

    def _unknown(self) -> str:
        known = sorted(self._known)
        return error(
            "there is no such component",
            components=[name(each) for each in known[:MOST_KNOWN]],
            left_out=max(0, len(known) - MOST_KNOWN),
        )


def _near(piece_s: float, at_s: float) -> bool:
    return piece_s - AROUND_S <= at_s <= piece_s + PIECE_S + AROUND_S


def _change(line: Mapping[str, Any]) -> float:
    usual = line["usual"]
    return 0.0 if usual is None else -abs(line["share"] - usual)
