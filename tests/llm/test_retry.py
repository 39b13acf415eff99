"""Asking again."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from rclagent.errors import BudgetExhausted, PermanentModelError, TransientModelError, UnsupportedFeature
from rclagent.llm import Message, Reply, RetryPolicy, Role
from rclagent.llm.retry import RetryingModel
from rclagent.testing.models import ScriptedModel

HELLO = (Message(Role.USER, "Hello"),)
BUSY = TransientModelError("busy", "wait", status=503)


class Upright(random.Random):
    """Chance that always draws the longest wait."""

    def uniform(self, a: float, b: float) -> float:
        """The upper end."""
        return b


class Attempts:
    """A model that ends as told, one attempt after the other, and a sleep that only takes notes."""

    def __init__(self, outcomes: Sequence[Reply | Exception]) -> None:
        self.waits: list[float] = []
        self.left = list(outcomes)
        self.model = ScriptedModel(lambda *_: self.next())

    def next(self) -> Reply:
        """The next outcome."""
        outcome = self.left.pop(0)
        if isinstance(outcome, Reply):
            return outcome
        raise outcome

    async def sleep(self, seconds: float) -> None:
        """Takes no time."""
        self.waits.append(seconds)

    def retrying(self, policy: RetryPolicy, seconds_left: float = 1e9) -> RetryingModel:
        """The model, retried."""
        return RetryingModel(
            self.model, policy, seconds_left=lambda: seconds_left, sleep=self.sleep, rng=Upright()
        )


async def test_a_transient_error_is_forgotten_when_a_reply_comes() -> None:
    """Waits double: 0.5 s, then 1 s."""
    attempts = Attempts([BUSY, BUSY, Reply("Hi")])
    assert await attempts.retrying(RetryPolicy(first_wait_s=0.5)).complete(HELLO) == Reply("Hi")
    assert attempts.waits == [0.5, 1.0]


async def test_waits_stop_growing_at_the_longest() -> None:
    """1, 2, 3 and 3 seconds, where 3 is the longest."""
    attempts = Attempts([BUSY] * 4 + [Reply("Hi")])
    policy = RetryPolicy(attempts=5, first_wait_s=1, longest_wait_s=3)
    await attempts.retrying(policy).complete(HELLO)
    assert attempts.waits == [1, 2, 3, 3]


async def test_waits_are_drawn_from_the_upper_half() -> None:
    """So that those who were refused together do not come back together."""
    attempts = Attempts([BUSY] * 9 + [Reply("Hi")])
    policy = RetryPolicy(attempts=10, first_wait_s=2, longest_wait_s=2)
    model = RetryingModel(attempts.model, policy, sleep=attempts.sleep, rng=random.Random(1))
    await model.complete(HELLO)
    assert all(1 <= wait <= 2 for wait in attempts.waits)
    assert len(set(attempts.waits)) == 9


async def test_what_the_server_asks_for_is_waited_at_least() -> None:
    """7 s, and the drawn wait of 0.5 s on top, even beyond the longest wait of our own."""
    attempts = Attempts([TransientModelError("busy", "wait", status=429, retry_after_s=7), Reply("Hi")])
    await attempts.retrying(RetryPolicy(first_wait_s=0.5, longest_wait_s=2)).complete(HELLO)
    assert attempts.waits == [7.5]


async def test_the_last_error_is_raised_when_the_attempts_are_used_up() -> None:
    """Three attempts, two waits."""
    last = TransientModelError("still busy", "wait")
    attempts = Attempts([BUSY, BUSY, last])
    with pytest.raises(TransientModelError) as caught:
        await attempts.retrying(RetryPolicy(attempts=3)).complete(HELLO)
    assert caught.value is last
    assert len(attempts.waits) == 2


@pytest.mark.parametrize(
    "error",
    [
        PermanentModelError("refused", "look", status=400),
        UnsupportedFeature("refused", "look", status=400),
        BudgetExhausted("spent", "more"),
    ],
)
async def test_what_does_not_pass_fails_at_once(error: Exception) -> None:
    """One attempt, no wait."""
    attempts = Attempts([error, Reply("Hi")])
    with pytest.raises(type(error)):
        await attempts.retrying(RetryPolicy()).complete(HELLO)
    assert attempts.waits == []
    assert attempts.left == [Reply("Hi")]


async def test_a_wait_beyond_all_patience_is_not_begun() -> None:
    """4 s of 5 s are waited; the next 4 s would pass them."""
    error = TransientModelError("busy", "wait", retry_after_s=3)
    attempts = Attempts([error, error, Reply("Hi")])
    with pytest.raises(TransientModelError):
        await attempts.retrying(RetryPolicy(first_wait_s=1, longest_wait_s=1, total_wait_s=5)).complete(HELLO)
    assert attempts.waits == [4]


async def test_a_wait_beyond_the_time_that_is_left_is_not_begun() -> None:
    """Three seconds are left, and the server wants ten."""
    attempts = Attempts([TransientModelError("busy", "wait", retry_after_s=10), Reply("Hi")])
    with pytest.raises(TransientModelError):
        await attempts.retrying(RetryPolicy(), seconds_left=3).complete(HELLO)
    assert attempts.waits == []
