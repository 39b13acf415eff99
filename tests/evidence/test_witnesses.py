"""Which spans show which observation."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl
import pytest

from rclagent.core.baseline import Baseline
from rclagent.core.evidence import Channel, Evidence, EvidenceKind, SpanReference
from rclagent.core.incident import Incident
from rclagent.core.telemetry import Telemetry
from rclagent.core.window import Window
from rclagent.evidence.collect import collect_evidence
from rclagent.evidence.findings import Findings
from rclagent.evidence.witnesses import EXAMPLES, with_references, witnesses
from rclagent.telemetry.frame_store import FrameStore
from rclagent.testing import repeated, written

Compared = Callable[[Telemetry, Telemetry], tuple[FrameStore, Window, Baseline]]
IncidentOf = Callable[[Telemetry | None, Telemetry], Incident]

USUAL = """
    counter: GET /   0..{0}
        counter: call shelf   10..{1}  client
            shelf: GET items   20..80
                | 30 INFO reading items
                | 70 INFO items read
"""
FINE = USUAL.format(110, 100)
LATE = USUAL.format(310, 300)
BROKEN = """
    counter: GET /   0..60  error
        counter: call shelf   10..50  client error
            shelf: GET items   20..40  error
                | 30 INFO reading items
"""
REFUSED = """
    counter: GET /   0..20
        counter: call shelf   10..11  client
"""


def found(incident_of: IncidentOf, now: str, times: int = 20) -> Findings:
    """What is found of traces again and again, against fine ones."""
    return collect_evidence(incident_of(repeated(written(FINE), 60), repeated(written(now), times)))


def shown(findings: Findings, kind: EvidenceKind, channel: Channel | None = None) -> pl.DataFrame:
    """The witnesses of all evidence of a kind, of one channel where it is told."""
    ids = [
        item.id
        for item in findings.evidence.values()
        if item.kind is kind and channel in (None, item.channel)
    ]
    assert ids
    return findings.witnesses.filter(pl.col("evidence_id").is_in(ids))


def operations(table: pl.DataFrame) -> set[str]:
    """Span ids in short: in the written traces they count from 1."""
    return set(table["span_id"].str.strip_chars_start("0"))


def test_a_late_response_is_shown_by_the_callees_span_of_each_late_call(incident_of: IncidentOf) -> None:
    """Half of the calls; excess over the 95th percentile and a tenth of a millisecond: 220 - 20.1."""
    table = shown(found(incident_of, f"{LATE}\n{FINE}", 10), EvidenceKind.RESPONSE_LEG)
    assert (table.height, table["trace_id"].n_unique()) == (10, 10)
    assert operations(table) == {"3"}
    assert table["excess_ms"].unique().to_list() == pytest.approx([199.9])


def test_a_small_delay_is_shown_by_each_late_call_too(incident_of: IncidentOf) -> None:
    """0.3 ms, where 0.1 are odd."""
    table = shown(found(incident_of, USUAL.format(110.3, 100.3)), EvidenceKind.RESPONSE_LEG)
    assert table.height == 20
    assert table["excess_ms"].to_list() == pytest.approx([0.2] * 20)


def test_a_line_that_vanished_is_shown_by_the_spans_that_lack_it(incident_of: IncidentOf) -> None:
    table = shown(found(incident_of, f"{BROKEN}\n{FINE}", 10), EvidenceKind.LOG_VANISHED)
    assert (table.height, operations(table)) == (10, {"3"})
    assert table["excess_ms"].unique().to_list() == [0.0]


def test_a_line_missing_after_its_lead_is_shown_by_the_spans_that_have_the_lead_alone(
    incident_of: IncidentOf,
) -> None:
    """Not by those that read nothing, of which there always were more: 4 of 20 read, and now 2 do half."""
    idle = "counter: GET /   0..60\n    shelf: GET items   20..40\n        | 30 INFO nothing to read"
    half = FINE.replace("                | 70 INFO items read\n", "")
    quiet = repeated(written("\n\n".join([FINE] * 4 + [idle] * 16)), 20)
    now = repeated(written("\n\n".join([FINE] * 2 + [half] * 2 + [idle] * 16)), 10)
    table = shown(collect_evidence(incident_of(quiet, now)), EvidenceKind.LOG_VANISHED)
    assert (table.height, table["trace_id"].n_unique()) == (20, 20)


def test_a_line_that_appeared_is_shown_by_the_spans_that_have_it(incident_of: IncidentOf) -> None:
    noisy = FINE + "                | 75 WARN cache is cold"
    table = shown(found(incident_of, f"{noisy}\n{FINE}", 10), EvidenceKind.LOG_APPEARED)
    assert (table.height, operations(table)) == (10, {"3"})


def test_an_error_is_shown_by_the_spans_at_which_it_starts(incident_of: IncidentOf) -> None:
    table = shown(found(incident_of, f"{BROKEN}\n{FINE}", 10), EvidenceKind.ERROR_RATE)
    assert (table.height, operations(table)) == (10, {"3"})


def test_calls_that_nobody_answers_are_shown_by_the_callers_spans(incident_of: IncidentOf) -> None:
    table = shown(found(incident_of, REFUSED), EvidenceKind.SILENCE, Channel.ERRORS)
    assert (table.height, operations(table)) == (20, {"2"})


def test_calls_that_go_unheard_are_shown_by_the_requests_that_lack_them(incident_of: IncidentOf) -> None:
    """Of the only pod that took them nothing is there any more."""
    table = shown(found(incident_of, REFUSED), EvidenceKind.SILENCE, Channel.CALLS)
    assert (table.height, operations(table)) == (20, {"1"})


def test_failing_calls_are_shown_by_the_spans_that_name_the_peer_which_owes_the_answer(
    incident_of: IncidentOf,
) -> None:
    """Calls by the same name to another peer failed before as well."""
    usual = """
        shelf: GET items   0..80
            shelf: SELECT   10..20  client peer=old-db error
            shelf: SELECT   30..40  client peer=shelf-db
    """
    now = repeated(written(usual.replace("shelf-db", "shelf-db error")), 20)
    findings = collect_evidence(incident_of(repeated(written(usual), 60), now))
    table = shown(findings, EvidenceKind.ERROR_RATE)
    assert (table.height, operations(table)) == (20, {"3"})


def test_a_late_peer_is_shown_by_the_spans_that_wait_for_it(incident_of: IncidentOf) -> None:
    """60 instead of 10, of which 0.1 are usual."""
    usual = """
        shelf: GET items   0..{0}
            shelf: SELECT   5..10  client peer=old-db
            shelf: SELECT   20..{1}  client peer=shelf-db
    """
    now = repeated(written(usual.format(130, 80)), 20)
    findings = collect_evidence(incident_of(repeated(written(usual.format(80, 30)), 60), now))
    table = shown(findings, EvidenceKind.SELF_LEG)
    assert (table.height, operations(table)) == (20, {"3"})
    assert table["excess_ms"].unique().to_list() == pytest.approx([49.9])


def test_a_call_that_vanished_is_shown_by_the_requests_that_lack_it(incident_of: IncidentOf) -> None:
    idle = "counter: GET /   0..20"
    table = shown(found(incident_of, idle), EvidenceKind.CALL_VANISHED)
    assert operations(table) == {"1"}


def test_an_entry_is_shown_by_its_slow_and_failing_requests(incident_of: IncidentOf) -> None:
    table = shown(found(incident_of, f"{LATE}\n{FINE}", 10), EvidenceKind.ENTRY_SLOW)
    assert (table.height, operations(table)) == (10, {"1"})


def test_only_spans_that_show_something_are_witnesses() -> None:
    rows = [
        ("e1", "t1", "a", True, 5.0, 1),
        ("e1", "t1", "b", False, 0.0, 2),
        ("e0", "t1", "a", True, 0.0, 1),
    ]
    table = pl.DataFrame(
        rows, schema=["evidence_id", "trace_id", "span_id", "odd", "excess_ms", "start_ns"], orient="row"
    )
    assert witnesses(table).rows() == [("t1", "a", "e0", 0.0, 1), ("t1", "a", "e1", 5.0, 1)]


def test_an_observation_refers_to_the_spans_that_show_it_most(shown_by: Callable[..., Evidence]) -> None:
    """At most twenty, by excess and then by id."""
    seen = pl.DataFrame(
        {
            "evidence_id": ["e1"] * 30 + ["e2"],
            "trace_id": [f"t{number:02}" for number in range(30)] + ["t99"],
            "span_id": ["s"] * 31,
            "excess_ms": [float(number % 10) for number in range(30)] + [0.0],
        }
    )
    items = {name: shown_by(name, EvidenceKind.SELF_LEG) for name in ("e1", "e2", "e3")}
    referring = with_references(items, seen)
    first = referring["e1"].references
    assert len(first) == EXAMPLES
    assert [reference.trace_id for reference in first[:4]] == ["t09", "t19", "t29", "t08"]
    assert referring["e2"].references == (SpanReference(trace_id="t99", span_id="s"),)
    assert referring["e3"].references == ()


def test_every_reference_is_a_span_of_the_incident(incident_of: IncidentOf) -> None:
    findings = found(incident_of, f"{BROKEN}\n{LATE}", 10)
    spans = set(repeated(written(f"{BROKEN}\n{LATE}"), 10).spans.select("trace_id", "span_id").rows())
    references = [
        (reference.trace_id, reference.span_id)
        for item in findings.evidence.values()
        for reference in item.references
    ]
    assert references
    assert set(references) <= spans
