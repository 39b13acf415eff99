"""The client, against servers on this machine."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from rclagent.errors import (
    DependencyError,
    ModelError,
    PermanentModelError,
    TransientModelError,
    UnsupportedFeature,
)
from rclagent.llm import (
    Capabilities,
    Message,
    ModelSettings,
    Reply,
    RetryPolicy,
    Role,
    Tool,
    ToolCall,
    Usage,
    connect,
    read_settings,
)
from rclagent.llm.retry import RetryingModel
from rclagent.llm.timeout import TimeoutModel

if TYPE_CHECKING:
    from tests.llm.conftest import Answer, Server, StartLatencyServer

KEY = "sk-do-not-show-me-anywhere"
HELLO = (Message(Role.USER, "Hello"),)
LOGS = Tool("logs", "Lines of a log.", {"type": "object", "properties": {"id": {"type": "string"}}})


async def reply_of(settings: ModelSettings, *request: Any, capabilities: Capabilities | None = None) -> Reply:
    """One reply, of a model of its own."""
    async with connect(settings, capabilities) as model:
        return await model.complete(*(request or (HELLO,)))


async def error_of(server: Server, answer: Answer, *request: Any) -> ModelError:
    """What one answer of a server raises."""
    server.answers = [answer]
    with pytest.raises(ModelError) as caught:
        await reply_of(server.settings(OPENAI_API_KEY=KEY), *request)
    assert "\n" not in str(caught.value)
    return caught.value


async def test_a_request_carries_the_conversation_and_the_reply_its_cost(server: Server) -> None:
    """As OpenAI documents it."""
    call = ToolCall("c1", "logs", {"id": "7"})
    broken = ToolCall("c2", "logs", malformed="{id")
    messages = [
        Message(Role.SYSTEM, "You help."),
        Message(Role.ASSISTANT, "", (call, broken)),
        Message(Role.TOOL, "one line", tool_call_id="c1"),
        Message(Role.USER, "half \ud800"),
    ]
    schema = {"title": "My answer", "type": "object"}
    reply = await reply_of(server.settings(OPENAI_API_KEY=KEY), messages, [LOGS], schema)
    assert reply == Reply("Hi", usage=Usage(calls=1, prompt_tokens=7, completion_tokens=2))
    (heard,) = server.heard
    assert heard.path == "/v1/chat/completions"
    assert heard.headers["authorization"] == f"Bearer {KEY}"
    assert heard.body == {
        "model": "small",
        "temperature": 0.0,
        "max_tokens": 2000,
        "messages": [
            {"role": "system", "content": "You help."},
            {
                "role": "assistant",
                "content": "",
                "tool_calls": [
                    {
                        "id": "c1",
                        "type": "function",
                        "function": {"name": "logs", "arguments": '{"id": "7"}'},
                    },
                    {"id": "c2", "type": "function", "function": {"name": "logs", "arguments": "{id"}},
                ],
            },
            {"role": "tool", "content": "one line", "tool_call_id": "c1"},
            {"role": "user", "content": "half ?"},
        ],
        "tools": [
            {
                "type": "function",
                "function": {
                    "name": "logs",
                    "description": "Lines of a log.",
                    "parameters": LOGS.parameters,
                },
            }
        ],
        "response_format": {"type": "json_schema", "json_schema": {"name": "My_answer", "schema": schema}},
    }


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ('{"id": "7"}', ToolCall("c1", "logs", {"id": "7"})),
        ({"id": "7"}, ToolCall("c1", "logs", {"id": "7"})),
        ('{"id": ', ToolCall("c1", "logs", malformed='{"id": ')),
        ("", ToolCall("c1", "logs")),
        (None, ToolCall("c1", "logs")),
    ],
)
async def test_calls_of_tools_are_read_however_servers_write_them(
    server: Server, arguments: Any, expected: ToolCall
) -> None:
    """What cannot be read is kept, for the model to be told."""
    call = {"id": "c1", "type": "function", "function": {"name": "logs", "arguments": arguments}}
    server.answers = [server.completion(None, tool_calls=[call])]
    reply = await reply_of(server.settings())
    assert reply.text == ""
    assert reply.tool_calls == (expected,)


async def test_oddities_of_servers_are_read(server: Server) -> None:
    """Contents in parts, a call without an id, no usage, a reply that was cut off."""
    server.answers = [
        server.text(
            '{"choices": [{"message": {"content": [{"type": "text", "text": "a"}, {"text": "b"}]}}]}'
        ),
        server.completion("", tool_calls=[{"function": {"name": "logs", "arguments": "{}"}}]),
        server.text('{"choices": [{"message": {"content": "a"}, "finish_reason": "length"}], "usage": null}'),
    ]
    async with connect(server.settings()) as model:
        assert await model.complete(HELLO) == Reply("ab", usage=Usage(calls=1))
        assert (await model.complete(HELLO)).tool_calls == (ToolCall("call-0", "logs"),)
        assert (await model.complete(HELLO)).truncated


@pytest.mark.parametrize(
    "body",
    [
        "",
        "<html>Sign in</html>",
        "null",
        "[]",
        '"a"',
        '{"choices": [',
        '{"choices": []}',
        '{"choices": null}',
        '{"choices": [{"message": null}]}',
        '{"choices": [{"text": "a"}]}',
        '{"error": {"message": "quota"}}',
    ],
)
@pytest.mark.parametrize("kind", ["application/json", "text/html"])
async def test_an_answer_that_is_none_is_refused_naming_the_address(
    server: Server, body: str, kind: str
) -> None:
    """Asking again would not help: often it is the wrong address."""
    error = await error_of(server, server.text(body, content_type=kind))
    assert isinstance(error, PermanentModelError)
    assert error.problem == f"{server.url} answers, but not as a chat model does."
    assert "often ends in /v1" in error.remedy


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 529])
async def test_what_may_pass_is_transient(server: Server, status: int) -> None:
    """The server may have worked on it only where it broke down itself."""
    error = await error_of(server, server.refusal(status, "Try later."))
    assert isinstance(error, TransientModelError)
    assert error.problem == f"{server.url} answered with status {status}: Try later."
    assert (error.status, error.maybe_billed) == (status, status >= 500)
    assert len(server.heard) == 1


@pytest.mark.parametrize(
    ("status", "remedy"),
    [
        (400, "Check that the model takes such requests: model 'small'"),
        (401, "Check the key, and what it may be used for: model 'small' (--model) at http://127.0.0.1"),
        (403, "Check the key"),
        (404, "Check the model's name, and the address, which often ends in /v1"),
        (405, "Check the model's name, and the address, which often ends in /v1"),
        (413, "Check that the model takes such requests"),
    ],
)
async def test_what_will_not_pass_is_permanent_and_names_the_remedy(
    server: Server, status: int, remedy: str
) -> None:
    """At the first try, with what the server says."""
    error = await error_of(server, server.refusal(status, "No."))
    assert type(error) is PermanentModelError
    assert error.problem == f"{server.url} answered with status {status}: No."
    assert error.remedy.startswith(remedy)
    assert error.status == status
    assert len(server.heard) == 1


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry_after": "7"}, 7.0),
        ({"retry_after": "0.25"}, 0.25),
        ({"retry_after_ms": "1500", "retry_after": "9"}, 1.5),
        ({"retry_after": "-3"}, 0.0),
        ({"retry_after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),
        ({"retry_after": "nan"}, None),
        ({"retry_after": "soon"}, None),
        ({}, None),
    ],
)
async def test_how_long_the_server_wants_to_be_left_alone(
    server: Server, headers: dict[str, str], seconds: float | None
) -> None:
    """In seconds, milliseconds, or as a date, which may be past."""
    error = await error_of(server, server.refusal(429, "Slow down.", **headers))
    assert isinstance(error, TransientModelError)
    assert error.retry_after_s == seconds


async def test_retry_after_in_the_future_is_the_time_until_then(server: Server) -> None:
    """A date of the far future is many seconds away."""
    error = await error_of(server, server.text("", 503, retry_after="Fri, 01 Jan 2100 00:00:00 GMT"))
    assert isinstance(error, TransientModelError)
    assert error.retry_after_s is not None
    assert error.retry_after_s > 1e8


async def test_a_quota_that_is_used_up_is_permanent(server: Server) -> None:
    """Though its status says to come back."""
    body = '{"error": {"message": "You exceeded your current quota.", "code": "insufficient_quota"}}'
    error = await error_of(server, server.text(body, 429))
    assert type(error) is PermanentModelError
    assert "current quota" in error.problem


async def test_a_web_page_is_not_read_aloud(server: Server) -> None:
    """A proxy's, or one of another program at that address."""
    error = await error_of(server, server.text("\n<!DOCTYPE html><html>No such page</html>", 404))
    assert isinstance(error, PermanentModelError)
    assert error.problem == f"{server.url} answered with status 404: a web page."


async def test_a_server_without_tls_at_an_https_address_is_told_apart(server: Server) -> None:
    """A slip that is easily made with a server of one's own."""
    settings = read_settings({}, model="m", base_url=f"https://127.0.0.1:{server.port}/v1")
    with pytest.raises(TransientModelError, match=r"the TLS handshake failed.*write http://"):
        await reply_of(settings)


async def test_a_redirection_is_not_followed(server: Server) -> None:
    """Telemetry goes only where the user said."""
    error = await error_of(server, server.text("", 307, location="http://192.0.2.1/v1/chat/completions"))
    assert isinstance(error, PermanentModelError)
    assert "redirections are not followed" in error.remedy


@pytest.mark.parametrize(
    ("message", "param"),
    [
        ("Unsupported value: 'temperature' does not support 0 with this model.", "temperature"),
        ("temperature: only the default (1) is supported", None),
    ],
)
async def test_a_temperature_that_is_refused_is_left_out_from_then_on(
    server: Server, message: str, param: str | None
) -> None:
    """The refused request counts, and is made only once."""
    server.answers = [server.refusal(400, message, param=param), server.completion()]
    async with connect(server.settings()) as model:
        replies = [await model.complete(HELLO) for _ in range(2)]
        assert model.capabilities == Capabilities(temperature=False)
    assert [reply.usage for reply in replies] == [Usage(2, 1, 7, 2), Usage(1, 0, 7, 2)]
    assert ["temperature" in heard.body for heard in server.heard] == [True, False, False]


async def test_the_limit_on_the_reply_goes_by_the_name_that_the_server_takes(server: Server) -> None:
    """Reasoning models of OpenAI refuse the old name, other servers the new one."""
    old = "Unsupported parameter: 'max_tokens' is not supported. Use 'max_completion_tokens' instead."
    server.answers = [
        server.refusal(400, old, param="max_tokens"),
        server.refusal(422, "parameter max_completion_tokens is unknown"),
        server.completion(),
    ]
    reply = await reply_of(server.settings())
    assert reply.usage.calls == 3
    assert [sorted(name for name in heard.body if name.startswith("max")) for heard in server.heard] == [
        ["max_tokens"],
        ["max_completion_tokens"],
        [],
    ]


async def test_requests_side_by_side_learn_from_each_other(server: Server) -> None:
    """Four at once: none is refused twice."""
    refusal, answer = server.refusal(400, "temperature is not supported"), server.completion()
    server.script = lambda heard: refusal if "temperature" in heard.body else answer
    async with connect(server.settings()) as model:
        replies = await asyncio.gather(*(model.complete(HELLO) for _ in range(4)))
    assert all(reply.usage.failed_calls <= 1 for reply in replies)
    assert sum(reply.usage.calls for reply in replies) == len(server.heard)


@pytest.mark.parametrize(
    ("message", "feature"),
    [
        ("registry.ollama.ai/library/small does not support tools", "tools"),
        ('"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set', "tools"),
        ("This response_format type is unavailable now", "json_schema"),
    ],
)
async def test_tools_and_schemas_that_are_refused_are_no_capabilities_any_more(
    server: Server, message: str, feature: str
) -> None:
    """Whoever asked knows how to ask without."""
    server.answers = [server.refusal(400, message)]
    async with connect(server.settings()) as model:
        with pytest.raises(UnsupportedFeature) as caught:
            await model.complete(HELLO, [LOGS], {"type": "object"})
        assert caught.value.feature == feature
        assert not getattr(model.capabilities, feature)


@pytest.mark.parametrize(
    "message",
    [
        "maximum context length is 4096 tokens; you requested 2000 as max_tokens and 3000 in messages",
        "'max_tokens' is too large: 2000.",
        "tool_calls must be followed by tool messages",
    ],
)
async def test_a_request_refused_for_another_reason_is_not_repeated(server: Server, message: str) -> None:
    """Though it names a field."""
    error = await error_of(server, server.refusal(400, message))
    assert type(error) is PermanentModelError
    assert len(server.heard) == 1


async def test_a_version_in_the_address_means_azure(server: Server) -> None:
    """Its own header, its parameter, its path."""
    for url in (
        f"http://127.0.0.1:{server.port}/openai",
        f"http://127.0.0.1:{server.port}/openai/deployments/small",
    ):
        environ = {"OPENAI_BASE_URL": f"{url}?api-version=2024-10-21", "OPENAI_API_KEY": KEY}
        await reply_of(read_settings(environ, model="small"))
    for heard in server.heard:
        assert heard.path == "/openai/deployments/small/chat/completions?api-version=2024-10-21"
        assert heard.headers["api-key"] == KEY
        assert "authorization" not in heard.headers


async def test_a_key_of_an_administrator_in_the_environment_is_not_sent(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The SDK reads it of its own accord."""
    monkeypatch.setenv("OPENAI_ADMIN_KEY", "sk-admin")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-other")
    await reply_of(server.settings())
    assert server.heard[0].headers["authorization"] == "Bearer none"
    assert "sk-" not in str(server.heard)


async def test_the_key_shows_nowhere(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    """In no log at any level, in no text of the objects, in no error though the server repeats it."""
    caplog.set_level(logging.DEBUG)
    server.answers = [
        server.refusal(401, f"Incorrect API key provided: {KEY}."),
        server.text(f"Bearer {KEY}", 500),
        server.text(f"<p>{KEY}</p>"),
        server.completion(),
    ]
    settings = server.settings(OPENAI_API_KEY=KEY)
    shown = [repr(settings), str(settings)]
    async with connect(settings) as model:
        shown += [repr(model), str(model)]
        for _ in range(3):
            try:
                await model.complete(HELLO)
            except ModelError as error:
                shown += [repr(error), str(vars(error)), "".join(traceback.format_exception(error))]
        await model.complete(HELLO)
    assert len(shown) == 4 + 3 * 3
    assert "[the key]" in shown[4]
    assert all(heard.headers["authorization"] == f"Bearer {KEY}" for heard in server.heard)
    assert KEY not in "".join(shown)
    assert caplog.records
    assert KEY not in caplog.text + "".join(str(vars(record)) for record in caplog.records)


async def test_a_server_that_is_not_there_is_transient_and_costs_nothing() -> None:
    """It may be about to start."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        settings = read_settings({}, model="m", base_url=f"http://127.0.0.1:{taken.getsockname()[1]}/v1")
        with pytest.raises(TransientModelError, match="cannot be reached: Connection refused") as caught:
            await reply_of(settings)
    assert not caught.value.maybe_billed
    assert caught.value.remedy.startswith("Check that the server runs, and its address: model 'm'")


async def test_a_server_that_breaks_off_may_have_billed() -> None:
    """It took the request, and hung up."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def hang_up() -> None:
            connection, _ = listening.accept()
            connection.recv(65536)
            connection.close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        settings = read_settings({}, model="m", base_url=f"http://127.0.0.1:{listening.getsockname()[1]}/v1")
        with pytest.raises(TransientModelError, match="broke off") as caught:
            await reply_of(settings)
        thread.join()
    assert caught.value.maybe_billed


async def test_a_server_that_hangs_is_given_up(server: Server) -> None:
    """And the next request is served."""
    server.answers = [server.hang(), server.completion()]
    async with connect(server.settings()) as client:
        model = RetryingModel(TimeoutModel(client, 0.5), RetryPolicy(first_wait_s=0.001))
        assert (await model.complete(HELLO)).text == "Hi"
    assert len(server.heard) >= 2


def test_a_client_outlives_an_event_loop(server: Server) -> None:
    """Each loop has connections of its own."""
    model = connect(server.settings())

    async def once() -> str:
        async with model:
            return (await model.complete(HELLO)).text

    assert [asyncio.run(once()) for _ in range(2)] == ["Hi", "Hi"]


async def test_proxies_of_the_environment_are_used(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """The proxy is asked for the whole address, of a host that is not there."""
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{server.port}")
    settings = read_settings({"OPENAI_BASE_URL": "http://model.invalid/v1"}, model="m")
    assert (await reply_of(settings)).text == "Hi"
    assert server.heard[0].path == "http://model.invalid/v1/chat/completions"


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Certificate and key of 127.0.0.1, trusted by nobody."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("there is no openssl to make a certificate with")
    path = tmp_path / "server.pem"
    command = (
        f"{openssl} req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=here -keyout {path}.key -out {path}"
    )
    subprocess.run(
        [*command.split(), "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True
    )
    return path


async def test_certificates_are_checked_and_an_authority_of_ones_own_can_be_named(
    server: Server, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Refused at once with the remedy; taken once SSL_CERT_FILE names it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, f"{certificate}.key")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    settings = read_settings({}, model="m", base_url=f"https://127.0.0.1:{server.port}/v1")
    with pytest.raises(PermanentModelError, match=r"certificate of .* is not trusted.*SSL_CERT_FILE"):
        await reply_of(settings)
    monkeypatch.setenv("SSL_CERT_FILE", os.fspath(certificate))
    assert (await reply_of(settings)).text == "Hi"


def test_without_the_sdk_the_install_line_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything else works without it."""
    monkeypatch.setitem(sys.modules, "openai", None)
    for name in ("openai_model", "openai_errors"):
        monkeypatch.delitem(sys.modules, f"rclagent.llm.{name}", raising=False)
    with pytest.raises(DependencyError, match=r"pip install 'rclagent\[openai\]'"):
        connect(read_settings({}, model="m", base_url="http://127.0.0.1/v1"))


async def test_the_server_for_load_tests_is_understood(latency_server: StartLatencyServer) -> None:
    """Calls of tools, answers in a schema, and the key that it wants."""
    url = latency_server("--api-key", KEY, "--tool-rounds", "1")
    settings = read_settings({"OPENAI_BASE_URL": url, "OPENAI_API_KEY": KEY}, model="m")
    async with connect(settings) as model:
        first = await model.complete(HELLO, [LOGS])
        (call,) = first.tool_calls
        assert (call.name, sorted(call.arguments)) == ("logs", ["id"])
        second = await model.complete(
            HELLO, schema={"type": "object", "properties": {"n": {"type": "integer"}}}
        )
        assert second.text.startswith('{"n": ')
        assert first.usage.prompt_tokens > 0
    with pytest.raises(PermanentModelError, match=r"status 401: wrong API key\."):
        await reply_of(read_settings({"OPENAI_BASE_URL": url, "OPENAI_API_KEY": "no"}, model="m"))
