"""Calls that are paid for."""

from __future__ import annotations

import asyncio

import pytest

from rclagent.errors import BudgetExhausted, PermanentModelError, TransientModelError
from rclagent.llm import Budget, Limits, Message, Reply, Role, Usage
from rclagent.llm.budgeted import BudgetedModel, DeadlineModel
from rclagent.testing.models import FailingModel, ScriptedModel

HELLO = (Message(Role.USER, "Hello there"),)  # 11 characters: 4 tokens, as they are estimated

REPLY = Reply("Hi", usage=Usage(calls=1, prompt_tokens=7, completion_tokens=2))


def told() -> ScriptedModel:
    """A model that tells its tokens."""
    return ScriptedModel(lambda *_: REPLY)


async def test_a_reply_is_paid_for_as_it_says() -> None:
    """And comes back with all that it cost."""
    budget = Budget()
    reply = await BudgetedModel(told(), budget).complete(HELLO)
    assert budget.spent == reply.usage == Usage(1, 0, 7, 2, 11, 0)


async def test_what_cannot_be_paid_is_not_asked() -> None:
    """4 tokens of the prompt and up to 6 of the reply are one more than there are."""
    model = told()
    with pytest.raises(BudgetExhausted, match="next call may take 10"):
        await BudgetedModel(model, Budget(Limits(tokens=9)), reply_tokens=6).complete(HELLO)
    assert model.asked == []
    await BudgetedModel(model, Budget(Limits(tokens=10)), reply_tokens=6).complete(HELLO)
    assert len(model.asked) == 1


@pytest.mark.parametrize(
    ("error", "spent"),
    [
        (TransientModelError("busy", "wait", status=429), Usage(1, 1, 0, 0, 11, 0)),
        (PermanentModelError("refused", "look", status=400), Usage(1, 1, 0, 0, 11, 0)),
        (TransientModelError("late", "wait", maybe_billed=True), Usage(1, 1, 4, 0, 11, 1)),
    ],
)
async def test_a_failed_call_counts_and_costs_what_it_may_have_cost(error: Exception, spent: Usage) -> None:
    """Nothing where it was refused, the prompt where it may have been worked on."""
    budget = Budget(Limits(calls=1))
    model = BudgetedModel(FailingModel(told(), error), budget)
    with pytest.raises(type(error)):
        await model.complete(HELLO)
    assert budget.spent == spent
    assert budget.left.calls == 0


async def test_a_cancelled_call_counts_as_failed() -> None:
    """The server may finish it all the same."""
    budget = Budget(Limits(calls=1))
    task = asyncio.create_task(BudgetedModel(FailingModel(told(), None), budget).complete(HELLO))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert budget.spent == Usage(1, 1, 4, 0, 11, 1)


async def test_calls_side_by_side_do_not_pass_the_limit_together() -> None:
    """Ten ask at once, three can be paid."""
    budget, model = Budget(Limits(calls=3)), told()
    calls = [BudgetedModel(model, budget).complete(HELLO) for _ in range(10)]
    ended = await asyncio.gather(*calls, return_exceptions=True)
    assert sum(isinstance(end, Reply) for end in ended) == len(model.asked) == budget.spent.calls == 3
    assert sum(isinstance(end, BudgetExhausted) for end in ended) == 7


async def test_the_deadline_ends_what_is_under_way() -> None:
    """A call that would never end."""
    budget = Budget(Limits(seconds=0.01))
    model = DeadlineModel(BudgetedModel(FailingModel(told(), None), budget), budget)
    with pytest.raises(BudgetExhausted, match="time for language models is over"):
        await model.complete(HELLO)
    assert budget.spent.failed_calls == 1


async def test_without_a_deadline_nothing_ends_a_call() -> None:
    """Unlimited time is no time-out."""
    assert (await DeadlineModel(told(), Budget()).complete(HELLO)).text == "Hi"


async def test_a_time_out_of_the_back_end_is_not_taken_for_the_deadline() -> None:
    """It passes as it is."""
    model = DeadlineModel(FailingModel(told(), TimeoutError("mine")), Budget(Limits(seconds=10)))
    with pytest.raises(TimeoutError, match="mine"):
        await model.complete(HELLO)
