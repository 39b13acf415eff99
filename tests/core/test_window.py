"""Windows: half-open, never backwards, and what is left of one around holes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rclagent.core.window import NS_PER_S, Window
from rclagent.errors import InputError

times = st.integers(0, 60)
windows = st.tuples(times, times).map(lambda ends: Window(min(ends), max(ends)))


def test_a_window_holds_its_start_but_not_its_end() -> None:
    window = Window(10, 20)
    assert [window.contains(time) for time in (9, 10, 19, 20)] == [False, True, True, False]


def test_an_empty_window_holds_nothing() -> None:
    assert not Window(10, 10).contains(10)


def test_the_duration_is_in_seconds() -> None:
    assert Window(NS_PER_S, 4 * NS_PER_S).duration_s == 3.0


def test_a_window_that_ends_before_it_starts_is_refused() -> None:
    with pytest.raises(InputError, match=r"ends.*before it starts"):
        Window(20, 10)


@pytest.mark.parametrize(
    ("holes", "left"),
    [
        ([], [(0, 100)]),
        ([(20, 30)], [(0, 20), (30, 100)]),
        ([(60, 70), (20, 30)], [(0, 20), (30, 60), (70, 100)]),
        ([(20, 50), (40, 60)], [(0, 20), (60, 100)]),
        ([(20, 50), (30, 40)], [(0, 20), (50, 100)]),
        ([(-10, 30)], [(30, 100)]),
        ([(70, 200)], [(0, 70)]),
        ([(-10, 200)], []),
        ([(0, 100)], []),
        ([(-20, -10), (200, 300)], [(0, 100)]),
        ([(20, 30), (30, 40)], [(0, 20), (40, 100)]),
    ],
)
def test_what_is_left_around_holes(holes: list[tuple[int, int]], left: list[tuple[int, int]]) -> None:
    """Unsorted, overlapping, nested, touching and outside holes."""
    assert Window(0, 100).minus([Window(*hole) for hole in holes]) == [Window(*part) for part in left]


@given(windows, st.lists(windows, max_size=5))
def test_a_time_is_left_just_when_it_is_inside_and_in_no_hole(window: Window, holes: list[Window]) -> None:
    """The definition, time by time; and the parts are in order, none of them empty."""
    parts = window.minus(holes)
    for time in range(61):
        kept = window.contains(time) and not any(hole.contains(time) for hole in holes)
        assert sum(part.contains(time) for part in parts) == kept
    assert all(part.start_ns < part.end_ns for part in parts)
    assert parts == sorted(parts)
