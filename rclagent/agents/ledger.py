"""The account of what a model was asked, what became of it, and what counts."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

from rclagent.agents.trust import Checked
from rclagent.errors import BudgetExhausted, ModelError, TransientModelError
from rclagent.llm import Answer, Answered

OUT_OF_BUDGET: Final = "the budget was exhausted"
NO_REPLY: Final = "the model could not be reached or did not answer in time"
REFUSED: Final = "the model refused the request"
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
        if reason in (REFUSED, NO_REPLY):
            self.problems.add(answer.reason)
        return reason

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
    return NO_REPLY if isinstance(error, TransientModelError) else REFUSED
