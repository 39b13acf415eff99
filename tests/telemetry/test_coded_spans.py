"""Spans as numbers."""

from __future__ import annotations

import numpy as np
import polars as pl

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
