"""Which agents have something to ask."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from rclagent.agents import StatisticalReasoner, investigate_all
from rclagent.agents.noting import Note, NotingReasoner
from rclagent.agents.questions import Doubt, Question, Step, all_questions, suspicious_questions
from rclagent.core.evidence import Channel
from rclagent.core.report import AgentReport

if TYPE_CHECKING:
    from tests.agents.conftest import Drawn, Measured

TREE = """
    front: GET /     0..100  trace=t1 id=a
        mid: GET /mid     10..90  id=b
            cart: GET /cart     20..50  id=c
            stock: GET /stock     50..80  id=d
"""
TWICE = TREE + TREE.replace("t1", "t2")


async def noted(measured: Measured, drawn: Drawn, text: str) -> list[dict[str, Note]]:
    """Notes of each trace, in span order."""
    findings = measured.findings()
    noting = NotingReasoner(StatisticalReasoner(findings))
    walked = await investigate_all(drawn.traces(text), findings, noting)
    return [
        {each.agent_id: noting.notes[each.agent_id] for each in one.results if each.agent_id in noting.notes}
        for one in walked
    ]


def rivals(measured: Measured, *traces: str, stock: float = 0.8) -> None:
    """Cart and stock show something each."""
    measured.observe("e1", "cart", owner="cart", weight=1)
    measured.observe("e2", "stock", owner="stock", weight=stock)
    for trace in traces:
        measured.witness("e1", trace, "c")
        measured.witness("e2", trace, "d")


async def test_rivals_are_asked_about_where_they_first_meet(measured: Measured, drawn: Drawn) -> None:
    """By mid's agent, not again by front's."""
    rivals(measured, "t1")
    notes = await noted(measured, drawn, TREE)
    asked = suspicious_questions(notes, [7], ["cart", "stock"])
    assert asked == [Question("t1/b", Step.CONSOLIDATE, Doubt.RIVALS, ("cart", "stock"), votes=7)]


async def test_the_same_question_of_two_traces_is_asked_once(measured: Measured, drawn: Drawn) -> None:
    """It then stands for the requests of both."""
    rivals(measured, "t1", "t2")
    notes = await noted(measured, drawn, TWICE)
    (question,) = suspicious_questions(notes, [7, 3], ["cart", "stock"])
    assert (question.agent_id, question.votes) == ("t1/b", 10)


async def test_nothing_is_asked_where_nothing_is_open(measured: Measured, drawn: Drawn) -> None:
    """Neither outside the margin, nor where the incident is clear."""
    rivals(measured, "t1", stock=0.4)
    notes = await noted(measured, drawn, TREE)
    assert suspicious_questions(notes, [1], ["cart", "paint"]) == []
    assert suspicious_questions(notes, [1], ["cart"]) == []


@pytest.mark.parametrize(
    ("channel", "strength", "shared", "why"),
    [
        (Channel.ERRORS, 20.0, False, Doubt.WORDS),
        (Channel.LEGS, 5.0, False, Doubt.MIDDLING),
        (Channel.LEGS, 20.0, True, Doubt.CONTRADICTION),
        (Channel.LEGS, 20.0, False, None),
    ],
)
async def test_a_span_that_no_rival_meets_asks_for_a_reason(
    measured: Measured, drawn: Drawn, channel: Channel, strength: float, shared: bool, why: Doubt | None
) -> None:
    """Words, middling strength, claims of two; a plain and strong observation speaks for itself."""
    measured.observe("e1", "cart", owner="cart", channel=channel, strength=strength)
    if shared:
        measured.claim("e1", "elsewhere", 0.9)
    measured.witness("e1", "t1", "c")
    notes = await noted(measured, drawn, TREE)
    open_services = ["cart", "paint"]
    asked = suspicious_questions(notes, [1], open_services)
    assert [(question.agent_id, question.why) for question in asked] == (
        [] if why is None else [("t1/c", why)]
    )


async def test_everyone_asks_when_all_is_spent(measured: Measured, drawn: Drawn) -> None:
    """By hand: four spans verify, the two above others consolidate."""
    rivals(measured, "t1")
    asked = all_questions(await noted(measured, drawn, TREE), [1])
    assert [(question.agent_id, question.step.value) for question in asked] == [
        ("t1/a", "verify"),
        ("t1/a", "consolidate"),
        ("t1/b", "verify"),
        ("t1/b", "consolidate"),
        ("t1/c", "verify"),
        ("t1/d", "verify"),
    ]


async def test_the_first_walk_concludes_as_statistics_do(measured: Measured, drawn: Drawn) -> None:
    """Keeping notes changes nothing."""
    rivals(measured, "t1")
    findings = measured.findings()
    plain = StatisticalReasoner(findings)
    alone = await investigate_all(drawn.traces(TREE), findings, plain)
    noting = await investigate_all(drawn.traces(TREE), findings, NotingReasoner(plain))
    assert alone[0].results == noting[0].results and isinstance(alone[0].results[0], AgentReport)
