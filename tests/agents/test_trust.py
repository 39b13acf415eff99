"""What a model's claims are worth."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rclagent.agents.assertions import Assertion, Citation
from rclagent.agents.margin import OPEN_MARGIN
from rclagent.agents.ranking import Ranked
from rclagent.agents.trust import (
    ELSEWHERE,
    MISREAD,
    NO_SUCH_EVIDENCE,
    UNCITED,
    UNKNOWN_COMPONENT,
    Checked,
    check,
    joint_credit,
    points_at,
    reorder,
)
from rclagent.core.evidence import Component, FaultType
from rclagent.core.report import ModelClaim, Stance
from rclagent.evidence.findings import Candidate

if TYPE_CHECKING:
    from tests.agents.conftest import Measured


def claim(component: str, *citations: tuple[str, float], stance: Stance = Stance.SUPPORTS) -> Assertion:
    """A claim that cites."""
    cited = [Citation(id=evidence_id, z=z) for evidence_id, z in citations]
    return Assertion(component=component, stance=stance, citations=cited)


def shown(measured: Measured) -> None:
    """Cart's and stock's own evidence, and one of both: seen at cart, mostly stock's."""
    measured.observe("e1", "cart", owner="cart", weight=2, strength=12.3)
    measured.observe("e2", "stock", owner="stock", weight=2, strength=8)
    measured.observe("e3", "cart", owner="stock", weight=4, strength=20)
    measured.claim("e3", "cart", 1)


def test_a_claim_is_worth_what_its_evidence_says(measured: Measured) -> None:
    """By hand: e1 is cart's whole, e3 a quarter: (1 + 0.25) / 2 = 0.625."""
    shown(measured)
    checked = check([claim("cart", ("e1", 12.3), ("e3", 20))], measured.findings())
    assert [(found.credit, found.evidence) for found in checked.claims] == [(0.625, ("e1", "e3"))]
    assert checked.credit("cart") == 0.625 and checked.credit("stock") == 0


def test_wrong_citations_take_from_right_ones(measured: Measured) -> None:
    """By hand: one of two holds, which is 0.5; of three too few do: to cite everything gains nothing."""
    shown(measured)
    (found,) = check([claim("cart", ("e1", 12.3), ("e9", 1))], measured.findings()).claims
    assert (found.credit, found.evidence) == (0.5, ("e1",))
    cited = claim("cart", ("e1", 12.3), ("e9", 1), ("e2", 8))
    assert check([cited], measured.findings()).dropped == {ELSEWHERE: 1}


@pytest.mark.parametrize(
    ("assertion", "reason"),
    [
        (claim("nobody", ("e1", 12.3)), UNKNOWN_COMPONENT),
        (claim("cart"), UNCITED),
        (claim("cart", ("e9", 12.3)), NO_SUCH_EVIDENCE),
        (claim("cart", ("e1", 99)), MISREAD),
        (claim("cart", ("e1", float("nan"))), MISREAD),
        (claim("cart", ("e2", 8)), ELSEWHERE),
        (claim("cart", ("e1", 12.3), stance=Stance.REFUTES), ELSEWHERE),
        (claim("cart", ("e2", 8), stance=Stance.REFUTES), ELSEWHERE),
    ],
)
def test_a_claim_without_evidence_counts_nothing(
    measured: Measured, assertion: Assertion, reason: str
) -> None:
    """And is counted by what it lacks."""
    shown(measured)
    checked = check([assertion], measured.findings())
    assert (checked.claims, checked.dropped) == ((), {reason: 1})


def test_evidence_at_a_component_that_points_elsewhere_refutes_it(measured: Measured) -> None:
    """By hand: e3 is seen at cart, and cart's share in it is a quarter: 0.75."""
    shown(measured)
    checked = check([claim("cart", ("e3", 20), stance=Stance.REFUTES)], measured.findings())
    assert checked.credit("cart") == -0.75


def test_rounded_figures_were_read(measured: Measured) -> None:
    """12.3 is shown as 12.3; 12.4 is within a hundredth, 12.5 is not."""
    shown(measured)
    assert check([claim("cart", ("e1", 12.4))], measured.findings()).claims
    assert check([claim("cart", ("e1", 12.5))], measured.findings()).dropped == {MISREAD: 1}


def test_a_claim_made_twice_counts_once(measured: Measured) -> None:
    """Repetition adds nothing."""
    shown(measured)
    checked = check([claim("cart", ("e1", 12.3))] * 5, measured.findings())
    assert len(checked.claims) == 1 and checked.credit("cart") == 1


def test_evidence_points_at_its_owners(measured: Measured) -> None:
    """By hand: of weights 4 and 1, a quarter."""
    shown(measured)
    findings = measured.findings()
    assert [points_at(findings, "e3", name) for name in ("stock", "cart", "front")] == [1, 0.25, 0]


def credited(service: str, credit: float) -> Checked:
    """One supporting claim."""
    supports = ModelClaim(service=service, stance=Stance.SUPPORTS, evidence=("e1",), credit=credit)
    return Checked((supports,))


def test_answers_count_by_their_requests() -> None:
    """By hand: (3 x 1 + 1 x 0) / 4."""
    assert joint_credit([(3.0, credited("cart", 1)), (1.0, credited("stock", 1))], "cart") == 0.75
    assert joint_credit([], "cart") == 0


def ranked(*scores: float) -> list[Ranked]:
    """Candidates a, b, c ... of these scores."""
    names = "abcdefgh"
    found = [
        Candidate(Component(service=names[place]), FaultType.UNKNOWN, score, (f"e{place}",))
        for place, score in enumerate(scores)
    ]
    return [Ranked(candidate, candidate.score, 10.0) for candidate in found]


def order(items: list[Ranked]) -> list[tuple[str, float]]:
    """Names and scores."""
    return [(item.candidate.component.service, item.score) for item in items]


def test_a_supported_rival_passes_within_the_margin() -> None:
    """By hand: 0.9 x 1.5 = 1.35 > 1; it is dealt the first score."""
    assert order(reorder(ranked(1, 0.9, 0.4), {"b": 1})) == [("b", 1), ("a", 0.9), ("c", 0.4)]


def test_nobody_outside_the_margin_is_moved() -> None:
    """However surely it is claimed."""
    assert order(reorder(ranked(1, 0.49), {"b": 1, "a": -1})) == [("a", 1), ("b", 0.49)]


def test_at_the_margin_it_takes_support_and_refutation() -> None:
    """By hand: 0.5 x 1.5 = 0.75 passes 1 x 0.5, but not 1."""
    assert order(reorder(ranked(1, 0.5), {"b": 1}))[0] == ("a", 1)
    assert order(reorder(ranked(1, 0.5), {"b": 1, "a": -1}))[0] == ("b", 1)


def test_equal_candidates_are_told_apart() -> None:
    """A tie that claims break is none any more; without claims it stays one."""
    assert order(reorder(ranked(1, 1), {"b": 0.5})) == [("b", 1), ("a", 0.999)]
    assert order(reorder(ranked(1, 1), {})) == [("a", 1), ("b", 1)]


@given(
    st.lists(st.floats(0.01, 10), min_size=1, max_size=8).map(lambda scores: sorted(scores, reverse=True)),
    st.dictionaries(st.sampled_from("abcdefgh"), st.floats(-1, 1)),
)
def test_whatever_is_claimed_the_bounds_hold(scores: list[float], credits: dict[str, float]) -> None:
    """No candidate is lost, no score passes the best, nobody leaves or enters the margin."""
    before = ranked(*scores)
    after = reorder(before, credits)
    assert sorted(name for name, _ in order(after)) == sorted(name for name, _ in order(before))
    assert [item.score for item in after] == sorted((item.score for item in after), reverse=True)
    assert after[0].score == before[0].score
    least = (1 - OPEN_MARGIN) * scores[0]
    moved = [new for new, old in zip(after, before, strict=True) if new.candidate != old.candidate]
    assert all(item.candidate.score >= least for item in moved)
