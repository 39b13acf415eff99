"""What calls of a language model cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_MILLION: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Usage:
    """Calls, tokens and characters; adds up."""

    calls: int = 0
    """Requests made, failed ones and repetitions included."""
    failed_calls: int = 0
    """Those of them that gave no reply."""
    prompt_tokens: int = 0
    """Tokens read by the model."""
    completion_tokens: int = 0
    """Tokens written by the model, hidden reasoning included where the server counts it."""
    prompt_characters: int = 0
    """Characters of messages, and of names and arguments of the tool calls in them."""
    estimated_calls: int = 0
    """Those of the calls whose tokens are an estimate, because nobody told them."""

    @property
    def tokens(self) -> int:
        """Tokens read and written."""
        return self.prompt_tokens + self.completion_tokens

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            calls=self.calls + other.calls,
            failed_calls=self.failed_calls + other.failed_calls,
            prompt_tokens=self.prompt_tokens + other.prompt_tokens,
            completion_tokens=self.completion_tokens + other.completion_tokens,
            prompt_characters=self.prompt_characters + other.prompt_characters,
            estimated_calls=self.estimated_calls + other.estimated_calls,
        )


@dataclass(frozen=True, slots=True)
class Prices:
    """What tokens cost, in US dollars per million."""

    prompt: float
    """Of tokens read."""
    completion: float
    """Of tokens written."""

    def cost_usd(self, prompt_tokens: float, completion_tokens: float) -> float:
        """US dollars for so many tokens."""
        return (prompt_tokens * self.prompt + completion_tokens * self.completion) / _MILLION
