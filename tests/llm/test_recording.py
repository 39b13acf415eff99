"""Recorded calls, and replays of them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rclagent.errors import (
    GivenUp,
    InputError,
    ModelError,
    PermanentModelError,
    TransientModelError,
    UnsupportedFeature,
)
from rclagent.llm import (
    Capabilities,
    ChatModel,
    Message,
    Recorder,
    ReplayModel,
    Reply,
    Role,
    Tool,
    ToolCall,
    Usage,
    load_recording,
)
from rclagent.llm.record import RecordingModel
from rclagent.llm.recording import Request
from rclagent.testing.models import FailingModel, ScriptedModel, SlowModel

LOGS = Tool("logs", "Lines of a log.", {"type": "object"})
REPLY = Reply("Hi \ud800 \u2028", (ToolCall("a", "logs", {"x": [1.5, None]}),), Usage(1, 0, 7, 2), True)


def asking(text: str) -> tuple[Message, ...]:
    """A conversation that ends with a text."""
    return Message(Role.SYSTEM, "You help."), Message(Role.USER, text)


def echo(name: str = "echo") -> ScriptedModel:
    """A model that repeats the last message."""
    return ScriptedModel(lambda messages, *_: messages[-1].content, name=name)


async def record(path: Path, model: ChatModel, *texts: str) -> list[Reply | ModelError]:
    """How calls end, made side by side and recorded."""
    with Recorder(path) as recorder:
        calls = [RecordingModel(model, recorder).complete(asking(text)) for text in texts]
        return [
            end
            for end in await asyncio.gather(*calls, return_exceptions=True)
            if isinstance(end, Reply | ModelError)
        ]


async def test_every_field_of_a_reply_comes_back(tmp_path: Path) -> None:
    """Tool calls, usage and halves of surrogate pairs."""
    with Recorder(tmp_path / "calls") as recorder:
        model = RecordingModel(ScriptedModel(lambda *_: REPLY, name="m"), recorder)
        await model.complete(asking("?"), [LOGS], {"type": "object"})
    replay = ReplayModel(load_recording(tmp_path / "calls"))
    assert await replay.complete(asking("?"), [LOGS], {"type": "object"}) == REPLY


@pytest.mark.parametrize(
    "error",
    [
        TransientModelError("busy", "wait", status=429, retry_after_s=2.5),
        PermanentModelError("refused", "look", status=400, maybe_billed=True),
        UnsupportedFeature("no", "without", status=400, feature="tools"),
        GivenUp("gone", "look", status=401),
    ],
)
async def test_errors_are_raised_again_with_all_they_carry(tmp_path: Path, error: ModelError) -> None:
    """Each time anew, so that one raise adds nothing to the next."""
    await record(tmp_path / "calls", FailingModel(echo(), error), "?")
    replay = ReplayModel(load_recording(tmp_path / "calls"))
    seen = []
    for _ in range(2):
        with pytest.raises(type(error)) as caught:
            await replay.complete(asking("?"))
        seen.append(caught.value)
    assert vars(seen[0]) == vars(error)
    assert seen[0] is not seen[1]


async def test_an_error_of_a_kind_of_its_own_is_replayed_as_what_it_is(tmp_path: Path) -> None:
    """A back end may derive from ours."""

    class Overheated(TransientModelError):
        pass

    await record(tmp_path / "calls", FailingModel(echo(), Overheated("hot", "cool")), "?")
    with pytest.raises(TransientModelError, match="hot cool"):
        await ReplayModel(load_recording(tmp_path / "calls")).complete(asking("?"))


async def test_the_file_does_not_depend_on_who_was_first(tmp_path: Path) -> None:
    """The same calls, answered in the opposite order."""
    texts = [str(number) for number in range(6)]

    def earlier_is_slower(messages: Sequence[Message]) -> float:
        return 0.02 - earlier_is_faster(messages)

    def earlier_is_faster(messages: Sequence[Message]) -> float:
        return 0.002 * int(messages[-1].content)

    await record(tmp_path / "one", SlowModel(echo(), earlier_is_slower), *texts)
    await record(tmp_path / "other", SlowModel(echo(), earlier_is_faster), *texts)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one", "other"]


async def test_a_request_made_several_times_ends_each_time_as_it_did(tmp_path: Path) -> None:
    """Failure, then a reply; and the reply from there on."""
    model = FailingModel(echo(), TransientModelError("busy", "wait"), every=2)
    model.calls = 1
    with Recorder(tmp_path / "calls") as recorder:
        recorded = RecordingModel(model, recorder)
        with pytest.raises(TransientModelError):
            await recorded.complete(asking("?"))
        await recorded.complete(asking("?"))
    replay = ReplayModel(load_recording(tmp_path / "calls"))
    with pytest.raises(TransientModelError):
        await replay.complete(asking("?"))
    assert [(await replay.complete(asking("?"))).text for _ in range(2)] == ["?", "?"]


async def test_a_request_that_was_never_made_is_refused(tmp_path: Path) -> None:
    """Each part of it counts: the words, the tools, the schema."""
    await record(tmp_path / "calls", echo(), "?")
    replay = ReplayModel(load_recording(tmp_path / "calls"))
    await replay.complete(asking("?"))
    for messages, tools, schema in (
        (asking("!"), [], None),
        (asking("?"), [LOGS], None),
        (asking("?"), [], {"type": "object"}),
    ):
        with pytest.raises(PermanentModelError, match="holds no answer of the model 'echo'"):
            await replay.complete(messages, tools, schema)


async def test_models_of_one_recording_are_told_apart(tmp_path: Path) -> None:
    """A fallback is recorded in the same file."""
    with Recorder(tmp_path / "calls") as recorder:
        await RecordingModel(ScriptedModel(lambda *_: "one", name="a"), recorder).complete(asking("?"))
        await RecordingModel(ScriptedModel(lambda *_: "two", name="b"), recorder).complete(asking("?"))
    recording = load_recording(tmp_path / "calls")
    said = [(await ReplayModel(recording, name).complete(asking("?"))).text for name in ("a", "b")]
    assert said == ["one", "two"]
    for name in (None, "c"):
        with pytest.raises(InputError, match="calls of these models: 'a', 'b'"):
            ReplayModel(recording, name)


async def test_what_the_model_could_do_is_recorded_and_shrinks_in_the_replay_as_it_did(
    tmp_path: Path,
) -> None:
    """It refused a schema, and was asked without from then on."""
    model = ScriptedModel(lambda *_: "Hi", name="m", capabilities=Capabilities(temperature=False))
    refusing = FailingModel(model, UnsupportedFeature("no", "without", feature="json_schema"), every=2)
    refusing.calls = 1
    with Recorder(tmp_path / "calls") as recorder:
        recorded = RecordingModel(refusing, recorder)
        with pytest.raises(UnsupportedFeature):
            await recorded.complete(asking("?"), schema={})
        refusing.capabilities = Capabilities(temperature=False, json_schema=False)
        await recorded.complete(asking("?"))
    replay = ReplayModel(load_recording(tmp_path / "calls"))
    assert replay.capabilities == Capabilities(temperature=False)
    with pytest.raises(UnsupportedFeature):
        await replay.complete(asking("?"), schema={})
    assert replay.capabilities == Capabilities(temperature=False, json_schema=False)


async def test_calls_of_a_run_that_was_killed_are_left_beside(tmp_path: Path) -> None:
    """Whole lines; the name itself is free until the recording is whole."""
    recorder = Recorder(tmp_path / "calls")
    await RecordingModel(echo(), recorder).complete(asking("?"))
    assert [path.name for path in tmp_path.iterdir()] == ["calls.part"]
    assert await ReplayModel(load_recording(tmp_path / "calls.part")).complete(asking("?")) == Reply("?")
    recorder.close()


async def test_a_cancelled_call_is_not_recorded(tmp_path: Path) -> None:
    """It did not end."""
    with Recorder(tmp_path / "calls") as recorder:
        call = asyncio.create_task(RecordingModel(FailingModel(echo(), None), recorder).complete(asking("?")))
        await asyncio.sleep(0)
        call.cancel()
        await asyncio.wait([call])
    assert load_recording(tmp_path / "calls").outcomes == {}


def test_a_recording_that_cannot_be_written_is_refused_before_any_call(tmp_path: Path) -> None:
    """Naming it."""
    with pytest.raises(InputError, match=r"nowhere/calls' cannot be written"):
        Recorder(tmp_path / "nowhere" / "calls")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no recording of version 1"),
        (b'{"rclagent_recording":2}\n', "no recording of version 1"),
        (b"\xff\xfe", "it is not text"),
        (b'{"rclagent_recording":1}\n{"key"', "damaged in line 2"),
        (b'{"rclagent_recording":1}\n[]', "damaged in line 2"),
        (b'{"rclagent_recording":1}\n{"key":"a","reply":{"text":"b"}}', "damaged in line 2"),
        (b'{"rclagent_recording":1}\n' + b'{"a":' * 100_000, "damaged in line 2"),
    ],
)
def test_what_is_no_recording_is_refused_naming_the_line(tmp_path: Path, content: bytes, words: str) -> None:
    """Never a traceback."""
    path = tmp_path / "calls"
    path.write_bytes(content)
    with pytest.raises(InputError, match=words):
        load_recording(path)


def test_a_missing_recording_is_refused(tmp_path: Path) -> None:
    """With the reason of the system."""
    with pytest.raises(InputError, match="cannot be read: No such file"):
        load_recording(tmp_path / "calls")


@given(st.text(), st.dictionaries(st.text(), st.none() | st.floats(allow_nan=False) | st.text()))
def test_any_request_has_a_key_that_a_copy_of_it_shares(text: str, arguments: dict[str, object]) -> None:
    """As JSON has it: the order of fields does not matter."""
    call = ToolCall("a", "logs", arguments)
    request = Request("m", Capabilities(), (Message(Role.ASSISTANT, text, (call,)),), (), None)
    turned = ToolCall("a", "logs", json.loads(json.dumps(dict(reversed(arguments.items())))))
    copy = Request("m", Capabilities(tools=False), [Message(Role.ASSISTANT, text, (turned,))], [], None)
    assert request.key == copy.key
    assert request.key != Request("n", Capabilities(), request.messages, (), None).key
