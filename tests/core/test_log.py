"""Log records and the table that holds them."""

from __future__ import annotations

import polars as pl

from rclagent.core.log import LOG_SCHEMA, LogRecord, logs_to_frame


def test_a_table_has_the_records_in_their_order() -> None:
    full = LogRecord(7, "shelf", "no price", "ERROR", "shelf-0", "n1", "t1", "s1")
    frame = logs_to_frame([full, LogRecord(5, "till", "paid")])
    assert frame.schema == pl.Schema(LOG_SCHEMA)
    assert frame.rows() == [
        (7, "shelf", "shelf-0", "n1", "t1", "s1", "ERROR", "no price"),
        (5, "till", None, None, None, None, None, "paid"),
    ]


def test_a_table_of_no_records_has_the_columns() -> None:
    assert logs_to_frame([]).schema == pl.Schema(LOG_SCHEMA)
