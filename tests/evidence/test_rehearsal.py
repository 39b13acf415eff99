"""What each channel would say of each piece of quiet time, worked out by hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from rclagent.core.window import NS_PER_S, Window
from rclagent.evidence.chance import FAILURES
from rclagent.evidence.learning import learn
from rclagent.telemetry.frame_store import FrameStore
from rclagent.testing import written
from rclagent.testing.spec import START_NS

Text = Callable[[int, bool], str]
"""A request that starts at a time, in ms; whether it is otherwise than usual."""

ODD = 5
"""Piece of time whose first requests are otherwise."""
HALF_OF_SIX = 0.5 * 0.63586
"""Weight of a change of three in six requests against none, or all, of 90 others:
p = 3.5 / 97, z = 0.5 / sqrt(0.036082 x 0.963918 x (1/6 + 1/90)) = 6.3586."""


def requests(text: Text, *, pieces: int = 16, each: int = 6, odd: int = 3, at: int = ODD) -> FrameStore:
    """Requests at even distances through pieces of three minutes, some of one piece otherwise."""
    numbers = range(pieces * each)
    starts = (180_000 // each * number for number in numbers)
    others = (number // each == at and number % each < odd for number in numbers)
    return FrameStore(written("\n\n".join(text(*request) for request in zip(starts, others, strict=True))))


def rehearsed(store: FrameStore, windows: Sequence[Window] = ()) -> dict[str, dict[int, float]]:
    """Channel to number of the piece to strength."""
    extent = store.extent()
    assert extent is not None
    found: dict[str, dict[int, float]] = {}
    for channel, piece, strength in learn(store, windows or [extent]).quiet.iter_rows():
        found.setdefault(channel, {})[(piece - START_NS) // (180 * NS_PER_S)] = strength
    return found


def only_odd(strength: float, pieces: int = 14) -> dict[int, object]:
    """The odd piece shows something, and none of the others."""
    return {piece: pytest.approx(strength, abs=1e-5) if piece == ODD else 0 for piece in range(pieces)}


def logging(usual: str, odd: str) -> Text:
    """Requests that write a line."""
    return lambda at, other: f"till: POST order   {at}..{at + 9}\n    | {at} {odd if other else usual}"


def test_a_piece_in_which_lines_are_missing_shows_how_many_and_the_others_nothing() -> None:
    """Of 16 pieces the last two are left out."""
    found = rehearsed(requests(logging("INFO paid", "INFO refused")))
    assert found["logs"] == only_odd(HALF_OF_SIX)
    assert found[FAILURES] == only_odd(0)


def test_lines_that_tell_of_failure_are_a_channel_of_their_own() -> None:
    """All others are written as usual."""

    def text(at: int, other: bool) -> str:
        refused = f"\n    | {at} ERROR refused" if other else ""
        return f"till: POST order   {at}..{at + 9}\n    | {at} INFO asked{refused}"

    found = rehearsed(requests(text))
    assert found[FAILURES] == only_odd(HALF_OF_SIX)
    assert found["logs"] == only_odd(0)


def test_errors_that_start_in_a_piece_are_failures_though_nothing_is_logged() -> None:
    found = rehearsed(
        requests(lambda at, other: f"till: POST order   {at}..{at + 9}{'  error' if other else ''}")
    )
    assert found[FAILURES] == only_odd(HALF_OF_SIX)
    assert "logs" not in found


def test_a_line_that_stays_out_after_its_lead_shows_though_its_share_says_nothing() -> None:
    """8 of 20 ask and pay, but in the odd piece 4 do not: -0.2 of all requests is no change. Of those that
    ask p = 124.5 / 129, z = -0.5 / sqrt(0.96512 x 0.03488 x (1/8 + 1/120)) = -7.4628."""

    def text(at: int, other: bool) -> str:
        asks = at // 9000 % 20 < 8
        lines = ["asked"] if other else ["asked", "paid"] if asks else ["pinged"]
        return "\n".join(
            [
                f"till: POST order   {at}..{at + 9}",
                *(f"    | {at + n} INFO {line}" for n, line in enumerate(lines)),
            ]
        )

    assert rehearsed(requests(text, each=20, odd=4))["logs"] == only_odd(0.5 * 0.74628)


@pytest.mark.parametrize(
    ("calls", "strength"),
    [
        ("till", HALF_OF_SIX / 2),  # the call that is missing is not the last one
        ("", HALF_OF_SIX),  # requests end without a call: broken by the service itself
        ("shelf", HALF_OF_SIX / 2),  # the callee that became the last one, or its caller
    ],
)
def test_calls_weigh_as_they_do_in_an_incident(calls: str, strength: float) -> None:
    def text(at: int, other: bool) -> str:
        callees = calls.split() if other else ["shelf", "till"]
        return "\n".join(
            [
                f"counter: GET /   {at}..{at + 90}",
                *(
                    f"    {callee}: GET it   {at + 20 * n}..{at + 20 * n + 9}"
                    for n, callee in enumerate(callees)
                ),
            ]
        )

    assert rehearsed(requests(text))["calls"] == only_odd(strength)


def working(at: int, other: bool) -> str:
    """A request that takes 10 ms, or 80."""
    return f"shelf: GET items   {at}..{at + (80 if other else 10)}"


def test_slow_legs_show_the_time_lost_in_units_of_what_users_feel() -> None:
    """6 of 144 requests take 80 ms in place of 10: 420 ms are lost, of 1860 / 24 that a piece of quiet time
    has: 420 / (0.05 x 77.5) = 108.387. Of 24 pieces the last two are left out."""
    assert rehearsed(requests(working, pieces=24, odd=6))["legs"] == only_odd(108.3871, pieces=22)


def test_calm_time_shows_nothing_in_each_of_its_pieces() -> None:
    """Legs and calls are measured wherever there are requests, lines only where there are logs."""
    found = rehearsed(requests(working, odd=0))
    assert found == {channel: only_odd(0) for channel in ("legs", "calls", FAILURES)}


@pytest.mark.parametrize("at", [14, 15])
def test_pieces_near_the_end_of_quiet_time_are_left_out(at: int) -> None:
    """It ends where trouble was noticed, and alarms come late."""
    found = rehearsed(requests(logging("INFO paid", "INFO refused"), at=at, odd=6))
    assert found["logs"] == only_odd(0)


def test_each_quiet_time_ends_with_pieces_that_are_left_out() -> None:
    """Minutes 0 to 15 and 24 to 48, of which 12 to 15 and 45 to 48 may be no longer quiet."""
    store = requests(logging("INFO paid", "INFO refused"))
    windows = [
        Window(START_NS + 60 * start * NS_PER_S, START_NS + 60 * end * NS_PER_S)
        for start, end in ((0, 15), (24, 48))
    ]
    assert list(rehearsed(store, windows)["logs"]) == [0, 1, 2, 3, 8, 9, 10, 11, 12, 13, 14]


def test_quiet_time_that_another_part_of_the_telemetry_ends_is_quiet_to_its_end() -> None:
    """All of a separate recording: its window goes on long after its last record."""
    store = requests(logging("INFO paid", "INFO refused"))
    assert len(rehearsed(store, [Window(0, 2**63 - 1)])["logs"]) == 16


def test_too_little_quiet_time_shows_no_piece() -> None:
    assert rehearsed(requests(logging("INFO paid", "INFO refused"), pieces=2)) == {}
