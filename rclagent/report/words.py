"""Figures and kinds as a person would write them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def percent(share: float) -> str:
    """A share in 0..1 as a percentage; never rounds up to certainty or down to nothing."""
    if 0.995 <= share < 1:
        return "> 99 %"
    if 0 < share < 0.005:
        return "< 1 %"
    return f"{share * 100:.0f} %"


def count(number: int, one: str, many: str | None = None) -> str:
    """A number with its noun: ``1 span``, ``1,204 spans``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def reason(key: str) -> str:
    """A counter's key in words: ``bad_time`` is ``bad time``."""
    return key.replace("_", " ")


def tally(counts: Mapping[str, int]) -> str:
    """Counters in words, largest first: ``missing parent (12), cycle (3)``."""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{reason(key)} ({number:,})" for key, number in ordered if number)


def listing(parts: Sequence[str]) -> str:
    """Parts joined as in a sentence: ``a, b and c``."""
    if len(parts) < 2:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} and {parts[-1]}"


def milliseconds(value: float) -> str:
    """A time in milliseconds with about three digits: ``0.42 ms``, ``12.3 ms``, ``1,204 ms``."""
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    return f"{value:,.{digits}f} ms"
