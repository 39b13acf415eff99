"""One limit for all."""

from __future__ import annotations

import asyncio

import pytest

from rclagent.llm import Limit, Message, Role
from rclagent.llm.limit import LimitedModel
from rclagent.testing.models import FailingModel, ScriptedModel, SlowModel

HELLO = (Message(Role.USER, "Hello"),)


async def ask_often(model: SlowModel, limit: Limit, times: int) -> None:
    """So many calls side by side, each through a wrapper of its own."""
    async with asyncio.TaskGroup() as group:
        for _ in range(times):
            group.create_task(LimitedModel(model, limit).complete(HELLO))


async def test_no_more_than_the_limit_are_under_way_over_all_wrappers() -> None:
    """Twenty wrappers share three places, and use them."""
    model = SlowModel(ScriptedModel(lambda *_: "Hi"), 0.001)
    await ask_often(model, Limit(3), 20)
    assert model.most_at_once == 3


async def test_a_failed_call_gives_its_place_back() -> None:
    """The next one gets it."""
    model = FailingModel(ScriptedModel(lambda *_: "Hi"), ValueError("no"), every=1)
    limited = LimitedModel(model, Limit(1))
    for _ in range(2):
        with pytest.raises(ValueError, match="no"):
            await limited.complete(HELLO)


def test_the_limit_outlives_an_event_loop() -> None:
    """A semaphore that had waiters would refuse the next loop."""
    model, limit = SlowModel(ScriptedModel(lambda *_: "Hi"), 0.001), Limit(1)
    for _ in range(2):
        asyncio.run(ask_often(model, limit, 3))
    assert model.most_at_once == 1
