"""Clocks that are off by a constant, step or drift, worked out by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from rclagent.testing import IncidentSpec
from rclagent.testing.clocks import clock_errors

ARRIVALS = np.array([0.0, 599.0, 600.0, 700.0])


def errors_ms(**off: Any) -> npt.NDArray[np.float64]:
    """Errors of the shop's four machines at four moments, the alarm at 600 s."""
    return clock_errors(IncidentSpec(**off), ARRIVALS, np.random.default_rng(0)) / 1e6


def test_clocks_are_right_unless_told_otherwise() -> None:
    """All four of them."""
    assert errors_ms().tolist() == [[0.0] * 4] * 4


def test_one_clock_may_be_off_all_the_time() -> None:
    """By five seconds."""
    errors = errors_ms(clock_offset_node="node-b", clock_offset_ms=5000)
    assert errors.tolist() == [[0] * 4, [5000] * 4, [0] * 4, [0] * 4]


def test_one_clock_may_step_at_the_alarm() -> None:
    """Backwards."""
    assert errors_ms(clock_step_node="node-a", clock_step_ms=-30)[0].tolist() == [0, 0, -30, -30]


def test_one_clock_may_drift_from_the_start() -> None:
    """100 millionths of 700 s are 70 ms."""
    errors = errors_ms(clock_drift_node="node-d", clock_drift_ppm=100)
    assert errors[3].tolist() == [0, 59.9, 60, 70]
    assert not errors[:3].any()


def test_errors_add_up() -> None:
    """On one machine, over what all clocks scatter by."""
    spread = errors_ms(clock_skew_ms=10)
    everything = errors_ms(
        clock_skew_ms=10,
        clock_offset_node="node-a",
        clock_offset_ms=5,
        clock_step_node="node-a",
        clock_step_ms=3,
        clock_drift_node="node-a",
        clock_drift_ppm=-10,
    )
    assert (spread.std(axis=1) == 0).all() and spread[0, 0] != 0
    np.testing.assert_allclose((everything - spread)[0], [5, 5 - 5.99, 8 - 6, 8 - 7], atol=1e-6)
    assert (everything[1:] == spread[1:]).all()
