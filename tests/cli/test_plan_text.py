"""What ``--dry-run`` prints."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rclagent.agents import Spend, SpendingPlan, Strategy
from rclagent.cli.model_choice import Choice, choose
from rclagent.cli.model_options import ModelOptions
from rclagent.cli.plan_text import render_plan
from rclagent.llm import Limits, Prices

PLAN = SpendingPlan(
    strategy=Strategy.PARALLEL,
    spend=Spend.SUSPICIOUS,
    spans=1_200,
    agents=300,
    questions=(),
    not_asked=(),
    candidates=("cart", "sto\x1bck"),
    conclusion_characters=6_000,
    reserved=Limits(),
    reply_tokens=1_000,
)


@pytest.fixture
def choice() -> Choice:
    """A model that is never asked."""
    chosen = choose(ModelOptions(model="m", base_url="http://localhost:1/v1"), {})
    assert chosen is not None
    return chosen


def test_the_plan_is_told_in_a_few_lines(choice: Choice) -> None:
    """By hand: requests of 6,000 and 10,000 characters at 3 a token, and two replies, are 7,334 tokens."""
    assert render_plan(PLAN, choice).splitlines() == [
        "Plan for model 'm' (--model) at http://localhost:1/v1 (--base-url), no key.",
        "Agents: 300 on 1,200 spans, spending suspicious.",
        r"Candidates that the measurements leave open: cart and sto\x1bck.",
        "Questions: 0 by agents, and one to conclude.",
        "At most: 2 requests and 7,334 tokens; requests that fail and are repeated come on top.",
        "Nothing was asked.",
    ]


def test_what_it_can_cost_follows_from_the_prices(choice: Choice) -> None:
    """By hand: 5,334 tokens read at 1 and 2,000 written at 10 dollars a million are 0.025334 dollars."""
    priced = replace(choice, prices=Prices(prompt=1, completion=10))
    assert "2 requests and 7,334 tokens, 0.0253 USD;" in render_plan(PLAN, priced)


def test_no_limit_is_passed_by_what_is_told(choice: Choice) -> None:
    limits = Limits(calls=1, tokens=5_000, usd=0.01)
    bounded = replace(choice, limits=limits, prices=Prices(prompt=1, completion=10))
    assert "1 request and 5,000 tokens, 0.0100 USD;" in render_plan(PLAN, bounded)
