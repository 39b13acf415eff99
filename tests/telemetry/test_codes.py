"""Names and combinations of names as numbers."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rclagent.telemetry.codes import (
    IntArray,
    codes_of,
    contains,
    counted,
    dense,
    distinct,
    numbered,
    starts_of_runs,
)

HUGE = 10**15
"""No table has that many slots: keys are sorted instead."""
CODES = st.lists(st.integers(-3, 3) | st.integers(HUGE, HUGE + 3), max_size=20)


def ints(*values: int) -> IntArray:
    """An array, of integers even where it is empty."""
    return np.array(values, dtype=np.int64)


def test_names_are_numbered_as_they_appear() -> None:
    frame = pl.DataFrame(
        {"a": ["x", "y", None, "x"], "b": [None, "y", "y", "z"]}, schema_overrides={"a": pl.String}
    )
    a, b = codes_of(frame, "a", "b")
    assert a.tolist() == [0, 1, -1, 0]
    assert b.tolist() == [-1, 0, 0, 1]


@pytest.mark.parametrize("far", [0, HUGE])
def test_keys_are_numbered_in_their_order_and_each_has_its_first_row(far: int) -> None:
    numbers, first = dense(ints(7 + far, 3, 7 + far, 9 + far))
    assert numbers.tolist() == [1, 0, 1, 2]
    assert first.tolist() == [1, 0, 3]


@given(st.lists(st.tuples(st.integers(-3, 3), st.sampled_from([0, 5, HUGE])), max_size=30))
def test_combinations_are_numbered_in_their_order(pairs: list[tuple[int, int]]) -> None:
    """With codes of any sign and size."""
    columns = ints(*(left for left, _ in pairs)), ints(*(right for _, right in pairs))
    numbers, first = numbered(*columns)
    ordered = sorted(set(pairs))
    assert numbers.tolist() == [ordered.index(pair) for pair in pairs]
    assert first.tolist() == [pairs.index(pair) for pair in ordered]


@given(st.lists(st.tuples(st.integers(-3, 3), st.sampled_from([0, 5, HUGE])), max_size=30))
def test_combinations_are_counted(pairs: list[tuple[int, int]]) -> None:
    (left, right), counts = counted(ints(*(a for a, _ in pairs)), ints(*(b for _, b in pairs)))
    found = dict(zip(zip(left.tolist(), right.tolist(), strict=True), counts.tolist(), strict=True))
    assert list(found) == sorted(set(pairs))
    assert found == {pair: pairs.count(pair) for pair in pairs}


@given(CODES, CODES)
def test_distinct_keys_are_in_order_and_can_be_asked_for(keys: list[int], asked: list[int]) -> None:
    once = distinct(ints(*keys))
    assert once.tolist() == sorted(set(keys))
    assert contains(once, ints(*asked)).tolist() == [key in keys for key in asked]


def test_a_run_starts_where_the_key_changes() -> None:
    assert starts_of_runs(ints(5, 5, 3, 5)).tolist() == [0, 2, 3]
    assert starts_of_runs(ints()).tolist() == []
