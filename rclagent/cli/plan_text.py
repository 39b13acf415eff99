"""What ``--dry-run`` prints: the plan of what a model would be asked."""

from __future__ import annotations

import math

from rclagent.agents import SpendingPlan, Strategy
from rclagent.cli.model_choice import Choice
from rclagent.report.escape import plain
from rclagent.report.words import count, listing


def render_plan(plan: SpendingPlan, choice: Choice) -> str:
    """Who would ask, and the most that it can take, in lines of text."""
    weighed = f": {listing(plan.candidates)}" if len(plan.candidates) > 1 else ""
    most = f"{count(calls_most(plan, choice), 'request')} and {count(tokens_most(plan, choice), 'token')}"
    lines = [
        f"Plan for {choice.source}.",
        f"Agents: {plan.agents:,} on {count(plan.spans, 'span')}, spending {plan.spend.value}.",
        f"Candidates that the measurements leave open{weighed or ': none'}.",
        _asked(plan),
        f"At most: {most}{_cost(plan, choice)}; requests that fail and are repeated come on top.",
    ]
    if plan.not_asked:
        lines.append(f"The budget does not reach for {count(len(plan.not_asked), 'further question')}.")
    return "\n".join([*map(plain, lines), "Nothing was asked.", ""])


def _asked(plan: SpendingPlan) -> str:
    if plan.strategy is Strategy.RECURSION_OF_THOUGHT:
        return f"Traces to descend: {len(plan.questions):,}, by one agent each."
    return f"Questions: {len(plan.questions):,} by agents{', and one to conclude' if plan.concludes else ''}."


def calls_most(plan: SpendingPlan, choice: Choice) -> int:
    """Requests at most, within the limit."""
    return min(plan.calls_most, plan.calls_most if choice.limits.calls is None else choice.limits.calls)


def tokens_most(plan: SpendingPlan, choice: Choice) -> int:
    """Tokens at most, within the limit."""
    return min(plan.tokens_most, plan.tokens_most if choice.limits.tokens is None else choice.limits.tokens)


def _cost(plan: SpendingPlan, choice: Choice) -> str:
    if choice.prices is None:
        return ""
    written = plan.calls_most * plan.reply_tokens
    most = choice.prices.cost_usd(plan.tokens_most - written, written)
    return f", {min(most, math.inf if choice.limits.usd is None else choice.limits.usd):.4f} USD"
