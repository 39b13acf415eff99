"""From an Incident to a Diagnosis: the whole flow in one call."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Coroutine, Sequence
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

import networkx as nx
import polars as pl

from rclagent.agents import ProgressCallback, Steps, ignore_progress
from rclagent.core.baseline import Baseline
from rclagent.core.diagnosis import Diagnosis
from rclagent.core.evidence import Channel
from rclagent.core.incident import Incident
from rclagent.core.span import SPAN_SCHEMA
from rclagent.core.telemetry import Telemetry
from rclagent.core.window import Window
from rclagent.engine.graph_loader import load_graph
from rclagent.engine.loading import incident_from_telemetry, load_incident
from rclagent.errors import InputError
from rclagent.evidence.collect import collect_evidence
from rclagent.topology.service_graph import build_service_graph
from rclagent.topology.trace_graph import trace_graph_to_spans

GRAPH: Final = "parallel"
"""Graph definition of a diagnosis unless another is named."""

T = TypeVar("T")


async def diagnose(
    incident: Incident | str | Path,
    *,
    graph: str = GRAPH,
    spend_all: bool = False,
    without: Collection[Channel] = (),
    progress: ProgressCallback | None = None,
) -> Diagnosis:
    """Find the root causes of an incident.

    Args:
        incident: A loaded incident, or a path that load_incident reads.
        graph: Graph definition by its entry point in ``rclagent.graphs``.
        spend_all: Let agents visit subtrees that do not deviate, too.
        without: Channels to leave out, to see what each contributes.
        progress: Called with each step; must return at once.

    Returns:
        The ranked, evidence-backed answer; ``inconclusive`` where too little is seen.

    Raises:
        InputError: The path cannot be read, or there is no such graph.
    """
    loaded = incident if isinstance(incident, Incident) else await asyncio.to_thread(load_incident, incident)
    steps = Steps(
        measure=partial(collect_evidence, without=without),
        service_graph=_service_graph,
        spend_all=spend_all,
        on_progress=progress or ignore_progress,
    )
    state = await load_graph(graph)(steps).ainvoke({"incident": loaded})
    diagnosis: Diagnosis = state["diagnosis"]
    return diagnosis


async def diagnose_graph(
    trace_graphs: nx.DiGraph[str] | Sequence[nx.DiGraph[str]],
    *,
    baseline: Baseline | Sequence[nx.DiGraph[str]] | None = None,
    logs: pl.DataFrame | None = None,
    metrics: pl.DataFrame | None = None,
    graph: str = GRAPH,
    spend_all: bool = False,
    progress: ProgressCallback | None = None,
) -> Diagnosis:
    """Find the root causes behind traces that are networkx graphs already.

    Args:
        trace_graphs: One graph or several, a trace each: edges parent -> child, nodes are span ids with
            ``service``, ``operation``, ``start_ns`` and ``end_ns`` or ``duration_ns``
            (rclagent.topology.trace_graph.trace_graph_to_spans).
        baseline: What is usual: a learned baseline, or graphs of quiet traces.
        logs: Log table (rclagent.core.log.LOG_SCHEMA), if there is one.
        metrics: Metric table (rclagent.core.metric.METRIC_SCHEMA), if there is one.
        graph: As for diagnose.
        spend_all: As for diagnose.
        progress: As for diagnose.

    Raises:
        InputError: A node lacks an attribute, or there is no such graph.
    """
    spans = _spans(trace_graphs if isinstance(trace_graphs, Sequence) else [trace_graphs])
    empty = Telemetry()
    telemetry = Telemetry(
        spans=spans,
        logs=empty.logs if logs is None else logs,
        metrics=empty.metrics if metrics is None else metrics,
    )
    learned = baseline if isinstance(baseline, Baseline) or baseline is None else None
    quiet = Telemetry(spans=_spans(baseline)) if isinstance(baseline, Sequence) else None
    incident = incident_from_telemetry(
        telemetry, window=_reach(spans), baseline=learned, baseline_telemetry=quiet
    )
    return await diagnose(incident, graph=graph, spend_all=spend_all, progress=progress)


def diagnose_sync(
    incident: Incident | str | Path,
    *,
    graph: str = GRAPH,
    spend_all: bool = False,
    without: Collection[Channel] = (),
    progress: ProgressCallback | None = None,
) -> Diagnosis:
    """The same as diagnose, for callers without an event loop."""
    return _run(diagnose(incident, graph=graph, spend_all=spend_all, without=without, progress=progress))


def diagnose_graph_sync(
    trace_graphs: nx.DiGraph[str] | Sequence[nx.DiGraph[str]],
    *,
    baseline: Baseline | Sequence[nx.DiGraph[str]] | None = None,
    logs: pl.DataFrame | None = None,
    metrics: pl.DataFrame | None = None,
    graph: str = GRAPH,
    spend_all: bool = False,
    progress: ProgressCallback | None = None,
) -> Diagnosis:
    """The same as diagnose_graph, for callers without an event loop."""
    return _run(
        diagnose_graph(
            trace_graphs,
            baseline=baseline,
            logs=logs,
            metrics=metrics,
            graph=graph,
            spend_all=spend_all,
            progress=progress,
        )
    )


def _run(work: Coroutine[None, None, T]) -> T:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return _finished(work)
    work.close()
    raise InputError("An event loop is running already.", "Await the function without `_sync` instead.")


def _finished(work: Coroutine[None, None, T]) -> T:
    results: list[T] = []

    async def keep() -> None:
        # asyncio.run formats repr() of its task when it restores the signal handler, the task's result
        # included: a tenth of a millisecond for each agent.
        results.append(await work)

    asyncio.run(keep())
    return results[0]


def _service_graph(incident: Incident) -> nx.DiGraph[str]:
    """Who calls whom in the incident, and who did before: what a crash ends is no longer called."""
    graph = build_service_graph(incident.store.spans_in([incident.window]))
    if incident.baseline is not None:
        usual = incident.baseline.calls.filter(pl.col("callee") != pl.col("service"))
        for caller, callee in (
            usual.select("service", "callee").unique().sort("service", "callee").iter_rows()
        ):
            if not graph.has_edge(caller, callee):
                graph.add_edge(caller, callee, calls=0, errors=0)
    return graph


def _spans(graphs: Sequence[nx.DiGraph[str]]) -> pl.DataFrame:
    frames = [
        trace_graph_to_spans(graph, trace_id=None if "trace_id" in graph.graph else f"trace-{place}")
        for place, graph in enumerate(graphs)
    ]
    return pl.concat(frames) if frames else pl.DataFrame(schema=SPAN_SCHEMA)


def _reach(spans: pl.DataFrame) -> Window:
    if spans.is_empty():
        raise InputError("There is no span in the trace graphs.", "Give at least one graph with a node.")
    first, last = spans.select(pl.col("start_ns").min(), pl.col("end_ns").max()).row(0)
    return Window(first, max(first, last) + 1)
