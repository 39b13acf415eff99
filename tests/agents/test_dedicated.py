"""The Dedicated Agents: recursion, siblings, settled subtrees, failures, depth and width."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

import pytest

from rclagent.agents import (
    Consolidation,
    ProgressEvent,
    ProgressKind,
    Reasoner,
    SpanTask,
    Verification,
    investigate,
    investigate_all,
)
from rclagent.core.names import VIRTUAL_ROOT
from rclagent.core.report import AgentReport, Failed, SelfState
from rclagent.core.span import Span, SpanKind
from rclagent.errors import AgentError
from rclagent.topology.trace_graph import TraceGraph, build_trace_graph

if TYPE_CHECKING:
    from tests.agents.conftest import Drawn, Measured

SHOP = """
    front: GET /     0..100  trace=t id=a
        cart: GET /cart     10..90  id=b
            stock: GET /stock     20..80  id=c
        mail: POST /mail     91..99  id=d
            smtp: send     92..98  id=e
"""
"""A shop's request: front calls cart (which calls stock) and mail (which calls smtp)."""


class Wrapped:
    """Thinks like another reasoner, with something before and after."""

    name = "wrapped"

    def __init__(self, inner: Reasoner) -> None:
        self._inner = inner

    async def verify(self, task: SpanTask) -> Verification:
        """As the inner one."""
        return await self._inner.verify(task)

    async def consolidate(
        self, task: SpanTask, verification: Verification, reports: Sequence[AgentReport | Failed]
    ) -> Consolidation:
        """As the inner one."""
        return await self._inner.consolidate(task, verification, reports)


class FailsAt(Wrapped):
    """Cannot see the state of some spans."""

    def __init__(self, inner: Reasoner, *span_ids: str) -> None:
        super().__init__(inner)
        self._span_ids = set(span_ids)

    async def verify(self, task: SpanTask) -> Verification:
        """Raises at the chosen spans."""
        if self._span_ids.intersection(task.span_ids):
            raise AgentError("No answer\ncame.", "Try again.")
        return await super().verify(task)


class Waits(Wrapped):
    """Takes as long as it is told to: a number of turns of the event loop for each span."""

    def __init__(self, inner: Reasoner, turns: dict[str, int]) -> None:
        super().__init__(inner)
        self._turns = turns

    async def verify(self, task: SpanTask) -> Verification:
        """Lets others go first."""
        for _ in range(self._turns.get(task.span_ids[0], 0)):
            await asyncio.sleep(0)
        return await super().verify(task)


def by_span(results: Sequence[AgentReport | Failed]) -> dict[str, AgentReport | Failed]:
    """Results by the span of the agent id."""
    return {result.agent_id.split("/", 1)[1]: result for result in results}


def shown_at_stock(measured: Measured) -> None:
    """Only stock deviates, and is held responsible."""
    measured.observe("e1", "stock", owner="stock", weight=2)
    measured.witness("e1", "t", "c", excess_ms=50)


async def test_the_suspect_of_a_deep_span_reaches_the_root(measured: Measured, drawn: Drawn) -> None:
    """Each agent on the way reports it, with the way down to the span that shows it."""
    shown_at_stock(measured)
    found = await investigate(drawn.trace(SHOP), measured.findings(), measured.reasoner())
    (root,) = found.root_reports
    assert root.suspect is not None and root.suspect.service == "stock"
    assert (root.path, root.evidence) == (("a", "b", "c"), ("e1",))
    assert root.children == ("t/b", "t/d")
    assert [result.agent_id for result in found.results] == ["t/a", "t/b", "t/c", "t/d"]
    assert by_span(found.results)["b"].state is SelfState.WITHIN_BASELINE  # type: ignore[union-attr]
    assert by_span(found.results)["c"].state is SelfState.ABNORMAL  # type: ignore[union-attr]


async def test_a_subtree_that_does_not_deviate_is_settled_by_its_top_agent(
    measured: Measured, drawn: Drawn
) -> None:
    """It is covered and reported, in one step."""
    shown_at_stock(measured)
    found = await investigate(drawn.trace(SHOP), measured.findings(), measured.reasoner())
    mail = by_span(found.results)["d"]
    assert isinstance(mail, AgentReport)
    assert (mail.state, mail.span_ids, mail.suspect) == (SelfState.SETTLED, ("d", "e"), None)
    assert (found.spans, found.settled) == (5, 2)


async def test_spending_on_all_visits_every_span(measured: Measured, drawn: Drawn) -> None:
    """Nothing is settled, and the answer is the same."""
    shown_at_stock(measured)
    trace = drawn.trace(SHOP)
    found = await investigate(trace, measured.findings(), measured.reasoner(), spend_all=True)
    assert [result.agent_id for result in found.results] == ["t/a", "t/b", "t/c", "t/d", "t/e"]
    assert (found.spans, found.settled) == (5, 0)
    sparing = await investigate(trace, measured.findings(), measured.reasoner())
    assert found.root_reports[0].suspect == sparing.root_reports[0].suspect


async def test_identical_siblings_share_an_agent(measured: Measured, drawn: Drawn) -> None:
    """Alike in service, operation, status and findings: one agent; each difference makes another."""
    trace = drawn.trace("""
        cart: GET /cart  0..100  trace=t id=a
            db: SELECT  10..12  id=b1
            db: SELECT  20..29  id=b2
            db: SELECT  30..32  id=b3
            db: SELECT  40..42  id=b4
            db: SELECT  50..52  id=b5 error
            db: SELECT  60..62  id=b6 pod=db-1
    """)
    measured.observe("e1", "db", owner="db")
    measured.witness("e1", "t", "b2", excess_ms=7)
    measured.witness("e1", "t", "b4", excess_ms=1)
    tasks: list[SpanTask] = []

    class Watches(Wrapped):
        async def verify(self, task: SpanTask) -> Verification:
            tasks.append(task)
            return await super().verify(task)

    found = await investigate(trace, measured.findings(), Watches(measured.reasoner()))
    shared = {result.agent_id: result.span_ids for result in found.results}
    assert shared == {
        "t/a": ("a",),
        "t/b1": ("b1", "b3"),
        "t/b2": ("b2", "b4"),
        "t/b5": ("b5",),
        "t/b6": ("b6",),
    }
    (slow,) = [task for task in tasks if task.agent_id == "t/b2"]
    assert slow.self_ns == (9_000_000, 2_000_000)
    assert [seen.excess_ms for seen in slow.observations] == [7]
    assert found.spans == 7


async def test_siblings_with_different_children_keep_their_own_agents(
    measured: Measured, drawn: Drawn
) -> None:
    """Two like calls of which one leads to trouble are not thrown together."""
    trace = drawn.trace("""
        front: GET /  0..100  trace=t id=a
            cart: GET /cart  10..20  id=b
                stock: GET /stock  12..18  id=c
            cart: GET /cart  30..90  id=d
                stock: GET /stock  32..88  id=e
    """)
    measured.observe("e1", "stock", owner="stock")
    measured.witness("e1", "t", "e", excess_ms=50)
    found = await investigate(trace, measured.findings(), measured.reasoner())
    assert [result.span_ids for result in found.results] == [("a",), ("b", "c"), ("d",), ("e",)]


async def test_what_is_known_of_a_whole_instance_is_shown_where_requests_enter_it(
    measured: Measured, drawn: Drawn
) -> None:
    """A saturated pod has no witness among the spans, yet the agent of its first span sees it."""
    trace = drawn.trace("""
        front: GET /  0..100  trace=t id=a
            cart: GET /cart  10..90  id=b pod=cart-1
                cart: compute  20..80  id=c pod=cart-1
            cart: GET /cart  91..99  id=d pod=cart-2
    """)
    measured.observe("cpu", "cart", owner="cart", pod="cart-1", strength=90)
    found = await investigate(trace, measured.findings(), measured.reasoner())
    own = {
        result.agent_id: result.own_evidence for result in found.results if isinstance(result, AgentReport)
    }
    assert own == {"t/a": (), "t/b": ("cpu",), "t/c": (), "t/d": ()}


async def test_a_virtual_root_consolidates_and_is_no_span(measured: Measured, drawn: Drawn) -> None:
    """Several roots of one trace have one agent above them, which looks at nothing itself."""
    trace = drawn.trace("""
        front: GET /  0..10  trace=t id=a

        cart: GET /cart  20..30  trace=t id=b
    """)
    measured.observe("e1", "cart", owner="cart")
    measured.witness("e1", "t", "b")
    found = await investigate(trace, measured.findings(), measured.reasoner())
    (root,) = found.root_reports
    assert root.suspect is not None and root.suspect.service == "cart"
    assert (root.service, root.span_ids, root.path) == (VIRTUAL_ROOT, (), ("b",))
    assert found.spans == 2


async def test_a_failed_agent_hides_neither_siblings_nor_descendants(
    measured: Measured, drawn: Drawn
) -> None:
    """The agent of cart fails; what stock reported still reaches the root, less surely."""
    shown_at_stock(measured)
    trace = drawn.trace(SHOP)
    whole = await investigate(trace, measured.findings(), measured.reasoner())
    torn = await investigate(trace, measured.findings(), FailsAt(measured.reasoner(), "b"))
    assert torn.root_reports[0].suspect == whole.root_reports[0].suspect
    assert torn.root_reports[0].confidence < whole.root_reports[0].confidence
    assert torn.root_reports[0].failed_children == 1
    assert torn.root_reports[0].path == ("a", "b", "c")
    failed = by_span(torn.results)["b"]
    assert isinstance(failed, Failed)
    assert (failed.reason, failed.service, failed.span_ids) == ("No answer came.", "cart", ("b",))
    assert torn.spans == whole.spans - 1


async def test_where_the_root_fails_the_reports_that_it_received_stand(
    measured: Measured, drawn: Drawn
) -> None:
    """There is no better root-level view then."""
    shown_at_stock(measured)
    found = await investigate(drawn.trace(SHOP), measured.findings(), FailsAt(measured.reasoner(), "a"))
    assert [report.agent_id for report in found.root_reports] == ["t/b", "t/d"]
    assert found.verdict is not None and found.verdict.agent_id == "t/b"


async def test_senseless_conclusions_fail_the_agent_alone(measured: Measured, drawn: Drawn) -> None:
    """A confidence above 1 is no report."""
    shown_at_stock(measured)

    class Boasts(Wrapped):
        async def consolidate(
            self, task: SpanTask, verification: Verification, reports: Sequence[AgentReport | Failed]
        ) -> Consolidation:
            if task.span_ids == ("c",):
                return Consolidation(confidence=7)
            return await super().consolidate(task, verification, reports)

    found = await investigate(drawn.trace(SHOP), measured.findings(), Boasts(measured.reasoner()))
    assert isinstance(by_span(found.results)["c"], Failed)
    assert isinstance(by_span(found.results)["b"], AgentReport)


async def test_cancelling_is_no_failure(measured: Measured, drawn: Drawn) -> None:
    """A caller who gives up gets a cancelled task, not a report of failed agents."""
    shown_at_stock(measured)
    entered = asyncio.Event()

    class Hangs(Wrapped):
        async def verify(self, task: SpanTask) -> Verification:
            entered.set()
            await asyncio.Event().wait()
            raise AssertionError("nobody sets this event")

    work = asyncio.create_task(
        investigate(drawn.trace(SHOP), measured.findings(), Hangs(measured.reasoner()))
    )
    await entered.wait()
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work


async def test_a_slow_subtree_delays_only_its_ancestors(measured: Measured, drawn: Drawn) -> None:
    """While stock still thinks, everything beside it comes to its end."""
    measured.observe("e1", "stock", owner="stock")
    measured.witness("e1", "t", "c", "e")
    released = asyncio.Event()
    beside_done = asyncio.Event()
    order: list[str] = []

    class HoldsStock(Wrapped):
        async def verify(self, task: SpanTask) -> Verification:
            if task.span_ids == ("c",):
                await released.wait()
            return await super().verify(task)

    def hear(event: ProgressEvent) -> None:
        if event.kind is not ProgressKind.AGENT_DONE:
            return
        order.append(event.span_id or "")
        if event.span_id == "d":
            beside_done.set()

    work = asyncio.create_task(
        investigate(drawn.trace(SHOP), measured.findings(), HoldsStock(measured.reasoner()), on_progress=hear)
    )
    await beside_done.wait()
    assert order == ["e", "d"]
    released.set()
    await work
    assert order == ["e", "d", "c", "b", "a"]


@pytest.mark.parametrize("slowest", ["a", "b", "c", "d", "e", "cb", "bd", "edcba"])
async def test_the_order_of_arrival_does_not_show(measured: Measured, drawn: Drawn, slowest: str) -> None:
    """However long each agent takes, the results are the same, in span order."""
    measured.observe("e1", "stock", owner="stock", weight=2)
    measured.observe("e2", "smtp", owner="smtp", weight=2)
    measured.witness("e1", "t", "c")
    measured.witness("e2", "t", "e")
    trace, findings = drawn.trace(SHOP), measured.findings()
    pace = {span_id: 7 * (rank + 1) for rank, span_id in enumerate(slowest)}
    slow = await investigate(trace, findings, Waits(measured.reasoner(), pace))
    quick = await investigate(trace, findings, measured.reasoner())
    assert slow.results == quick.results
    assert slow.root_reports == quick.root_reports


async def test_traces_are_walked_side_by_side_and_returned_in_order(measured: Measured, drawn: Drawn) -> None:
    """The first trace waits for the second, which can only end if both run."""
    traces = drawn.traces("""
        front: GET /  0..10  trace=t1 id=a

        front: GET /  20..30  trace=t2 id=a
    """)
    measured.observe("e1", "front", owner="front")
    measured.witness("e1", "t1", "a")
    measured.witness("e1", "t2", "a")
    second_done = asyncio.Event()

    class FirstWaits(Wrapped):
        async def verify(self, task: SpanTask) -> Verification:
            if task.trace_id == "t1":
                await second_done.wait()
            second_done.set()
            return await super().verify(task)

    found = await investigate_all(traces, measured.findings(), FirstWaits(measured.reasoner()))
    assert [investigation.trace.trace_id for investigation in found] == ["t1", "t2"]


async def test_progress_counts_every_span(measured: Measured, drawn: Drawn) -> None:
    """Settled subtrees count with all their spans."""
    shown_at_stock(measured)
    events: list[ProgressEvent] = []
    await investigate(drawn.trace(SHOP), measured.findings(), measured.reasoner(), on_progress=events.append)
    done = [event for event in events if event.kind is ProgressKind.AGENT_DONE]
    assert len(done) == len([event for event in events if event.kind is ProgressKind.AGENT_STARTED]) + 1
    assert (events[-1].done, events[-1].total, events[-1].span_id) == (5, 5, "a")


def numbered(number: int, parent: int | None) -> Span:
    """A span of a large trace."""
    above = None if parent is None else f"{parent:06}"
    return Span("t", f"{number:06}", above, f"s{number}", "work", number, 10**9 - number, SpanKind.SERVER)


def chain(length: int) -> TraceGraph:
    """Each span calls the next."""
    return build_trace_graph([numbered(number, number - 1 if number else None) for number in range(length)])


async def test_a_chain_of_10_000_spans_needs_no_stack(measured: Measured) -> None:
    """The finding at the very bottom reaches the root, and the way keeps both ends."""
    measured.observe("e1", "deep", owner="deep")
    measured.witness("e1", "t", "009999")
    found = await investigate(chain(10_000), measured.findings(), measured.reasoner())
    (root,) = found.root_reports
    assert root.suspect is not None and root.suspect.service == "deep"
    assert (root.path[0], root.path[-1], len(root.path)) == ("000000", "009999", 128)
    assert (len(found.results), found.spans) == (10_000, 10_000)


async def test_a_chain_of_failures_is_explored_to_its_end(measured: Measured) -> None:
    """Where every agent but the deepest fails, its report is all there is, and is handed up."""
    measured.observe("e1", "deep", owner="deep")
    measured.witness("e1", "t", "001999")
    others = [f"{number:06}" for number in range(1_999)]
    found = await investigate(chain(2_000), measured.findings(), FailsAt(measured.reasoner(), *others))
    assert [report.agent_id for report in found.root_reports] == ["t/001999"]
    assert sum(isinstance(result, Failed) for result in found.results) == 1_999


async def test_a_deep_investigation_can_be_cancelled(measured: Measured) -> None:
    """Cancelling walks down task by task, not by recursion."""
    bottom = asyncio.Event()

    class HangsAtTheBottom(Wrapped):
        async def verify(self, task: SpanTask) -> Verification:
            if task.span_ids == ("004999",):
                bottom.set()
                await asyncio.Event().wait()
            return await super().verify(task)

    measured.observe("e1", "deep", owner="deep")
    measured.witness("e1", "t", "004999")
    reasoner = HangsAtTheBottom(measured.reasoner())
    work = asyncio.create_task(investigate(chain(5_000), measured.findings(), reasoner))
    await bottom.wait()
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work


async def test_5_000_children_of_one_span(measured: Measured) -> None:
    """Each of another service, each with something to show: as many agents, one answer."""
    star = build_trace_graph([numbered(0, None), *(numbered(number, 0) for number in range(1, 5_001))])
    measured.observe("e1", "s7", owner="s7")
    measured.witness("e1", "t", *(f"{number:06}" for number in range(1, 5_001)))
    found = await investigate(star, measured.findings(), measured.reasoner())
    (root,) = found.root_reports
    assert root.suspect is not None and root.suspect.service == "s7"
    assert (len(found.results), len(root.children)) == (5_001, 5_000)
