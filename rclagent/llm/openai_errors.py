"""Errors of the OpenAI SDK as model errors: one line that names the remedy, and no key."""

from __future__ import annotations

import math
import os
import re
import ssl
import time
from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime
from typing import Final

import openai

from rclagent.errors import ModelError, PermanentModelError, TransientModelError, UnsupportedFeature
from rclagent.llm.foreign_text import one_line
from rclagent.llm.settings import ModelSettings

FEATURES: Final = {"tools": "tools", "response_format": "json_schema"}
"""Fields of a request that a model may refuse, and the capabilities that they take."""
_TRANSIENT: Final = frozenset({408, 409, 429})
_MISFITS: Final = frozenset({400, 422, 501})
_NO_MONEY: Final = "insufficient_quota"
"""Comes with status 429, but does not pass."""
_REFUSING: Final = re.compile(
    r"unsupported|not support|unavailable|unrecognized|unknown|unexpected|not permitted|not allowed|requires"
    r"|instead|only the default|must be a response",
    re.IGNORECASE,
)
_FIELDS: Final = (
    ("max_completion_tokens", re.compile(r"^\W*max_completion_tokens|parameter\W+max_completion_tokens")),
    ("max_tokens", re.compile("max_tokens")),
    ("temperature", re.compile("temperature")),
    ("response_format", re.compile("response_format|json_schema|structured output", re.IGNORECASE)),
    ("tools", re.compile(r"\btools?\b|tool_choice|function call", re.IGNORECASE)),
)


def refused_field(error: openai.OpenAIError) -> str | None:
    """The field of a request that a server does not take at all; None where it refuses for another reason."""
    if not isinstance(error, openai.APIStatusError) or error.status_code not in _MISFITS:
        return None
    said = _said(error)
    if not _REFUSING.search(f"{error.code} {said}"):
        return None
    if error.param in dict(_FIELDS):
        return error.param
    return next((name for name, pattern in _FIELDS if pattern.search(said)), None)


def as_model_error(error: openai.OpenAIError, settings: ModelSettings) -> ModelError:
    """The model error that stands for an error of the SDK."""
    if isinstance(error, openai.APIStatusError):
        return _of_status(error, settings)
    if isinstance(error, openai.APIConnectionError):
        return _of_connection(error, settings)
    return not_a_completion(settings)


def not_a_completion(settings: ModelSettings) -> PermanentModelError:
    """The error of an answer that is not in OpenAI's format."""
    return PermanentModelError(
        f"{settings.base_url} answers, but not as a chat model does.",
        f"Check the address, which often ends in /v1: {settings.source}.",
        maybe_billed=True,
    )


def _of_status(error: openai.APIStatusError, settings: ModelSettings) -> ModelError:
    status = error.status_code
    said = one_line(_without_key(_said(error), settings))
    problem = f"{settings.base_url} answered with status {status}" + (f": {said}." if said else ".")
    if (status in _TRANSIENT or status >= 500) and error.code != _NO_MONEY:
        return TransientModelError(
            problem,
            "Try again later, or lower --concurrency." if status == 429 else "Try again later.",
            status=status,
            maybe_billed=status >= 500,
            retry_after_s=_retry_after_s(error.response.headers),
        )
    feature = FEATURES.get(refused_field(error) or "")
    if feature is not None:
        return UnsupportedFeature(problem, "It is asked without from now on.", status=status, feature=feature)
    return PermanentModelError(problem, _remedy(status, settings), status=status)


def _remedy(status: int, settings: ModelSettings) -> str:
    if status in (401, 403, 429):
        return f"Check the key, and what it may be used for: {settings.source}."
    if status in (404, 405):
        return f"Check the model's name, and the address, which often ends in /v1: {settings.source}."
    if status < 400:
        return "Give the address that it redirects to: redirections are not followed."
    return f"Check that the model takes such requests: {settings.source}."


def _of_connection(error: openai.APIConnectionError, settings: ModelSettings) -> ModelError:
    causes = list(_causes(error))
    untrusted = next((each for each in causes if isinstance(each, ssl.SSLCertVerificationError)), None)
    if untrusted is not None:
        return PermanentModelError(
            f"The certificate of {settings.base_url} is not trusted: {one_line(untrusted.verify_message)}.",
            "Name a file with the certificates of your authority in SSL_CERT_FILE.",
        )
    kinds = {type(each).__name__ for each in causes}
    # Names, as the SDK may sit on either of two HTTP libraries.
    connected = not kinds & {
        "ConnectError",
        "ConnectTimeout",
        "PoolTimeout",
        "ProxyError",
        "UnsupportedProtocol",
    }
    if not connected and any(isinstance(each, ssl.SSLError) for each in causes):
        return TransientModelError(
            f"{settings.base_url} cannot be reached: the TLS handshake failed.",
            f"Check that the server runs, and write http:// where it speaks no TLS: {settings.source}.",
        )
    reason = next((_reason(each) for each in reversed(causes) if isinstance(each, OSError)), "")
    if isinstance(error, openai.APITimeoutError):
        reason = reason or "it takes too long"
    problem = f"{settings.base_url} {'broke off' if connected else 'cannot be reached'}"
    return TransientModelError(
        f"{problem}: {one_line(reason)}." if reason else f"{problem}.",
        f"Check that the server runs, and its address: {settings.source}.",
        maybe_billed=connected,
    )


def _reason(error: OSError) -> str:
    # asyncio puts its own words, with the address, in place of the system's.
    if isinstance(error, ConnectionError) and error.errno:
        return os.strerror(error.errno)
    return error.strerror or ""


def _said(error: openai.APIStatusError) -> str:
    body = error.body
    if isinstance(body, Mapping):
        for name in ("message", "detail", "error"):
            if isinstance(body.get(name), str):
                return str(body[name])
    if not isinstance(body, str):
        return ""
    return "a web page" if body.lstrip().startswith("<") else body


def _without_key(text: str, settings: ModelSettings) -> str:
    key = "" if settings.key is None else settings.key.get_secret_value()
    return text.replace(key, "[the key]") if key else text


def _retry_after_s(headers: Mapping[str, str]) -> float | None:
    for name, unit in (("retry-after-ms", 1e-3), ("retry-after", 1.0)):
        try:
            seconds = float(headers.get(name, "")) * unit
        except ValueError:
            continue
        if math.isfinite(seconds):
            return max(0.0, seconds)
    try:
        until = parsedate_to_datetime(headers.get("retry-after", ""))
    except (ValueError, TypeError, OverflowError):
        return None
    return max(0.0, until.timestamp() - time.time())


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__ or seen.__context__
