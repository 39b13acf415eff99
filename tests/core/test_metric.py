"""Metric points and the table that holds them."""

from __future__ import annotations

import polars as pl

from rclagent.core.metric import METRIC_SCHEMA, MetricPoint, metrics_to_frame


def test_a_table_has_the_samples_in_their_order() -> None:
    full = MetricPoint(7, "cpu", 0.5, "shelf", "shelf-0", "n1", "1", cumulative=True)
    frame = metrics_to_frame([full, MetricPoint(5, "load", 2)])
    assert frame.schema == pl.Schema(METRIC_SCHEMA)
    assert frame.rows() == [
        (7, "shelf", "shelf-0", "n1", "cpu", 0.5, "1", True),
        (5, None, None, None, "load", 2.0, None, False),
    ]


def test_a_table_of_no_samples_has_the_columns() -> None:
    assert metrics_to_frame([]).schema == pl.Schema(METRIC_SCHEMA)
