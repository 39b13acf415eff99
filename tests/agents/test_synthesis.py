"""The synthesizer: what agents may change, and what they may not."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from rclagent.agents import (
    Consolidation,
    Reasoner,
    SpanTask,
    StatisticalReasoner,
    TraceInvestigation,
    Verification,
    investigate_all,
    select_traces,
    synthesize,
)
from rclagent.agents.flow import read_traces
from rclagent.core.diagnosis import Change, ChangeKind, Diagnosis, RuledOut, Verdict
from rclagent.core.evidence import Channel, Component
from rclagent.core.incident import Incident
from rclagent.core.report import AgentReport, Failed, SelfState
from rclagent.evidence.findings import Findings
from rclagent.topology.service_graph import build_service_graph

if TYPE_CHECKING:
    from tests.agents.conftest import Drawn, Measured

SHOP = """
    front: GET /     0..100  trace=t1 id=a1
        cart: GET /cart     10..90  id=b1
            stock: GET /stock     20..80  id=c1

    front: GET /     1000..1100  trace=t2 id=a2
        cart: GET /cart     1010..1090  id=b2
            stock: GET /stock     1020..1080  id=c2

    batch: nightly report     2000..2900  trace=t3 id=a3
"""
"""Two slow requests of users, and a batch job that nobody waits for."""


async def diagnose(
    incident: Incident, findings: Findings, reasoner: Reasoner | None = None
) -> tuple[Diagnosis, tuple[TraceInvestigation, ...]]:
    """The steps of a diagnosis after the measuring."""
    thinking = reasoner or StatisticalReasoner(findings)
    traces = read_traces(incident, select_traces(findings))
    investigations = await investigate_all(traces, findings, thinking)
    services = build_service_graph(incident.store.spans(["t1", "t2", "t3"]))
    return synthesize(incident, findings, investigations, services, reasoner=thinking.name), investigations


def names(diagnosis: Diagnosis) -> list[str]:
    """Services at fault, in order of rank."""
    return [cause.service for cause in diagnosis.root_causes]


@pytest.fixture
def loud_batch(measured: Measured) -> Measured:
    """By incident-wide figures the batch job is worse than stock, which every slow request leads to."""
    measured.enter("front")
    measured.observe("entry", "front", channel=Channel.ENTRY)
    measured.observe("late", "stock", owner="stock", weight=0.7, peer="cart")
    measured.observe("felt", "cart", peer="front")
    measured.observe("lines", "batch", owner="batch", weight=1.0, channel=Channel.LOGS)
    for number in (1, 2):
        measured.witness("entry", f"t{number}", f"a{number}", excess_ms=60)
        measured.witness("felt", f"t{number}", f"b{number}", excess_ms=60)
        measured.witness("late", f"t{number}", f"c{number}", excess_ms=60)
    measured.witness("lines", "t3", "a3")
    measured.candidate("batch", 1.0, "lines")
    measured.candidate("stock", 0.7, "late")
    return measured


async def test_the_recursion_changes_the_answer_for_the_better(loud_batch: Measured, drawn: Drawn) -> None:
    """Incident-wide the loud batch job comes first; the alarming requests lead the agents to stock."""
    incident, findings = drawn.incident(SHOP), loud_batch.findings()
    assert findings.candidates[0].component.service == "batch"
    diagnosis, investigations = await diagnose(incident, findings)
    suspects = [investigation.root_reports[0].suspect for investigation in investigations]
    assert suspects == [Component(service="stock"), Component(service="stock"), Component(service="batch")]
    assert names(diagnosis) == ["stock", "batch"]
    without_agents = synthesize(
        incident, findings, (), build_service_graph(incident.store.spans(["t1", "t2"]))
    )
    assert names(without_agents) == ["batch", "stock"]


async def test_the_final_score_is_the_documented_one(loud_batch: Measured, drawn: Drawn) -> None:
    """Stock: deep 10/13 (its report's confidence, z = 10), wide 1; batch has no support."""
    diagnosis, _ = await diagnose(drawn.incident(SHOP), loud_batch.findings())
    scores = {cause.service: cause.score for cause in diagnosis.root_causes}
    assert scores == {"stock": pytest.approx(0.7 * (1 + (10 / 13 + 1) / 2), rel=1e-5), "batch": 1.0}


async def test_agents_cannot_lift_a_candidate_more_than_twofold(loud_batch: Measured, drawn: Drawn) -> None:
    """Evidence twice as strong keeps its place whatever the walked traces show."""
    loud_batch.candidates.clear()
    loud_batch.candidate("batch", 1.5, "lines")
    loud_batch.candidate("stock", 0.7, "late")
    diagnosis, _ = await diagnose(drawn.incident(SHOP), loud_batch.findings())
    assert names(diagnosis) == ["batch", "stock"]


class Insists:
    """Suspects one service wherever it looks, citing what it likes."""

    name = "insists"

    def __init__(self, service: str, *evidence: str) -> None:
        self._said = Consolidation(Component(service=service), confidence=1.0, evidence=evidence)

    async def verify(self, task: SpanTask) -> Verification:
        """Sees trouble everywhere."""
        return Verification(SelfState.ABNORMAL, self._said.evidence)

    async def consolidate(
        self, task: SpanTask, verification: Verification, reports: Sequence[AgentReport | Failed]
    ) -> Consolidation:
        """Says the same."""
        return self._said


async def test_a_suspect_that_owns_no_evidence_does_not_get_in(loud_batch: Measured, drawn: Drawn) -> None:
    """However sure the agents are, and whatever they cite."""
    diagnosis, _ = await diagnose(
        drawn.incident(SHOP), loud_batch.findings(), Insists("front", "late", "made up")
    )
    assert "front" not in names(diagnosis)
    assert diagnosis.agents.reasoner == "insists"


async def test_a_suspect_that_is_no_candidate_gets_in_by_the_evidence_it_owns(
    loud_batch: Measured, drawn: Drawn
) -> None:
    """Weighed by its claims, like everybody else."""
    loud_batch.claim("felt", "cart", 0.1)
    diagnosis, _ = await diagnose(drawn.incident(SHOP), loud_batch.findings(), Insists("cart", "felt"))
    (cart,) = [cause for cause in diagnosis.root_causes if cause.service == "cart"]
    assert cart.score == pytest.approx(0.1 * 2)
    assert cart.evidence == ("felt",)


class FailsAtCart:
    """Thinks like the statistical reasoner, and has no answer at spans of cart."""

    name = "fails at cart"

    def __init__(self, findings: Findings) -> None:
        self._inner = StatisticalReasoner(findings)

    async def verify(self, task: SpanTask) -> Verification:
        """Raises at cart."""
        if task.service == "cart":
            raise TimeoutError("no answer in time")
        return await self._inner.verify(task)

    async def consolidate(
        self, task: SpanTask, verification: Verification, reports: Sequence[AgentReport | Failed]
    ) -> Consolidation:
        """As the statistical reasoner."""
        return await self._inner.consolidate(task, verification, reports)


async def test_failed_agents_cost_confidence_and_are_counted_not_hidden(
    loud_batch: Measured, drawn: Drawn
) -> None:
    """The same cause, less surely."""
    incident, findings = drawn.incident(SHOP), loud_batch.findings()
    whole, _ = await diagnose(incident, findings)
    torn, _ = await diagnose(incident, findings, FailsAtCart(findings))
    assert torn.verdict is Verdict.FAULT
    assert torn.root_causes[0].service == whole.root_causes[0].service == "stock"
    assert torn.root_causes[0].confidence < whole.root_causes[0].confidence
    assert torn.confidence < whole.confidence
    assert (torn.agents.spawned, torn.agents.failed, torn.agents.spans) == (7, 2, 5)
    assert [result.reason for result in torn.agents.results if isinstance(result, Failed)] == [
        "TimeoutError: no answer in time"
    ] * 2
    assert "2 of 7 agents failed; that lowers the confidence." in torn.coverage.notes


async def test_what_every_agent_reported_stands_in_the_result(loud_batch: Measured, drawn: Drawn) -> None:
    """In trace and span order, with the root-level reports named."""
    diagnosis, _ = await diagnose(drawn.incident(SHOP), loud_batch.findings())
    agents = diagnosis.agents
    assert agents.traces == ("t1", "t2", "t3")
    assert [result.agent_id for result in agents.results] == [
        "t1/a1", "t1/b1", "t1/c1", "t2/a2", "t2/b2", "t2/c2", "t3/a3"
    ]  # fmt: skip
    assert agents.root_reports == ("t1/a1", "t2/a2", "t3/a3")
    assert (agents.spawned, agents.failed, agents.spans, agents.spans_settled) == (7, 0, 7, 0)


async def test_what_changed_is_passed_on_and_changes_nothing_else(loud_batch: Measured, drawn: Drawn) -> None:
    """Though it is the service of the first cause, at the time of the alarm."""
    incident, findings = drawn.incident(SHOP), loud_batch.findings()
    change = Change(
        service="stock",
        kind=ChangeKind.VERSION,
        earliest_ns=incident.alarm_ns,
        at_ns=incident.alarm_ns,
        statement="stock changed",
    )
    before, _ = await diagnose(incident, findings)
    after, _ = await diagnose(incident, replace(findings, changes=(change,)))
    assert after.changes == (change,)
    assert after.model_copy(update={"changes": ()}) == before


async def test_the_path_and_the_entry_are_in_the_answer(loud_batch: Measured, drawn: Drawn) -> None:
    """Verified by the calls, deviations and times of the walked requests."""
    diagnosis, _ = await diagnose(drawn.incident(SHOP), loud_batch.findings())
    assert (diagnosis.incident.entry, diagnosis.incident.entry_operation) == ("front", "GET /")
    path = diagnosis.root_causes[0].propagation_path
    assert path is not None and path.verified
    assert path.services == ("stock", "cart", "front")
    batch = diagnosis.root_causes[1].propagation_path
    assert batch is not None and not batch.verified


async def test_the_summary_says_what_was_measured(loud_batch: Measured, drawn: Drawn) -> None:
    """One sentence, built from the evidence."""
    diagnosis, _ = await diagnose(drawn.incident(SHOP), loud_batch.findings())
    assert diagnosis.root_causes[0].summary == "stock: a fault of unknown kind; stock deviates (late)."
    assert diagnosis.summary.startswith("Most likely at fault is stock: a fault of unknown kind")
    assert diagnosis.summary.endswith("Also suspect: batch. Not seen: logs, metrics.")


async def test_a_candidate_that_hardly_counts_is_ruled_out_with_its_reason(
    loud_batch: Measured, drawn: Drawn
) -> None:
    """Below a fiftieth of the best score; what fusion ruled out stands before it."""
    loud_batch.ruled_out.append(RuledOut(service="front", reason="Follows from stock."))
    loud_batch.claim("felt", "cart", 0.001)
    loud_batch.candidate("cart", 0.001, "felt")
    diagnosis, _ = await diagnose(drawn.incident(SHOP), loud_batch.findings())
    assert [entry.service for entry in diagnosis.ruled_out] == ["front", "cart"]
    reason = "Has less than 2% of the score of stock and calls it, directly or through others."
    assert diagnosis.ruled_out[1].reason == reason
    assert "cart" not in names(diagnosis)


async def test_coverage_says_what_was_not_seen(loud_batch: Measured, drawn: Drawn) -> None:
    """No logs, no metrics; and which observations nobody owns."""
    loud_batch.observe("more", "front")
    diagnosis, _ = await diagnose(drawn.incident(SHOP), loud_batch.findings())
    assert diagnosis.coverage.missing == [
        "No logs were seen in the incident window.",
        "No metrics were seen in the incident window.",
    ]
    assert (
        diagnosis.coverage.modalities["traces"].incident,
        diagnosis.coverage.modalities["traces"].baseline,
    ) == (3, 100)
    assert any(note.startswith("3 observations are charged to nobody") for note in diagnosis.coverage.notes)


MANY = "\n\n".join(f"    front: GET /  {1000 * number}..{1000 * number + 100}" for number in range(25))


def test_healthy_needs_enough_requests_and_no_deviation(measured: Measured, drawn: Drawn) -> None:
    """25 usual requests against 100 of the baseline: n / (n + 20) = 25 / 45."""
    incident = drawn.incident(MANY)
    diagnosis = synthesize(incident, measured.findings(), (), build_service_graph(incident.store.spans([])))
    assert diagnosis.verdict is Verdict.HEALTHY
    assert diagnosis.confidence == pytest.approx(25 / 45, rel=1e-5)
    assert diagnosis.root_causes == ()
    assert "25 requests of the incident window are as usual" in diagnosis.summary


@pytest.mark.parametrize(
    ("text", "baseline_traces", "reason"),
    [
        (SHOP, 100, "3 requests in the incident window and 100 in the baseline are too few"),
        (MANY, 7, "25 requests in the incident window and 7 in the baseline are too few"),
        (MANY, None, "without a baseline nothing says what is usual here"),
    ],
)
def test_too_little_seen_is_inconclusive(
    measured: Measured, drawn: Drawn, text: str, baseline_traces: int | None, reason: str
) -> None:
    """Nothing is claimed, with the reason."""
    incident = drawn.incident(text, baseline_traces=baseline_traces)
    diagnosis = synthesize(incident, measured.findings(), (), build_service_graph(incident.store.spans([])))
    assert (diagnosis.verdict, diagnosis.confidence) == (Verdict.INCONCLUSIVE, 0)
    assert reason in diagnosis.summary


def test_deviations_that_nobody_owns_are_inconclusive(measured: Measured, drawn: Drawn) -> None:
    """Something is wrong, but it is not healthy and there is nobody to name."""
    measured.observe("entry", "front", channel=Channel.ENTRY)
    incident = drawn.incident(MANY)
    diagnosis = synthesize(incident, measured.findings(), (), build_service_graph(incident.store.spans([])))
    assert diagnosis.verdict is Verdict.INCONCLUSIVE
    assert "something deviates" in diagnosis.summary


def test_a_candidate_that_quiet_time_shows_now_and_then_is_no_fault(measured: Measured, drawn: Drawn) -> None:
    """Once in fifty windows: it is listed with that, and no verdict is given."""
    measured.observe("e1", "cart", owner="cart")
    measured.candidate("cart", 0.4, "e1", chance=0.02)
    incident = drawn.incident(MANY)
    diagnosis = synthesize(incident, measured.findings(), (), build_service_graph(incident.store.spans([])))
    assert diagnosis.verdict is Verdict.INCONCLUSIVE
    assert [(cause.service, cause.chance) for cause in diagnosis.root_causes] == [("cart", 0.02)]
    assert (
        "cart deviates most, but quiet time shows as much in 2.0% of its windows "
        "(a fault is named below 0.5%)" in diagnosis.summary
    )


async def test_figures_have_six_significant_digits(loud_batch: Measured, drawn: Drawn) -> None:
    """So that the same input gives the same bytes on every machine."""
    loud_batch.evidence["late"] = loud_batch.evidence["late"].model_copy(
        update={"strength": 100 / 3, "incident": {"p50_ms": 1e6 / 3}}
    )
    diagnosis, _ = await diagnose(drawn.incident(SHOP), loud_batch.findings())
    (late,) = [evidence for evidence in diagnosis.evidence if evidence.id == "late"]
    assert (late.strength, late.incident) == (33.3333, {"p50_ms": 333333.0})
    numbers = json.loads(diagnosis.model_dump_json())["root_causes"]
    assert all(
        cause[key] == float(f"{cause[key]:.6g}") for cause in numbers for key in ("score", "confidence")
    )


async def test_the_order_of_witnesses_does_not_change_a_byte(loud_batch: Measured, drawn: Drawn) -> None:
    """Row order is an accident of the files."""
    incident, findings = drawn.incident(SHOP), loud_batch.findings()
    turned = replace(findings, witnesses=findings.witnesses.reverse())
    first, _ = await diagnose(incident, findings)
    second, _ = await diagnose(incident, turned)
    assert first.model_dump_json() == second.model_dump_json()
