"""CSV that is mended where it can be."""

from __future__ import annotations

import polars as pl
import pytest

from rclagent.errors import FormatError
from rclagent.telemetry.csv_table import BAD_QUOTES, NOT_UTF8, decode_text, pick_columns, read_table
from rclagent.telemetry.tally import Tally


def test_cells_are_text_and_rows_of_any_length_are_kept() -> None:
    tally = Tally()
    table = read_table(b'"A", b\r\n1,"x, y"\r\n2\r\n3,4,5\r\n', "t.csv", tally)
    assert table.to_dict(as_series=False) == {"A": ["1", "2", "3"], "b": ["x, y", None, "4"]}
    assert tally == Tally()


def test_an_empty_file_is_an_empty_table() -> None:
    assert read_table(b"", "t.csv", Tally()).shape == (0, 0)


def test_quotes_that_do_not_match_are_taken_as_text_and_counted() -> None:
    tally = Tally()
    table = read_table(b'a,b\n"1,2\n3,"4"\n', "t.csv", tally)
    assert table.rows() == [("1", "2"), ("3", "4")]
    assert tally.repaired == {BAD_QUOTES: 1}


def test_bytes_that_are_not_utf8_are_replaced_and_counted() -> None:
    tally = Tally()
    assert read_table(b"a\n\xff\n", "t.csv", tally).rows() == [("\ufffd",)]
    assert decode_text(b"\xff", tally) == "\ufffd"
    assert tally.repaired == {NOT_UTF8: 2}


def test_two_columns_of_one_name_are_refused() -> None:
    with pytest.raises(FormatError, match=r"'t.csv', line 1: two columns"):
        read_table(b"a,A\n1,2\n", "t.csv", Tally())


def test_columns_are_picked_by_their_name_in_any_case() -> None:
    table = pl.DataFrame({"TraceID": ["t"], "other": ["x"]})
    assert pick_columns(table, {"traceid": "id", "gone": "gone"}, ["traceid"], "t.csv").to_dicts() == [
        {"id": "t", "gone": None}
    ]
    with pytest.raises(FormatError, match="no column 'gone'"):
        pick_columns(table, {"gone": "gone"}, ["gone"], "t.csv")
