"""When a model is not asked any more."""

from __future__ import annotations

import asyncio

import pytest

from rclagent.errors import GivenUp, ModelError, PermanentModelError, TransientModelError
from rclagent.llm import Health, Message, Role
from rclagent.llm.health import BUSY_S, MOST_FAILURES, SILENT_S, WatchedModel
from rclagent.testing.models import FailingModel, ScriptedModel, SlowModel

HELLO = (Message(Role.USER, "Hello"),)
GONE = TransientModelError("connection refused", "start it")
BUSY = TransientModelError("too many requests", "wait", status=429)


class Clock:
    """Seconds that go by when told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def failed(health: Health, clock: Clock, error: ModelError, began: float, ended: float) -> str | None:
    """Why the model is given up after one more request that failed."""
    clock.now = began
    start = health.now()
    clock.now = ended
    health.failed(error, start)
    return told(health)


def told(health: Health) -> str | None:
    """Why the model is given up."""
    return None if health.given_up is None else health.given_up.problem


def test_a_server_that_is_gone_is_given_up_after_three_requests_and_two_seconds() -> None:
    """By hand: the third request in a row ends 2 s after the first began."""
    assert (MOST_FAILURES, SILENT_S) == (3, 2.0)
    clock = Clock()
    health = Health(clock)
    assert failed(health, clock, GONE, 0.0, 0.0) is None
    assert failed(health, clock, GONE, 0.5, 0.5) is None
    assert failed(health, clock, GONE, 1.9, 1.9) is None
    assert failed(health, clock, GONE, 2.0, 2.0) == "connection refused"


def test_requests_that_fail_side_by_side_are_one_failure() -> None:
    """Sixteen that hung for a minute together are repeated twice before anybody concludes."""
    clock = Clock()
    health = Health(clock)
    for start, end, given_up in ((0, 60, None), (61, 121, None), (122, 182, "connection refused")):
        for place in range(16):
            assert failed(health, clock, GONE, start, end + place / 1000) == given_up


def test_a_busy_server_is_given_all_the_patience_of_a_call() -> None:
    """It says that it is there: two minutes, not two seconds."""
    clock = Clock()
    health = Health(clock)
    assert [failed(health, clock, BUSY, at, at) for at in (0.0, 60.0, BUSY_S - 1)] == [None] * 3
    assert failed(health, clock, BUSY, BUSY_S, BUSY_S) == "too many requests"


def test_a_connection_that_breaks_does_not_make_a_busy_server_a_silent_one() -> None:
    """Overloaded servers do both."""
    clock = Clock()
    health = Health(clock)
    for at, error in ((0.0, BUSY), (5.0, GONE), (10.0, GONE), (BUSY_S - 1, GONE)):
        assert failed(health, clock, error, at, at) is None
    assert failed(health, clock, GONE, BUSY_S, BUSY_S) == "connection refused"


def test_a_reply_makes_all_that_was_before_it_good() -> None:
    clock = Clock()
    health = Health(clock)
    for at in (0.0, 1.0):
        failed(health, clock, GONE, at, at)
    health.answered()
    assert [failed(health, clock, GONE, at, at) for at in (2.0, 3.0)] == [None, None]


@pytest.mark.parametrize("status", [401, 402, 403, 404, 405, 429, 307])
def test_a_lasting_refusal_is_enough(status: int) -> None:
    """Of the key, the account, the name, the address; spent credit comes as 429, and is permanent."""
    health = Health()
    health.failed(PermanentModelError("no", "look", status=status), health.now())
    assert told(health) == "no"


def test_three_answers_that_are_none_are_enough() -> None:
    """Web pages, or a bug in a back end; asked one after the other, or three times sixteen."""
    clock = Clock()
    health = Health(clock)
    for start, given_up in ((1, None), (3, None), (5, "no chat model")):
        for _ in range(16):
            assert (
                failed(health, clock, PermanentModelError("no chat model", "look"), start, start + 1)
                == given_up
            )


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_refused_request_says_nothing_about_the_next(status: int) -> None:
    """It may have been too long."""
    clock = Clock()
    health = Health(clock)
    for at in range(0, 1000, 100):
        assert failed(health, clock, PermanentModelError("no", "look", status=status), at, at) is None


async def test_nobody_asks_a_model_that_is_given_up() -> None:
    """Whoever shares the knowledge; the last failure is told."""
    refusing, health = (
        FailingModel(ScriptedModel(lambda *_: "Hi"), PermanentModelError("no", "look", status=401)),
        Health(),
    )
    with pytest.raises(PermanentModelError, match="no look"):
        await WatchedModel(refusing, health).complete(HELLO)
    for _ in range(2):
        with pytest.raises(GivenUp, match="no look"):
            await WatchedModel(refusing, health).complete(HELLO)
    assert refusing.calls == 1


async def test_a_call_that_is_cancelled_says_nothing() -> None:
    health = Health()
    endless = asyncio.create_task(
        WatchedModel(FailingModel(ScriptedModel(lambda *_: ""), None), health).complete(HELLO)
    )
    await asyncio.sleep(0)
    endless.cancel()
    await asyncio.wait([endless])
    assert health.given_up is None


async def test_in_doubt_one_request_finds_out_and_then_all_others_go() -> None:
    """Of five side by side after a failure, the first goes alone; its answer frees the other four."""
    health = Health()
    slow = SlowModel(ScriptedModel(lambda *_: "Hi"), 0.01)
    model = WatchedModel(slow, health)
    health.failed(GONE, health.now())
    first = asyncio.create_task(model.complete(HELLO))
    others = [asyncio.create_task(model.complete(HELLO)) for _ in range(4)]
    await first
    assert slow.most_at_once == 1
    await asyncio.gather(*others)
    assert slow.most_at_once == 4


async def test_a_server_that_is_away_is_asked_seldom() -> None:
    """Of twenty side by side nobody asks before the pause after a failure is over."""
    health = Health()
    failing = FailingModel(ScriptedModel(lambda *_: "Hi"), GONE)
    model = WatchedModel(failing, health, pause_s=60.0)
    asking = [asyncio.create_task(model.complete(HELLO)) for _ in range(20)]
    health.failed(GONE, health.now())
    await asyncio.sleep(0.02)
    assert failing.calls == 0
    for task in asking:
        task.cancel()
    await asyncio.gather(*asking, return_exceptions=True)


async def test_a_busy_server_is_no_doubt() -> None:
    """It says itself when to come back, and requests go side by side as before."""
    health = Health()
    slow = SlowModel(ScriptedModel(lambda *_: "Hi"), 0.01)
    model = WatchedModel(slow, health, pause_s=10.0)
    health.failed(BUSY, health.now())
    await asyncio.gather(*(model.complete(HELLO) for _ in range(3)))
    assert slow.most_at_once == 3
