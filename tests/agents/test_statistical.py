"""How the reasoner without a model verifies and consolidates."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from rclagent.agents import SpanTask, Verification
from rclagent.agents.span_task import Observation
from rclagent.core.evidence import Component
from rclagent.core.report import AgentReport, Failed, SelfState

if TYPE_CHECKING:
    from tests.agents.conftest import Measured

QUIET = Verification(SelfState.WITHIN_BASELINE)


def task(*observations: Observation) -> SpanTask:
    """The task of a span of the front."""
    return SpanTask("t/a", "t", (), "front", "GET /", None, (), observations)


def report(agent: str, suspect: str, confidence: float, *evidence: str) -> AgentReport:
    """A child's report."""
    return AgentReport(
        agent_id=f"t/{agent}",
        trace_id="t",
        span_ids=(agent,),
        service="any",
        operation="any",
        state=SelfState.ABNORMAL,
        suspect=Component(service=suspect),
        confidence=confidence,
        evidence=evidence,
        path=(agent,),
    )


def failure(agent: str) -> Failed:
    """A child's failure."""
    return Failed(
        agent_id=f"t/{agent}", trace_id="t", span_ids=(agent,), service="any", operation="any", reason="x"
    )


async def test_a_span_is_abnormal_when_it_shows_something(measured: Measured) -> None:
    """Self-state verification names the observations, strongest first as the task has them."""
    measured.observe("e1", "front")
    seen = Observation(measured.evidence["e1"], (), 3.0)
    verification = await measured.reasoner().verify(task(seen))
    assert verification == Verification(SelfState.ABNORMAL, ("e1",))
    assert (await measured.reasoner().verify(task())).state is SelfState.WITHIN_BASELINE


async def test_the_heaviest_suspect_of_the_children_is_named(measured: Measured) -> None:
    """By hand: weights 4 and 2, strength 12: 4 / (4 + 2 + 4 x 3 / 12) = 4 / 7."""
    measured.observe("e1", "cart", owner="cart", weight=4, strength=12)
    measured.observe("e2", "stock", owner="stock", weight=2, strength=12)
    said = await measured.reasoner().consolidate(
        task(), QUIET, [report("b", "stock", 0.9, "e2"), report("c", "cart", 0.9, "e1")]
    )
    assert said.suspect == Component(service="cart")
    assert said.confidence == pytest.approx(4 / 7)
    assert (said.evidence, said.via) == (("e1",), "t/c")
    assert said.explanation == "cart deviates (e1)"


async def test_an_own_claim_on_the_suspect_of_a_child_supports_the_child(measured: Measured) -> None:
    """The caller saw late answers of cart; its child saw cart's own trouble: both count for cart."""
    measured.observe("own", "cart", owner="cart", weight=1, strength=20)
    measured.observe("e1", "cart", owner="cart", weight=2, strength=20)
    below = [report("b", "cart", 0.8, "e1")]
    alone = await measured.reasoner().consolidate(task(), QUIET, below)
    backed = await measured.reasoner().consolidate(task(), Verification(SelfState.ABNORMAL, ("own",)), below)
    assert backed.evidence == ("e1", "own")
    assert backed.via == "t/b"
    assert backed.confidence > alone.confidence


async def test_an_observation_that_nobody_owns_adds_nothing(measured: Measured) -> None:
    """'My callee answered late' is no reason to suspect oneself, nor to be surer."""
    measured.observe("own", "front", strength=50)
    measured.observe("e1", "cart", owner="cart", weight=2)
    below = [report("b", "cart", 0.5, "e1")]
    with_own = await measured.reasoner().consolidate(
        task(), Verification(SelfState.ABNORMAL, ("own",)), below
    )
    assert with_own == await measured.reasoner().consolidate(task(), QUIET, below)
    alone = await measured.reasoner().consolidate(task(), Verification(SelfState.ABNORMAL, ("own",)), [])
    assert alone.suspect is None
    assert alone.confidence == 0


async def test_doubt_is_not_lost_on_the_way_up(measured: Measured) -> None:
    """An agent that adds nothing of its own is never surer than its surest child."""
    measured.observe("e1", "cart", owner="cart", weight=2, strength=100)
    said = await measured.reasoner().consolidate(
        task(), QUIET, [report("b", "cart", 0.3, "e1"), report("c", "cart", 0.4, "e1")]
    )
    assert said.confidence == pytest.approx(0.4)


async def test_failed_children_lower_the_confidence_by_the_share_that_answered(measured: Measured) -> None:
    """Two reports and the agent itself answered, one failed: three quarters are left."""
    measured.observe("e1", "cart", owner="cart", weight=2)
    reports = [report("b", "cart", 0.4, "e1"), report("c", "cart", 0.4, "e1")]
    whole = await measured.reasoner().consolidate(task(), QUIET, reports)
    torn = await measured.reasoner().consolidate(task(), QUIET, [reports[0], failure("d"), reports[1]])
    assert torn.confidence == pytest.approx(whole.confidence * 3 / 4)


async def test_a_report_without_valid_citations_weighs_nothing(measured: Measured) -> None:
    """A suspect that comes with invented evidence is no suspect."""
    measured.observe("e1", "cart", owner="cart")
    said = await measured.reasoner().consolidate(task(), QUIET, [report("b", "stock", 1.0, "e1", "made-up")])
    assert said.suspect is None
