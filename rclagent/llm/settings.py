"""Which model, where, and with which key: from arguments and the environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, parse_qsl, urlsplit

from pydantic import SecretStr

from rclagent.errors import InputError

OPENAI_URL: Final = "https://api.openai.com/v1"
"""Where a key without an address leads."""
_SUFFIX: Final = "/chat/completions"
_VERSION: Final = "api-version"


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """How to reach a model."""

    model: str
    """Name of the model, as the server knows it."""
    base_url: str
    """Address, without the path of the single call and without parameters."""
    key: SecretStr | None
    """Key for it; None where there is none, as local servers need none."""
    api_version: str | None
    """Version of the interface, as Azure asks for; with it the key goes into Azure's own header."""
    source: str
    """Where all this comes from, in words, without the key."""


@dataclass(frozen=True, slots=True)
class _Found:
    value: str
    name: str


def read_settings(
    environ: Mapping[str, str], *, model: str | None = None, base_url: str | None = None
) -> ModelSettings:
    """Settings of a model.

    The address is the argument, else OPENAI_BASE_URL, OPENAI_API_BASE, or OpenAI's where OPENAI_API_KEY is
    set, else LLM_API_URL. The key belongs to the address: OPENAI_API_KEY or LLM_API_KEY, never one of them
    at the address of the other; an address given as argument gets the first of both. The model is the
    argument, else RCLAGENT_MODEL, else LLM_MODEL where the address is LLM_API_URL.

    Args:
        environ: Variables; empty ones count as missing.
        model: Name of the model.
        base_url: Its address; a trailing ``/chat/completions`` is not part of it.

    Raises:
        InputError: The name, the address or a key that is needed is missing, or the address is none.
    """
    given = {name: value.strip() for name, value in environ.items() if value.strip()}
    url, key = _address_and_key(given, base_url)
    name = _model(given, model, url)
    parts = _parts(url)
    address = f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/').removesuffix(_SUFFIX).rstrip('/')}"
    version = _version(url, parts)
    told = f"{address} ({url.name})" + (f", version {version}" if version else "")
    return ModelSettings(
        model=name.value,
        base_url=address,
        key=None if key is None else SecretStr(key.value),
        api_version=version,
        source=f"model {name.value!r} ({name.name}) at {told}, {f'key from {key.name}' if key else 'no key'}",
    )


def _address_and_key(given: Mapping[str, str], base_url: str | None) -> tuple[_Found, _Found | None]:
    openai_key = _first(given, "OPENAI_API_KEY")
    if base_url is not None:
        return _Found(base_url.strip(), "--base-url"), openai_key or _first(given, "LLM_API_KEY")
    openai_url = _first(given, "OPENAI_BASE_URL", "OPENAI_API_BASE")
    if openai_url is not None:
        return openai_url, openai_key
    if openai_key is not None:
        return _Found(OPENAI_URL, "OpenAI's own address"), openai_key
    llm_url = _first(given, "LLM_API_URL")
    if llm_url is not None:
        return llm_url, _first(given, "LLM_API_KEY")
    raise InputError(
        "There is neither an address nor a key for the model.",
        "Set OPENAI_API_KEY, or OPENAI_BASE_URL for a server of your own, or LLM_API_URL and LLM_API_KEY.",
    )


def _model(given: Mapping[str, str], model: str | None, url: _Found) -> _Found:
    if model is not None and model.strip():
        return _Found(model.strip(), "--model")
    names = ("RCLAGENT_MODEL", "LLM_MODEL") if url.name == "LLM_API_URL" else ("RCLAGENT_MODEL",)
    found = _first(given, *names)
    if found is None:
        raise InputError("No model is named.", f"Name one with --model, or set {' or '.join(names)}.")
    return found


def _parts(url: _Found) -> SplitResult:
    try:
        parts = urlsplit(url.value)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or not url.value.isascii() or not url.value.isprintable() or " " in url.value:
        raise InputError(
            f"The model's address ({url.name}) is no address.", "Give one such as http://localhost:8000/v1."
        )
    return parts


def _version(url: _Found, parts: SplitResult) -> str | None:
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    version = query.pop(_VERSION, None)
    # What they hold may be secret, and addresses are shown.
    if "@" in parts.netloc:
        raise InputError(f"The model's address ({url.name}) holds a user or a password.", _KEY_APART)
    if query or parts.fragment:
        raise InputError(
            f"The model's address ({url.name}) holds parameters other than {_VERSION}.", _KEY_APART
        )
    return version or None


_KEY_APART: Final = "Set OPENAI_API_KEY or LLM_API_KEY, and leave them out of the address."


def _first(given: Mapping[str, str], *names: str) -> _Found | None:
    return next((_Found(given[name], name) for name in names if name in given), None)
