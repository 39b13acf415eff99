"""Slow legs: which half of a call, by how much, and what is no delay at all."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl
import pytest

from rclagent.core.baseline import LEG_KEYS, Baseline
from rclagent.core.telemetry import Telemetry
from rclagent.core.window import Window
from rclagent.evidence.legs import compare_legs, judged_legs, leg_limits, peer_calls, unrecorded_calls
from rclagent.telemetry.frame_store import FrameStore
from rclagent.testing import repeated, written

Compared = Callable[[Telemetry, Telemetry], tuple[FrameStore, Window, Baseline]]


def calls(there: float = 30, work: float = 50, back: float = 20, ahead: float = 0) -> str:
    """A request with one call: ms on the way there, at work, and back; the callee's clock is ahead."""
    arrived, left = 10 + there + ahead, 10 + there + work + ahead
    returned = 10 + there + work + back
    return f"""
        counter: GET /   0..{returned + 10}
            counter: call shelf   10..{returned}  client
                shelf: GET items   {arrived}..{left}
    """


def works(*lasting_ms: float) -> str:
    """Requests without calls, one for each duration."""
    return "\n\n".join(f"shelf: GET items   {1000 * k}..{1000 * k + ms}" for k, ms in enumerate(lasting_ms))


def slow_legs(table: pl.DataFrame) -> set[tuple[str, ...]]:
    """Leg and callee of what became slow."""
    return set(table.filter("slow").select("leg", "callee").rows())


@pytest.mark.parametrize(("std_ms", "limit_ms"), [(0.0, 7.1), (0.6, 7.3), (1.0, 7.5), (30.0, 7.5)])
def test_a_limit_is_the_95th_percentile_and_half_a_standard_deviation(std_ms: float, limit_ms: float) -> None:
    """At least 0.1 ms more, and at most 0.5."""
    key = {"leg": ["self"], "caller": [""], "callee": ["a"], "operation": ["x"]}
    legs = pl.DataFrame(key | {"p95_ms": [7.0], "std_ms": [std_ms]})
    assert leg_limits(legs)["limit_ms"].to_list() == pytest.approx([limit_ms])


def test_a_late_response_is_told_with_its_figures(compared: Compared) -> None:
    """10 of 10 above 20.1 against 40 usual ones: z = 0.95 / sqrt(0.0475 x (1/10 + 1/40))."""
    table = compare_legs(*compared(repeated(written(calls()), 40), repeated(written(calls(back=120)), 10)))
    assert slow_legs(table) == {("response", "shelf"), ("gap", "shelf")}
    row = table.filter(leg="response").row(0, named=True)
    assert (row["n"], row["base_n"], row["over"], row["share"]) == (10, 40, 10, 1.0)
    assert (row["p50_ms"], row["base_p50_ms"], row["mean_ms"], row["base_mean_ms"]) == (120, 20, 120, 20)
    assert (row["base_p95_ms"], row["excess_ms"], row["over_std_ms"]) == (20, pytest.approx(99.9), 0)
    assert row["z"] == pytest.approx(0.95 / 0.0059375**0.5)


@pytest.mark.parametrize(
    ("change", "slow"),
    [
        ({"there": 130}, {("request", "shelf"), ("gap", "shelf")}),
        ({"work": 150}, {("self", "shelf")}),
        ({}, set()),
    ],
)
def test_time_is_lost_where_it_is_spent(
    compared: Compared, change: dict[str, float], slow: set[tuple[str, str]]
) -> None:
    quiet = repeated(written(calls()), 40)
    assert slow_legs(compare_legs(*compared(quiet, repeated(written(calls(**change)), 10)))) == slow


@pytest.mark.parametrize("ahead", [1000, -1000, 86_400_000])
def test_a_constant_skew_cancels(compared: Compared, ahead: float) -> None:
    """Each half is compared with its own baseline: only the delayed one is slow."""
    quiet = repeated(written(calls(ahead=ahead)), 40)
    same = repeated(written(calls(ahead=ahead)), 10)
    late = repeated(written(calls(ahead=ahead, back=120)), 10)
    assert slow_legs(compare_legs(*compared(quiet, same))) == set()
    assert slow_legs(compare_legs(*compared(quiet, late))) == {("response", "shelf"), ("gap", "shelf")}


@pytest.mark.parametrize("ahead", [500, -500])
def test_a_clock_that_steps_is_no_delay(compared: Compared, ahead: float) -> None:
    """Both halves move by opposite amounts, their sum not at all."""
    quiet, stepped = repeated(written(calls()), 40), repeated(written(calls(ahead=ahead)), 10)
    assert slow_legs(compare_legs(*compared(quiet, stepped))) == set()


def test_a_store_that_answers_late_is_slow(compared: Compared) -> None:
    text = "shelf: GET items   0..{0}\n    shelf: SELECT items   5..{1}  client"
    quiet = repeated(written(text.format(30, 25)), 40)
    table = compare_legs(*compared(quiet, repeated(written(text.format(130, 125)), 10)))
    assert slow_legs(table) == {("store", "shelf")}


QUERY = "shelf: GET items   {0}..{1}\n    shelf: query   {0}..{1}  client peer=shelf-db"


@pytest.mark.parametrize(
    ("leg", "far", "near", "requests", "slow"),
    [
        ("store", 22, 0, 200, True),
        ("store", 9, 13, 200, False),
        ("store", 12, 32, 400, False),
        ("self", 22, 0, 200, False),
    ],
)
def test_a_few_waits_far_above_the_usual_make_a_leg_slow(
    compared: Compared, leg: str, far: int, near: int, requests: int, slow: bool
) -> None:
    """22 of 200 last a second more, as where packets are lost: z = 0.06 / sqrt(0.0475 (1/200 + 1/1000)).

    Where most of these are only 2 ms late, 9 are few, and 12 in 400 less than one in 25; and what a service
    does itself has such moments.
    """
    text = QUERY if leg == "store" else QUERY.splitlines()[0]

    def lasting(lasting_ms: list[int]) -> Telemetry:
        spans = (text.format(2000 * k, 2000 * k + ms) for k, ms in enumerate(lasting_ms))
        return written("\n\n".join(spans))

    now = lasting([1010] * far + [12] * near + [10] * (requests - far - near))
    table = compare_legs(*compared(repeated(lasting([10] * 100), 10, every_s=200), now)).filter(n=requests)
    judged = table.filter((pl.col("leg") == leg) & (pl.col("mean_ms") > 10))
    assert judged["slow"].to_list() == [slow]
    assert 3 < judged["z"][0] < 8


def test_who_waits_for_whom_that_sends_no_spans(compared: Compared) -> None:
    """A store without a name is nobody."""
    text = QUERY.format(0, 50) + "\n\ntill: POST order   0..50\n    till: query   10..20  client"
    quiet = compared(repeated(written(text), 5), Telemetry())[2]
    assert peer_calls(quiet.legs).rows() == [("shelf", "shelf-db")]


@pytest.mark.parametrize(
    ("text", "calls"),
    [
        ("counter: GET /   0..90\n    shelf: GET items   20..80", [("counter", "GET /", "shelf")]),
        ("counter: GET /   0..90\n    counter: ask   10..85  client\n        shelf: GET items   20..80", []),
        ("counter: GET /   0..90\n    shelf: GET items   20..80  consumer", []),
    ],
)
def test_calls_without_a_span_of_the_caller_are_unrecorded(
    compared: Compared, text: str, calls: list[tuple[str, str, str]]
) -> None:
    """Not calls with a span of their own, nor messages; the caller does other things without the callee."""
    quiet = compared(repeated(written(f"{text}\n\ncounter: GET /help   500..510"), 5), Telemetry())[2]
    assert unrecorded_calls(quiet).rows() == calls


@pytest.mark.parametrize(
    ("usual", "now", "slow"),
    [
        ((6, 10, 14), 15.1, True),
        ((6, 10, 14), 14.9, False),
        ((60, 100, 140), 149, False),
        ((60, 100, 140), 151, True),
    ],
)
def test_a_median_within_the_usual_scatter_counts_when_it_rises_by_5_ms_and_by_half(
    compared: Compared, usual: tuple[float, ...], now: float, slow: bool
) -> None:
    """Standard deviations of 3.3 and 33 ms: no rise is two of them."""
    quiet = repeated(written(works(*usual)), 14, every_s=3)
    table = compare_legs(*compared(quiet, repeated(written(works(now)), 10)))
    assert table["slow"].to_list() == [slow]


@pytest.mark.parametrize(("now", "slow"), [(11.6, True), (11.4, False)])
def test_a_small_delay_is_clear_beyond_two_standard_deviations(
    compared: Compared, now: float, slow: bool
) -> None:
    """10 and 11 ms by turns have a median of 10.5 and scatter by 0.5; all values are above 11.25."""
    quiet = repeated(written(works(10, 11)), 20, every_s=2)
    table = compare_legs(*compared(quiet, repeated(written(works(now)), 10)))
    assert table.select("share", "slow").rows() == [(1.0, slow)]


@pytest.mark.parametrize(("requests", "z", "slow"), [(4, 8.31, True), (3, 7.28, False)])
def test_a_small_delay_must_be_beyond_doubt(compared: Compared, requests: int, z: float, slow: bool) -> None:
    """12 ms in place of 10: z = 0.95 / sqrt(0.0475 x (1/4 + 1/40)) is beyond 8."""
    quiet = repeated(written(works(*[10] * 39, 11)), 1)
    table = compare_legs(*compared(quiet, repeated(written(works(12)), requests)))
    assert table["z"][0] == pytest.approx(z, abs=0.005)
    assert table["slow"].to_list() == [slow]


@pytest.mark.parametrize(("now", "slow"), [(10.05, False), (10.15, True)])
def test_no_delay_below_a_tenth_of_a_millisecond_is_seen(compared: Compared, now: float, slow: bool) -> None:
    table = compare_legs(*compared(repeated(written(works(10)), 40), repeated(written(works(now)), 10)))
    assert table["slow"].to_list() == [slow]


def test_work_that_takes_a_tenth_longer_under_load_is_not_slow(compared: Compared) -> None:
    """8 to 12 ms become 8.8 to 13.2: one in five is above 12.5, z = 0.15 / sqrt(0.0475 (1/100 + 1/200)),
    but the median rises by 1 ms, less than the usual scatter of 1.4."""
    usual = (8, 9, 10, 11, 12)
    quiet = repeated(written(works(*usual)), 40, every_s=5)
    loaded = repeated(written(works(*(1.1 * ms for ms in usual))), 20, every_s=5)
    table = compare_legs(*compared(quiet, loaded))
    assert table["z"][0] == pytest.approx(5.62, abs=0.005)
    assert table.select("share", "slow").rows() == [(0.2, False)]


def test_a_small_delay_of_a_call_is_told_by_the_half_that_became_longer(compared: Compared) -> None:
    """2 ms of 20 on the way back; the whole gap moves with it, the way there does not."""
    table = compare_legs(*compared(repeated(written(calls()), 40), repeated(written(calls(back=22)), 10)))
    assert slow_legs(table) == {("response", "shelf"), ("gap", "shelf")}


@pytest.mark.parametrize(("late", "slow"), [(4, True), (2, False)])
def test_a_mean_counts_when_it_doubles_and_three_in_ten_are_late(
    compared: Compared, late: int, slow: bool
) -> None:
    """4 of 10 at 210 instead of 10: mean 90, median still 10. 2 of 10: mean 50, but too few of them."""
    now = written(works(*[210] * late, *[10] * (10 - late)))
    table = compare_legs(*compared(repeated(written(works(10)), 40), repeated(now, 3, every_s=20)))
    assert table.select("p50_ms", "mean_ms", "slow").rows() == [(10, 10 + 20 * late, slow)]


@pytest.mark.parametrize(("late", "z", "slow"), [(40, 9.28, True), (28, 5.57, False)])
def test_fewer_late_values_count_where_there_is_no_doubt(
    compared: Compared, late: int, z: float, slow: bool
) -> None:
    """20 % of 200: z = 0.15 / sqrt(0.0475 (1/200 + 1/2000)) is beyond 8; 14 % are 0.09 / 0.01616 far."""
    quiet = repeated(written(works(*[10] * 100)), 20, every_s=100)
    table = compare_legs(*compared(quiet, written(works(*[400] * late, *[10] * (200 - late)))))
    assert table["z"][0] == pytest.approx(z, abs=0.005)
    assert table["slow"].to_list() == [slow]


def test_half_a_call_counts_against_the_whole_gap_of_the_call(compared: Compared) -> None:
    """A half of 5 ms that becomes 13 rises by more than itself, but not by half of the usual 105 of both."""
    quiet = repeated(written("\n".join(calls(there=100, back=back) for back in (0, 5, 10))), 14)
    now = repeated(written(calls(there=100, back=13)), 10)
    table = compare_legs(*compared(quiet, now))
    assert table.filter(leg="response").select("base_p50_ms", "p50_ms", "share").rows() == [(5, 13, 1)]
    assert slow_legs(table) == set()


@pytest.mark.parametrize(("before", "after", "legs"), [(40, 2, 0), (2, 10, 0), (3, 3, 1)])
def test_one_or_two_values_show_nothing(compared: Compared, before: int, after: int, legs: int) -> None:
    table = compare_legs(
        *compared(repeated(written(works(10)), before), repeated(written(works(500)), after))
    )
    assert table.height == legs


def test_an_operation_that_the_baseline_does_not_know_is_not_compared(compared: Compared) -> None:
    now = repeated(written("shelf: GET news   0..500"), 10)
    assert compare_legs(*compared(repeated(written(works(10)), 40), now)).is_empty()


def test_a_leg_that_is_slow_for_a_while_now_and_then_must_be_slower_still(compared: Compared) -> None:
    """In 2 of 16 quiet pieces of three minutes 2 in 5 are late: an incident of the same is no news.

    The scatter is (0.4 - 0) / 2.56, less chance: z = 0.35 / sqrt(0.0475 / 100 + ... + 0.15^2) = 2.
    """
    moody = [80 if second // 180 in (0, 8) and second % 5 < 2 else 10 for second in range(16 * 180)]
    calm = [10] * len(moody)
    now = written(works(*[80 if second % 5 < 2 else 10 for second in range(100)]))
    assert compare_legs(*compared(written(works(*calm)), now))["slow"].to_list() == [True]
    usual = compare_legs(*compared(written(works(*moody)), now))
    assert usual["share"].to_list() == [0.4]
    assert 1.5 < usual["z"][0] < 2.5
    assert usual["slow"].to_list() == [False]


def test_pieces_of_time_are_judged_each_for_itself(compared: Compared) -> None:
    """In the first a response is late, in the second a clock stepped: the gap did not move with it."""
    quiet = compared(repeated(written(calls()), 40), Telemetry())[2].legs
    response = quiet.filter(leg="response").select(*LEG_KEYS)
    gap = quiet.filter(leg="gap").select(*LEG_KEYS)
    seen = pl.concat(
        [
            leg.with_columns(
                piece=pl.lit(piece),
                n=pl.lit(10),
                over=pl.lit(over),
                mean_ms=ms,
                p50_ms=ms,
                over_excess_ms=ms - usual_ms,
                over_std_ms=0 * ms,
            )
            for piece, leg, over, ms, usual_ms in (
                (0, response, 10, pl.lit(120.0), 20.1),
                (0, gap, 10, pl.lit(150.0), 50.1),
                (1, response, 10, pl.lit(120.0), 20.1),
                (1, gap, 1, pl.lit(50.0), 50.0),
                (2, response, 0, pl.lit(None, dtype=pl.Float64), 0.0),
            )
        ]
    )
    judged = judged_legs(seen, quiet, by=["piece"])
    assert sorted(judged.filter("slow").select("piece", "leg").rows()) == [(0, "gap"), (0, "response")]
    assert judged.filter(piece=2).select("share", "slow").rows() == [(0.0, False)]


@pytest.mark.parametrize("empty", [0, 1])
def test_without_spans_on_a_side_there_is_nothing_to_compare(compared: Compared, empty: int) -> None:
    sides = [repeated(written(works(10)), 40), repeated(written(works(10)), 40)]
    sides[empty] = Telemetry()
    table = compare_legs(*compared(*sides))
    assert table.is_empty()
    assert "slow" in table.columns
