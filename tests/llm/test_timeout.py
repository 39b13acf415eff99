"""Calls that take too long."""

from __future__ import annotations

import pytest

from rclagent.errors import TransientModelError
from rclagent.llm import Message, Role
from rclagent.llm.timeout import TimeoutModel
from rclagent.testing.models import FailingModel, ScriptedModel

HELLO = (Message(Role.USER, "Hello"),)


async def test_an_answer_in_time_passes() -> None:
    """A model that answers at once is not disturbed."""
    model = TimeoutModel(ScriptedModel(lambda *_: "Hi"), 10)
    assert (await model.complete(HELLO)).text == "Hi"


async def test_a_call_without_end_is_given_up_as_transient() -> None:
    """It may have been worked on, so it may be billed."""
    model = TimeoutModel(FailingModel(ScriptedModel(lambda *_: "Hi"), None), 0.01)
    with pytest.raises(TransientModelError, match=r"'scripted' did not answer within 0\.01 s") as caught:
        await model.complete(HELLO)
    assert caught.value.maybe_billed


async def test_a_time_out_of_the_back_end_itself_is_not_taken_for_ours() -> None:
    """Its own error passes."""
    model = TimeoutModel(FailingModel(ScriptedModel(lambda *_: "Hi"), TimeoutError("mine")), 10)
    with pytest.raises(TimeoutError, match="mine"):
        await model.complete(HELLO)
