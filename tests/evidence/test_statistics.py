"""The shared statistics, against numbers worked out by hand."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rclagent.evidence.statistics import binomial_tail, discoveries, exceedance_z, rate_z, share_z

counts = st.integers(0, 1000)


def value(expression: pl.Expr) -> float:
    """A constant expression as a number."""
    return float(pl.select(expression).item())


def lit(*numbers: float) -> tuple[pl.Expr, ...]:
    """Numbers as expressions."""
    return tuple(pl.lit(number) for number in numbers)


def test_a_share_is_compared_in_standard_errors_of_the_pooled_share() -> None:
    """8 of 10 against 2 of 10: p = 10.5 / 21 = 0.5, error sqrt(0.25 x 0.2), z = 0.6 / 0.2236."""
    assert value(share_z(*lit(8, 10, 2, 10))) == pytest.approx(2.683282, abs=1e-6)


def test_a_share_that_scatters_between_quiet_times_is_less_far() -> None:
    """The same with a scatter of 0.2: z = 0.6 / sqrt(0.05 + 0.04) = 2."""
    assert value(share_z(pl.lit(8), pl.lit(10), pl.lit(2), pl.lit(10), 0.2)) == pytest.approx(2.0)


def test_all_against_nothing_is_far_but_finite() -> None:
    """1 of 1 against 0 of 1: p = 1.5 / 3, z = 1 / sqrt(0.25 x 2)."""
    assert value(share_z(*lit(1, 1, 0, 1))) == pytest.approx(2**0.5)


def test_a_line_that_vanished_from_46_requests() -> None:
    """0 of 46 against 498 of 513: p = 498.5 / 560, z = -0.97076 / (0.31267 x 0.15391)."""
    assert value(share_z(*lit(0, 46, 498, 513))) == pytest.approx(-20.1726, abs=1e-4)


def test_values_above_the_95th_percentile_are_compared_with_one_in_twenty() -> None:
    """5 of 10 with 19 in the baseline: error sqrt(0.0475 x (1/10 + 1/19)) = sqrt(0.00725)."""
    assert value(exceedance_z(*lit(5, 10, 19))) == pytest.approx(0.45 / 0.00725**0.5)


def test_a_tail_that_scatters_between_quiet_times_is_less_far() -> None:
    """The same with a scatter of 0.05: 0.45 / sqrt(0.00725 + 0.0025)."""
    assert value(exceedance_z(pl.lit(5), pl.lit(10), pl.lit(19), 0.05)) == pytest.approx(0.45 / 0.00975**0.5)


def test_a_few_values_have_no_95th_percentile_but_a_largest() -> None:
    """Of four values a fifth is the largest in one of five: all 5 above are 0.8 / sqrt(0.16 x 0.45) far."""
    assert value(exceedance_z(*lit(5, 5, 4))) == pytest.approx(2.981424, abs=1e-6)


def test_as_many_above_as_expected_are_no_distance() -> None:
    assert value(exceedance_z(*lit(5, 100, 1000))) == pytest.approx(0)


def test_rates_may_exceed_one() -> None:
    """30 in 10 against 10 in 10: r = 40.5 / 20, z = 2 / sqrt(2.025 x 0.2)."""
    assert value(rate_z(*lit(30, 10, 10, 10))) == pytest.approx(3.142697, abs=1e-6)


@pytest.mark.parametrize("counted", [(0, 0, 5, 10), (5, 10, 0, 0), (0, 0, 0, 0)])
@pytest.mark.parametrize("compare", [share_z, rate_z])
def test_without_trials_on_a_side_there_is_no_distance(
    compare: Callable[..., pl.Expr], counted: tuple[int, ...]
) -> None:
    assert value(compare(*lit(*counted))) == 0


@pytest.mark.parametrize("counted", [(0, 0, 10), (3, 3, 0), (0, 0, 0)])
def test_without_values_on_a_side_nothing_is_exceeded(counted: tuple[int, ...]) -> None:
    assert value(exceedance_z(*lit(*counted))) == 0


def test_sides_that_are_not_known_have_no_distance() -> None:
    """An entry that the baseline does not know."""
    nothing = pl.lit(None, dtype=pl.Int64)
    assert value(exceedance_z(pl.lit(3), pl.lit(3), nothing)) == 0
    assert value(share_z(pl.lit(3), pl.lit(3), nothing, nothing)) == 0


@given(st.lists(st.tuples(counts, counts, counts, counts), min_size=1, max_size=5))
def test_distances_are_finite_and_turn_around_with_the_sides(rows: list[tuple[int, ...]]) -> None:
    """Whatever the counts; hits never exceed their trials."""
    fair = [(min(k1, n1), n1, min(k0, n0), n0) for k1, n1, k0, n0 in rows]
    table = pl.DataFrame(fair, schema=["k1", "n1", "k0", "n0"], orient="row")
    there = share_z(*(pl.col(name) for name in ("k1", "n1", "k0", "n0")))
    back = share_z(*(pl.col(name) for name in ("k0", "n0", "k1", "n1")))
    both = table.select(there.alias("there"), back.alias("back"))
    assert both["there"].is_finite().all()
    assert (both["there"] + both["back"]).abs().max() == 0


@given(counts, st.integers(1, 1000), st.integers(1, 1000))
def test_more_values_above_are_never_less_far(over: int, n: int, base_n: int) -> None:
    over = min(over, n - 1)
    assert value(exceedance_z(*lit(over, n, base_n))) < value(exceedance_z(*lit(over + 1, n, base_n)))


def test_the_exact_tail_of_few_trials() -> None:
    """By hand: 2 or 3 of 3 at 1/2 are 3/8 + 1/8."""
    assert binomial_tail(2, 3, 0.5) == pytest.approx(0.5)
    assert binomial_tail(6, 20, 0.05) == pytest.approx(3.293e-4, rel=1e-3)
    assert binomial_tail(0, 7, 0.05) == pytest.approx(1.0)


def test_a_tail_too_small_for_a_float_is_zero_at_once() -> None:
    assert binomial_tail(500_000, 1_000_000, 0.05) == 0.0


def test_what_holds_up_depends_on_how_many_were_looked_at() -> None:
    """By hand, at 5 % of 10: the limits are 0.005, 0.01, 0.015; of 0.001, 0.009, 0.2 two hold."""
    assert discoveries([0.2, 0.001, 0.009], 10, 0.05) == [False, True, True]
    assert discoveries([0.009], 10, 0.05) == [False]
    assert discoveries([], 10, 0.05) == []
