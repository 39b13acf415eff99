"""Entries that are hardly asked for any more."""

from __future__ import annotations

from math import log

import polars as pl
import pytest

from rclagent.evidence.cusum import SLOT_S, first_change
from rclagent.evidence.traffic import LAG, LEAST_RECENT, traffic_gains

SLOTS = 60
BEFORE = range(40)
AFTER = range(40, SLOTS)


def requests(entry: str, counts: list[int], base_n: int = 1000) -> pl.DataFrame:
    """Requests of an entry by slot, all in the first second of each; slots without any have no line."""
    rows = [
        {"service": entry, "operation": "GET", "second": SLOT_S * slot, "n": n, "base_n": base_n}
        for slot, n in enumerate(counts)
        if n
    ]
    return pl.DataFrame(rows, schema_overrides={"second": pl.Int64, "n": pl.Int64, "base_n": pl.Int64})


def gains_of(entry: str, *tables: pl.DataFrame) -> dict[int, float]:
    """Gain of an entry by slot."""
    gains = traffic_gains(pl.concat(tables)).filter(
        pl.col("level") == 0, pl.col("service") == entry, pl.col("operation") == "GET"
    )
    return {second // SLOT_S: gain for second, gain in gains.select("second", "gain").iter_rows()}


def steady(n: int, after: int | None = None) -> list[int]:
    """So many requests in each slot, and from slot 40 on so many."""
    return [n] * 40 + [n if after is None else after] * (SLOTS - 40)


def test_an_entry_that_falls_silent_beside_another_has_dropped() -> None:
    """By the clock 0 of 10 gains (1/2 - 1/16) 10 = 4.375; beside the other, with odds of 1, it is
    10 ln (1.5 / 1.0625) = 3.4484: the smaller counts."""
    gains = gains_of("shop", requests("shop", steady(10, 0)), requests("bank", steady(10)))
    assert gains[40] == pytest.approx(3.4484, abs=1e-4)
    assert all(gains[slot] > 0 for slot in AFTER)


def test_while_all_is_as_usual_the_gain_is_far_below_zero() -> None:
    """By the clock 10 of 10 give 4.375 - 10 ln 8, and beside the other 20 x 0.34484 - 10 ln 8."""
    gains = gains_of("shop", requests("shop", steady(10)), requests("bank", steady(10)))
    assert gains[30] == pytest.approx(4.375 - 10 * log(8), abs=1e-4)


def test_half_of_the_traffic_is_no_drop() -> None:
    gains = gains_of("shop", requests("shop", steady(10, 5)), requests("bank", steady(10)))
    assert all(gains[slot] < 0 for slot in AFTER)


def test_load_that_falls_everywhere_is_no_drop() -> None:
    """A twentieth is left of both."""
    gains = gains_of("shop", requests("shop", steady(20, 1)), requests("bank", steady(20, 1)))
    assert all(gains[slot] < 0 for slot in AFTER)


def test_an_entry_that_another_swamps_has_not_dropped() -> None:
    gains = gains_of("shop", requests("shop", steady(10)), requests("bank", steady(10, 5000)))
    assert all(gains[slot] < 0 for slot in AFTER)


def test_a_job_that_has_run_its_course_has_not_dropped() -> None:
    """The baseline knows it as one request in a thousand."""
    bank = requests("bank", steady(10), base_n=999_000)
    assert first_change(traffic_gains(pl.concat([requests("job", steady(10, 0)), bank])), 0.01) is None
    known = requests("job", steady(10, 0), base_n=999_000)
    assert first_change(traffic_gains(pl.concat([known, bank])), 0.01) is not None


def test_pauses_of_an_entry_asked_in_bursts_tell_less() -> None:
    """40 requests at once and then three slots without any: a variance of about 300 over a mean of 10."""
    bursts = [40 if slot % 4 == 0 else 0 for slot in BEFORE] + [0] * len(AFTER)
    bursty = gains_of("shop", requests("shop", bursts), requests("bank", steady(10)))
    even = gains_of("shop", requests("shop", steady(10, 0)), requests("bank", steady(10)))
    assert 0 < bursty[45] < even[45] / 20


def test_what_nobody_recorded_is_no_drop() -> None:
    """Ten minutes in which no entry has a request, then all goes on."""
    later = pl.col("second") + 600
    pieces = [requests(name, steady(10)) for name in ("shop", "bank")]
    table = pl.concat([*pieces, *(piece.with_columns(later) for piece in pieces)])
    gains = traffic_gains(table)
    assert set(gains["second"]) <= set(table["second"])
    assert first_change(gains, 0.01) is None


def test_what_is_expected_takes_two_minutes_to_learn() -> None:
    gains = gains_of("shop", requests("shop", steady(10)), requests("bank", steady(10)))
    assert min(gains) == LAG + LEAST_RECENT


def test_an_entry_that_is_rarely_asked_for_is_left_out() -> None:
    """8 requests in 60 slots."""
    rare = requests("shop", [int(slot % 8 == 0) for slot in range(SLOTS)])
    assert gains_of("shop", rare, requests("bank", steady(10))) == {}


def test_a_service_of_rare_entries_may_drop_as_a_whole() -> None:
    """Eight operations take turns, and then there is none."""
    turns = [
        requests("shop", [3 * int(slot % 8 == turn and slot < 40) for slot in range(SLOTS)]).with_columns(
            pl.lit(f"GET {turn}").alias("operation")
        )
        for turn in range(8)
    ]
    gains = traffic_gains(pl.concat([*turns, requests("bank", steady(10))]))
    change = first_change(gains, 0.01)
    assert change is not None
    assert change.since == 40 * SLOT_S
