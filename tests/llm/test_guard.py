"""Whatever a back end raises."""

from __future__ import annotations

import pytest

from rclagent.errors import InputError, ModelError, PermanentModelError, TransientModelError
from rclagent.llm import Message, Role
from rclagent.llm.guard import GuardedModel
from rclagent.testing.models import FailingModel, ScriptedModel


async def raised(error: Exception) -> Exception:
    """What comes of an error of the back end."""
    model = GuardedModel(FailingModel(ScriptedModel(lambda *_: "Hi"), error))
    with pytest.raises(Exception) as caught:
        await model.complete([Message(Role.USER, "Hello")])
    return caught.value


@pytest.mark.parametrize("error", [ConnectionResetError("gone"), TimeoutError("late")])
async def test_lost_connections_and_time_outs_are_transient(error: Exception) -> None:
    """They may pass."""
    assert isinstance(await raised(error), TransientModelError)


async def test_anything_else_is_permanent_and_told_on_one_line() -> None:
    """A bug in a back end, with what could steer a terminal made harmless."""
    error = await raised(KeyError("a\nb\x1b[31m"))
    assert isinstance(error, PermanentModelError)
    assert error.problem == r"The model 'scripted' failed: KeyError: 'a\nb\x1b[31m'."
    assert isinstance(await raised(ValueError("\x1b[31mred")), ModelError)


@pytest.mark.parametrize("error", [InputError("a", "b"), TransientModelError("a", "b", retry_after_s=3)])
async def test_errors_raised_on_purpose_pass(error: Exception) -> None:
    """With all that they carry."""
    seen = await raised(error)
    assert type(seen) is type(error)
    assert vars(seen) == vars(error)
