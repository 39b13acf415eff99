"""Points in time as people write them."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rclagent.cli.time_point import parse_time
from rclagent.errors import InputError

ALARM_NS = 1_675_078_740_000_000_000


@pytest.mark.parametrize(
    "text",
    [
        "2023-01-30T11:39:00Z",
        "2023-01-30T11:39:00+00:00",
        "2023-01-30T19:39:00+08:00",
        "2023-01-30 11:39:00",
        "2023-01-30T11:39",
        " 2023-01-30T11:39:00.000000000Z ",
        "1675078740",
        "1675078740.0",
        "1675078740000",
        "1675078740000000",
        "1675078740000000000",
    ],
)
def test_all_usual_spellings_mean_the_same_moment(text: str) -> None:
    assert parse_time(text) == ALARM_NS


def test_nanoseconds_are_kept() -> None:
    assert parse_time("2023-01-30T11:39:00.123456789Z") == ALARM_NS + 123_456_789
    assert parse_time("1675078740.123456789") == ALARM_NS + 123_456_789


@pytest.mark.parametrize(
    "text", ["", "soon", "2023-13-01", "-5", "1e99", "99999999999999999999", "1960-01-01"]
)
def test_what_is_no_time_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(InputError, match="is not a point in time") as caught:
        parse_time(text)
    assert "2023-01-30T11:39:00Z" in caught.value.remedy


@given(
    st.datetimes(min_value=datetime(1974, 1, 1), max_value=datetime(2200, 1, 1)),
    st.integers(min_value=-14 * 60, max_value=14 * 60),
)
def test_a_time_written_by_datetime_comes_back_exactly(moment: datetime, offset_min: int) -> None:
    aware = moment.replace(tzinfo=timezone(timedelta(minutes=offset_min)))
    expected = (aware - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    assert parse_time(aware.isoformat()) == expected * 1000


@given(st.integers(min_value=10**17, max_value=2**63 - 1))
def test_nanoseconds_are_taken_as_they_are(time_ns: int) -> None:
    assert parse_time(str(time_ns)) == time_ns


@given(st.text(max_size=30))
def test_any_text_is_a_time_or_refused(text: str) -> None:
    with suppress(InputError):
        assert parse_time(text) >= 0
