"""Where delays are injected."""

from __future__ import annotations

from math import sqrt

import polars as pl
import pytest

from benchmarks.site import REQUESTS_PER_MIN, choose_site, response_legs, scatter_ms
from rclagent.testing import IncidentSpec, generate, written


def test_a_response_leg_is_client_end_less_server_end() -> None:
    """The client ends after 10 ms, the server after 7; a span without a caller has no leg."""
    spans = written("""
        web: ask   0..10  client
            shop: buy   2..7
    """).spans
    assert response_legs(spans).to_dicts() == [
        {"caller": "web", "callee": "shop", "operation": "buy", "leg_ms": 3.0}
    ]


def test_the_scatter_is_within_each_caller_and_operation() -> None:
    """By hand: 1, 3 and 10, 12, 14 are off their means by 1, 1 and 2, 0, 2: sqrt(10 / (5 - 2))."""
    legs = pl.DataFrame(
        {
            "caller": ["a", "a", "b", "b", "b"],
            "callee": ["c"] * 5,
            "operation": ["get"] * 5,
            "leg_ms": [1.0, 3.0, 10.0, 12.0, 14.0],
        }
    )
    assert scatter_ms(legs) == pytest.approx(sqrt(10 / 3))


def test_thirty_requests_a_minute_go_through_the_service() -> None:
    """Over 40 minutes 1200 are expected, with a standard deviation of 35."""
    site = choose_site(1)
    spec = IncidentSpec(
        seed=9,
        system=site.system,
        requests_per_s=site.requests_per_s,
        baseline_s=2400,
        logs=False,
        metrics=False,
    )
    handled = generate(spec).baseline.spans.filter(kind="server", service=site.service)
    assert handled.height / 40 == pytest.approx(REQUESTS_PER_MIN, rel=0.12)


def test_the_same_number_gives_the_same_site() -> None:
    assert choose_site(2) == choose_site(2)
