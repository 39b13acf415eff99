"""Offsets between the clocks of callers and callees."""

from __future__ import annotations

import polars as pl
import pytest

from rclagent.core.baseline import CLOCK_SCHEMA
from rclagent.telemetry.clocks import clock_offsets, on_one_clock

HALVES = {
    "leg": pl.String,
    "caller": pl.String,
    "callee": pl.String,
    "pod": pl.String,
    "caller_pod": pl.String,
    "ms": pl.Float64,
}


def halves(*calls: tuple[float, float], pod: str | None = "b-0") -> pl.DataFrame:
    """Request and response leg of each call from a to b."""
    rows = [
        (leg, "a", "b", pod, "a-0", ms)
        for call in calls
        for leg, ms in zip(("request", "response"), call, strict=True)
    ]
    return pl.DataFrame(rows, schema=HALVES, orient="row")


def message(least: float | None, most: float | None, middle: float | None = None) -> pl.DataFrame:
    """What calls tell of the clocks at both ends of a message from topic orders to b."""
    ends = ("caller", "callee", "caller_pod", "callee_pod")
    schema = dict.fromkeys(ends, pl.String) | dict.fromkeys(("least", "most", "middle"), pl.Float64)
    return pl.DataFrame([("orders", "b", "a-0", "b-0", least, most, middle)], schema=schema, orient="row")


def quiet(offset_ms: float) -> pl.DataFrame:
    """What is known of the pair."""
    return pl.DataFrame([("a", "b", "a-0", "b-0", offset_ms)], schema=CLOCK_SCHEMA, orient="row")


@pytest.mark.parametrize(
    ("calls", "offset_ms"),
    [
        ([(0.4, 0.4), (3.0, 0.3)], 0.0),  # possible as they are
        ([(90.4, -89.6), (93.0, -89.7)], 90.05),  # the middle of 89.7 and 90.4
        ([(-2999.5, 3000.5)], -3000.0),
        ([(0.2, -40.0), (0.3, 0.3)], 0.0),  # nobody waited for the first: no offset would do
    ],
)
def test_clocks_are_held_right_unless_that_cannot_be(
    calls: list[tuple[float, float]], offset_ms: float
) -> None:
    assert clock_offsets(halves(*calls))["offset_ms"].to_list() == pytest.approx([offset_ms])


@pytest.mark.parametrize(
    ("calls", "offset_ms"),
    [
        ([(90.4, 110.4), (90.5, 111.0)], 90.0),  # late replies: still possible, so no step
        ([(290.4, -89.6)], 90.0),  # late requests: the same
        ([(0.4, 0.4), (3.0, 0.3)], 0.4),  # a clock that was set right: the nearest that is possible
    ],
)
def test_what_is_known_of_quiet_times_holds_as_long_as_it_can(
    calls: list[tuple[float, float]], offset_ms: float
) -> None:
    assert clock_offsets(halves(*calls), quiet(90.0))["offset_ms"].to_list() == pytest.approx([offset_ms])


def test_legs_lose_the_offset_of_their_pair_and_keep_their_order() -> None:
    legs = pl.concat([halves((90.4, -89.6)), halves((0.4, 0.4), pod=None)])
    assert on_one_clock(legs, quiet(90.0))["ms"].to_list() == pytest.approx([0.4, 0.4, 0.4, 0.4])


def test_an_unnamed_pod_is_a_host_of_its_own() -> None:
    legs = pl.concat([halves((90.4, -89.6)), halves((0.4, 0.4), pod=None)])
    offsets = clock_offsets(legs)
    assert offsets["callee_pod"].to_list() == ["", "b-0"]
    assert offsets["offset_ms"].to_list() == pytest.approx([0.0, 90.0])


def test_a_message_that_nobody_answers_says_nothing_of_clocks() -> None:
    offsets = clock_offsets(halves(), messages=message(None, None))
    assert offsets.rows() == [("orders", "b", "a-0", "b-0", 0.0)]


@pytest.mark.parametrize(
    ("least", "most", "offset_ms"),
    [
        (-1.0, 2.0, 0.0),  # possible as they are
        (89.0, 91.0, 90.0),
        (91.0, 89.0, 7.0),  # not possible, for a clock drifts: the middle of most calls
    ],
)
def test_a_message_takes_the_offset_that_answered_calls_tell(
    least: float, most: float, offset_ms: float
) -> None:
    offsets = clock_offsets(halves(), messages=message(least, most, middle=7.0))
    assert offsets["offset_ms"].to_list() == pytest.approx([offset_ms])


def test_a_message_loses_the_offset_as_a_request_does() -> None:
    sent = halves((345.0, 0.0)).filter(leg="request").with_columns(leg=pl.lit("message"))
    assert on_one_clock(sent, quiet(90.0))["ms"].to_list() == [255.0]
