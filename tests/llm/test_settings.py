"""Which model, where, with which key."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rclagent.errors import InputError
from rclagent.llm import read_settings

KEY = "sk-do-not-show-me"
OTHER = "sk-nor-me"


def told(model: str | None = "m", base_url: str | None = None, **environ: str) -> tuple[str, str, str | None]:
    """Model, address and key."""
    settings = read_settings(environ, model=model, base_url=base_url)
    return (
        settings.model,
        settings.base_url,
        None if settings.key is None else settings.key.get_secret_value(),
    )


def test_a_key_alone_leads_to_openai() -> None:
    """As with any program."""
    assert told(OPENAI_API_KEY=KEY) == ("m", "https://api.openai.com/v1", KEY)


def test_the_variables_have_an_order() -> None:
    """OPENAI_BASE_URL, OPENAI_API_BASE, LLM_API_URL."""
    environ = {
        "OPENAI_BASE_URL": "http://a/v1",
        "OPENAI_API_BASE": "http://b/v1",
        "LLM_API_URL": "http://c/v1",
        "LLM_API_KEY": OTHER,
    }
    assert told(**environ) == ("m", "http://a/v1", None)
    del environ["OPENAI_BASE_URL"]
    assert told(**environ, OPENAI_API_KEY=KEY) == ("m", "http://b/v1", KEY)
    del environ["OPENAI_API_BASE"]
    assert told(**environ) == ("m", "http://c/v1", OTHER)
    assert told(**environ, OPENAI_API_KEY=KEY) == ("m", "https://api.openai.com/v1", KEY)


def test_a_key_never_goes_to_the_address_of_the_other() -> None:
    """Each belongs to its own variables."""
    assert told(OPENAI_BASE_URL="http://a/v1", LLM_API_KEY=OTHER)[2] is None


def test_an_address_given_comes_first_and_takes_the_key_that_there_is() -> None:
    """OPENAI_API_KEY before LLM_API_KEY."""
    environ = {"OPENAI_BASE_URL": "http://a/v1", "LLM_API_KEY": OTHER}
    assert told(base_url="http://d/v1", **environ) == ("m", "http://d/v1", OTHER)
    assert told(base_url="http://d/v1", OPENAI_API_KEY=KEY, **environ)[2] == KEY
    assert told(base_url="http://d/v1") == ("m", "http://d/v1", None)


@pytest.mark.parametrize(
    "url",
    [
        "http://h:8000/v1/chat/completions",
        "http://h:8000/v1/chat/completions/",
        "http://h:8000/v1/",
        " http://h:8000/v1 ",
    ],
)
def test_the_path_of_the_single_call_is_no_part_of_the_address(url: str) -> None:
    """LLM_API_URL is often given with it."""
    assert told(LLM_API_URL=url)[1] == "http://h:8000/v1"


def test_the_model_is_the_argument_else_a_variable() -> None:
    """LLM_MODEL belongs to LLM_API_URL."""
    llm = {"LLM_API_URL": "http://h/v1", "LLM_MODEL": "theirs"}
    assert told("mine", RCLAGENT_MODEL="ours", **llm)[0] == "mine"
    assert told(None, RCLAGENT_MODEL="ours", **llm)[0] == "ours"
    assert told(None, **llm)[0] == "theirs"
    with pytest.raises(InputError, match=r"No model is named.*--model, or set RCLAGENT_MODEL\."):
        told(None, OPENAI_API_KEY=KEY, **llm)


def test_the_version_of_azure_is_taken_from_the_address() -> None:
    """And is no part of it."""
    url = "https://x.openai.azure.com/openai/deployments/d/chat/completions?api-version=2024-10-21"
    settings = read_settings({"LLM_API_URL": url, "LLM_API_KEY": KEY}, model="d")
    assert settings.base_url == "https://x.openai.azure.com/openai/deployments/d"
    assert settings.api_version == "2024-10-21"


def test_where_it_all_comes_from_is_told_without_the_key() -> None:
    """In words, for whoever wonders."""
    settings = read_settings({"LLM_API_URL": "http://h/v1", "LLM_API_KEY": KEY, "LLM_MODEL": "q"})
    assert settings.source == "model 'q' (LLM_MODEL) at http://h/v1 (LLM_API_URL), key from LLM_API_KEY"
    assert read_settings({"OPENAI_BASE_URL": "http://h/v1"}, model="q").source == (
        "model 'q' (--model) at http://h/v1 (OPENAI_BASE_URL), no key"
    )
    assert KEY not in repr(settings) + str(settings)


def test_nothing_at_all_is_refused() -> None:
    """Empty variables count as missing."""
    with pytest.raises(InputError, match="neither an address nor a key"):
        told(OPENAI_API_KEY=" ", LLM_API_URL="")


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("localhost:8000", "is no address"),
        ("ftp://h/v1", "is no address"),
        ("http://", "is no address"),
        ("http://h:port/v1", "is no address"),
        ("http://[::1/v1", "is no address"),
        (f"http://user:{KEY}@h/v1", "holds a user or a password"),
        (f"http://h/v1?key={KEY}", "holds parameters other than api-version"),
        (f"http://h/v1#{KEY}", "holds parameters other than api-version"),
    ],
)
def test_an_address_that_is_none_or_holds_a_secret_is_refused_without_showing_it(
    url: str, words: str
) -> None:
    """Addresses are shown in logs and errors."""
    with pytest.raises(InputError, match=words) as caught:
        told(base_url=url)
    assert KEY not in str(caught.value)
    assert "--base-url" in caught.value.problem


@given(st.text())
def test_any_address_is_taken_or_refused(url: str) -> None:
    """Never a traceback."""
    try:
        told(base_url=f"http://{url}")
    except InputError as error:
        assert error.remedy
