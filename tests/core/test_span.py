"""Span records and the table that holds them."""

from __future__ import annotations

import polars as pl

from rclagent.core.span import SPAN_SCHEMA, Span, SpanKind, spans_to_frame

FULL = Span(
    "t1", "s2", "s1", "shelf", "GET /items", 5, 12, SpanKind.CLIENT, "shelf-0", "n1", True, "500", "db", "2.1"
)
BARE = Span("t1", "s1", None, "counter", "GET /", 0, 20)


def test_a_table_has_the_records_in_their_order() -> None:
    frame = spans_to_frame([FULL, BARE])
    assert frame.schema == pl.Schema(SPAN_SCHEMA)
    assert frame.row(0) == (
        *("t1", "s2", "s1", "shelf", "shelf-0", "n1", "GET /items", "client"),
        *(5, 12, True, "500", "db", "2.1"),
    )


def test_what_a_record_does_not_know_is_null() -> None:
    row = spans_to_frame([BARE]).row(0, named=True)
    assert {name for name, value in row.items() if value is None} == {
        *("parent_id", "pod", "node", "error", "status", "peer", "version")
    }
    assert row["kind"] == "unknown"


def test_a_table_of_no_records_has_the_columns() -> None:
    assert spans_to_frame([]).schema == pl.Schema(SPAN_SCHEMA)


def test_a_duration_is_end_less_start() -> None:
    assert FULL.duration_ns == 7
