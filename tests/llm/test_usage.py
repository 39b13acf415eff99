"""What calls cost, added up and in money."""

from __future__ import annotations

import pytest

from rclagent.llm import Prices, Usage


def test_usage_adds_up_field_by_field() -> None:
    """Every field of the sum is the sum of the fields."""
    assert Usage(1, 0, 10, 2, 40, 0) + Usage(2, 1, 5, 3, 20, 1) == Usage(3, 1, 15, 5, 60, 1)
    assert Usage(prompt_tokens=15, completion_tokens=5).tokens == 20


def test_prices_are_per_million_tokens() -> None:
    """2,000 tokens at 3 dollars and 500 at 8 dollars a million: 0.006 + 0.004."""
    assert Prices(3.0, 8.0).cost_usd(2_000, 500) == pytest.approx(0.01)
