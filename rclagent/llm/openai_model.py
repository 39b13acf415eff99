"""One client for every server that speaks OpenAI's chat format.

OpenAI, Azure and gateways like it, vLLM, Ollama, llama.cpp, DashScope. The SDK does the talking: certificates
are always checked (``SSL_CERT_FILE`` names those of an authority of one's own), proxies of the environment
are used, and nothing is sent anywhere but to the address given: redirections are not followed.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, Final, Self

import openai
from openai import AsyncOpenAI
from pydantic import ValidationError

from rclagent.errors import UnsupportedFeature
from rclagent.llm.budgeted import REPLY_TOKENS
from rclagent.llm.chat_model import Capabilities, JsonSchema, Message, Reply, Tool
from rclagent.llm.openai_errors import as_model_error, not_a_completion, refused_field
from rclagent.llm.per_loop import PerLoop
from rclagent.llm.settings import ModelSettings
from rclagent.llm.usage import Usage
from rclagent.llm.wire import Completion, read_completion, request_body

_TIMEOUT: Final = openai.Timeout(600.0, connect=10.0)
"""Seconds without a sign of life; how long a call may take at most is a matter of ``TimeoutModel``."""
_PATH: Final = "/chat/completions"
_NO_KEY: Final = "none"
"""Sent where no key is needed, as the SDK insists on one."""


@dataclass(frozen=True, slots=True)
class _Dialect:
    """What the server was found to take of what is sent with every request."""

    temperature: bool = True
    reply_limit: str | None = "max_tokens"

    def without(self, refused: str | None) -> _Dialect | None:
        """What to send when the server refuses a field; None where that is no matter of dialect."""
        if refused == "temperature" and self.temperature:
            return replace(self, temperature=False)
        if refused is not None and refused == self.reply_limit:
            # OpenAI's reasoning models know only the newer name, many servers only the older.
            return replace(self, reply_limit="max_completion_tokens" if refused == "max_tokens" else None)
        return None


class OpenAIModel:
    """A model behind OpenAI's chat format.

    What the server refuses and a request can do without is left out from then on, and the request repeated: a
    temperature, the name of a field. Where it refuses tools or a JSON schema that raises, and they are not
    among its capabilities any more.

    Args:
        settings: Which model, where, with which key.
        capabilities: What the model can do, as far as that is known.
        temperature: Chance in the answers; 0 is none.
        reply_tokens: Longest reply, in tokens.
    """

    def __init__(
        self,
        settings: ModelSettings,
        *,
        capabilities: Capabilities | None = None,
        temperature: float = 0.0,
        reply_tokens: int = REPLY_TOKENS,
    ) -> None:
        self.settings = settings
        self.capabilities = Capabilities() if capabilities is None else capabilities
        self._temperature = temperature
        self._reply_tokens = reply_tokens
        self._dialect = _Dialect(temperature=self.capabilities.temperature)
        self._clients = PerLoop(self._connected)

    def __repr__(self) -> str:
        return f"OpenAIModel({self.settings.source})"

    @property
    def name(self) -> str:
        """Name of the model, as the server knows it."""
        return self.settings.model

    async def complete(
        self, messages: Sequence[Message], tools: Sequence[Tool] = (), schema: JsonSchema | None = None
    ) -> Reply:
        """One request, or a few the first time, where the server refuses a field.

        Raises:
            TransientModelError: Status 408, 409, 429 or 5xx, or no connection.
            UnsupportedFeature: The server refuses tools, or the JSON schema.
            PermanentModelError: Any other refusal, or an answer that is none.
        """
        body = request_body(messages, tools, schema)
        refused = 0
        while True:
            dialect = self._dialect
            try:
                reply = await self._request(body | self._fields(dialect))
            except openai.OpenAIError as error:
                # Others may have learned it meanwhile.
                if self._dialect == dialect and not self._learn(error):
                    raise self._failure(error) from None  # the SDK's own error holds the headers
                refused += 1
            else:
                return replace(reply, usage=reply.usage + Usage(calls=refused, failed_calls=refused))

    async def aclose(self) -> None:
        """Closes the connections of the running event loop; the next call opens new ones."""
        client = self._clients.pop()
        if client is not None:
            await client.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def _connected(self) -> AsyncOpenAI:
        settings = self.settings
        key = _NO_KEY if settings.key is None else settings.key.get_secret_value()
        http = openai.DefaultAsyncHttpxClient(follow_redirects=False, timeout=_TIMEOUT)
        if settings.api_version is not None:
            return openai.AsyncAzureOpenAI(
                base_url=settings.base_url,
                api_key=key,
                api_version=settings.api_version,
                max_retries=0,
                timeout=_TIMEOUT,
                http_client=http,
            )
        return AsyncOpenAI(
            base_url=settings.base_url, api_key=key, max_retries=0, timeout=_TIMEOUT, http_client=http
        )

    def _fields(self, dialect: _Dialect) -> dict[str, Any]:
        fields: dict[str, Any] = {"model": self.name}
        if dialect.temperature:
            fields["temperature"] = self._temperature
        if dialect.reply_limit is not None:
            fields[dialect.reply_limit] = self._reply_tokens
        return fields

    async def _request(self, body: dict[str, Any]) -> Reply:
        try:
            # The SDK's ``create`` would walk every schema along its type hints, and make objects of the whole
            # answer: a third of all the work that a call is.
            answer = await self._clients.get().post(_PATH, cast_to=bytes, body=body)
            return read_completion(Completion.model_validate(json.loads(answer)))
        except (ValidationError, ValueError) as error:
            # Text, other JSON or none: servers answer all of that with status 200.
            raise not_a_completion(self.settings) from error

    def _learn(self, error: openai.OpenAIError) -> bool:
        less = self._dialect.without(refused_field(error))
        if less is None:
            return False
        self._dialect = less
        self.capabilities = replace(self.capabilities, temperature=less.temperature)
        return True

    def _failure(self, error: openai.OpenAIError) -> Exception:
        failure = as_model_error(error, self.settings)
        if isinstance(failure, UnsupportedFeature):
            self.capabilities = replace(self.capabilities, **{failure.feature: False})
        return failure
