"""A line a span becomes the spans it says."""

from __future__ import annotations

import polars as pl
import pytest

from rclagent.errors import InputError
from rclagent.testing import repeated, written
from rclagent.testing.spec import START_NS

TEXT = """
    counter: GET /items/:id  0..120 server node=n1
        counter: GET item  5..110.5  client peer=shelf
            shelf: GET item  10..105  error status=500 pod=shelf-7 version=2
                | 20 ERROR no price for item 7
        counter: render 111..119 internal

    counter: GET / 200..210
"""


def test_indentation_gives_the_parents() -> None:
    """And a blank line starts the next trace."""
    spans = written(TEXT).spans
    assert spans["parent_id"].to_list() == [None, *(f"{n:016x}" for n in (1, 2, 1)), None]
    assert spans["trace_id"].to_list() == [f"{n:032x}" for n in (1, 1, 1, 1, 2)]
    assert spans["kind"].to_list() == ["server", "client", "server", "internal", "server"]


def test_words_give_the_columns() -> None:
    """Times are ms after the start."""
    span = written(TEXT).spans.row(2, named=True)
    assert span == {
        "trace_id": f"{1:032x}",
        "span_id": f"{3:016x}",
        "parent_id": f"{2:016x}",
        "service": "shelf",
        "pod": "shelf-7",
        "node": None,
        "operation": "GET item",
        "kind": "server",
        "start_ns": START_NS + 10_000_000,
        "end_ns": START_NS + 105_000_000,
        "error": True,
        "status": "500",
        "peer": None,
        "version": "2",
    }
    assert written(TEXT).spans["end_ns"].to_list()[1] == START_NS + 110_500_000


def test_a_log_line_belongs_to_the_span_above_it() -> None:
    """With its trace, span and pod."""
    (line,) = written(TEXT).logs.iter_rows(named=True)
    assert (line["service"], line["pod"], line["span_id"]) == ("shelf", "shelf-7", f"{3:016x}")
    assert (line["severity"], line["body"]) == ("ERROR", "no price for item 7")
    assert line["time_ns"] == START_NS + 20_000_000


def test_ids_can_be_given() -> None:
    """For tests of graphs that are broken."""
    spans = written("a: get 0..10 id=x trace=t\n    b: get 1..9 id=x").spans
    assert spans["trace_id"].to_list() == ["t", "t"]
    assert spans["span_id"].to_list() == ["x", "x"]
    assert spans["parent_id"].to_list() == [None, "x"]


def test_repeated_traces_have_ids_of_their_own_and_come_later() -> None:
    """Three times two traces, with their log lines."""
    often = repeated(written(TEXT), 3, every_s=2)
    assert often.spans.height == 15
    assert often.spans["trace_id"].n_unique() == 6
    assert often.logs["time_ns"].to_list() == [START_NS + 20_000_000 + n * 2_000_000_000 for n in range(3)]
    assert (
        often.logs.join(often.spans, on=["trace_id", "span_id"])
        .select(pl.col("time_ns").is_between("start_ns", "end_ns").all())
        .item()
    )


@pytest.mark.parametrize(
    "line",
    ["just words", "a: get 0..10 colour=red", "a: get 0..10 red", "a: get 0-10", "| 20 ERROR nobody's line"],
)
def test_a_line_that_says_nothing_is_refused(line: str) -> None:
    """It is quoted in the error."""
    with pytest.raises(InputError) as caught:
        written(line)
    assert line in caught.value.problem
