"""Typed answers."""

from __future__ import annotations

import json
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from rclagent.errors import BudgetExhausted, TransientModelError, UnsupportedFeature
from rclagent.llm import (
    Answered,
    Capabilities,
    Message,
    Reply,
    Role,
    Unanswered,
    Usage,
    ask,
    read_answer,
    settle,
)
from rclagent.testing.models import FailingModel, ScriptedModel, SenselessModel, ToolLoopModel

QUESTION = (Message(Role.SYSTEM, "You help."), Message(Role.USER, "Who?"))
IN_WORDS = Capabilities(json_schema=False)


class Verdict(BaseModel):
    """What is asked for."""

    culprit: str
    sure: float = Field(ge=0, le=1)
    kind: Literal["cpu", "network"] | None = None


RIGHT = Verdict(culprit="cache", sure=0.5)
GOOD = RIGHT.model_dump_json()


def saying(*texts: str, capabilities: Capabilities | None = None) -> ScriptedModel:
    """A model that says one text after the other, at a cost of one call and 5 tokens each."""
    left = list(texts)
    usage = Usage(calls=1, prompt_tokens=4, completion_tokens=1)
    return ScriptedModel(lambda *_: Reply(left.pop(0), usage=usage), capabilities=capabilities)


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        f"```json\n{GOOD}\n```",
        f"I think it is this: {GOOD}. Or not.",
        f'<think>{{"culprit": "db", "sure": 1}}</think>{GOOD}',
        f'First {{"culprit": "db", "sure": 1}}, but no: {GOOD}',
        f'{GOOD} (see {{"note": 1}})',
        "{'culprit': 'cache', 'sure': 0.5, 'kind': None}",
        "```python\n{'culprit': 'cache', 'sure': 0.5,}\n```",
        '{"culprit": "cache", "sure": "0.5", "more": [1]}',
    ],
)
def test_an_answer_is_found_however_it_is_wrapped(text: str) -> None:
    """The last that fits counts."""
    assert read_answer(text, Verdict) == RIGHT


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "it holds no JSON object"),
        ("[1, 2]", "it holds no JSON object"),
        ('{"culprit": "cache", "sure": NaN}', "it holds no JSON object"),
        ('{"sure": 2}', "culprit: Field required; sure: Input should be less than or equal to 1"),
        (GOOD[:-5], "it holds no JSON object"),
    ],
)
def test_what_is_wrong_with_an_answer_is_told(text: str, problem: str) -> None:
    """For the model, to make it good."""
    assert read_answer(text, Verdict) == problem


async def test_a_model_that_takes_a_schema_is_given_it() -> None:
    """And no words about it."""
    model = saying(GOOD)
    answer = await ask(model, QUESTION, Verdict)
    assert answer == Answered(RIGHT, usage=Usage(1, 0, 4, 1))
    assert model.asked[0].messages == QUESTION
    assert model.asked[0].schema == Verdict.model_json_schema()


async def test_a_model_that_takes_no_schema_is_told_it_in_words() -> None:
    """In the question itself: some servers refuse two messages of a user in a row."""
    model = saying(GOOD, capabilities=IN_WORDS)
    assert await ask(model, QUESTION, Verdict) == Answered(RIGHT, usage=Usage(1, 0, 4, 1))
    asked = model.asked[0]
    assert asked.schema is None
    assert [message.role for message in asked.messages] == [Role.SYSTEM, Role.USER]
    assert asked.messages[1].content.startswith("Who?\n\n")
    assert '"culprit"' in asked.messages[1].content


async def test_a_model_that_turns_out_to_take_no_schema_is_asked_in_words() -> None:
    """At once, not as a repair."""
    model = saying(GOOD)
    refusing = FailingModel(model, UnsupportedFeature("no", "without", feature="json_schema"), every=2)
    refusing.calls = 1
    assert await ask(refusing, QUESTION, Verdict) == Answered(RIGHT, usage=Usage(1, 0, 4, 1))
    assert model.asked[0].schema is None


async def test_a_useless_answer_is_repaired_once() -> None:
    """The model sees what it said, and what is wrong with it."""
    model = saying('{"culprit": "cache"}', GOOD)
    assert await ask(model, QUESTION, Verdict) == Answered(RIGHT, repaired=True, usage=Usage(2, 0, 8, 2))
    said, wish = model.asked[1].messages[2:]
    assert said == Message(Role.ASSISTANT, '{"culprit": "cache"}')
    assert "sure: Field required" in wish.content


async def test_an_answer_that_was_cut_off_is_asked_for_in_brief() -> None:
    """Its end may be all that it lacks."""
    model = saying(GOOD)
    answer = await settle(model, QUESTION, Reply(GOOD[:-5], truncated=True), Verdict)
    assert isinstance(answer, Answered)
    assert "be brief" in model.asked[0].messages[-1].content


async def test_two_useless_answers_are_none() -> None:
    """A value, with the reason and the cost."""
    answer = await ask(saying("?", '{"sure": 7}'), QUESTION, Verdict)
    assert isinstance(answer, Unanswered)
    assert answer.reason == (
        "The model 'scripted' gave no usable answer: "
        "culprit: Field required; sure: Input should be less than or equal to 1."
    )
    assert (answer.error, answer.usage) == (None, Usage(2, 0, 8, 2))


@pytest.mark.parametrize("error", [TransientModelError("busy", "wait"), BudgetExhausted("spent", "more")])
async def test_a_failed_request_is_a_value_too(error: Exception) -> None:
    """Of the first request, and of the repair, whose first answer was paid for."""
    first = await ask(FailingModel(saying(), error), QUESTION, Verdict)
    repair = await ask(FailingModel(saying("?"), error, every=2), QUESTION, Verdict)
    for answer, usage in ((first, Usage()), (repair, Usage(1, 0, 4, 1))):
        assert isinstance(answer, Unanswered)
        assert type(answer.error) is type(error)
        assert (answer.reason, answer.usage) == (str(error.args[0]), usage)


async def test_a_refusal_of_something_else_than_the_schema_is_a_value() -> None:
    """Nothing is left to leave out."""
    error = UnsupportedFeature("no", "without", feature="tools")
    answer = await ask(FailingModel(saying(), error), QUESTION, Verdict)
    assert isinstance(answer, Unanswered)


async def test_models_that_make_no_sense_or_only_call_tools_end_as_values() -> None:
    """The one fits the schema, the other says nothing."""
    assert isinstance(await ask(SenselessModel(), QUESTION, Verdict), Answered)
    assert isinstance(await ask(ToolLoopModel(), QUESTION, Verdict), Unanswered)


@given(st.text() | st.text(alphabet='{}[]",:culpritsre01. \n`'))
async def test_whatever_a_model_says_ends_as_a_value(text: str) -> None:
    """Nothing escapes."""
    answer = await ask(ScriptedModel(lambda *_: text), QUESTION, Verdict)
    assert isinstance(answer, Answered | Unanswered)


@given(
    culprit=st.text(), sure=st.floats(0, 1), prose=st.text(alphabet=st.characters(exclude_characters="{}"))
)
def test_any_answer_survives_any_prose_around_it(culprit: str, sure: float, prose: str) -> None:
    """Unless the prose has braces, or thoughts that never end."""
    written = json.dumps({"culprit": culprit, "sure": sure}).replace("<", "\\u003c")
    prose = prose.replace("<", "")
    assert read_answer(f"{prose}\n{written}\n{prose}", Verdict) == Verdict(culprit=culprit, sure=sure)
