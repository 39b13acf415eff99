"""Telemetry between marks."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from rclagent.prompting import data_block, escaped_json, fitting

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.lists(JSON, max_size=4))
def test_nothing_inside_can_end_the_block(rows: list[object]) -> None:
    """One opening and one closing mark, a line each, and the rows come back as they were."""
    first, *lines, last = data_block(rows).split("\n")
    assert last == f"</{first[1:]}"
    assert not any(character in line for line in lines for character in "<>`")
    assert [json.loads(line) for line in lines if line != "(nothing)"] == rows


def test_a_mark_cannot_be_imitated() -> None:
    """It changes with what it encloses."""
    assert data_block(["a"]).split("\n")[0] != data_block(["b"]).split("\n")[0]


@given(st.lists(JSON, max_size=6), st.integers(0, 4), st.integers(0, 60))
def test_rows_fit_or_are_left_out(rows: list[object], most: int, characters: int) -> None:
    """In order, and never more than there is room for."""
    kept = fitting(rows, most, characters)
    assert len(kept) <= most and sum(len(escaped_json(row)) + 1 for row in kept) <= characters
    rest = iter(rows)
    assert all(any(row is other for other in rest) for row in kept)
