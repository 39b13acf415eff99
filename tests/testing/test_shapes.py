"""Extreme traces are as deep, wide and large as asked for, and sound otherwise."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from rclagent.core.span import SPAN_SCHEMA
from rclagent.core.telemetry import Telemetry
from rclagent.errors import InputError
from rclagent.testing import big, chain, star

Shape = Callable[..., Telemetry]


def depth(spans: pl.DataFrame) -> int:
    """Spans on the longest way from the root of the one trace."""
    levels: dict[str | None, int] = {None: 0}
    for span, parent in spans.select("span_id", "parent_id").iter_rows():
        levels[span] = levels[parent] + 1
    return max(levels.values())


def test_a_chain_is_as_deep_as_it_has_spans() -> None:
    """Deeper than Python's stack."""
    spans = chain(2_000).spans
    assert spans.height == depth(spans) == 2_000
    assert spans["service"].n_unique() == 2_000


def test_a_star_has_one_parent() -> None:
    """5,000 children, one after the other."""
    spans = star(5_000).spans
    assert spans.height == 5_001
    assert spans["parent_id"].drop_nulls().unique().to_list() == [spans["span_id"][0]]


def test_a_big_trace_is_a_tree_of_some_levels() -> None:
    """10,000 spans."""
    spans = big(10_000).spans
    assert spans.height == spans["span_id"].n_unique() == 10_000
    assert 15 < depth(spans) < 40


@pytest.mark.parametrize("shape", [chain, star, big])
def test_children_lie_within_their_parents_and_beside_their_siblings(shape: Shape) -> None:
    """In every trace."""
    spans = shape(200, traces=3).spans
    assert spans.schema == pl.Schema(SPAN_SCHEMA)
    assert spans["trace_id"].n_unique() == 3
    assert spans["parent_id"].null_count() == 3
    pairs = spans.join(
        spans, left_on=["trace_id", "parent_id"], right_on=["trace_id", "span_id"], suffix="_up"
    )
    assert pairs.height == spans.height - 3
    inside = (pl.col("start_ns") > pl.col("start_ns_up")) & (pl.col("end_ns") < pl.col("end_ns_up"))
    assert pairs.select(inside.all()).item()
    siblings = spans.sort("parent_id", "start_ns")
    after = siblings.select((pl.col("start_ns") - pl.col("end_ns").shift()).over("parent_id").alias("gap"))
    assert (after["gap"].drop_nulls() > 0).all()


@pytest.mark.parametrize("shape", [chain, star, big])
def test_slow_time_is_spent_in_one_span_of_each_trace(shape: Shape) -> None:
    """In the last one, and felt by those above."""
    durations = pl.col("end_ns") - pl.col("start_ns")
    usual, slow = (shape(50, traces=2, slow_ms=slow_ms).spans for slow_ms in (0, 100))
    longer = (slow.select(durations).to_series() - usual.select(durations).to_series()).to_list()
    size = len(longer) // 2
    assert longer[size - 1] == longer[-1] == 100_000_000
    assert set(longer) <= {0, 100_000_000}
    assert longer[0] == 100_000_000


def test_shapes_are_reproducible() -> None:
    """By their seed."""
    assert_frame_equal(big(100, seed=5).spans, big(100, seed=5).spans)
    assert big(100, seed=5).spans["span_id"][0] != big(100, seed=6).spans["span_id"][0]


def test_an_empty_trace_is_refused() -> None:
    """There is no such thing."""
    with pytest.raises(InputError):
        chain(0)
