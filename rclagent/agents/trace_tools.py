"""The tools of recursion of thought, answered from indexes, in the form that its models were trained on.

What an answer shows is noted, too: this protocol has no citations, so what an agent looked at stands for what
it cites.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from rclagent.agents.briefing import name, number
from rclagent.agents.observations import ObservationIndex
from rclagent.agents.span_records import span_record
from rclagent.agents.tool_index import ToolIndex
from rclagent.agents.tools import NEARLY
from rclagent.core.evidence import Channel
from rclagent.core.span import Span
from rclagent.llm import Tool, ToolCall
from rclagent.prompting import escaped_json, fitting, shown_text
from rclagent.topology.trace_graph import TraceGraph, children

MAX_RECORDS: Final = 40
"""Records of one answer."""
MAX_CHARACTERS: Final = 12_000
"""Characters of the records of one answer."""

SEARCH_TRACES: Final = Tool(
    "search_traces",
    "Direct child spans of a span.",
    {
        "type": "object",
        "properties": {"parent_span_id": {"type": "string", "description": "span_id of the span above"}},
        "required": ["parent_span_id"],
    },
)
SEARCH_METRICS: Final = Tool(
    "search_fluctuating_metrics",
    "Metrics of a service that fluctuate around a time: mean and standard deviation, regular and current.",
    {
        "type": "object",
        "properties": {
            "service_name": {"type": "string", "description": "name of the service or its instance"},
            "timestamp": {"type": "string", "description": "time in milliseconds, as in the spans"},
        },
        "required": ["service_name", "timestamp"],
    },
)
PRINT_RESULTS: Final = Tool(
    "print_results",
    "Prints the root causes, the most likely first, and ends the diagnosis. Give at least three.",
    {
        "type": "object",
        "properties": {
            "root_causes": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {level: {"type": "string"} for level in ("node", "service", "pod")},
                },
            }
        },
        "required": ["root_causes"],
    },
)
TRACE_TOOLS: Final = (SEARCH_TRACES, SEARCH_METRICS, PRINT_RESULTS)
"""In the order in which a model is told of them."""


@dataclass(frozen=True, slots=True)
class Shown:
    """An answer of a tool."""

    text: str
    """JSON, as the model reads it."""
    evidence: tuple[str, ...] = ()
    """Ids of the observations that what is shown bears."""


class TraceTools:
    """Answers the calls of one episode.

    Args:
        trace: The trace that it descends; other traces are not seen.
        index: What is known of metrics, and of observations.
    """

    def __init__(self, trace: TraceGraph, index: ToolIndex) -> None:
        self._trace = trace
        self._index = index
        self._observed = ObservationIndex.build(index.findings, [trace.trace_id])

    @property
    def first(self) -> Span:
        """The span that an episode begins with; of several roots the first."""
        graph = self._trace.graph
        span: Span | None = graph.nodes[self._trace.root]["span"]
        return graph.nodes[children(graph, self._trace.root)[0]]["span"] if span is None else span

    def shown_by(self, span_id: str) -> tuple[str, ...]:
        """Ids of the observations that a span bears."""
        graph = self._trace.graph
        above = next(iter(graph.pred[span_id]), None)
        caller = None if above is None else graph.nodes[above]["span"]
        seen = self._observed.shown_by(graph.nodes[span_id]["span"], caller)
        return tuple(each.evidence.id for each in seen)

    def answer(self, call: ToolCall) -> Shown:
        """What a call gives; never raises."""
        if call.malformed is not None:
            return _message("The arguments are no JSON object.")
        match call.name:
            case SEARCH_TRACES.name:
                return self._children(call.arguments.get("parent_span_id"))
            case SEARCH_METRICS.name:
                return self._metrics(call.arguments.get("service_name"))
            case _:
                return _message("There is no such tool.")

    def _children(self, span_id: Any) -> Shown:
        graph = self._trace.graph
        if not isinstance(span_id, str) or span_id not in graph or graph.nodes[span_id]["span"] is None:
            return _message("No span of this trace has that id.")
        below = children(graph, span_id)
        if not below:
            return _message("This span has no child spans.")
        records = [(child, span_record(graph.nodes[child]["span"])) for child in below]
        kept = fitting(records, MAX_RECORDS, MAX_CHARACTERS)
        told: list[Any] = [record for _, record in kept]
        if len(kept) < len(records):
            told.append({"message": f"{len(records) - len(kept)} more left out"})
        seen = (key for child, _ in kept for key in self.shown_by(child))
        return Shown(escaped_json(told), tuple(dict.fromkeys(seen)))

    def _metrics(self, asked: Any) -> Shown:
        # Whatever the time, the incident's window is meant: it is what is held against the baseline.
        service = self._service(asked)
        if service is None:
            return _message("No such service or instance was seen.")
        far = [
            each
            for each in self._index.series.get(service, ())
            if abs(each["z"]) >= NEARLY and asked in (service, each["pod"])
        ]
        if not far:
            return _message("None of its metrics fluctuates.")
        pairs = [(_series_name(each), _figures(each)) for each in far]
        kept = fitting(pairs, MAX_RECORDS, MAX_CHARACTERS)
        told: dict[str, Any] = dict(kept)
        if len(kept) < len(pairs):
            told["message"] = f"{len(pairs) - len(kept)} more left out"
        return Shown(escaped_json(told), self._measured_at(service))

    def _service(self, asked: Any) -> str | None:
        if not isinstance(asked, str):
            return None
        series = self._index.series
        if asked in series or asked in self._index.findings.services:
            return asked
        return next((service for service, rows in series.items() if _runs_in(rows, asked)), None)

    def _measured_at(self, service: str) -> tuple[str, ...]:
        return tuple(
            key
            for key, evidence in self._index.findings.evidence.items()
            if evidence.channel is Channel.RESOURCES and evidence.component.service == service
        )


def offered(tools: Iterable[Tool]) -> str:
    """Tools as a JSON list of functions in OpenAI's form."""
    listed = [
        {
            "type": "function",
            "function": {"name": tool.name, "description": tool.description, "parameters": tool.parameters},
        }
        for tool in tools
    ]
    return escaped_json(listed)


def _message(text: str) -> Shown:
    return Shown(escaped_json({"message": text}))


def _runs_in(rows: Sequence[Mapping[str, Any]], pod: str) -> bool:
    return any(each["pod"] == pod for each in rows)


def _series_name(series: Mapping[str, Any]) -> str:
    parts = (name(series["node"]), name(series["pod"]), shown_text(series["metric"]))
    return ".".join(part for part in parts if part)


def _figures(series: Mapping[str, Any]) -> dict[str, float | None]:
    return {
        "regular_mean": number(series["usual_mean"]),
        "regular_std_dev": number(series["usual_std"]),
        "current_mean": number(series["mean"]),
        "current_std_dev": number(series["std"]),
    }
