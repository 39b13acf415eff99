"""Spans as numbers."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from rclagent.telemetry.coded_spans import KINDS, NO_STATUS, CodedSpans
from rclagent.telemetry.repair import repair_spans
from rclagent.testing import written

TRACES = """
    counter: GET /   0..100  pod=counter-1
        counter: call shelf   10..90  client pod=counter-1 error
            shelf: GET items   20..80  pod=shelf-1

    depot: POST /restock   3000..3010
"""


def test_names_are_codes_of_small_tables() -> None:
    names = repair_spans(written(TRACES).spans).spans.names
    who = names.places[names.place]
    assert names.operations[names.operation]["operation"].to_list() == [
        "GET /",
        "call shelf",
        "GET items",
        "POST /restock",
    ]
    assert who["service"].to_list() == ["counter", "counter", "shelf", "depot"]
    assert names.services.gather(names.service).to_list() == who["service"].to_list()
    assert names.places.height == 3
    assert [KINDS[kind] for kind in names.kind] == ["server", "client", "server", "server"]
    assert names.error.tolist() == [0, 1, 0, 0]
    assert names.pods(np.array([2, -1, 0])).to_list() == ["shelf-1", None, "counter-1"]


def test_what_is_not_known_has_a_code_of_its_own() -> None:
    spans = written(TRACES).spans.with_columns(
        error=pl.lit(None, dtype=pl.Boolean), pod=pl.lit(None, dtype=pl.String), kind=pl.lit("butler")
    )
    names = repair_spans(spans).spans.names
    assert set(names.error.tolist()) == {NO_STATUS}
    assert set(names.kind.tolist()) == {len(KINDS)}
    assert set(names.codes("pod").tolist()) == {-1}


def test_a_part_of_the_traces_is_linked_by_places_of_its_own() -> None:
    """However it is taken: from the table, or from the numbers."""
    repaired = repair_spans(written(f"counter: earlier   0..5\n{TRACES}").spans)
    kept = repaired.spans.trace == repaired.spans.trace[np.flatnonzero(repaired.spans.parent >= 0)[0]]
    for part in (repaired.spans.where(kept), CodedSpans.of(repaired.frame.filter(pl.Series(kept)))):
        assert part.row.tolist() == np.flatnonzero(kept).tolist()
        assert part.parent.tolist() == [-1, 0, 1]
        assert part.entry.tolist() == [0, 0, 2]
        assert part.heads.tolist() == [0]
        assert part.has_child.tolist() == [True, True, False]
    assert repaired.spans.where(np.ones_like(kept)) is repaired.spans


def test_the_table_of_a_part_is_that_part_of_the_table() -> None:
    repaired = repair_spans(written(TRACES).spans)
    kept = repaired.spans.trace == 1
    assert repaired.rows(repaired.spans.where(kept)).equals(repaired.frame.filter(pl.Series(kept)))


def test_calls_are_told_apart_by_the_peer_that_they_name() -> None:
    """Whom a server span names is its own address, and a numeric address is no name."""
    names = repair_spans(
        written(
            """
            shelf: GET items   0..100  peer=shelf
                shelf: query   10..20  client peer=shelf-db
                shelf: query   30..40  client peer=price-db
                shelf: query   50..60  client peer=10.0.0.7
            """
        ).spans
    ).spans.names
    assert names.calls[names.call].rows() == [
        ("shelf", "GET items", ""),
        ("shelf", "query", "shelf-db"),
        ("shelf", "query", "price-db"),
        ("shelf", "query", ""),
    ]


def test_a_consumer_handles_a_message_and_nobody_waits_for_it() -> None:
    spans = repair_spans(
        written(
            """
            till: POST order   0..100
                till: order placed   40..45  producer
                    letters: send mail   300..380  consumer
                        letters: write   310..320  internal
            """
        ).spans
    ).spans
    assert spans.is_message.tolist() == [False, False, True, False]
    assert spans.waits_for_child.tolist() == [True, False, True, False]


@pytest.mark.parametrize(("outlasting", "message"), [(2, True), (1, False)])
def test_what_mostly_outlasts_its_call_of_unknown_kind_is_a_message(outlasting: int, message: bool) -> None:
    """Of three calls of 5 ms, two or one that started 80 ms of work."""
    text = "\n".join(
        f"""
        till: POST order   {at}..{at + 100}  unknown
            till: order placed   {at + 40}..{at + 45}  unknown
                letters: send mail   {at + 41}..{at + 41 + length}  unknown
        """
        for at, length in zip((0, 1000, 2000), [80] * outlasting + [3] * (3 - outlasting), strict=True)
    )
    spans = repair_spans(written(text).spans).spans
    assert spans.is_message.tolist() == [False, False, message] * 3
