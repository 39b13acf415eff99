"""All wrappers together."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pydantic import BaseModel

from rclagent.errors import BudgetExhausted, PermanentModelError, TransientModelError
from rclagent.llm import (
    Answered,
    Budget,
    Capabilities,
    ChatModel,
    Limit,
    Limits,
    Masker,
    Message,
    ModelAccess,
    Recorder,
    ReplayModel,
    Reply,
    RetryPolicy,
    Role,
    Tool,
    Unanswered,
    Usage,
    ask,
    connect,
    load_recording,
    read_settings,
)
from rclagent.testing.models import FailingModel, ScriptedModel, SlowModel

if TYPE_CHECKING:
    from tests.llm.conftest import StartLatencyServer

HELLO = (Message(Role.USER, "Hello jane@example.com"),)
LOGS = Tool("logs", "Lines of a log.", {"type": "object"})
AT_ONCE = RetryPolicy(first_wait_s=0.0)
BUSY = TransientModelError("busy", "wait", status=429)


class Verdict(BaseModel):
    """What is asked for."""

    culprit: str
    reason: str


def echo() -> ScriptedModel:
    """A model that repeats the last message, and tells its tokens."""
    usage = Usage(calls=1, prompt_tokens=7, completion_tokens=2)
    return ScriptedModel(lambda messages, *_: Reply(messages[-1].content, usage=usage), name="echo")


async def test_every_attempt_is_paid_for() -> None:
    """Of three attempts for two replies, the refused one costs no tokens."""
    budget = Budget()
    model = ModelAccess(model=FailingModel(echo(), BUSY, every=2), retry=AT_ONCE).paid_from(budget)
    for _ in range(2):
        await model.complete(HELLO)
    assert (budget.spent.calls, budget.spent.failed_calls, budget.spent.tokens) == (3, 1, 18)


async def test_attempts_end_with_the_budget() -> None:
    """Patience for ten, money for two."""
    failing = FailingModel(echo(), BUSY)
    access = ModelAccess(model=failing, retry=RetryPolicy(attempts=10, first_wait_s=0.0))
    with pytest.raises(BudgetExhausted):
        await access.paid_from(Budget(Limits(calls=2))).complete(HELLO)
    assert failing.calls == 2


async def test_all_spenders_share_one_limit() -> None:
    """Ten spenders, two models, three places."""
    slow = SlowModel(FailingModel(echo(), PermanentModelError("no", "look", status=400), every=2), 0.001)
    access = ModelAccess(model=slow, fallback=slow, limit=Limit(3), retry=AT_ONCE)
    calls = [access.paid_from(Budget()).complete(HELLO) for _ in range(10)]
    await asyncio.gather(*calls, return_exceptions=True)
    assert slow.most_at_once == 3


async def test_waiting_for_a_place_ends_with_the_time_and_costs_nothing() -> None:
    """The only place is taken by a call without end."""
    access = ModelAccess(model=FailingModel(echo(), None), limit=Limit(1))
    endless = asyncio.create_task(access.paid_from(Budget()).complete(HELLO))
    await asyncio.sleep(0)
    budget = Budget(Limits(seconds=0.01))
    with pytest.raises(BudgetExhausted, match="time for language models is over"):
        await access.paid_from(budget).complete(HELLO)
    assert budget.spent == Usage()
    endless.cancel()
    await asyncio.wait([endless])


async def test_a_bug_in_a_back_end_is_an_error_of_the_model() -> None:
    """And the fallback answers."""
    buggy = FailingModel(echo(), ZeroDivisionError("oh"))
    with pytest.raises(PermanentModelError, match="ZeroDivisionError: oh"):
        await ModelAccess(model=buggy).paid_from(Budget()).complete(HELLO)
    access = ModelAccess(model=buggy, fallback=echo())
    assert (await access.paid_from(Budget()).complete(HELLO)).text == HELLO[0].content


async def test_the_fallback_is_given_up_to_for_all_spenders() -> None:
    """A refused key is tried once."""
    refusing = FailingModel(echo(), PermanentModelError("no key", "look", status=401))
    access = ModelAccess(model=refusing, fallback=echo())
    for _ in range(3):
        await access.paid_from(Budget()).complete(HELLO)
    assert refusing.calls == 1
    assert access.health.given_up is not None and access.health.given_up.problem == "no key"


async def test_what_is_recorded_is_masked_and_replays_to_the_same(tmp_path: Path) -> None:
    """Failures included, without the waits, at the same cost."""

    async def run(access: ModelAccess) -> tuple[str, Usage]:
        budget = Budget()
        reply = await access.paid_from(budget).complete(HELLO)
        return reply.text, budget.spent

    def masker() -> Masker:
        return Masker(b"salt")

    path = tmp_path / "calls"
    with Recorder(path) as recorder:
        flaky = FailingModel(echo(), BUSY, every=2)
        flaky.calls = 1
        live = await run(ModelAccess(model=flaky, retry=AT_ONCE, recorder=recorder, masker=masker()))
    assert "jane@example.com" not in path.read_text(encoding="utf-8")
    patient = RetryPolicy(first_wait_s=100.0)
    replay = ReplayModel(load_recording(path))
    assert await run(ModelAccess(model=replay, retry=patient, masker=masker())) == live
    assert live == (HELLO[0].content, Usage(2, 1, 7, 2, 2 * len("Hello masked-email-0123456789"), 0))


async def test_tools_reach_a_model_without_tools() -> None:
    """As words; its call comes back as one."""
    written = '<tool_call>{"name": "logs", "arguments": {}}</tool_call>'
    plain = ScriptedModel(lambda *_: written, capabilities=Capabilities(tools=False))
    reply = await ModelAccess(model=plain).paid_from(Budget()).complete(HELLO, [LOGS])
    assert [call.name for call in reply.tool_calls] == ["logs"]


async def asked_often(model: ChatModel, times: int) -> Sequence[Answered[Verdict] | Unanswered]:
    """Answers to questions asked side by side."""
    questions = [(Message(Role.USER, f"Who broke {number}?"),) for number in range(times)]
    return await asyncio.gather(*(ask(model, question, Verdict) for question in questions))


async def asked_of(url: str, times: int) -> tuple[Budget, Sequence[Answered[Verdict] | Unanswered]]:
    """What questions to a server cost, and their answers."""
    budget = Budget()
    async with connect(read_settings({}, model="m", base_url=url)) as client:
        patient = RetryPolicy(attempts=8, first_wait_s=0.01, longest_wait_s=0.05)
        access = ModelAccess(model=client, limit=Limit(8), timeout_s=0.5, retry=patient)
        return budget, await asked_often(access.paid_from(budget), times)


@pytest.mark.parametrize(
    "options",
    [
        ["--every-429", "5", "--retry-after", "0"],
        ["--every-500", "3"],
        ["--every-hang", "20"],
        ["--reject-above", "4", "--retry-after", "0"],
        ["--always-tool", "--fence", "--think"],
        ["--every-429", "5", "--every-hang", "20", "--retry-after", "0"],
    ],
)
async def test_every_question_to_a_server_that_fails_is_answered(
    latency_server: StartLatencyServer, options: list[str]
) -> None:
    """Forty questions; retries make good what the server does."""
    budget, answers = await asked_of(latency_server("--latency", "0.001", *options), 40)
    assert [answer for answer in answers if isinstance(answer, Unanswered)] == []
    assert budget.spent.calls - budget.spent.failed_calls == 40


@pytest.mark.parametrize("fault", ["malformed", "empty", "truncated"])
async def test_an_answer_that_is_useless_is_repaired(latency_server: StartLatencyServer, fault: str) -> None:
    """Each fourth is; a question whose repair is useless again ends as a value, and its cost counts."""
    budget, answers = await asked_of(latency_server(f"--every-{fault}", "4"), 40)
    useless = [answer for answer in answers if isinstance(answer, Unanswered)]
    assert len(useless) < 10
    assert all(answer.error is None for answer in useless)
    assert sum(answer.usage.calls for answer in answers) == budget.spent.calls > 40


async def test_limits_hold_against_a_server_that_always_fails(latency_server: StartLatencyServer) -> None:
    """Twelve calls are made, and every question ends as a value."""
    settings = read_settings({}, model="m", base_url=latency_server("--every-500", "1"))
    budget = Budget(Limits(calls=12))
    async with connect(settings) as client:
        access = ModelAccess(model=client, retry=RetryPolicy(first_wait_s=0.001))
        answers = await asked_often(access.paid_from(budget), 10)
    assert all(isinstance(answer, Unanswered) for answer in answers)
    assert (budget.spent.calls, budget.spent.failed_calls) == (12, 12)
