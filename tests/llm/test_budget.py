"""What may be spent, who may spend it, and what was spent."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rclagent.errors import BudgetExhausted, InputError
from rclagent.llm import Budget, Limits, Prices, Usage


class Clock:
    """Time that passes when told."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def spend(budget: Budget, prompt: int = 0, completion: int = 0) -> None:
    """One call that takes what was reckoned with."""
    held = budget.hold(prompt, completion)
    budget.settle(held, Usage(calls=1, prompt_tokens=prompt, completion_tokens=completion))


def test_a_call_beyond_the_limit_is_refused() -> None:
    """Two of two calls are made."""
    budget = Budget(Limits(calls=2))
    spend(budget)
    spend(budget)
    with pytest.raises(BudgetExhausted, match="budget of 2 calls has 0 left, and the next call may take 1"):
        budget.hold(0, 0)
    assert budget.spent == Usage(calls=2)


def test_tokens_under_way_count() -> None:
    """Of 100 tokens, 60 are set aside for a call that is not back yet; it then takes only 10."""
    budget = Budget(Limits(tokens=100))
    held = budget.hold(40, 20)
    with pytest.raises(BudgetExhausted, match="budget of 100 tokens has 40 left"):
        budget.hold(40, 1)
    budget.settle(held, Usage(calls=1, prompt_tokens=8, completion_tokens=2))
    assert budget.left.tokens == 90


def test_money_is_counted_by_prices() -> None:
    """1,000 tokens at 2 dollars a million are 0.002; of 0.005, two calls can be paid."""
    budget = Budget(Limits(usd=0.005), prices=Prices(2.0, 10.0))
    spend(budget, prompt=1_000)
    spend(budget, prompt=1_000)
    with pytest.raises(BudgetExhausted, match=r"budget of 0\.005 US dollars .* --max-cost"):
        budget.hold(1_000, 0)
    assert budget.spent_usd == pytest.approx(0.004)


def test_a_limit_on_money_needs_prices() -> None:
    """Without them nothing could be refused."""
    with pytest.raises(InputError, match="needs prices"):
        Budget(Limits(usd=1))
    assert Budget().spent_usd is None


def test_no_call_is_made_when_the_time_is_over() -> None:
    """Ten seconds from the making."""
    clock = Clock()
    budget = Budget(Limits(seconds=10), clock=clock)
    clock.now += 9
    assert budget.seconds_left() == 1
    clock.now += 2
    assert budget.seconds_left() == 0
    with pytest.raises(BudgetExhausted, match="time for language models is over"):
        budget.hold(0, 0)


def test_nothing_is_refused_without_limits() -> None:
    """All that is left is unlimited, whatever was spent or given away."""
    budget = Budget()
    spend(budget, prompt=10**9)
    first, second = budget.split([1, 0])
    assert list(budget.left) == [math.inf] * 3
    assert list(first.left) == [math.inf] * 3
    assert list(second.left) == [0, 0, 0]
    assert budget.seconds_left() == math.inf


def test_shares_are_whole_and_leave_nothing_over() -> None:
    """10 calls by weights 1, 1, 1 are 4, 3, 3; 100 tokens are 34, 33, 33."""
    shares = Budget(Limits(calls=10, tokens=100)).split([1, 1, 1])
    assert [share.left.calls for share in shares] == [4, 3, 3]
    assert [share.left.tokens for share in shares] == [34, 33, 33]


def test_a_reserve_is_kept_for_the_one_who_splits() -> None:
    """Of 10 calls and 60 s, 2 calls and 5 s stay here."""
    clock = Clock()
    budget = Budget(Limits(calls=10, seconds=60), clock=clock)
    (agents,) = budget.split([1], reserve=Limits(calls=2, seconds=5))
    assert (agents.left.calls, agents.seconds_left()) == (8, 55)
    assert (budget.left.calls, budget.seconds_left()) == (2, 60)


def test_a_reserve_that_takes_all_leaves_nothing_to_share() -> None:
    """Nor less than nothing."""
    budget = Budget(Limits(calls=1))
    (agents,) = budget.split([1], reserve=Limits(calls=3))
    assert (agents.left.calls, budget.left.calls) == (0, 1)


def test_what_is_spent_from_a_share_counts_all_the_way_up() -> None:
    """Two levels down."""
    budget = Budget(Limits(calls=10))
    (agents,) = budget.split([1], reserve=Limits(calls=2))
    agent, other = agents.split([3, 1])
    spend(agent, prompt=5)
    assert budget.spent == agents.spent == agent.spent == Usage(calls=1, prompt_tokens=5)
    assert other.spent == Usage()
    assert (agent.left.calls, agents.left.calls, budget.left.calls) == (5, 0, 2)


def test_what_a_share_leaves_over_goes_back() -> None:
    """And nothing more can be spent from it, nor from its shares."""
    budget = Budget(Limits(calls=10))
    (agents,) = budget.split([1], reserve=Limits(calls=2))
    (agent,) = agents.split([1])
    spend(agent)
    agents.release()
    agents.release()
    assert budget.left.calls == 9
    for released in (agents, agent):
        with pytest.raises(BudgetExhausted):
            released.hold(0, 0)


def test_a_share_that_took_more_than_was_reckoned_takes_it_from_the_whole() -> None:
    """A call reckoned at 10 tokens took 30, of a share of 20: the whole has 70 of its 100 left."""
    budget = Budget(Limits(tokens=100))
    (share,) = budget.split([1], reserve=Limits(tokens=80))
    share.settle(share.hold(10, 0), Usage(calls=1, prompt_tokens=30))
    assert share.left.tokens == 0
    assert budget.left.tokens == 70


@given(
    calls=st.integers(0, 10_000),
    weights=st.lists(st.floats(0, 1e6), min_size=1, max_size=20),
    kept=st.integers(0, 100),
)
def test_a_split_gives_exactly_what_is_left_but_for_the_reserve(
    calls: int, weights: list[float], kept: int
) -> None:
    """To none a part of a call, to none of no weight anything, and to nobody less for more weight."""
    shares = Budget(Limits(calls=calls)).split(weights, reserve=Limits(calls=kept))
    given_away = [share.left.calls for share in shares]
    assert sum(given_away) == (max(0, calls - kept) if any(weights) else 0)
    assert all(part == int(part) for part in given_away)
    ranked = sorted(zip(weights, given_away, strict=True))
    for (lighter, less), (heavier, more) in pairwise(ranked):
        assert less <= more + (1 if lighter == heavier else 0)
    assert all(part == 0 for weight, part in zip(weights, given_away, strict=True) if weight == 0)
