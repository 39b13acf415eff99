"""One limit for all."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

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


async def test_the_most_urgent_goes_first_and_of_equals_the_first() -> None:
    """Behind one that is under way: urgency 2, then 1, then both without any as they came."""
    order: list[str] = []

    def note(messages: Sequence[Message], tools: object, schema: object) -> str:
        order.append(messages[0].content)
        return "Hi"

    model, limit = SlowModel(ScriptedModel(note), 0.001), Limit(1)
    async with asyncio.TaskGroup() as group:
        for name, urgency in (("first", 0), ("a", 0), ("b", 0), ("c", 1), ("d", 2)):
            limited = LimitedModel(model, limit, urgency)
            group.create_task(limited.complete([Message(Role.USER, name)]))
    assert order == ["first", "d", "c", "a", "b"]


@pytest.mark.parametrize("its_turn_has_come", [False, True])
async def test_whoever_gives_up_waiting_takes_no_place(its_turn_has_come: bool) -> None:
    """Neither before its turn nor in the very moment in which it comes."""
    limit, entered = Limit(1), asyncio.Event()

    async def wait() -> None:
        async with limit.place():
            entered.set()

    async with limit.place():
        waiting = asyncio.create_task(wait())
        await asyncio.sleep(0)
        if not its_turn_has_come:
            waiting.cancel()
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert waiting.cancelled() and not entered.is_set()
    await asyncio.wait_for(wait(), 1)


async def test_a_place_is_kept_for_the_most_urgent_who_asks_again() -> None:
    """It has its second turn before one that has waited all along, which comes when it does not return."""
    order: list[str] = []
    limit = Limit(1)

    async def ask(name: str, urgency: int) -> None:
        async with limit.place(urgency):
            order.append(name)
            await asyncio.sleep(0.001)

    async def talk() -> None:
        await ask("urgent", 5)
        await asyncio.sleep(0.001)
        await ask("urgent again", 5)

    async with asyncio.TaskGroup() as group:
        group.create_task(talk())
        group.create_task(ask("patient", 0))
    assert order == ["urgent", "urgent again", "patient"]


async def test_a_kept_place_is_not_kept_from_one_who_is_as_urgent() -> None:
    """Of equals the first come is served at once."""
    order: list[str] = []
    limit = Limit(1)

    async def ask(name: str) -> None:
        async with limit.place(3):
            order.append(name)
            await asyncio.sleep(0.001)

    async with asyncio.TaskGroup() as group:
        for name in ("a", "b", "c"):
            group.create_task(ask(name))
    assert order == ["a", "b", "c"]
