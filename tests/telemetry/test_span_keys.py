"""Spans found by trace and id."""

from __future__ import annotations

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from rclagent.telemetry.codes import IntArray
from rclagent.telemetry.span_keys import SpanKeys, find_keys


def numbers(*values: int) -> IntArray:
    """An array, of integers even where it is empty."""
    return np.array(values, dtype=np.int64)


def ids(*values: str | None) -> pl.Series:
    """Span ids."""
    return pl.Series(values, dtype=pl.String)


def test_a_span_is_found_by_its_id_in_its_trace_only() -> None:
    keys = SpanKeys(numbers(0, 0, 1), ids("a", "b", "a"))
    assert not keys.repeated
    assert keys.find(numbers(1, 0, 1, 0, 0), ids("a", "a", "b", None, "c")).tolist() == [2, 0, -1, -1, -1]


def test_nothing_is_found_among_no_spans() -> None:
    assert SpanKeys(numbers(), ids()).find(numbers(0), ids("a")).tolist() == [-1]


def test_an_id_that_comes_twice_in_a_trace_is_told() -> None:
    assert SpanKeys(numbers(0, 0), ids("a", "a")).repeated
    assert not SpanKeys(numbers(0, 1), ids("a", "a")).repeated


def test_a_row_whose_names_are_others_is_not_taken_for_the_one_asked_for() -> None:
    """As where two pairs share a key by chance."""
    keys = SpanKeys(numbers(0, 1), ids("a", "b"))
    assert keys.checked(numbers(0, 0, 1, -1), numbers(0, 0, 0, 0), ids("a", "b", "b", "a")).tolist() == [
        0,
        -1,
        -1,
        -1,
    ]


def test_another_seed_gives_other_keys() -> None:
    one, other = (SpanKeys(numbers(0), ids("a"), seed) for seed in (0, 1))
    assert one.values[0] != other.values[0]


def test_every_key_of_many_is_found_and_no_other() -> None:
    """Many fall into one slot of a table; those go on to the next."""
    keys = np.arange(5000, dtype=np.uint64) * np.uint64(3)
    asked = np.arange(15_000, dtype=np.uint64)
    expected = np.where(np.arange(15_000) % 3 == 0, np.arange(15_000) // 3, -1)
    assert find_keys(keys, asked).tolist() == expected.tolist()


@given(st.integers(1, 200))
def test_parents_are_found_wherever_they_stand(spans: int) -> None:
    """Near, far above, below, in no trace, and in an order of reading that is any."""
    rng = np.random.default_rng(spans)
    parent = rng.integers(-2, spans, spans)  # -1: none, -2: not in the data
    order = rng.permutation(spans)
    names = [f"s{number}" for number in range(spans)]
    parent_ids = [None if row == -1 else "lost" if row == -2 else names[row] for row in parent.tolist()]
    place = np.argsort(order)
    keys = SpanKeys(np.zeros(spans, dtype=np.int64), ids(*(names[row] for row in place)))
    found = keys.parents(ids(*(parent_ids[row] for row in place)), order)
    assert found.tolist() == np.maximum(parent, -1).tolist()
