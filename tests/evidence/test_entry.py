"""Where users feel an incident."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl
import pytest

from rclagent.core.baseline import Baseline
from rclagent.core.telemetry import Telemetry
from rclagent.core.window import Window
from rclagent.evidence.entry import compare_entries, entry_limits
from rclagent.telemetry.frame_store import FrameStore
from rclagent.testing import repeated, written

Compared = Callable[[Telemetry, Telemetry], tuple[FrameStore, Window, Baseline]]


def requests(*lasting_ms: float, failing: int = 0, every_s: float = 1.0) -> Telemetry:
    """One request after the other; the last ones fail."""
    fine = len(lasting_ms) - failing
    lines = [
        f"counter: GET /   {every_s * 1000 * k}..{every_s * 1000 * k + ms}{'  error' if k >= fine else ''}"
        for k, ms in enumerate(lasting_ms)
    ]
    return written("\n\n".join(lines))


def test_a_request_is_slow_beyond_the_95th_percentile_and_a_millisecond() -> None:
    entries = pl.DataFrame({"service": ["counter"], "operation": ["GET /"], "p95_ms": [40.0], "n": [3]})
    assert entry_limits(entries).rows() == [("counter", "GET /", 41.0)]


def test_slow_requests_are_counted_against_one_in_twenty(compared: Compared) -> None:
    """5 of 10 above 11 ms, 19 in the baseline: z = 0.45 / sqrt(0.00725)."""
    table = compare_entries(*compared(requests(*[10] * 19), requests(*[10] * 5, *[60] * 5)))
    row = table.row(0, named=True)
    assert (row["n"], row["over"], row["failed"], row["base_n"], row["base_failed"]) == (10, 5, 0, 19, 0)
    assert (row["p50_ms"], row["base_p50_ms"], row["base_p95_ms"]) == (35, 10, 10)
    assert row["slow_z"] == pytest.approx(0.45 / 0.00725**0.5)
    assert row["failed_z"] == 0


def test_failing_requests_are_compared_with_the_usual_share(compared: Compared) -> None:
    """5 of 10 against 0 of 19: p = 5.5 / 30."""
    table = compare_entries(*compared(requests(*[10] * 19), requests(*[10] * 10, failing=5)))
    pooled = 5.5 / 30
    assert table["failed_z"][0] == pytest.approx(0.5 / (pooled * (1 - pooled) * (1 / 10 + 1 / 19)) ** 0.5)
    assert table["slow_z"][0] < 0


def test_the_entry_that_deviates_most_comes_first(compared: Compared) -> None:
    usual = repeated(written("counter: GET /   0..10\n\ndepot: PUT   5..10"), 20)
    worse = repeated(written("counter: GET /   0..10\n\ndepot: PUT   5..100"), 10)
    assert compare_entries(*compared(usual, worse))["service"].to_list() == ["depot", "counter"]


def test_an_entry_that_the_baseline_does_not_know_does_not_deviate(compared: Compared) -> None:
    table = compare_entries(*compared(requests(10, 10), repeated(written("news: GET   0..999  error"), 10)))
    assert table.select("service", "over", "slow_z", "failed_z").rows() == [("news", 0, 0.0, 0.0)]


@pytest.mark.parametrize("side", [0, 1])
def test_without_spans_on_a_side_nothing_deviates(compared: Compared, side: int) -> None:
    sides = [requests(*[10] * 20), requests(*[10] * 20)]
    sides[side] = Telemetry()
    assert compare_entries(*compared(*sides)).height == 1 - side
