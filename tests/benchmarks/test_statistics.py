"""Intervals against published values."""

from __future__ import annotations

import pytest

from benchmarks.statistics import wilson


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    [(17, 17, 0.816, 1.0), (12, 14, 0.601, 0.960), (0, 10, 0.0, 0.278), (14, 17, 0.590, 0.938)],
)
def test_wilson_interval(hits: int, n: int, low: float, high: float) -> None:
    assert wilson(hits, n) == pytest.approx((low, high), abs=5e-4)


def test_without_trials_nothing_is_known() -> None:
    assert wilson(0, 0) == (0.0, 1.0)


def test_rounding_beyond_the_range_does_no_harm() -> None:
    assert wilson(3.0000000000000004, 3)[1] == 1.0
