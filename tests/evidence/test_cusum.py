"""When a stream of counts began to be another."""

from __future__ import annotations

from collections.abc import Iterable
from math import exp, log

import numpy as np
import polars as pl
import pytest

from rclagent.evidence.cusum import SLOT_S, first_change, log_ratio, pooled


def stream(gains: Iterable[float], name: str = "shop", from_second: int = 0) -> pl.DataFrame:
    """A stream that shows one gain a slot, in the slot's third second."""
    return pl.DataFrame(
        [
            {"name": name, "second": from_second + SLOT_S * slot + 2, "gain": float(gain)}
            for slot, gain in enumerate(gains)
        ],
        schema={"name": pl.String, "second": pl.Int64, "gain": pl.Float64},
    )


def gain(hits: int, n: int, usual: float, changed: float) -> float:
    """Gain of one count."""
    columns = {"hits": [hits], "n": [n], "usual": [usual]}
    ratio = log_ratio(pl.col("hits"), pl.col("n"), pl.col("usual"), changed)
    return float(pl.DataFrame(columns).select(ratio.alias("gain"))["gain"][0])


def test_the_gain_is_how_much_likelier_a_count_is_after_a_change() -> None:
    """3 of 4 at 50 % and not 10 %: 3 ln 5 + ln (0.5 / 0.9) = 4.8283 - 0.5878."""
    assert gain(3, 4, usual=0.1, changed=0.5) == pytest.approx(4.2405, abs=1e-4)


@pytest.mark.parametrize("share", [0.1, 0.05])
def test_a_gain_is_no_gain_on_average_while_all_is_as_usual(share: float) -> None:
    """The mean of its exponential is 1 at the usual share, and less below it."""
    mean = share * exp(gain(1, 1, 0.1, 0.5)) + (1 - share) * exp(gain(0, 1, 0.1, 0.5))
    assert mean == pytest.approx(1.0) if share == 0.1 else mean < 1


def test_a_change_is_confirmed_once_it_is_beyond_chance() -> None:
    """One stream, 50 slots, one in a hundred: h = ln 5000 = 8.517, so five gains of 2 and not four."""
    change = first_change(stream([-1.0] * 40 + [2.0] * 10), chance=0.01)
    assert change is not None
    assert (change.since, change.confirmed) == (40 * SLOT_S + 2, 44)
    assert change.strength == 10
    assert first_change(stream([-1.0] * 46 + [2.0] * 4), chance=0.01) is None


def test_what_speaks_against_a_change_is_forgotten_when_the_sum_starts_anew() -> None:
    change = first_change(stream([-1000.0] * 40 + [2.0] * 10), chance=0.01)
    assert change is not None
    assert change.since == 40 * SLOT_S + 2


@pytest.mark.parametrize(("slots", "found"), [(1, False), (3, False), (4, True)])
def test_a_burst_is_no_change_however_strong(slots: int, found: bool) -> None:
    gains = stream([-1.0] * 20 + [500.0] * slots + [-1.0] * 20)
    assert (first_change(gains, chance=0.01) is not None) == found


def test_a_change_that_ends_is_still_found() -> None:
    change = first_change(stream([-1.0] * 20 + [3.0] * 6 + [-1.0] * 200), chance=0.01)
    assert change is not None
    assert change.since == 20 * SLOT_S + 2


def test_the_second_is_found_within_a_slot() -> None:
    """Two seconds of the slot are as usual, the third is not."""
    quiet = pl.DataFrame({"name": "shop", "second": range(102), "gain": [-0.5] * 102})
    loud = pl.DataFrame({"name": "shop", "second": range(102, 130), "gain": [1.0] * 28})
    change = first_change(pl.concat([quiet, loud]), chance=0.01)
    assert change is not None
    assert change.since == 102


def test_the_more_streams_are_searched_the_more_it_takes() -> None:
    """100 streams of 50 slots: h = ln 500,000 = 13.1, where 10 is enough for one."""
    alone = stream([-1.0] * 45 + [2.0] * 5)
    others = pl.concat([stream([-1.0] * 50, f"no. {number}") for number in range(99)])
    assert first_change(alone, chance=0.01) is not None
    assert first_change(pl.concat([alone, others]), chance=0.01) is None


def test_the_change_that_is_confirmed_first_counts() -> None:
    early = stream([-1.0] * 10 + [3.0] * 40, "early")
    late = stream([-1.0] * 30 + [9.0] * 20, "late")
    change = first_change(pl.concat([late, early]), chance=0.01)
    assert change is not None
    assert change.since == 10 * SLOT_S + 2


def test_of_changes_confirmed_together_the_strongest_tells_when() -> None:
    """Both are confirmed by four slots; the blurred one began to rise before."""
    sharp = stream([-1.0] * 20 + [50.0] * 20, "sharp")
    blurred = stream([-1.0] * 18 + [0.1] * 2 + [5.0] * 20, "blurred")
    change = first_change(pl.concat([blurred, sharp]), chance=0.01)
    assert change is not None
    assert (change.since, change.strength) == (20 * SLOT_S + 2, 200)


def test_silence_between_two_recordings_says_nothing() -> None:
    gains = pl.concat([stream([-1.0] * 20), stream([3.0] * 20, from_second=86_400)])
    change = first_change(gains, chance=0.01)
    assert change is not None
    assert change.since == 86_400 + 2


def test_rows_may_come_in_any_order() -> None:
    gains = pl.concat([stream([-1.0] * 40 + [2.5] * 10, name) for name in ("shop", "bank")])
    assert first_change(gains.sample(fraction=1, shuffle=True, seed=1), 0.01) == first_change(gains, 0.01)


def test_nothing_to_search_has_no_change() -> None:
    assert first_change(stream([]), chance=0.01) is None


def test_chance_confirms_no_more_than_it_may() -> None:
    """400 recordings of 20 streams and 60 slots in which a tenth hits, as usual; chance may confirm a
    change in half of them."""
    usual, changed, chance = 0.1, 0.5, 0.5
    rng = np.random.default_rng(7)
    found = 0
    for _ in range(400):
        hits = rng.binomial(4, usual, (20, 60))
        gains = hits * log(changed / usual) + (4 - hits) * log((1 - changed) / (1 - usual))
        names, slots = np.meshgrid(np.arange(20), np.arange(60), indexing="ij")
        table = pl.DataFrame({"name": names.ravel(), "second": slots.ravel() * SLOT_S, "gain": gains.ravel()})
        found += first_change(table, chance) is not None
    assert 0 < found <= 400 * chance


def test_streams_are_added_up_at_each_level() -> None:
    table = pl.DataFrame(
        {
            "service": ["web", "web", "api"],
            "operation": ["a", "b", "a"],
            "second": [1, 1, 1],
            "gain": [1.0, 2.0, 4.0],
        }
    )
    levels = (("service", "operation"), ("service",), ())
    added = pooled(table, ("service", "operation"), levels, "gain").sort("level", "service", "operation")
    assert added.select("level", "service", "operation", "gain").rows() == [
        (0, "api", "a", 4.0),
        (0, "web", "a", 1.0),
        (0, "web", "b", 2.0),
        (1, "api", "", 4.0),
        (1, "web", "", 3.0),
        (2, "", "", 7.0),
    ]
