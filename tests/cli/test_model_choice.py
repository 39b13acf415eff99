"""From options and environment to a model."""

from __future__ import annotations

from pathlib import Path

import pytest

from rclagent.cli.entry_point import run
from rclagent.cli.model_choice import choose
from rclagent.cli.model_options import ModelOptions
from rclagent.errors import InputError
from rclagent.llm import Limits, Prices

LOCAL = {"OPENAI_BASE_URL": "http://localhost:8000/v1"}


def test_nobody_asks_for_a_model_and_there_is_none() -> None:
    """A key or an address alone asks for none: they may be there for other programs."""
    assert choose(ModelOptions(), {"OPENAI_API_KEY": "k", "LLM_MODEL": "m", "RCLAGENT_MODEL": " "}) is None


def test_limits_and_prices_are_those_of_the_options() -> None:
    options = ModelOptions(
        model="m", max_calls=3, max_tokens=0, max_seconds=1.5, max_cost=2, price_in=0.5, price_out=4
    )
    chosen = choose(options, LOCAL)
    assert chosen is not None
    assert chosen.limits == Limits(calls=3, tokens=0, seconds=1.5, usd=2)
    assert chosen.prices == Prices(prompt=0.5, completion=4)


def test_the_source_names_variables_and_never_the_key() -> None:
    chosen = choose(ModelOptions(), LOCAL | {"RCLAGENT_MODEL": "m", "OPENAI_API_KEY": "very-secret"})
    assert chosen is not None
    assert chosen.source == (
        "model 'm' (RCLAGENT_MODEL) at http://localhost:8000/v1 (OPENAI_BASE_URL), key from OPENAI_API_KEY"
    )


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (ModelOptions(max_calls=0), "--max-calls needs a model"),
        (ModelOptions(mask=True), "--mask needs a model"),
        (ModelOptions(dry_run=True), "--dry-run needs a model"),
        (ModelOptions(base_url="http://localhost:1"), "--base-url needs a model"),
        (ModelOptions(model="m", max_cost=1), "--max-cost needs prices"),
        (ModelOptions(model="m", price_in=1), "Only one of --price-in and --price-out"),
        (ModelOptions(model="m", max_seconds=float("nan")), "--max-seconds nan is no amount"),
        (ModelOptions(model="m", max_cost=-1), "--max-cost -1 is no amount"),
        (ModelOptions(timeout=5), "--timeout needs a model"),
        (ModelOptions(model="m", timeout=0), "--timeout 0 is no length of time"),
        (ModelOptions(replay=Path("r"), record=Path("s")), "--replay and --record are both given"),
        (ModelOptions(replay=Path("r"), base_url="http://x"), "--replay and --base-url are both given"),
        (ModelOptions(replay=Path("no-such-file")), "'no-such-file' cannot be read"),
        (
            ModelOptions(model="m", record=Path("missing/calls")),
            "--record 'missing/calls': there is no folder",
        ),
    ],
)
def test_what_does_not_fit_is_told(options: ModelOptions, problem: str) -> None:
    with pytest.raises(InputError, match="^" + problem):
        choose(options, LOCAL)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--model", "m"], "neither an address nor a key"),
        (["--model", "m", "--base-url", "localhost"], "The model's address (--base-url) is no address"),
        (["--model", "m", "--max-calls", "-1"], "--max-calls"),
        (["--model", "m", "--concurrency", "0"], "--concurrency"),
        (["--model", "m", "--base-url", "http://x/v1", "--dry-run", "-o", "json"], "prints text only"),
    ],
)
def test_wrong_usage_is_one_line_and_exits_2(
    arguments: list[str], problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before any telemetry is read."""
    assert run(["diagnose", "no-such-file", *arguments]) == 2
    shown = capsys.readouterr()
    assert (shown.out, shown.err.count("\n")) == ("", 1)
    assert problem in shown.err
