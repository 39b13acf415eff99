"""What a language model costs: calls, characters and seconds, beside the published code's and a floor.

A server stands in for the model: it answers after LATENCY_S, what it says is well-formed and means nothing.
It is reached through the client that users have, CONCURRENCY requests at a time. Telemetry is read and the
baseline learned before the clock starts, which then runs around the diagnosis alone.

*Traces.* Each of TRACES as an incident of its own, as the published code was measured on them.
*Incidents.* One request alone seldom leaves a choice open, about which agents would ask. So every fault of
the day is diagnosed as well, with its three minutes of traces, once with the default spending, and that of
the large trace with ``all``.
*Overhead.* A generated trace and a model that answers at once: all time is ours.

The floor of a run is the time that no scheduling can beat: the longest chain of requests that have to wait
for each other (benchmarks.request_chain), or all of them, CONCURRENCY at a time; whichever takes longer.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any, Final, Literal, TypeAlias

from benchmarks.datasets import MODALITIES
from benchmarks.latency_server import LatencyServer, running
from benchmarks.methods import incident_of
from benchmarks.nezha import nezha
from benchmarks.request_chain import RequestLog
from benchmarks.trace_incident import trace_incident
from rclagent import (
    Diagnosis,
    Incident,
    ModelAccess,
    Window,
    connect,
    diagnose,
    diagnose_sync,
    incident_from_telemetry,
    read_settings,
)
from rclagent.testing import ScriptedModel, big

NAME: Final = "model-cost"
"""Kind of the result file."""
LATENCY_S: Final = 0.2
"""Before each answer."""
TOOL_ROUNDS: Final = 2
"""Turns of tool calls before the stand-in answers, where it is offered tools."""
CONCURRENCY: Final = 16
"""Requests at a time: what ModelAccess allows unless told otherwise."""
DAY: Final = "2023-01-30"
"""Day of the recording that the published code was measured on."""
TRACES: Final[Mapping[str, str]] = {
    "small": "1d5aff0c6431ad8ad7dbc10ec19a5962",
    "medium": "12d8513bfb5a18e9f464e402e197f280",
    "large": "5a21e04ddfcbef97ac1b07a788855d7f",
    "deep": "b49bf908fa7c80ae8c3c603410f86c19",
}
"""Of that day, by size; the faulty pod of the last one lies below the published code's depth limit."""
WHOLE: Final = f"{DAY} 13:52:20"
"""The fault of the large trace, also diagnosed with the spending ``all``."""
OVERHEAD_SPANS: Final = 122
"""Spans of the generated trace."""

Spending: TypeAlias = Literal["suspicious", "all"]
SPENDINGS: Final[tuple[Spending, ...]] = ("suspicious", "all")

_QUIET_TRACES: Final = 200
_SLOW_MS: Final = 200.0
_NS_PER_S: Final = 1_000_000_000
_CALL: Final = '<tool_call>{"name": "deviating_metrics", "arguments": {"component": "tier-03"}}</tool_call>'
_ANSWER: Final = '{"claims": []}'


@dataclass(frozen=True, slots=True)
class Cost:
    """What one incident cost with one spending."""

    name: str
    """Of the trace, or of the fault."""
    spending: str
    """Where calls went."""
    spans: int
    """Spans of the walked traces."""
    agents: int
    """Agents that were created."""
    spans_covered: int
    """Spans that an agent looked at or settled."""
    questions: int
    """What was to be asked; 0 where the measurements leave nothing open."""
    calls: int
    """Requests."""
    prompt_characters: int
    """Characters of their messages and of the tool calls in them."""
    most_at_once: int
    """Most requests that were under way at a time."""
    longest_chain: int
    """Requests that had to wait for each other."""
    seconds: tuple[float, ...]
    """Of each run."""


def measure(
    data: Path, program: Path, repeats: int = 3, tell: Callable[[str], None] = lambda line: None
) -> dict[str, Any]:
    """Everything, as JSON.

    Args:
        data: Recording in the Nezha layout that holds DAY.
        program: The latency server.
        repeats: Runs of each trace and spending.
        tell: Told of each step.

    Raises:
        InputError: The recording lacks a trace, or there is no such program.
    """
    with running(program, latency_s=LATENCY_S, tool_rounds=TOOL_ROUNDS) as server:
        _warm_up(server)
        traces = list(_traces(data, server, repeats, tell))
        incidents = list(_incidents(data, server, tell))
    tell("overhead")
    return {
        "dataset": NAME,
        "latency_s": LATENCY_S,
        "concurrency": CONCURRENCY,
        "traces": [asdict(cost) for cost in traces],
        "incidents": [asdict(cost) for cost in incidents],
        "overhead": overhead(repeats),
    }


def cost(name: str, incident: Incident, spending: Spending, server: LatencyServer, repeats: int) -> Cost:
    """Diagnoses an incident a few times; counts are the same each time, but for those at a time."""
    seconds, most_at_once = [], 0
    gc.freeze()  # as the command line does with what it has loaded
    for _ in range(repeats):
        server.reset()
        diagnosis, log, taken = asyncio.run(_diagnosed(incident, spending, server.base_url))
        counts = server.counts()
        seconds.append(taken)
        most_at_once = max(most_at_once, counts.most_at_once)
    reasoning = diagnosis.agents.reasoning
    return Cost(
        name=name,
        spending=spending,
        spans=incident.store.spans(diagnosis.agents.traces).height,
        agents=diagnosis.agents.spawned,
        spans_covered=diagnosis.agents.spans,
        questions=0 if reasoning is None else reasoning.questions,
        calls=counts.calls,
        prompt_characters=counts.prompt_characters,
        most_at_once=most_at_once,
        longest_chain=log.longest_chain,
        seconds=tuple(seconds),
    )


def floor_s(cost: Mapping[str, Any], latency_s: float, concurrency: int) -> float:
    """The least time of a run, seconds; 0 without calls.

    By hand: 705 calls, 16 at a time, 0.2 s each are 8.8 s; a chain of 75 of them is 15 s, which is the floor.

    Args:
        cost: Fields of a Cost.
        latency_s: Of one answer.
        concurrency: Requests at a time.
    """
    turns: float = max(cost["longest_chain"], cost["calls"] / concurrency)
    return latency_s * turns


def overhead(repeats: int = 3) -> dict[str, Any]:
    """Milliseconds a span, best of several runs, without a model and with one that answers at once.

    The model calls a tool whenever it is offered some: questions have as many rounds as they can have.
    """
    incident = _generated(OVERHEAD_SPANS)
    ways: dict[str, Callable[[], Diagnosis]] = {"no model": partial(diagnose_sync, incident)}
    for spending in SPENDINGS:
        model = ScriptedModel(_script)
        ways[spending] = partial(diagnose_sync, incident, model=model, spend=spending)
    ways["all"]()
    ms: dict[str, float] = {}
    calls: dict[str, int] = {}
    for name, run in ways.items():
        runs = []
        for _ in range(repeats):
            start = perf_counter()
            diagnosis = run()
            runs.append(perf_counter() - start)
        ms[name] = min(runs) * 1e3 / OVERHEAD_SPANS
        calls[name] = diagnosis.usage.model_calls
    return {"spans": OVERHEAD_SPANS, "ms_per_span": ms, "calls": calls}


def _traces(data: Path, server: LatencyServer, repeats: int, tell: Callable[[str], None]) -> Sequence[Cost]:
    found = []
    for name, trace_id in TRACES.items():
        incident = trace_incident(data, DAY, trace_id)
        for spending in SPENDINGS:
            found.append(cost(name, incident, spending, server, repeats))
            tell(_said(found[-1]))
    return found


def _incidents(data: Path, server: LatencyServer, tell: Callable[[str], None]) -> Sequence[Cost]:
    found = []
    for case in nezha(data, day=DAY, modalities=MODALITIES).cases:
        incident = incident_of(case.load())
        for spending in SPENDINGS if case.id == WHOLE else SPENDINGS[:1]:
            found.append(cost(case.id, incident, spending, server, 1))
            tell(_said(found[-1]))
    return found


async def _diagnosed(
    incident: Incident, spending: Spending, base_url: str
) -> tuple[Diagnosis, RequestLog, float]:
    settings = read_settings({}, model="stand-in", base_url=base_url)
    async with connect(settings) as model:
        log = RequestLog(model)
        access = ModelAccess(model=log)
        start = perf_counter()
        diagnosis = await diagnose(incident, model=access, spend=spending, progress=log.hear)
        return diagnosis, log, perf_counter() - start


def _warm_up(server: LatencyServer) -> None:
    """What is imported on first use must not count."""
    asyncio.run(_diagnosed(_generated(2), "all", server.base_url))


def _generated(spans: int) -> Incident:
    quiet = big(spans, traces=_QUIET_TRACES)
    start_ns = int(quiet.spans["end_ns"].to_numpy().max()) + _NS_PER_S
    slow = big(spans, slow_ms=_SLOW_MS, start_ns=start_ns)
    window = Window(start_ns, start_ns + _NS_PER_S)
    return incident_from_telemetry(slow, window=window, baseline_telemetry=quiet)


def _script(messages: object, tools: Sequence[object], schema: object) -> str:
    return _CALL if tools else _ANSWER


def _said(cost: Cost) -> str:
    return f"{cost.name}, {cost.spending}: {cost.calls} calls, {median(cost.seconds):.2f} s"
