"""Times in words."""

from __future__ import annotations

from rclagent.core.calendar import utc


def test_times_show_milliseconds_only_where_there_are_some() -> None:
    """Never more digits than these."""
    assert utc(1_675_078_740_000_000_000) == "2023-01-30 11:39:00 UTC"
    assert utc(1_675_078_740_250_000_001) == "2023-01-30 11:39:00.250 UTC"


def test_a_time_beyond_the_calendar_is_still_told() -> None:
    """Readers take any 64-bit time."""
    assert utc(9 * 10**27) == "9000000000000000000000000000 ns after 1970-01-01 UTC"
