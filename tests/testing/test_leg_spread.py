"""The scatter of answers is that of the distribution they are drawn from, whatever the fault."""

from __future__ import annotations

from math import exp, sqrt

import pytest

from rclagent.core.evidence import FaultType
from rclagent.errors import InputError
from rclagent.testing import Fault, IncidentSpec, bakery, leg_std_ms


def log_normal_std(median: float, sigma: float) -> float:
    """Of a log-normal distribution: median x exp(sigma^2 / 2) x sqrt(exp(sigma^2) - 1)."""
    return median * exp(sigma**2 / 2) * sqrt(exp(sigma**2) - 1)


def test_the_scatter_of_a_leg_is_that_of_its_distribution() -> None:
    """A median of 0.4 ms and a sigma of 0.35: 0.1535 ms."""
    assert log_normal_std(0.4, 0.35) == pytest.approx(0.1535, abs=1e-4)
    assert leg_std_ms(IncidentSpec(), "pricing") == pytest.approx(0.1535, rel=0.1)


def test_neither_faults_nor_clocks_nor_what_is_recorded_matter() -> None:
    """Quiet data are measured, in full."""
    spec = IncidentSpec(
        faults=(Fault(FaultType.NETWORK_DELAY, "pricing", start_s=-300),),
        clock_skew_ms=50,
        clock_drift_node="node-a",
        clock_drift_ppm=1000,
        kinds=False,
        client_spans=False,
    )
    assert leg_std_ms(spec, "pricing") == leg_std_ms(IncidentSpec(), "pricing")


def test_of_a_database_the_whole_answers_are_measured() -> None:
    """A median of 3.5 ms and a sigma of 0.5."""
    measured = leg_std_ms(IncidentSpec(system=bakery(), requests_per_s=8), "courier-db")
    assert measured == pytest.approx(log_normal_std(3.5, 0.5), rel=0.15)


def test_who_answers_nobody_is_refused() -> None:
    """An entry, and a consumer of messages."""
    for service in ("window", "mailer"):
        with pytest.raises(InputError, match=service):
            leg_std_ms(IncidentSpec(system=bakery()), service)
