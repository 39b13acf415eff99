"""When versions and pods came and went: one letter a visit, told by its member."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rclagent.core.window import NS_PER_S
from rclagent.evidence.rollouts import Member, Rollout, Seam, rollouts

EVERY_S = 10


def members(visits: str, later_s: dict[int, int] | None = None) -> list[Member]:
    """A member a letter, a visit every ten seconds; from some places on later; a dot names nobody."""
    times, time_s = [], 0
    for place in range(len(visits)):
        time_s += (later_s or {}).get(place, 0)
        times.append(time_s * NS_PER_S)
        time_s += EVERY_S
    return [
        Member(
            name=name,
            visits=visits.count(name),
            first_ns=times[visits.index(name)],
            last_ns=times[visits.rindex(name)],
            before=visits.index(name),
            after=len(visits) - visits.rindex(name) - 1,
        )
        for name in sorted(set(visits) - {"."})
    ]


def found(visits: str, later_s: dict[int, int] | None = None, seam: Seam | None = None) -> list[Rollout]:
    """The rollouts of a service with these visits."""
    return rollouts(members(visits, later_s), len(visits), seam)


def turns(told: list[Rollout]) -> list[tuple[str, str]]:
    """Members before and after each."""
    return [("".join(sorted(one.before)), "".join(sorted(one.after))) for one in told]


def times_s(told: list[Rollout]) -> list[tuple[int, int]]:
    """Earliest and seen."""
    return [(one.earliest_ns // NS_PER_S, one.at_ns // NS_PER_S) for one in told]


@pytest.mark.parametrize(("visits", "told"), [("a" * 16 + "b" * 15, 1), ("a" * 15 + "b" * 14, 0)])
def test_a_member_is_gone_when_the_chance_of_none_is_small(visits: str, told: int) -> None:
    """Given the first of n + 1, n may stand at any of 2 n places: n ln 2 = 10.4 for 15, but 9.7 for 14."""
    assert len(found(visits)) == told


def test_one_visit_tells_nothing_about_the_next() -> None:
    """Whoever came once may come once in a thousand."""
    assert found("a" + "b" * 1000) == []


def test_a_member_that_took_the_place_of_another() -> None:
    """Between the last visit of the one, at 290 s, and the first of the other, at 300 s."""
    told = found("a" * 30 + "b" * 30)
    assert turns(told) == [("a", "b")]
    assert times_s(told) == [(290, 300)]


def test_members_that_run_side_by_side_for_a_while_are_one_rollout() -> None:
    """It is seen at the first visit of what is new."""
    told = found("ab" * 20 + "acbd" * 5 + "cd" * 20)
    assert turns(told) == [("ab", "cd")]
    assert times_s(told) == [(410, 410)]
    assert told[0].end_ns == 580 * NS_PER_S


@pytest.mark.parametrize(
    ("visits", "expected", "at_s"),
    [("ab" * 30 + "abc" * 20, ("ab", "abc"), 620), ("abc" * 30 + "ab" * 20, ("abc", "ab"), 890)],
)
def test_more_and_fewer_members(visits: str, expected: tuple[str, str], at_s: int) -> None:
    """Seen at the first visit of what came, else at the last of what went."""
    told = found(visits)
    assert turns(told) == [expected]
    assert times_s(told) == [(at_s, at_s)]


@pytest.mark.parametrize(
    "visits",
    [
        "a" * 50 + "c" + "a" * 50,
        "cc" + "a" * 50,
        "a" * 50 + "c",
        "cac" + "aab" * 20,
        "abababab",
        "a" * 30,
        "." * 30 + "a" * 30,
        "a" * 30 + "." * 30,
        "",
    ],
)
def test_what_is_rarely_used_new_to_the_data_or_gone_altogether_has_not_changed(visits: str) -> None:
    """Nor has what nobody names."""
    assert found(visits) == []


@pytest.mark.parametrize("seed", range(20))
def test_members_in_turn_by_chance_are_no_rollout(seed: int) -> None:
    """One of them gets but one visit in fifty."""
    assert found("".join(Random(seed).choices("abc", (0.6, 0.38, 0.02), k=1000))) == []


def test_a_gap_in_the_recording_is_no_rollout() -> None:
    """An hour in the middle, with the same members before and after."""
    assert found("ab" * 30, {30: 3600}) == []


def test_a_rollout_in_a_gap_may_have_been_at_any_time_of_it() -> None:
    """The last visit before, at 390 s, and the first after, at 4000 s; the other member stays."""
    told = found("ac" * 20 + "bc" * 20, {40: 3600})
    assert turns(told) == [("ac", "bc")]
    assert times_s(told) == [(380, 4000)]


def test_between_two_recordings_nobody_saw_what_came_and_went() -> None:
    """Whoever is there from the start of the second, or to the end of the first, turned in between."""
    seam = Seam(visits=60, last_ns=590 * NS_PER_S, first_ns=4200 * NS_PER_S)
    assert times_s(found("ab" * 30 + "abc" * 20, {60: 3600}, seam)) == [(590, 4220)]
    assert times_s(found("abc" * 20 + "ab" * 20, {60: 3600}, seam)) == [(590, 4200)]


def test_what_came_well_after_the_second_recording_began_is_timed_by_itself() -> None:
    """Forty visits later, where some seven of them would have been its own."""
    seam = Seam(visits=60, last_ns=590 * NS_PER_S, first_ns=4200 * NS_PER_S)
    told = found("ab" * 30 + "ab" * 20 + "abc" * 20, {60: 3600}, seam)
    assert times_s(told) == [(4620, 4620)]


@pytest.mark.parametrize(
    ("visits", "expected"), [("bbbbbb", [("a", "b")]), ("bbb", [("a", "ab")]), ("bb", [])]
)
def test_few_visits_suffice_beside_a_rollout_that_is_sure(
    visits: str, expected: list[tuple[str, str]]
) -> None:
    """Three are beyond chance: 2 ln(502 / 2) = 11.1; of them 3.0 were due of the old one, and of six 6.0."""
    assert turns(found("a" * 500 + visits)) == expected


def test_a_slow_start_is_no_part_of_a_later_rollout() -> None:
    """Of two pods one is first seen after eight visits, by chance; both are replaced four minutes later."""
    told = found("a" * 8 + "ab" * 10 + "cd" * 30)
    assert turns(told) == [("ab", "cd")]
    assert times_s(told) == [(270, 280)]


def test_a_rollout_that_is_taken_back_at_once_is_two() -> None:
    """The old one is there all the time."""
    assert turns(found("a" * 30 + "ab" * 15 + "a" * 60)) == [("a", "ab"), ("ab", "a")]


def test_one_rollout_follows_another() -> None:
    """Each ten minutes after the one before."""
    told = found("".join(name * 60 for name in "abcd"))
    assert turns(told) == [("a", "b"), ("b", "c"), ("c", "d")]


@given(st.text("abcd.", max_size=80), st.dictionaries(st.integers(0, 79), st.integers(0, 10_000), max_size=3))
def test_every_rollout_is_a_change_of_members_in_order_of_time(visits: str, later_s: dict[int, int]) -> None:
    """Whatever the visits."""
    told = found(visits, later_s)
    names = set(visits) - {"."}
    assert [one.begin_ns for one in told] == sorted(one.begin_ns for one in told)
    for one in told:
        assert one.before and one.after and one.before != one.after
        assert one.before | one.after <= names
        assert one.earliest_ns <= one.at_ns
        assert one.begin_ns <= one.at_ns <= one.end_ns
