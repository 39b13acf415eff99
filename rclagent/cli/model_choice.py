"""From options and environment to the model that is asked, and to what may be spent on it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Final

from rclagent.cli.model_options import ModelOptions
from rclagent.cli.output import check_target
from rclagent.errors import InputError
from rclagent.llm import Limits, Prices, ReplayModel, connect, load_recording, read_settings

if TYPE_CHECKING:
    from rclagent.llm.openai_model import OpenAIModel

MODEL_VARIABLE: Final = "RCLAGENT_MODEL"
"""Names the model where ``--model`` does not."""
_AMOUNTS: Final = ("max_seconds", "max_cost", "price_in", "price_out")


@dataclass(frozen=True, slots=True)
class Choice:
    """A model, and the terms on which it is asked."""

    model: OpenAIModel | ReplayModel
    """Who answers."""
    source: str
    """Where it comes from, in words, without a key."""
    limits: Limits
    """What may be spent."""
    prices: Prices | None
    """What tokens cost, where that is known."""


def choose(options: ModelOptions, environ: Mapping[str, str]) -> Choice | None:
    """The model that is asked for; None where there is none, and no option that needs one.

    Args:
        options: The command line.
        environ: Variables (rclagent.llm.settings).

    Raises:
        InputError: Options that do not fit together or are no amounts, a recording that cannot be read,
            settings that are missing.
        DependencyError: The client for models is not installed.
    """
    wanted = (
        options.model is not None or environ.get(MODEL_VARIABLE, "").strip() or options.replay is not None
    )
    if not wanted:
        _refuse_lonely(options)
        return None
    if options.timeout is not None and not (math.isfinite(options.timeout) and options.timeout > 0):
        raise InputError(f"--timeout {options.timeout} is no length of time.", "Give seconds above 0.")
    limits, prices = _limits(options), _prices(options)
    if options.max_cost is not None and prices is None:
        raise InputError("--max-cost needs prices.", "Give --price-in and --price-out, or use --max-tokens.")
    model, source = _connected(options, environ) if options.replay is None else _replayed(options)
    if options.record is not None:
        check_target(options.record, "--record")
    return Choice(model, source, limits, prices)


def _connected(options: ModelOptions, environ: Mapping[str, str]) -> tuple[OpenAIModel, str]:
    settings = read_settings(environ, model=options.model, base_url=options.base_url)
    return connect(settings), settings.source


def _replayed(options: ModelOptions) -> tuple[ReplayModel, str]:
    for name in ("record", "base_url"):
        if getattr(options, name) is not None:
            raise InputError(
                f"--replay and {_flag(name)} are both given.", "Leave one of them out: a replay asks nobody."
            )
    path = str(options.replay)
    model = ReplayModel(load_recording(path), options.model)
    return model, f"the recording {path!r} of model {model.name!r}, nothing is sent"


def _refuse_lonely(options: ModelOptions) -> None:
    given = {each.name: getattr(options, each.name) for each in fields(options)}
    lonely = [name for name, value in given.items() if value is not None and value is not False]
    if lonely:
        raise InputError(
            f"{_flag(lonely[0])} needs a model.", f"Name one with --model, or set {MODEL_VARIABLE}."
        )


def _limits(options: ModelOptions) -> Limits:
    for name in _AMOUNTS:
        amount = getattr(options, name)
        if amount is not None and not (math.isfinite(amount) and amount >= 0):
            raise InputError(f"{_flag(name)} {amount} is no amount.", "Give a number from 0 on.")
    return Limits(
        calls=options.max_calls,
        tokens=options.max_tokens,
        seconds=options.max_seconds,
        usd=options.max_cost,
    )


def _prices(options: ModelOptions) -> Prices | None:
    if options.price_in is None and options.price_out is None:
        return None
    if options.price_in is None or options.price_out is None:
        raise InputError("Only one of --price-in and --price-out is given.", "Give both; 0 is a price, too.")
    return Prices(prompt=options.price_in, completion=options.price_out)


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"
