"""From what a survey leaves open to who asks, within the budget."""

from __future__ import annotations

from rclagent.agents.spending import SpendingPlan, affordable, reserve
from rclagent.agents.survey import Survey
from rclagent.agents.terms import Terms


def plan(found: Survey, terms: Terms) -> SpendingPlan:
    """Which questions are asked within the budget."""
    reply_tokens = terms.access.reply_tokens
    kept = reserve(terms.limits, found.conclusion_characters, reply_tokens)
    asked, rest = affordable(found.questions, terms.budget, kept, reply_tokens)
    return SpendingPlan(
        strategy=terms.strategy,
        spend=terms.spend,
        spans=sum(investigation.spans for investigation in found.measured),
        agents=sum(len(investigation.results) for investigation in found.measured),
        questions=tuple(asked),
        not_asked=tuple(rest),
        candidates=tuple(item.candidate.component.service for item in found.open_group),
        conclusion_characters=found.conclusion_characters,
        reserved=kept,
        reply_tokens=reply_tokens,
    )
