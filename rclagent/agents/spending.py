"""Where model calls go, and how many there can be at most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from rclagent.agents.dialogue import CALLS_A_ROUND, MAX_ARGUMENTS, MAX_SAID
from rclagent.agents.questions import Question
from rclagent.agents.strategy import Strategy
from rclagent.agents.tool_results import MAX_RESULT
from rclagent.llm import Budget, Limits
from rclagent.llm.estimate import CHARACTERS_PER_TOKEN

ROUND_CHARACTERS: Final = MAX_SAID + CALLS_A_ROUND * (MAX_RESULT + 2 * MAX_ARGUMENTS + 300)
"""What a round of tools adds."""
REPAIR_CHARACTERS: Final = 4_000
"""What a second request for a usable answer adds."""
RESERVED_TIME: Final = 0.2
"""Share of the time that is kept for the synthesizer."""
RESERVED_TIME_S: Final = 30.0
"""Longest time that is kept for it."""


class Spend(StrEnum):
    """Where model calls go."""

    SUSPICIOUS = "suspicious"
    """Where the measurements leave the order of candidates open."""
    ALL = "all"
    """To every span, and to every agent that has others below it."""


@dataclass(frozen=True, slots=True)
class SpendingPlan:
    """Who asks a model, and what that can take: without repetitions of requests that fail."""

    strategy: Strategy
    """How the model goes about it."""
    spend: Spend
    """Where calls go."""
    spans: int
    """Spans of the walked traces, all of which agents look at."""
    agents: int
    """Agents on them."""
    questions: tuple[Question, ...]
    """What agents ask, the most important first."""
    not_asked: tuple[Question, ...]
    """What they would ask if the budget reached for it."""
    candidates: tuple[str, ...]
    """Services whose order the measurements leave open, best first; weighed once more at the end."""
    conclusion_characters: int
    """Length of the synthesizer's request at most; 0 where it asks nothing."""
    reserved: Limits
    """What is kept for it."""
    reply_tokens: int
    """Longest reply reckoned with."""

    @property
    def concludes(self) -> bool:
        """Whether the synthesizer asks, too."""
        return bool(self.conclusion_characters)

    @property
    def calls_most(self) -> int:
        """Requests at most."""
        return sum(calls_of(question.rounds) for question in self.questions) + self.concludes * calls_of(0)

    @property
    def tokens_most(self) -> int:
        """Tokens read and written at most."""
        asked = sum(
            tokens_of(question.characters, question.rounds, self.reply_tokens) for question in self.questions
        )
        return asked + self.concludes * tokens_of(self.conclusion_characters, 0, self.reply_tokens)


def calls_of(rounds: int) -> int:
    """Requests of one question at most: a round of tools each, the answer, and one to repair it."""
    return rounds + 2


def tokens_of(characters: int, rounds: int, reply_tokens: int) -> int:
    """Tokens of one question at most.

    Each request repeats what went before. By hand, without tools and with replies of 1,000: requests of 6,000
    and, to repair the answer, 10,000 characters are 2,000 and 3,334 tokens, and with two replies 7,334.

    Args:
        characters: Length of the first request.
        rounds: Rounds of tools.
        reply_tokens: Longest reply.
    """
    sent = [characters + done * ROUND_CHARACTERS for done in range(rounds + 1)]
    sent.append(sent[-1] + REPAIR_CHARACTERS)
    return sum(-(-each // CHARACTERS_PER_TOKEN) + reply_tokens for each in sent)


def reserve(limits: Limits, characters: int, reply_tokens: int) -> Limits:
    """What is kept for the synthesizer.

    Args:
        limits: What may be spent in all.
        characters: Length of its request; 0 where it asks nothing.
        reply_tokens: Longest reply.
    """
    if not characters:
        return Limits()
    seconds = None if limits.seconds is None else min(RESERVED_TIME_S, RESERVED_TIME * limits.seconds)
    return Limits(calls=calls_of(0), tokens=tokens_of(characters, 0, reply_tokens), seconds=seconds)


def affordable(
    questions: Sequence[Question], budget: Budget, kept: Limits, reply_tokens: int
) -> tuple[Sequence[Question], Sequence[Question]]:
    """The first questions, as many as can be answered and repaired once, and the others.

    Args:
        questions: The most important first.
        budget: What may be spent.
        kept: What of it is for the synthesizer.
        reply_tokens: Longest reply.
    """
    calls = budget.left.calls - (kept.calls or 0)
    tokens = budget.left.tokens - (kept.tokens or 0)
    for place, question in enumerate(questions):
        calls -= calls_of(0)
        tokens -= tokens_of(question.characters, 0, reply_tokens)
        if calls < 0 or tokens < 0:
            return questions[:place], questions[place:]
    return questions, ()
