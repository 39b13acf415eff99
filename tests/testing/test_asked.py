"""What a caller sees of a call that may be repeated, worked out by hand for one request."""

from __future__ import annotations

import numpy as np
import pytest

from rclagent.errors import InputError
from rclagent.testing import Call, Entry, External, Operation, Service, System
from rclagent.testing.asked import BACKOFF_MS, Answer, Asked, ask
from rclagent.testing.draws import BoolArray, Draws
from rclagent.testing.parts import Part
from rclagent.testing.template import AskSlot, build_template


def flags(*values: bool) -> BoolArray:
    """One a request."""
    return np.array(values, dtype=np.bool_)


def attempts_of(part: Part) -> tuple[AskSlot, ...]:
    """Slots of the attempts of a part that service a asks."""
    system = System(
        (Service("a", (Operation("get", steps=((part,),)),)), Service("b", (Operation("get"),))),
        (Entry("a", "get"),),
    )
    return build_template(system, system.entries[0]).servers[0].steps[0][0]


def played(
    part: Part,
    failed: tuple[bool, ...],
    *,
    taken: bool = True,
    refused: tuple[bool, ...] = (),
    misled: tuple[bool, ...] = (),
) -> Asked:
    """Attempts of 1 + 9 + 2 = 12 ms each; of an external service, of 40 ms each."""
    slots = attempts_of(part)
    places = [slot.index for slot in slots]
    draws = Draws(
        arrival_s=np.zeros(1),
        own={},
        request=dict.fromkeys(places, np.array([1.0])),
        response=dict.fromkeys(places, np.array([2.0])),
        query=dict.fromkeys(places, np.array([40.0])),
        taken={} if taken else {places[0]: flags(False)},
        pod={},
        cut={},
        refused={place: flags(each) for place, each in zip(places, refused, strict=False)},
        misled={place: flags(each) for place, each in zip(places, misled, strict=False)},
    )
    answers = {
        place + 1: Answer(flags(each), np.array([9.0])) for place, each in zip(places, failed, strict=True)
    }
    return ask(slots, draws, answers)


def made(asked: Asked) -> list[bool]:
    """Which attempts are made."""
    return [True if each.made is None else bool(each.made[0]) for each in asked.attempts]


def test_an_attempt_that_succeeds_is_the_last() -> None:
    """Two more were allowed."""
    asked = played(Call("b", "get", retries=2), (False, False, False))
    assert made(asked) == [True, False, False]
    assert asked.waited_ms.tolist() == [12]
    assert not asked.failed[0]


def test_a_failed_attempt_is_followed_by_another_after_a_pause() -> None:
    """12 ms, the pause of 25 ms, 12 ms."""
    asked = played(Call("b", "get", retries=2), (True, False, False))
    assert BACKOFF_MS == 25
    assert made(asked) == [True, True, False]
    assert [each.begin_ms[0] for each in asked.attempts[:2]] == [0, 37]
    assert asked.waited_ms.tolist() == [49]
    assert not asked.failed[0]


def test_a_call_fails_when_all_attempts_fail() -> None:
    """3 x 12 ms and two pauses."""
    asked = played(Call("b", "get", retries=2), (True, True, True))
    assert made(asked) == [True, True, True]
    assert asked.waited_ms.tolist() == [86]
    assert asked.failed[0]


def test_a_refused_attempt_is_repeated_too() -> None:
    """It takes its legs only: 3 ms, the pause, 12 ms."""
    asked = played(Call("b", "get", retries=1), (False, False), refused=(True, False))
    assert made(asked) == [True, True]
    assert asked.waited_ms.tolist() == [40]
    assert not asked.failed[0]


def test_what_is_not_asked_is_not_repeated_and_takes_no_time() -> None:
    """Whatever would have come of it."""
    asked = played(Call("b", "get", share=0.5, retries=1), (True, True), taken=False)
    assert made(asked) == [False, False]
    assert asked.waited_ms.tolist() == [0]
    assert not asked.failed[0]


def test_a_caller_waits_for_an_attempt_no_longer_than_its_timeout() -> None:
    """8 ms in place of 12, the pause, 8 ms; the callee would have succeeded."""
    asked = played(Call("b", "get", retries=1, timeout_ms=8.0), (False, False))
    assert [bool(each.timed_out[0]) for each in asked.attempts if each.timed_out is not None] == [True, True]
    assert asked.waited_ms.tolist() == [41]
    assert asked.failed[0]


def test_an_external_service_is_asked_again_when_nobody_listens() -> None:
    """It has no span of its own to fail."""
    slots = attempts_of(External("pay.example", "POST", retries=1))
    assert [slot.repeats for slot in slots] == [False, True]
    asked = played(External("pay.example", "POST", retries=1), (False, False), refused=(True, False))
    assert made(asked) == [True, True]
    assert not asked.failed[0]


def test_only_an_answer_that_counts_leads_astray() -> None:
    """The wrong answer of a failed attempt is forgotten, that of the next is believed."""
    call = Call("b", "get", retries=1)
    forgotten = played(call, (True, False), misled=(True, False)).misled
    believed = played(call, (True, False), misled=(False, True)).misled
    assert forgotten is not None and not forgotten[0]
    assert believed is not None and believed[0]
    assert played(call, (False, False)).misled is None


@pytest.mark.parametrize(("retries", "timeout_ms"), [(-1, None), (0, 0.0), (0, float("nan"))])
def test_attempts_that_cannot_be_are_refused(retries: int, timeout_ms: float | None) -> None:
    """Of calls and of requests to external services alike."""
    with pytest.raises(InputError, match="retries"):
        Call("b", "get", retries=retries, timeout_ms=timeout_ms)
    with pytest.raises(InputError, match="retries"):
        External("pay.example", "POST", retries=retries, timeout_ms=timeout_ms)
