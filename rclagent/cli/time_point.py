"""A point in time as people and tools write it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

from rclagent.core.window import NS_PER_S
from rclagent.errors import InputError

_NUMBER: Final = re.compile(r"\d{1,20}(?:\.\d{1,12})?")
_FRACTION: Final = re.compile(r"(?<=:\d\d)[.,](\d{1,9})\d*")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
# A number belongs to the unit in which it lies before the year 5138: the ranges do not overlap after 1973.
_UNITS: Final = ((10**11, NS_PER_S), (10**14, 1_000_000), (10**17, 1_000))
_MAX_NS: Final = 2**63 - 1


def parse_time(text: str) -> int:
    """Nanoseconds since the Unix epoch of a time in ISO 8601 or of a Unix time.

    Args:
        text: ISO 8601, in UTC where it names no offset; or a number in s, ms, us or ns since 1970,
            told apart by its size.

    Raises:
        InputError: Neither of the two, or a time that nanoseconds cannot hold.
    """
    time_ns = _unix(text.strip()) if _NUMBER.fullmatch(text.strip()) else _iso(text.strip())
    if not 0 <= time_ns <= _MAX_NS:
        raise _unreadable(text)
    return time_ns


def _unix(text: str) -> int:
    number = Decimal(text)
    factor = next((factor for limit, factor in _UNITS if number < limit), 1)
    return int(number * factor)


def _iso(text: str) -> int:
    fraction = _FRACTION.search(text)
    whole = _FRACTION.sub("", text)  # datetime would cut the fraction to microseconds
    try:
        moment = datetime.fromisoformat(whole)
    except ValueError:
        raise _unreadable(text) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    seconds = (moment - _EPOCH) // timedelta(seconds=1)
    return seconds * NS_PER_S + (int(fraction.group(1).ljust(9, "0")) if fraction else 0)


def _unreadable(text: str) -> InputError:
    return InputError(
        f"{text!r} is not a point in time.",
        "Give ISO 8601 such as 2023-01-30T11:39:00Z, or a Unix time in s, ms, us or ns.",
    )
