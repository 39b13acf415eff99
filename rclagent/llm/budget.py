"""What may be spent on language models, and what has been.

A budget is divided among those who spend it: each holds a share that nobody else can touch, and what a share
leaves over goes back where it came from. What is spent counts all the way up at once.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from rclagent.errors import BudgetExhausted, InputError
from rclagent.llm.usage import Prices, Usage


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds; None is none."""

    calls: int | None = None
    """Requests, failed ones and repetitions included."""
    tokens: int | None = None
    """Tokens read and written."""
    seconds: float | None = None
    """Time from the making of the budget."""
    usd: float | None = None
    """Money; needs prices."""


class Amount(NamedTuple):
    """Something that is spent or may be spent; infinite where nothing bounds it."""

    calls: float = 0.0
    """Requests."""
    tokens: float = 0.0
    """Tokens read and written."""
    usd: float = 0.0
    """Money."""


class Budget:
    """A hard limit: a call that may not be paid in full is not made.

    How much a call takes is estimated before it and counted after it. So tokens and money can pass their
    limit by as much as the last prompt was underestimated; calls and seconds can not.

    Args:
        limits: What may be spent.
        prices: What tokens cost.
        clock: Seconds that go by.

    Raises:
        InputError: Money is limited, and prices are not given.
    """

    def __init__(
        self,
        limits: Limits | None = None,
        *,
        prices: Prices | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        limits = Limits() if limits is None else limits
        if limits.usd is not None and prices is None:
            raise InputError(
                "A limit in US dollars needs prices.", "Give the prices of tokens, or limit the tokens."
            )
        self._allowed = Amount(*map(_or_infinite, (limits.calls, limits.tokens, limits.usd)))
        self._prices = prices
        self._clock = clock
        self._deadline = clock() + _or_infinite(limits.seconds)
        self._above: Budget | None = None
        self._shares: list[Budget] = []
        self._held = Amount()
        self._spent = Usage()

    @property
    def spent(self) -> Usage:
        """What it cost so far, all shares included, released or not."""
        return self._spent

    @property
    def spent_usd(self) -> float | None:
        """The same in US dollars; None without prices."""
        return None if self._prices is None else self._amount(self._spent).usd

    @property
    def left(self) -> Amount:
        """What can still be spent: not spent, not held for a call under way, not given away as a share."""
        promised = [share.unspent for share in self._shares]
        return Amount(*map(_difference, self.unspent, _total([self._held, *promised])))

    @property
    def unspent(self) -> Amount:
        """What is not spent, held and given away or not; never below zero."""
        return Amount(*map(_difference, self._allowed, self._amount(self._spent)))

    def seconds_left(self) -> float:
        """Time until the deadline; infinite without one, never below zero."""
        return max(0.0, self._deadline - self._clock())

    def split(self, weights: Sequence[float], reserve: Limits | None = None) -> tuple[Budget, ...]:
        """Gives what is left away, in proportion, but for a reserve.

        Whole calls and tokens are given: first the whole part of each share, then one more to those with the
        largest fractions, the first of equals. Time is not divided, as the shares run side by side: each
        ends as much before the deadline as the reserve has seconds.

        Args:
            weights: How much of it each gets, in proportion; 0 or more.
            reserve: What stays here.
        """
        reserve = Limits() if reserve is None else reserve
        kept = Amount(*(value or 0.0 for value in (reserve.calls, reserve.tokens, reserve.usd)))
        given = Amount(*map(_difference, self.left, kept))
        parts = zip(
            _whole_shares(given.calls, weights),
            _whole_shares(given.tokens, weights),
            _shares(given.usd, weights),
            strict=True,
        )
        made = tuple(self._share(Amount(*part), self._deadline - (reserve.seconds or 0.0)) for part in parts)
        self._shares.extend(made)
        return made

    def release(self) -> None:
        """Ends a share: what it leaves over goes back, and nothing more can be spent from it."""
        for share in tuple(self._shares):
            share.release()
        self._allowed = self._amount(self._spent)
        if self._above is not None and self in self._above._shares:
            self._above._shares.remove(self)

    def hold(self, prompt_tokens: int, completion_tokens: int) -> Amount:
        """Sets aside what a call may take; ``settle`` has to follow.

        Raises:
            BudgetExhausted: It can not be paid.
        """
        needed = Amount(1, prompt_tokens + completion_tokens, self._usd(prompt_tokens, completion_tokens))
        self._check(needed)
        self._held = _total([self._held, needed])
        return needed

    def settle(self, held: Amount, usage: Usage) -> None:
        """Counts what a call took in place of what was set aside for it."""
        self._held = Amount(*map(_difference, self._held, held))
        payer: Budget | None = self
        while payer is not None:
            payer._spent += usage
            payer = payer._above

    def _check(self, needed: Amount) -> None:
        if self.seconds_left() <= 0:
            raise BudgetExhausted("The time for language models is over.", "Raise --max-seconds.")
        for name, option, want, have, allowed in zip(
            _NAMES, _OPTIONS, needed, self.left, self._allowed, strict=True
        ):
            if want > have:
                raise BudgetExhausted(
                    f"The budget of {_shown(allowed)} {name} has {_shown(have)} left, "
                    f"and the next call may take {_shown(want)}.",
                    f"Raise {option}.",
                )

    def _share(self, allowed: Amount, deadline: float) -> Budget:
        share = Budget(prices=self._prices, clock=self._clock)
        share._allowed = allowed
        share._deadline = deadline
        share._above = self
        return share

    def _amount(self, usage: Usage) -> Amount:
        return Amount(usage.calls, usage.tokens, self._usd(usage.prompt_tokens, usage.completion_tokens))

    def _usd(self, prompt_tokens: int, completion_tokens: int) -> float:
        return 0.0 if self._prices is None else self._prices.cost_usd(prompt_tokens, completion_tokens)


_NAMES: Final = ("calls", "tokens", "US dollars")
_OPTIONS: Final = ("--max-calls", "--max-tokens", "--max-cost")


def _or_infinite(limit: float | None) -> float:
    return math.inf if limit is None else limit


def _difference(whole: float, part: float) -> float:
    # Of what is unlimited something unlimited is left, whatever was taken.
    return whole if math.isinf(whole) else max(0.0, whole - part)


def _total(amounts: Sequence[Amount]) -> Amount:
    return Amount(*map(sum, zip(*amounts, strict=True)))


def _shares(whole: float, weights: Sequence[float]) -> list[float]:
    total = sum(weights)
    # Nothing of what is unlimited would not be a number.
    return [whole * (weight / total) if weight > 0 else 0.0 for weight in weights]


def _whole_shares(whole: float, weights: Sequence[float]) -> list[float]:
    exact = _shares(whole, weights)
    if math.isinf(whole):
        return exact
    shares = [math.floor(share) for share in exact]
    fractions = [share - floor for share, floor in zip(exact, shares, strict=True)]
    spare = math.floor(whole) - sum(shares)
    takers = [place for place, weight in enumerate(weights) if weight > 0]
    for place in sorted(takers, key=lambda place: (-fractions[place], place))[:spare]:
        shares[place] += 1
    return [float(share) for share in shares]


def _shown(amount: float) -> str:
    return f"{amount:.10g}"
