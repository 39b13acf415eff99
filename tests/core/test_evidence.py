"""Ids of evidence: the same observation always has the same, different ones never share one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from rclagent.core.evidence import Channel, Component, Evidence, EvidenceKind, evidence_id

parts = st.lists(
    st.none() | st.text(st.characters(exclude_characters="\x00\x1f"), max_size=8), min_size=1, max_size=4
)


def test_an_id_never_changes() -> None:
    """Saved diagnoses refer to it; the value was computed with b2sum."""
    assert evidence_id("legs", "request", "counter", "shelf", "GET /items") == "eb10a887fe9"


@given(parts, parts)
def test_different_observations_have_different_ids(some: list[str | None], others: list[str | None]) -> None:
    """No part runs into the next, and a missing part is not an empty one."""
    assert (evidence_id(*some) == evidence_id(*others)) == (some == others)


def test_parts_do_not_run_into_each_other() -> None:
    assert (
        len({evidence_id("ab", "c"), evidence_id("a", "bc"), evidence_id("abc"), evidence_id("abc", None)})
        == 4
    )


def test_a_missing_part_is_not_an_empty_one() -> None:
    assert evidence_id("a", None) != evidence_id("a", "")


def test_evidence_cannot_be_weaker_than_nothing() -> None:
    with pytest.raises(ValidationError):
        Evidence(
            id="e0",
            channel=Channel.LEGS,
            kind=EvidenceKind.SELF_LEG,
            component=Component(service="shelf"),
            strength=-1.0,
            statement="",
        )
