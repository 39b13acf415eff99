"""Whoever has waited long enough ends what a model is asked."""

from __future__ import annotations

import asyncio

import pytest

from rclagent.agents.ledger import Stopped
from rclagent.agents.stopping import StoppableModel
from rclagent.errors import TransientModelError
from rclagent.llm import Budget, Message, ModelAccess, Role
from rclagent.testing import FailingModel, ScriptedModel

HELLO = (Message(Role.USER, "Hello"),)


async def test_a_reply_passes() -> None:
    """Nobody stops anything."""
    model = StoppableModel(ScriptedModel(lambda *_: "Hello"), asyncio.Event())
    assert (await model.complete(HELLO)).text == "Hello"


async def test_an_error_passes() -> None:
    """As the model raised it."""
    busy = TransientModelError("busy", "wait")
    with pytest.raises(TransientModelError, match="busy"):
        await StoppableModel(FailingModel(ScriptedModel(lambda *_: ""), busy), asyncio.Event()).complete(
            HELLO
        )


async def test_a_call_under_way_ends_and_is_paid_for() -> None:
    """Its budget is settled before the caller goes on, and no task is left behind."""
    stop, budget = asyncio.Event(), Budget()
    hanging = FailingModel(ScriptedModel(lambda *_: ""), None)
    model = StoppableModel(ModelAccess(model=hanging).paid_from(budget), stop)
    call = asyncio.ensure_future(model.complete(HELLO))
    while not hanging.calls:
        await asyncio.sleep(0)
    stop.set()
    with pytest.raises(Stopped):
        await call
    assert (budget.spent.calls, len(asyncio.all_tasks())) == (1, 1)


async def test_nothing_is_asked_after_it() -> None:
    """Not even begun."""
    stop = asyncio.Event()
    stop.set()
    scripted = ScriptedModel(lambda *_: "Hello")
    with pytest.raises(Stopped):
        await StoppableModel(scripted, stop).complete(HELLO)
    assert scripted.asked == []


async def test_cancelling_the_caller_cancels_the_call() -> None:
    """And passes on."""
    hanging = FailingModel(ScriptedModel(lambda *_: ""), None)
    call = asyncio.ensure_future(StoppableModel(hanging, asyncio.Event()).complete(HELLO))
    while not hanging.calls:
        await asyncio.sleep(0)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert len(asyncio.all_tasks()) == 1
