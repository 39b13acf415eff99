"""From an Incident to a Diagnosis: the whole flow in one call."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Coroutine, Sequence
from functools import partial
from pathlib import Path
from typing import Final, TypedDict, TypeVar, Unpack

import networkx as nx
import polars as pl

from rclagent.agents import (
    Case,
    ProgressCallback,
    ProgressEvent,
    Spend,
    SpendingPlan,
    Steps,
    Terms,
    ignore_progress,
)
from rclagent.core.baseline import Baseline
from rclagent.core.diagnosis import Diagnosis
from rclagent.core.evidence import Channel, Idea
from rclagent.core.incident import Incident
from rclagent.core.span import SPAN_SCHEMA
from rclagent.core.telemetry import Telemetry
from rclagent.core.window import Window
from rclagent.engine.granting import Spending, StrategyName, granted, prepare, spend_of, terms_of
from rclagent.engine.graph_loader import load_graph
from rclagent.engine.loading import incident_from_telemetry, load_incident
from rclagent.errors import InputError
from rclagent.evidence.collect import collect_evidence
from rclagent.evidence.legs import peer_calls
from rclagent.llm import ChatModel, Limits, ModelAccess, Prices
from rclagent.topology.service_graph import build_service_graph
from rclagent.topology.trace_graph import trace_graph_to_spans

GRAPH: Final = "parallel"
"""Graph definition of a diagnosis unless another is named."""

T = TypeVar("T")


class Options(TypedDict, total=False):
    """Options that every way of diagnosing takes; ``diagnose`` says what they mean."""

    graph: str
    spend: Spending
    strategy: StrategyName
    progress: ProgressCallback | None
    model: ChatModel | ModelAccess | None
    limits: Limits | None
    prices: Prices | None
    stop: asyncio.Event | None


async def diagnose(
    incident: Incident | str | Path,
    *,
    without: Collection[Channel | Idea] = (),
    graph: str = GRAPH,
    spend: Spending = "suspicious",
    strategy: StrategyName = "parallel",
    progress: ProgressCallback | None = None,
    model: ChatModel | ModelAccess | None = None,
    limits: Limits | None = None,
    prices: Prices | None = None,
    stop: asyncio.Event | None = None,
) -> Diagnosis:
    """Find the root causes of an incident.

    Args:
        incident: A loaded incident, or a path that load_incident reads.
        without: Channels and rules to leave out, to see what each contributes.
        graph: Graph definition by its entry point in ``rclagent.graphs``.
        spend: ``all`` lets agents visit subtrees that do not deviate, too, and every one of them ask the
            model; ``suspicious`` asks it only where the measurements leave something open.
        strategy: Who asks the model: the Dedicated Agents of all spans in ``parallel``, or one agent that
            descends a trace by ``recursion-of-thought``, in the protocol of ThinkFL's models.
        progress: Called with each step; must return at once.
        model: A language model that weighs what the measurements leave open; none without.
        limits: What may be spent on it; when that is exhausted, measurements settle the rest.
        prices: What its tokens cost; needed to limit money.
        stop: Set it, in the event loop's thread, to end what the model is asked and get the best answer so
            far.

    Returns:
        The ranked, evidence-backed answer; ``inconclusive`` where too little is seen.

    Raises:
        InputError: The path cannot be read, there is no such graph, spending or strategy, or the strategy
            needs a model.
    """
    loaded = incident if isinstance(incident, Incident) else await asyncio.to_thread(load_incident, incident)
    terms = granted(model, limits=limits, prices=prices, spend=spend, strategy=strategy, stop=stop)
    steps = steps_of(terms, without=without, spend=spend, progress=progress)
    state = await load_graph(graph)(steps).ainvoke({"incident": loaded})
    diagnosis: Diagnosis = state["diagnosis"]
    return diagnosis


def steps_of(
    terms: Terms | None,
    *,
    without: Collection[Channel | Idea] = (),
    spend: Spending = "suspicious",
    progress: ProgressCallback | None = None,
) -> Steps:
    """What a graph of a diagnosis runs.

    Args:
        terms: Those of a language model; None without one.
        without: As for diagnose; as are the others.
        spend: The same as in the terms.
        progress: Called with each step.

    Raises:
        InputError: There is no such spending.
    """
    return Steps(
        measure=partial(collect_evidence, without=without),
        service_graph=_service_graph,
        think=None if terms is None else partial(prepare, terms),
        spend_all=spend_of(spend) is Spend.ALL,
        on_progress=progress or ignore_progress,
    )


async def diagnose_events(
    incident: Incident | str | Path,
    *,
    without: Collection[Channel | Idea] = (),
    **options: Unpack[Options],
) -> AsyncIterator[ProgressEvent | Diagnosis]:
    """The same as diagnose, told step by step.

    Yields:
        Each step as it happens, then the diagnosis. Whoever stops listening before that cancels the rest.
    """
    events: asyncio.Queue[ProgressEvent | None] = asyncio.Queue()
    listener = options.get("progress") or ignore_progress

    def hear(event: ProgressEvent) -> None:
        listener(event)
        events.put_nowait(event)

    heard: Options = {**options, "progress": hear}
    work = asyncio.create_task(diagnose(incident, without=without, **heard))
    work.add_done_callback(lambda _: events.put_nowait(None))
    try:
        while (event := await events.get()) is not None:
            yield event
        yield work.result()
    finally:
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)


async def plan_spending(
    incident: Incident | str | Path,
    model: ChatModel | ModelAccess,
    *,
    limits: Limits | None = None,
    prices: Prices | None = None,
    spend: Spending = "suspicious",
    strategy: StrategyName = "parallel",
) -> SpendingPlan:
    """What a diagnosis would ask a model, and what that can take at most; nothing is asked.

    Args:
        incident: As for diagnose; as are the others.

    Raises:
        InputError: As diagnose.
    """
    loaded = incident if isinstance(incident, Incident) else await asyncio.to_thread(load_incident, incident)
    terms = terms_of(model, limits=limits, prices=prices, spend=spend, strategy=strategy)
    steps = Steps(measure=collect_evidence, service_graph=_service_graph)
    findings = await asyncio.to_thread(steps.measure, loaded)
    service_graph = await asyncio.to_thread(steps.service_graph, loaded)
    traces = steps.read_traces(loaded, steps.choose(findings))
    return (await prepare(terms, Case(loaded, findings, service_graph, traces))).plan


async def diagnose_graph(
    trace_graphs: nx.DiGraph[str] | Sequence[nx.DiGraph[str]],
    *,
    baseline: Baseline | Sequence[nx.DiGraph[str]] | None = None,
    logs: pl.DataFrame | None = None,
    metrics: pl.DataFrame | None = None,
    **options: Unpack[Options],
) -> Diagnosis:
    """Find the root causes behind traces that are networkx graphs already.

    Args:
        trace_graphs: One graph or several, a trace each: edges parent -> child, nodes are span ids with
            ``service``, ``operation``, ``start_ns`` and ``end_ns`` or ``duration_ns``
            (rclagent.topology.trace_graph.trace_graph_to_spans).
        baseline: What is usual: a learned baseline, or graphs of quiet traces.
        logs: Log table (rclagent.core.log.LOG_SCHEMA), if there is one.
        metrics: Metric table (rclagent.core.metric.METRIC_SCHEMA), if there is one.
        **options: As for diagnose.

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
    return await diagnose(incident, **options)


def diagnose_sync(
    incident: Incident | str | Path,
    *,
    without: Collection[Channel | Idea] = (),
    **options: Unpack[Options],
) -> Diagnosis:
    """The same as diagnose, for callers without an event loop."""
    return _run(diagnose(incident, without=without, **options))


def diagnose_graph_sync(
    trace_graphs: nx.DiGraph[str] | Sequence[nx.DiGraph[str]],
    *,
    baseline: Baseline | Sequence[nx.DiGraph[str]] | None = None,
    logs: pl.DataFrame | None = None,
    metrics: pl.DataFrame | None = None,
    **options: Unpack[Options],
) -> Diagnosis:
    """The same as diagnose_graph, for callers without an event loop."""
    return _run(diagnose_graph(trace_graphs, baseline=baseline, logs=logs, metrics=metrics, **options))


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
        usual = pl.concat(
            [incident.baseline.calls.select("service", "callee"), peer_calls(incident.baseline.legs)]
        ).filter(pl.col("callee") != pl.col("service"))
        for caller, callee in usual.unique().sort("service", "callee").iter_rows():
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
