"""The Dedicated Agents of a trace: one asynchronous task each, spawned along the topology.

An agent verifies its own state while its children, spawned side by side, do the same; it waits for all of
them and consolidates; only an ancestor ever waits for a subtree. Every agent is a task of its own, so
depth costs no stack: a parent awaits its children's completion, it does not call them.

An agent that raises becomes ``Failed`` and takes nothing with it: its children run all the same,
and its parent receives the ``Failed`` followed by the reports that the failed agent had received.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, ParamSpec, TypeVar

from rclagent.agents.investigation import TraceInvestigation
from rclagent.agents.observations import ObservationIndex
from rclagent.agents.plan import Family, TracePlan
from rclagent.agents.progress import ProgressCallback, ProgressEvent, ProgressKind, ignore_progress
from rclagent.agents.reasoner import Consolidation, Opinion, Reasoner, Verification
from rclagent.agents.span_task import SpanTask
from rclagent.core.diagnosis import AgentResult
from rclagent.core.report import AgentReport, Basis, Failed, SelfState
from rclagent.errors import RclError
from rclagent.evidence.findings import Findings
from rclagent.topology.trace_graph import TraceGraph

PATH_END: Final = 64
"""A path is cut in the middle to this many spans at each end: paths of all agents of a chain would
otherwise grow with the square of its length."""
REASON_LENGTH: Final = 300
"""Characters kept of an error message."""

P = ParamSpec("P")
T = TypeVar("T")


async def investigate(
    trace: TraceGraph,
    findings: Findings,
    reasoner: Reasoner,
    *,
    spend_all: bool = False,
    on_progress: ProgressCallback = ignore_progress,
) -> TraceInvestigation:
    """Walks one trace with Dedicated Agents.

    Args:
        trace: The repaired trace.
        findings: What was measured over the whole incident.
        reasoner: How the agents think.
        spend_all: Whether spans of subtrees that do not deviate are looked at one by one, too.
        on_progress: Hears of each agent that is done.
    """
    index = ObservationIndex.build(findings, [trace.trace_id])
    return await _Walk(TracePlan(trace, index, spend_all=spend_all), reasoner, on_progress).run()


async def investigate_all(
    traces: Sequence[TraceGraph],
    findings: Findings,
    reasoner: Reasoner,
    *,
    spend_all: bool = False,
    on_progress: ProgressCallback = ignore_progress,
) -> tuple[TraceInvestigation, ...]:
    """Walks several traces side by side; results in the order of the traces."""
    index = ObservationIndex.build(findings, [trace.trace_id for trace in traces])
    walks = [_Walk(TracePlan(trace, index, spend_all=spend_all), reasoner, on_progress) for trace in traces]
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(walk.run()) for walk in walks]
    return tuple(task.result() for task in tasks)


@dataclass(frozen=True, slots=True)
class _Failure:
    reason: str


class _Walk:
    """The agents of one trace, and where they leave their results."""

    def __init__(self, plan: TracePlan, reasoner: Reasoner, on_progress: ProgressCallback) -> None:
        self._plan = plan
        self._reasoner = reasoner
        self._on_progress = on_progress
        self._results: dict[int, AgentResult] = {}
        self._covered = 0
        self._settled = 0
        self._done = 0

    async def run(self) -> TraceInvestigation:
        top = [self._plan.root]
        heard = await self._spawn(top, _beginnings(top))
        return TraceInvestigation(
            trace=self._plan.trace,
            root_reports=tuple(result for result in heard if isinstance(result, AgentReport)),
            results=tuple(self._results[position] for position in sorted(self._results)),
            spans=self._covered,
            settled=self._settled,
        )

    async def _spawn(
        self, families: Sequence[Family], begun: Mapping[int, asyncio.Event]
    ) -> tuple[AgentResult, ...]:
        """What the agents of the families hand up, in span order however long each takes.

        Args:
            families: Whose agents.
            begun: For each place that has work to do, set when its agent has begun to verify its state.
        """
        working: dict[int, asyncio.Task[tuple[AgentResult, ...]]] = {}
        if begun:
            async with asyncio.TaskGroup() as group:
                for place, beginning in begun.items():
                    working[place] = group.create_task(self._agent(families[place], beginning))
        handed = [
            working[place].result() if place in working else (self._settle(family),)
            for place, family in enumerate(families)
        ]
        # A single child's tuple is handed on as it is: a long chain of failures is not copied.
        return handed[0] if len(handed) == 1 else tuple(result for part in handed for result in part)

    async def _agent(self, family: Family, begun: asyncio.Event) -> tuple[AgentResult, ...]:
        task = self._plan.task(family)
        self._tell(ProgressKind.AGENT_STARTED, family, task.trace_id, self._done, self._plan.span_count)
        below = self._plan.children(family)
        begun_below = _beginnings(below)
        # Nothing below waits for what a model says of this span: only the report does.
        async with asyncio.TaskGroup() as group:
            verifying = group.create_task(self._verified(family, task, begun_below.values(), begun))
            heard = await self._spawn(below, begun_below)
        state = verifying.result()
        if isinstance(state, _Failure):
            return self._fail(family, task, state), *heard
        report = await _attempt(self._report, task, state, below, heard)
        if isinstance(report, _Failure):
            return self._fail(family, task, report), *heard
        self._covered += len(task.spans)
        self._leave(family, report, len(task.spans))
        return (report,)

    async def _verified(
        self, family: Family, task: SpanTask, below: Iterable[asyncio.Event], begun: asyncio.Event
    ) -> Verification | _Failure:
        # The deepest first: where not all can be asked about at once, they keep most others waiting.
        for each in below:
            await each.wait()
        begun.set()
        state = await _attempt(self._verify, task)
        if isinstance(state, Verification) and state.evidence:
            self._tell(ProgressKind.EVIDENCE_FOUND, family, task.trace_id, len(state.evidence))
        return state

    async def _verify(self, task: SpanTask) -> Verification:
        if not task.spans:
            return Verification(SelfState.WITHIN_BASELINE)  # A virtual root has no state to look at.
        return await self._reasoner.verify(task)

    async def _report(
        self, task: SpanTask, state: Verification, below: Sequence[Family], heard: Sequence[AgentResult]
    ) -> AgentReport:
        said = await self._reasoner.consolidate(task, state, heard)
        spawned = tuple(self._agent_id(family) for family in below)
        failed = {result.agent_id for result in heard if isinstance(result, Failed)}
        opinion = _joint(state.opinion, said.opinion)
        return AgentReport(
            agent_id=task.agent_id,
            trace_id=task.trace_id,
            span_ids=task.span_ids,
            service=task.service,
            pod=task.pod,
            operation=task.operation,
            state=state.state,
            own_evidence=state.evidence,
            suspect=said.suspect,
            fault_type=said.fault_type,
            confidence=said.confidence,
            evidence=said.evidence,
            path=self._path(task, said, heard),
            children=spawned,
            failed_children=len(failed.intersection(spawned)),
            explanation=said.explanation,
            basis=opinion.basis,
            claims=opinion.claims,
            fallback=opinion.fallback,
        )

    def _path(self, task: SpanTask, said: Consolidation, heard: Sequence[AgentResult]) -> tuple[str, ...]:
        if said.suspect is None:
            return ()
        own = task.span_ids[:1]
        if said.via is None:
            return own
        followed = next((result for result in heard if result.agent_id == said.via), None)
        if not isinstance(followed, AgentReport) or not followed.path:
            return own
        # Where failed agents lie between, their spans still belong to the way.
        top = own[0] if own else self._plan.trace.root
        path = own + self._plan.spans_between(top, followed.path[0]) + followed.path
        return path if len(path) <= 2 * PATH_END else path[:PATH_END] + path[-PATH_END:]

    def _settle(self, family: Family) -> AgentReport:
        task = self._plan.task(family)
        spans = self._plan.subtree_spans(family)
        report = AgentReport(
            agent_id=task.agent_id,
            trace_id=task.trace_id,
            span_ids=spans,
            service=task.service,
            pod=task.pod,
            operation=task.operation,
            state=SelfState.SETTLED,
            explanation="Nothing here or below deviates.",
        )
        self._covered += len(spans)
        self._settled += len(spans)
        self._leave(family, report, len(spans))
        return report

    def _fail(self, family: Family, task: SpanTask, failure: _Failure) -> Failed:
        failed = Failed(
            agent_id=task.agent_id,
            trace_id=task.trace_id,
            span_ids=task.span_ids,
            service=task.service,
            operation=task.operation,
            reason=failure.reason,
        )
        self._leave(family, failed, len(task.spans))
        return failed

    def _leave(self, family: Family, result: AgentResult, spans: int) -> None:
        first = family.nodes[0]
        self._results[self._plan.position(first)] = result
        self._done += spans
        self._tell(ProgressKind.AGENT_DONE, family, result.trace_id, self._done, self._plan.span_count)

    def _tell(self, kind: ProgressKind, family: Family, trace_id: str, done: int, total: int = 0) -> None:
        span = self._plan.span(family.nodes[0])
        self._on_progress(
            ProgressEvent(
                kind,
                done=done,
                total=total,
                trace_id=trace_id,
                span_id=None if span is None else span.span_id,
                parent_id=self._plan.span_above(family),
            )
        )

    def _agent_id(self, family: Family) -> str:
        return f"{self._plan.trace.trace_id}/{family.nodes[0]}"


def _beginnings(families: Sequence[Family]) -> dict[int, asyncio.Event]:
    """For the place of each family that is not settled yet."""
    return {place: asyncio.Event() for place, family in enumerate(families) if not family.settled}


async def _attempt(work: Callable[P, Awaitable[T]], *args: P.args, **options: P.kwargs) -> T | _Failure:
    """The agent boundary: whatever a reasoner raises becomes data for the parent; cancelling passes."""
    try:
        return await work(*args, **options)
    except RclError as error:
        return _Failure(_one_line(error.problem))
    except Exception as error:
        return _Failure(_one_line(f"{type(error).__name__}: {error}"))


def _joint(verified: Opinion, consolidated: Opinion) -> Opinion:
    """Both opinions as one: a model's answer to either question is one that counts."""
    bases = {verified.basis, consolidated.basis}
    order = (Basis.MODEL, Basis.FALLBACK, Basis.STATISTICS)
    return Opinion(
        basis=next(basis for basis in order if basis in bases),
        claims=tuple(dict.fromkeys([*verified.claims, *consolidated.claims])),
        fallback=consolidated.fallback or verified.fallback,
    )


def _one_line(text: str) -> str:
    return " ".join(text.split())[:REASON_LENGTH]
