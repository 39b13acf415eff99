"""Without a baseline: where the requests spend their time."""

from __future__ import annotations

from collections.abc import Callable

from rclagent.core.evidence import FaultType
from rclagent.core.telemetry import Telemetry
from rclagent.core.window import Window
from rclagent.evidence.dominance import dominant_legs
from rclagent.evidence.findings import Findings
from rclagent.telemetry.frame_store import FrameStore
from rclagent.testing import repeated, written

Opened = Callable[[Telemetry], tuple[FrameStore, Window]]

SHOP = """
    counter: GET /   0..100  node=n1
        counter: call shelf   10..95  client
            shelf: GET items   30..85
                shelf: SELECT items   35..65  client
"""


def found(text: str, times: int = 3) -> Findings:
    """What is found of traces alone."""
    store = FrameStore(repeated(written(text), times))
    return dominant_legs(store, store.extent() or Window(0, 1))


def shares(findings: Findings) -> dict[tuple[str | None, str], float]:
    """Share of all time in each leg, by kind and callee."""
    return {
        (item.subject, item.component.service): item.incident["share"] for item in findings.evidence.values()
    }


def test_legs_are_named_by_their_share_of_the_time_of_all_requests() -> None:
    """Of 100: counter itself 15, until the request arrives 20, shelf 25, its store 30, response 10."""
    assert shares(found(SHOP)) == {
        ("self", "counter"): 0.15,
        ("request", "shelf"): 0.2,
        ("self", "shelf"): 0.25,
        ("store", "shelf"): 0.3,
        ("response", "shelf"): 0.1,
    }


def test_a_request_on_its_way_is_charged_to_its_sender_and_a_response_to_the_callee() -> None:
    """Shelf 0.25 + 0.3 + 0.1, counter 0.15 + 0.2."""
    scores = {item.component.service: item.score for item in found(SHOP).candidates}
    assert scores == {"shelf": 0.65, "counter": 0.35}


def test_a_wait_that_names_its_peer_is_charged_to_the_peer() -> None:
    """Of what was the shelf's 0.65 its database takes 0.3."""
    findings = found(SHOP.replace("35..65  client", "35..65  client peer=shelf-db"))
    scores = {item.component.service: item.score for item in findings.candidates}
    assert scores == {"shelf": 0.35, "counter": 0.35, "shelf-db": 0.3}
    (wait,) = (item for item in findings.evidence.values() if item.subject == "store")
    assert "in shelf waiting for shelf-db" in wait.statement


def test_nobody_waits_while_a_message_lies_in_a_queue() -> None:
    """It lies there for 300, three times as long as the request takes."""
    sent = """
        counter: POST order   0..100
            counter: send   10..50  producer peer=orders
                letters: take order   350..360  consumer
    """
    assert {leg for leg, _ in shares(found(sent))} <= {"self", "store"}
    assert shares(found(sent))["store", "orders"] == 0.4


def test_candidates_come_by_their_share_and_with_their_evidence_strongest_first() -> None:
    findings = found(SHOP)
    first = findings.candidates[0]
    assert (first.component.service, first.component.pod) == ("shelf", "shelf-0")
    assert [findings.evidence[name].incident["share"] for name in first.evidence] == [0.3, 0.25, 0.1]
    assert {claim.component.service for claim in findings.claims[first.evidence[0]]} == {"shelf"}


def test_no_kind_of_fault_is_claimed_and_no_strength() -> None:
    findings = found(SHOP)
    assert {item.fault_type for item in findings.candidates} == {FaultType.UNKNOWN}
    assert {item.strength for item in findings.evidence.values()} == {0.0}
    assert all("what is usual is not known" in item.statement for item in findings.evidence.values())
    assert any("no baseline" in sentence for sentence in findings.missing)


def test_a_leg_of_less_than_a_tenth_is_not_named() -> None:
    short = "counter: GET /   0..100\n    counter: step   0..9  internal"
    assert shares(found(short)) == {("self", "counter"): 0.91}


def test_a_constant_skew_does_not_move_time_from_one_half_to_the_other() -> None:
    """No leg lasts less than nothing: the clocks are moved to the middle of what is possible."""
    ahead = SHOP.replace("30..85", "5030..5085").replace("35..65", "5035..5065")
    moved = shares(found(ahead))
    assert moved["request", "shelf"] + moved["response", "shelf"] == 0.3
    assert moved["self", "shelf"] == 0.25


def test_the_longest_spans_of_a_leg_stand_for_it() -> None:
    findings = found("shelf: GET items   0..100\n\nshelf: GET items   0..900", times=2)
    (item,) = findings.evidence.values()
    traces = [reference.trace_id[-1] for reference in item.references]
    assert traces == ["2", "2", "1", "1"]
    assert findings.witnesses.height == 4


def test_entries_are_told_without_a_deviation() -> None:
    (entry,) = found(SHOP.replace("100  node", "100  error node")).entries
    assert (entry.service, entry.requests, entry.affected, entry.strength) == ("counter", 3, 3, 0.0)


def test_nothing_to_see_is_nothing_found() -> None:
    findings = dominant_legs(FrameStore(Telemetry()), Window(0, 1))
    assert (findings.candidates, dict(findings.evidence), findings.services) == ((), {}, ())
    assert findings.witnesses.is_empty()


def test_requests_that_took_no_time_have_no_dominant_leg() -> None:
    assert found("shelf: GET items   5..5").candidates == ()
