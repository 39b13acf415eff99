"""The steps of a diagnosis, as functions that a graph definition strings together."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import networkx as nx

from rclagent.agents.model_part import ModelPart
from rclagent.agents.progress import ProgressCallback, ignore_progress
from rclagent.agents.reasoner import Reasoner
from rclagent.agents.selection import select_traces
from rclagent.agents.statistical import StatisticalReasoner
from rclagent.agents.survey import Case
from rclagent.core.incident import Incident
from rclagent.evidence.findings import Findings
from rclagent.topology.trace_graph import TraceGraph, build_trace_graph


def read_traces(incident: Incident, trace_ids: Sequence[str]) -> tuple[TraceGraph, ...]:
    """Graphs of the traces, in the order given; ids of which the store has no span are left out."""
    if not trace_ids:
        return ()
    parts = incident.store.spans(trace_ids).partition_by("trace_id", as_dict=True)
    return tuple(build_trace_graph(parts[trace_id,]) for trace_id in trace_ids if (trace_id,) in parts)


@dataclass(frozen=True, slots=True)
class Steps:
    """What a graph of a diagnosis runs; each step can be replaced."""

    measure: Callable[[Incident], Findings]
    """Evidence of all channels over the whole incident; runs in a thread of its own."""
    service_graph: Callable[[Incident], nx.DiGraph[str]]
    """Caller -> callee over all traces of the incident; runs in a thread of its own."""
    choose: Callable[[Findings], tuple[str, ...]] = select_traces
    """Representative anomalous traces, the most telling first."""
    read_traces: Callable[[Incident, Sequence[str]], tuple[TraceGraph, ...]] = read_traces
    """Their graphs."""
    reasoner: Callable[[Findings], Reasoner] = StatisticalReasoner
    """How the agents think."""
    think: Callable[[Case], Awaitable[ModelPart]] | None = None
    """Prepares a language model's part, whose reasoner then takes the place of ``reasoner``; None without."""
    spend_all: bool = False
    """Whether agents look at every span, subtrees that do not deviate included."""
    on_progress: ProgressCallback = ignore_progress
    """Hears of each step that is done."""
