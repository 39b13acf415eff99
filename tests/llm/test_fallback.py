"""A second model."""

from __future__ import annotations

import pytest

from rclagent.errors import BudgetExhausted, PermanentModelError, TransientModelError, UnsupportedFeature
from rclagent.llm import Capabilities, ChatModel, Health, Message, Role
from rclagent.llm.fallback import FallbackModel
from rclagent.llm.health import WatchedModel
from rclagent.testing.models import FailingModel, ScriptedModel

HELLO = (Message(Role.USER, "Hello"),)
BUSY = TransientModelError("busy", "wait", status=503)


def first() -> ScriptedModel:
    """A model without tools."""
    return ScriptedModel(lambda *_: "first", name="first", capabilities=Capabilities(tools=False))


def second() -> ScriptedModel:
    """A model without schemas."""
    return ScriptedModel(lambda *_: "second", name="second", capabilities=Capabilities(json_schema=False))


def fallback(one: ChatModel, other: ChatModel, health: Health | None = None) -> FallbackModel:
    """The first model, watched, and the second."""
    health = Health() if health is None else health
    return FallbackModel(WatchedModel(one, health), other, health)


async def said(model: FallbackModel, times: int = 1) -> list[str]:
    """What it says, so many times in a row."""
    return [(await model.complete(HELLO)).text for _ in range(times)]


async def test_the_second_is_not_asked_while_the_first_answers() -> None:
    """Both have to be able to do what is asked."""
    other = second()
    model = fallback(first(), other)
    assert await said(model) == ["first"]
    assert other.asked == []
    assert model.name == "first"
    assert model.capabilities == Capabilities(tools=False, json_schema=False)


async def test_a_failure_now_and_then_is_made_good_without_giving_up_the_first() -> None:
    """Every second call fails."""
    model = fallback(FailingModel(first(), BUSY, every=2), second())
    assert await said(model, 6) == ["first", "second"] * 3


async def test_a_first_model_that_is_given_up_is_not_asked_any_more() -> None:
    """Name and capabilities are those of the second from then on."""
    refusing = FailingModel(first(), PermanentModelError("no key", "look", status=401))
    model = fallback(refusing, second())
    assert await said(model, 5) == ["second"] * 5
    assert refusing.calls == 1
    assert (model.name, model.capabilities) == ("second", Capabilities(json_schema=False))


async def test_a_refused_request_says_nothing_about_the_next() -> None:
    """It may have been too long."""
    health = Health()
    failing = FailingModel(first(), PermanentModelError("too long", "cut", status=400), every=2)
    assert await said(fallback(failing, second(), health), 4) == ["first", "second"] * 2
    assert health.given_up is None


@pytest.mark.parametrize("error", [BudgetExhausted("spent", "more"), UnsupportedFeature("no", "without")])
async def test_what_another_model_cannot_help_passes(error: Exception) -> None:
    """An exhausted budget, and what the caller has to ask differently."""
    other = second()
    with pytest.raises(type(error)):
        await said(fallback(FailingModel(first(), error), other))
    assert other.asked == []


async def test_when_both_fail_the_second_tells() -> None:
    """It was the last hope."""
    model = fallback(FailingModel(first(), BUSY), FailingModel(second(), PermanentModelError("x", "y")))
    with pytest.raises(PermanentModelError):
        await said(model)
