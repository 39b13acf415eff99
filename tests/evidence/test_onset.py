"""Since when requests deviate, where nobody says when the alarm went off."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl
import pytest

from rclagent.core.telemetry import Telemetry
from rclagent.core.window import NS_PER_S, Window
from rclagent.evidence.onset import find_onset
from rclagent.telemetry.frame_store import FrameStore
from rclagent.testing import repeated, written
from rclagent.testing.spec import START_NS


def requests(
    *lasting_ms: float, failing: int = 0, every_s: float = 1.0, entry: str = "counter: GET /"
) -> Telemetry:
    """One request after the other; the last ones fail."""
    fine = len(lasting_ms) - failing
    lines = [
        f"{entry}   {every_s * 1000 * k}..{every_s * 1000 * k + ms}{'  error' if k >= fine else ''}"
        for k, ms in enumerate(lasting_ms)
    ]
    return written("\n\n".join(lines))


def together(*parts: Telemetry) -> Telemetry:
    """Several side by side, with trace ids of their own."""
    return Telemetry.concat(
        [
            Telemetry(
                part.spans.with_columns(pl.format("{}{}", pl.lit(number), "trace_id").alias("trace_id"))
            )
            for number, part in enumerate(parts)
        ]
    )


def later(telemetry: Telemetry, seconds: float) -> Telemetry:
    """The same after a while."""
    shift = round(seconds * NS_PER_S)
    return Telemetry(telemetry.spans.with_columns(pl.col("start_ns", "end_ns") + shift))


def through_gateway(kinds: Iterable[int], slow: int = 0, extra_ms: float = 0.0) -> Telemetry:
    """A request a second of ten kinds, all by one entry; those of kind 3 call the shelf, which answers late
    in the last ``slow`` seconds. Kind k takes 50 ms for each k."""
    kinds = list(kinds)
    texts = []
    for second, kind in enumerate(kinds):
        start, wait = 1000 * second, extra_ms if second >= len(kinds) - slow else 0.0
        end = start + 50 * kind + 10 + (wait if kind == 3 else 0.0)
        texts.append(f"gate: /*   {start}..{end}")
        if kind == 3:
            texts[-1] += (
                f"\n    gate: GET shelf   {start + 1}..{end - 1}  client peer=shelf"
                f"\n        shelf: GET item   {start + 2}..{end - 2 - wait}"
            )
    return written("\n\n".join(texts))


def onset(quiet: Telemetry, now: Telemetry) -> float | None:
    """When requests begin to deviate, in seconds after the start of the data."""
    before = FrameStore(quiet)
    times = [before.extent() or Window(0, 1)]
    clocks = before.clocks(times)
    found = find_onset(FrameStore(now), before.entries(times), before.legs(times, clocks=clocks), clocks)
    return None if found is None else (found - START_NS) / NS_PER_S


def test_requests_that_become_slow_are_an_onset() -> None:
    now = requests(*[10] * 103, *[80] * 60)
    assert onset(requests(*[10] * 300), now) == 103


def test_requests_that_begin_to_fail_are_an_onset_too() -> None:
    now = requests(*[10] * 163, failing=60)
    assert onset(requests(*[10] * 300), now) == 103


def test_one_in_four_that_fails_is_an_onset() -> None:
    """The first that fails is the onset."""
    one_in_four = written(
        "\n\n".join(
            f"counter: GET /   {1000 * k}..{1000 * k + 10}{'  error' if k == 0 else ''}" for k in range(4)
        )
    )
    now = together(requests(*[10] * 100), later(repeated(one_in_four, 30, every_s=4), 100))
    assert onset(requests(*[10] * 300), now) == 100


def test_an_entry_with_a_tenth_of_the_traffic_is_seen() -> None:
    """One request in ten seconds, beside one a second."""
    many = requests(*[10] * 300)
    quiet = together(many, requests(*[10] * 30, every_s=10, entry="depot: PUT"))
    now = together(many, requests(*[10] * 15, *[80] * 15, every_s=10, entry="depot: PUT"))
    assert onset(quiet, now) == 150


def test_entries_that_each_show_too_little_show_enough_together() -> None:
    """Ten entries with two slow requests each in the end, which one of them may have by chance."""
    fine = [later(requests(*[10] * 100, every_s=10, entry=f"counter: GET {k}"), k) for k in range(10)]
    slow = [later(requests(*[10] * 10, 80, 80, every_s=10, entry=f"counter: GET {k}"), k) for k in range(10)]
    assert onset(together(*fine), together(*slow)) == 100
    assert onset(together(*fine), slow[0]) is None


def test_what_one_gateway_hides_the_legs_show() -> None:
    """A tenth of the requests takes 200 ms longer, which many others always do."""
    quiet = through_gateway(k % 10 for k in range(600))
    now = through_gateway((k % 10 for k in range(300)), slow=150, extra_ms=200)
    assert onset(quiet, now) == 153
    assert onset(quiet, through_gateway(k % 10 for k in range(300))) is None


def test_a_leg_that_is_slower_but_not_felt_is_no_onset() -> None:
    quiet = through_gateway(k % 10 for k in range(600))
    assert onset(quiet, through_gateway((k % 10 for k in range(300)), slow=150, extra_ms=8)) is None


def test_an_entry_service_that_falls_silent_beside_another_is_an_onset() -> None:
    depot = requests(*[10] * 400, entry="depot: PUT")
    quiet = together(requests(*[10] * 400), depot)
    assert onset(quiet, together(requests(*[10] * 200), depot)) == 200


def test_a_gap_in_the_recording_of_all_entries_is_no_onset() -> None:
    piece = together(requests(*[10] * 200), requests(*[10] * 200, entry="depot: PUT"))
    now = together(piece, later(piece, 500))
    assert onset(piece, now) is None


def test_three_times_the_load_is_no_onset() -> None:
    rush = later(requests(*[10] * 300, every_s=1 / 3), 200)
    assert onset(requests(*[10] * 400), together(requests(*[10] * 200), rush)) is None


@pytest.mark.parametrize("after", [50, 0])
def test_ten_slow_seconds_are_no_onset(after: int) -> None:
    """Neither among quiet ones nor at the end of the data."""
    now = requests(*[10] * 53, *[80] * 10, *[10] * after)
    assert onset(requests(*[10] * 300), now) is None


def test_twenty_slow_seconds_at_the_end_are_an_onset() -> None:
    now = requests(*[10] * 103, *[80] * 20)
    assert onset(requests(*[10] * 300), now) == 103


def test_a_deviation_from_the_start_on_begins_there() -> None:
    assert onset(requests(*[10] * 300), requests(*[80] * 60)) == 0


def test_few_requests_are_searched_too() -> None:
    """One every six seconds."""
    now = requests(*[10] * 20, *[80] * 20, every_s=6)
    assert onset(requests(*[10] * 300), now) == 120


def test_a_quiet_time_has_no_onset() -> None:
    assert onset(requests(*[10] * 300), requests(*[10] * 300)) is None


def test_failures_that_are_usual_are_no_onset() -> None:
    """One request in five fails, and always did."""
    usual = written("\n\n".join(["counter: GET /   0..10"] * 4 + ["counter: GET /   0..10  error"]))
    quiet, now = repeated(usual, 200, every_s=5), repeated(usual, 60, every_s=2.5)
    assert onset(quiet, now) is None


def test_a_mix_of_entries_is_judged_by_what_is_usual_for_each() -> None:
    """More requests of an entry of which half fail are no onset; more that fail of the other are."""
    fragile = written("depot: PUT   0..10\n\ndepot: PUT   1..11  error")
    quiet = together(requests(*[10] * 1000), repeated(fragile, 50))
    assert onset(quiet, together(requests(*[10] * 100), repeated(fragile, 100))) is None
    worse = requests(*[10] * 400, failing=200, every_s=0.5)
    assert onset(quiet, together(worse, repeated(fragile, 200))) == 100


def test_a_baseline_of_few_requests_proves_little() -> None:
    """Of three requests nobody knows what is slow."""
    assert onset(requests(*[10] * 3), requests(*[10] * 100, *[80] * 60)) is None


def test_entries_that_the_baseline_does_not_know_have_no_onset() -> None:
    news = repeated(written("news: GET   0..999  error"), 100)
    assert onset(requests(10, 10), news) is None


@pytest.mark.parametrize("side", [0, 1])
def test_without_spans_on_a_side_there_is_no_onset(side: int) -> None:
    sides = [requests(*[10] * 20), requests(*[10] * 20)]
    sides[side] = Telemetry()
    assert onset(*sides) is None


def test_the_order_of_records_changes_nothing() -> None:
    quiet, now = requests(*[10] * 300), requests(*[10] * 103, *[80] * 60)
    shuffled = Telemetry(now.spans.sample(fraction=1, shuffle=True, seed=3))
    assert onset(quiet, shuffled) == onset(quiet, now) == 103
