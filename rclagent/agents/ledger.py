"""The account of what a model was asked, what became of it, and what counts."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

from rclagent.agents.spending import SpendingPlan
from rclagent.agents.trust import Checked
from rclagent.core.diagnosis import ModelRanking, Reasoning
from rclagent.errors import BudgetExhausted, GivenUp, ModelError, TransientModelError
from rclagent.llm import Answer, Answered

OUT_OF_BUDGET: Final = "the budget was exhausted"
NO_REPLY: Final = "the model could not be reached or did not answer in time"
REFUSED: Final = "the model refused the request"
GIVEN_UP: Final = "the model was given up"
UNUSABLE: Final = "the model's answer could not be used"
STOPPED: Final = "it was stopped"
NOT_ASKED: Final = "the budget does not reach for it"


class Stopped(BudgetExhausted):
    """The caller wants the best answer so far."""


@dataclass(slots=True)
class Ledger:
    """Counts; filled while agents work side by side, so only sums are kept."""

    answered: int = 0
    """Questions with an answer that can be used."""
    repaired: int = 0
    """Of these, by a second request."""
    fell_back: Counter[str] = field(default_factory=Counter)
    """Questions settled by statistics, by reason."""
    claims: int = 0
    """Claims that count."""
    dropped: Counter[str] = field(default_factory=Counter)
    """Claims that count nothing, by reason."""
    problems: set[str] = field(default_factory=set)
    """What models failed with, in their own words."""

    def enter(self, answer: Answer[Any]) -> str:
        """Counts an answer; says why it is none, or nothing."""
        if isinstance(answer, Answered):
            self.answered += 1
            self.repaired += answer.repaired
            return ""
        reason = reason_of(answer.error)
        self.fell_back[reason] += 1
        if reason in (REFUSED, NO_REPLY, GIVEN_UP):
            self.problems.add(str(answer.error))
        return reason

    def account(self, plan: SpendingPlan, model: str, rankings: tuple[ModelRanking, ...] = ()) -> Reasoning:
        """How far the answer rests on the model.

        Args:
            plan: What was to be asked.
            model: Name of the model.
            rankings: What it named without evidence.
        """
        fell_back = Counter(self.fell_back)
        if plan.not_asked:
            fell_back[NOT_ASKED] += len(plan.not_asked)
        return Reasoning(
            model=model,
            strategy=plan.strategy.value,
            spend=plan.spend.value,
            questions=len(plan.questions) + len(plan.not_asked) + plan.concludes,
            answered=self.answered,
            repaired=self.repaired,
            fell_back=dict(sorted(fell_back.items())),
            claims=self.claims,
            claims_dropped=dict(sorted(self.dropped.items())),
            candidates_weighed=plan.candidates if len(plan.candidates) > 1 else (),
            budget_exhausted=bool(fell_back[OUT_OF_BUDGET] or fell_back[NOT_ASKED]),
            problems=tuple(sorted(self.problems)),
            stopped=bool(fell_back[STOPPED]),
            rankings=rankings,
        )

    def weigh(self, checked: Checked) -> None:
        """Counts the claims of an answer."""
        self.claims += len(checked.claims)
        self.dropped.update(checked.dropped)


def reason_of(error: ModelError | None) -> str:
    """Why there is no answer, in words that are the same for all of the kind."""
    if error is None:
        return UNUSABLE
    if isinstance(error, Stopped):
        return STOPPED
    if isinstance(error, BudgetExhausted):
        return OUT_OF_BUDGET
    if isinstance(error, GivenUp):
        return GIVEN_UP
    return NO_REPLY if isinstance(error, TransientModelError) else REFUSED
