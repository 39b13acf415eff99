"""Prompt templates."""

from __future__ import annotations

from importlib.resources import files

import pytest

from rclagent.errors import InputError
from rclagent.prompting import Prompt, load_prompt

NAMES = sorted(
    entry.name.removesuffix(".md")
    for entry in files("rclagent.prompts").iterdir()
    if entry.name.endswith(".md")
)


def test_values_stand_in_place_of_their_names() -> None:
    """A dollar within a value is no placeholder."""
    assert Prompt("p", "Look at $span.").render({"span": "$cart {x}"}) == "Look at $cart {x}."


@pytest.mark.parametrize("values", [{}, {"span": "a", "more": "b"}, {"more": "b"}])
def test_missing_and_unknown_variables_are_refused(values: dict[str, str]) -> None:
    """Neither a hole nor a value that nobody reads."""
    with pytest.raises(InputError, match="do not fit"):
        Prompt("p", "Look at $span.").render(values)


def test_an_unknown_prompt_names_those_there_are() -> None:
    """Its remedy lists them."""
    with pytest.raises(InputError, match="rules"):
        load_prompt("nonsense")


@pytest.mark.parametrize("name", NAMES)
def test_each_prompt_is_well_formed_and_says_its_variables(name: str) -> None:
    """The comment on top names exactly the placeholders, and is not part of the prompt."""
    prompt = load_prompt(name)
    raw = files("rclagent.prompts").joinpath(f"{name}.md").read_text(encoding="utf-8")
    told = raw.split("Variables:")[1].split(".")[0].strip()
    assert raw.startswith("<!--") and not prompt.text.startswith("<!--")
    assert prompt.variables == (frozenset() if told == "none" else frozenset(told.split(", ")))


@pytest.mark.parametrize("name", NAMES)
def test_no_prompt_hints_at_a_benchmark(name: str) -> None:
    """No service, no list of faults, no rule of thumb that a data set rewards."""
    text = files("rclagent.prompts").joinpath(f"{name}.md").read_text(encoding="utf-8").lower()
    hints = (
        "ts-", "nezha", "aiops", "shapley", "train", "ticket", "boutique", "cartservice", "frontend",
        "checkout", "redis", "mysql", "mongo", "kafka", "cpu", "memory", "disk", "network_", "packet",
        "contention", "inject", "chaos", "benchmark", "almost never", "usually the",
    )  # fmt: skip
    assert [hint for hint in hints if hint in text] == []
