"""Where model calls go, how many there can be, and how the budget is divided."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rclagent.agents import StatisticalReasoner, investigate_all
from rclagent.agents.purses import Purses
from rclagent.agents.questions import Doubt, Question, Step
from rclagent.agents.spending import affordable, calls_of, reserve, tokens_of
from rclagent.llm import Budget, Limits, Usage

if TYPE_CHECKING:
    from tests.agents.conftest import Drawn, Measured

TREE = """
    front: GET /     0..100  trace=t id=a
        mid: GET /mid     10..90  id=b
            cart: GET /cart     20..50  id=c
            stock: GET /stock     50..80  id=d
        paint: GET /paint     90..95  id=e
"""


def asking(*agents: str, characters: int = 6_000) -> list[Question]:
    """Questions of these agents."""
    return [
        Question(f"t/{agent}", Step.VERIFY, Doubt.EVERYTHING, ("cart",), votes=1, characters=characters)
        for agent in agents
    ]


def test_tokens_add_up_over_rounds_and_repair() -> None:
    """By hand: 6,000 and 10,000 characters are 2,000 and 3,334 tokens, and two replies of 1,000."""
    assert tokens_of(6_000, 0, 1_000) == 7_334
    assert (calls_of(0), calls_of(2)) == (2, 4)
    assert tokens_of(6_000, 1, 1_000) > 7_334


def test_the_first_questions_are_asked_as_far_as_the_budget_reaches() -> None:
    """By hand: of 7 calls 2 are kept, which leaves two questions of two calls each."""
    questions = asking("a", "b", "c", "d")
    kept = reserve(Limits(calls=7), 6_000, 1_000)
    asked, rest = affordable(questions, Budget(Limits(calls=7)), kept, 1_000)
    assert (list(asked), list(rest)) == (questions[:2], questions[2:])
    assert list(affordable(questions, Budget(), kept, 1_000)[0]) == questions
    tokens = Limits(tokens=3 * 7_334 - 1)
    assert list(affordable(questions, Budget(tokens), Limits(), 1_000)[0]) == questions[:2]


def test_nothing_is_kept_for_a_synthesizer_that_asks_nothing() -> None:
    """By hand: otherwise two calls and a fifth of the time."""
    limits = Limits(calls=10, seconds=50)
    assert reserve(limits, 0, 1_000) == Limits()
    assert reserve(limits, 6_000, 1_000) == Limits(calls=2, tokens=7_334, seconds=10)


async def purses(measured: Measured, drawn: Drawn, budget: Budget, *agents: str) -> Purses:
    """The budget divided among agents of the tree."""
    for place, span in enumerate("abcde"):
        measured.observe(f"e{place}", "cart", owner="cart")
        measured.witness(f"e{place}", "t", span)
    findings = measured.findings()
    walked = await investigate_all([drawn.trace(TREE)], findings, StatisticalReasoner(findings))
    return Purses(budget, Limits(calls=2), walked, asking(*agents))


async def test_the_budget_is_divided_down_the_tree(measured: Measured, drawn: Drawn) -> None:
    """By hand: 12 calls less 2; five questions; mid's subtree has three of them, 6 calls, 2 each."""
    budget = Budget(Limits(calls=12))
    divided = await purses(measured, drawn, budget, *"abcde")
    assert [divided.of(f"t/{agent}").left.calls for agent in "abcde"] == [2, 2, 2, 2, 2]
    assert budget.left.calls == 2


async def test_what_a_subtree_leaves_over_goes_to_its_parent(measured: Measured, drawn: Drawn) -> None:
    """Cart's agent spends one of its two calls: mid has three then, and front is none the richer yet."""
    divided = await purses(measured, drawn, Budget(Limits(calls=12)), *"abcde")
    cart = divided.of("t/c")
    cart.settle(cart.hold(1, 1), Usage(calls=1))
    divided.done("t/c")
    assert (divided.of("t/b").left.calls, divided.of("t/a").left.calls) == (3, 2)
    divided.done("t/d")
    divided.done("t/b")
    assert divided.of("t/a").left.calls == 7


async def test_agents_without_questions_hand_their_share_through(measured: Measured, drawn: Drawn) -> None:
    """Only cart's agent asks: all that is not kept is its own."""
    budget = Budget(Limits(calls=12))
    divided = await purses(measured, drawn, budget, "c")
    assert divided.of("t/c").left.calls == 10
    for agent in "cdbea":
        divided.done(f"t/{agent}")
    assert budget.left.calls == 12


async def test_without_limits_nothing_ends(measured: Measured, drawn: Drawn) -> None:
    """Shares of what is unlimited are unlimited."""
    divided = await purses(measured, drawn, Budget(), *"abcde")
    assert divided.of("t/d").left.calls == float("inf")
