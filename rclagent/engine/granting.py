"""From what a caller grants a language model to the terms on which agents use it."""

from __future__ import annotations

import asyncio
from typing import Any, Final, Literal, TypeAlias

from rclagent.agents import (
    Case,
    Episode,
    ModelPart,
    RecursionOfThought,
    Spend,
    Strategy,
    Talk,
    Terms,
    Thinking,
)
from rclagent.engine.graph_loader import load_agent_graph
from rclagent.errors import InputError
from rclagent.llm import Answer, Budget, ChatModel, Limits, ModelAccess, Prices

AGENT_GRAPH: Final = "agent"
"""Graph definition of one agent's talk."""

RECURSION_GRAPH: Final = "recursion-of-thought"
"""Graph definition of an episode of recursion of thought."""

StrategyName: TypeAlias = Literal["parallel", "recursion-of-thought"]
"""How a model goes about an incident: asked by the agents of all spans, or as a single one."""
Spending: TypeAlias = Literal["suspicious", "all"]
"""Where model calls go: where the measurements leave something open, or everywhere."""


def spend_of(spend: Spending) -> Spend:
    """The spending of a name.

    Raises:
        InputError: There is none of that name.
    """
    if spend not in {each.value for each in Spend}:
        raise InputError(
            f"There is no spending {spend!r}.", f"Choose one of: {', '.join(each.value for each in Spend)}."
        )
    return Spend(spend)


def strategy_of(strategy: StrategyName) -> Strategy:
    """The strategy of a name.

    Raises:
        InputError: There is none of that name.
    """
    if strategy not in {each.value for each in Strategy}:
        raise InputError(
            f"There is no strategy {strategy!r}.",
            f"Choose one of: {', '.join(each.value for each in Strategy)}.",
        )
    return Strategy(strategy)


def terms_of(
    model: ChatModel | ModelAccess,
    *,
    limits: Limits | None = None,
    prices: Prices | None = None,
    spend: Spending = "suspicious",
    strategy: StrategyName = "parallel",
    stop: asyncio.Event | None = None,
) -> Terms:
    """The terms of one diagnosis; time begins to count here.

    Args:
        model: A model, or one with wrappers of the caller's choice; of several incidents, the same
            object shares its limit on requests at a time.
        limits: What may be spent; nothing is limited without.
        prices: What tokens cost; needed to limit money.
        spend: Where calls go.
        strategy: How the model goes about it.
        stop: Set by the caller, in the event loop's thread, to get the best answer so far.

    Raises:
        InputError: Money is limited, and prices are not given.
    """
    limits = Limits() if limits is None else limits
    return Terms(
        access=model.anew() if isinstance(model, ModelAccess) else ModelAccess(model=model),
        limits=limits,
        budget=Budget(limits, prices=prices),
        spend=spend_of(spend),
        strategy=strategy_of(strategy),
        stop=asyncio.Event() if stop is None else stop,
    )


def granted(
    model: ChatModel | ModelAccess | None, *, strategy: StrategyName = "parallel", **terms: Any
) -> Terms | None:
    """The terms of one diagnosis with or without a model.

    Args:
        model: As for terms_of, as are the others; None without one.
        strategy: How the model goes about it.

    Raises:
        InputError: As terms_of, or the strategy needs a model.
    """
    if model is not None:
        return terms_of(model, strategy=strategy, **terms)
    if strategy_of(strategy) is not Strategy.PARALLEL:
        raise InputError(f"The strategy {strategy!r} needs a model.", "Give one, or leave the strategy out.")
    return None


async def prepare(terms: Terms, case: Case) -> ModelPart:
    """A model's part in the case."""
    if terms.strategy is Strategy.RECURSION_OF_THOUGHT:
        return await RecursionOfThought.prepare(case, terms, _descend)
    return await Thinking.prepare(case, terms, _converse)


async def _converse(talk: Talk) -> Answer[Any]:
    answer: Answer[Any] = (await load_agent_graph(AGENT_GRAPH).ainvoke({"talk": talk}))["answer"]
    return answer


async def _descend(episode: Episode) -> Episode:
    ended: Episode = (await load_agent_graph(RECURSION_GRAPH).ainvoke({"episode": episode}))["episode"]
    return ended
