"""Evidence in words and figures, with ids that stay the same."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl
import pytest

from rclagent.core.evidence import Channel, Evidence, EvidenceKind
from rclagent.evidence.observations import (
    Row,
    break_evidence,
    by_id,
    call_evidence,
    counts,
    entry_evidence,
    error_evidence,
    figure,
    figures,
    leg_evidence,
    ms,
    observe,
    series_evidence,
    silence_evidence,
    template_evidence,
)

COUNTS: dict[str, object] = {
    "n": 12,
    "hits": 11,
    "base_n": 63,
    "base_hits": 3,
    "z": 9.87654321,
    "change": 0.87,
}
LEG: dict[str, object] = {
    "leg": "response",
    "caller": "counter",
    "callee": "shelf",
    "operation": "GET items",
    "n": 10,
    "base_n": 40,
    "p50_ms": 120.0,
    "base_p50_ms": 20.0,
    "mean_ms": 121.0,
    "base_mean_ms": 20.0,
    "base_p95_ms": 25.0,
    "share": 0.9,
    "over": 9,
    "z": 12.3289,
}
CALL = COUNTS | {
    "service": "counter",
    "operation": "GET /",
    "callee": "shelf",
    "call": "GET items",
    "unheard": False,
}
ERRORS = COUNTS | {
    "service": "counter",
    "operation": "call shelf",
    "peer": "",
    "callee": "shelf",
    "unanswered": 11,
}
LINE = COUNTS | {
    "service": "shelf",
    "operation": "GET items",
    "severity": "INFO",
    "template": "read <*> rows",
    "lead": None,
}
SERIES: dict[str, object] = {
    "service": "shelf",
    "pod": "shelf-0",
    "node": "n1",
    "metric": "k8s.pod.cpu_limit_utilization",
    "resource": "CPU",
    "n": 3,
    "base_n": 10,
    "value": 0.98,
    "level": 0.98,
    "of": "its limit",
    "base_p50": 0.1,
    "base_p99": 0.12,
    "z": 59.4,
    "saturated": True,
}
ENTRY: dict[str, object] = {
    "service": "counter",
    "operation": "GET /",
    "n": 60,
    "over": 40,
    "failed": 2,
    "p50_ms": 250.0,
    "p95_ms": 400.0,
    "base_n": 300,
    "base_failed": 1,
    "base_p50_ms": 30.0,
    "base_p95_ms": 55.5,
    "slow_z": 12.0,
    "failed_z": 3.0,
}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.1234, "0.123 ms"),
        (12.345, "12.3 ms"),
        (999.2, "999 ms"),
        (999.7, "1000 ms"),
        (1234.5, "1234 ms"),
        (12_345.0, "12.3 s"),
        (-480.0, "-480 ms"),
        (0.0, "0 ms"),
    ],
)
def test_times_in_words(value: float, text: str) -> None:
    assert ms(value) == text


def test_figures_have_six_significant_digits_and_leave_out_what_is_not_known() -> None:
    assert figure(123456.789) == 123457
    assert figure(0.1 + 0.2) == 0.3
    assert figures({"a": 1 / 3, "b": None}, x="a", y="b") == {"x": 0.333333}


def test_counts_in_words() -> None:
    assert counts(COUNTS) == "11 of 12 against 3 of 63 before"


@pytest.mark.parametrize(
    ("change", "kind", "statement"),
    [
        (
            {},
            EvidenceKind.RESPONSE_LEG,
            "responses of shelf (GET items) reach counter 100 ms later than usual",
        ),
        (
            {"leg": "request"},
            EvidenceKind.REQUEST_LEG,
            "requests from counter reach shelf (GET items) 100 ms later than usual",
        ),
        (
            {"leg": "self", "caller": ""},
            EvidenceKind.SELF_LEG,
            "shelf spends 120 ms itself in GET items instead of 20 ms",
        ),
        (
            {"leg": "store", "caller": "", "operation": "SELECT items"},
            EvidenceKind.SELF_LEG,
            "shelf waits 120 ms for SELECT items instead of 20 ms",
        ),
    ],
)
def test_a_slow_leg(change: dict[str, object], kind: EvidenceKind, statement: str) -> None:
    item = leg_evidence(LEG | change)
    assert (item.channel, item.kind, item.component.service) == (Channel.LEGS, kind, "shelf")
    assert item.statement == f"{statement} (median; 9 of 10 above the usual 95th percentile)"
    assert item.peer == ((LEG | change)["caller"] or None)
    assert item.incident == {"n": 10, "p50_ms": 120, "mean_ms": 121, "share_over_p95": 0.9}
    assert item.baseline == {"n": 40, "p50_ms": 20, "mean_ms": 20, "p95_ms": 25}


def test_a_wait_for_a_peer_names_who_waits_and_for_whom() -> None:
    item = leg_evidence(LEG | {"leg": "store", "callee": "shelf-db", "operation": "SELECT items"})
    assert (item.kind, item.component.service, item.peer) == (EvidenceKind.SELF_LEG, "shelf-db", "counter")
    assert item.statement.startswith("counter waits 120 ms for shelf-db (SELECT items) instead of 20 ms (")


def test_a_message_that_lies_in_its_queue_is_told_like_a_late_request() -> None:
    item = leg_evidence(LEG | {"leg": "message", "caller": "orders"})
    assert (item.kind, item.component.service) == (EvidenceKind.REQUEST_LEG, "shelf")
    assert item.statement.startswith("messages from orders reach shelf (GET items) 100 ms later than usual")


def test_a_leg_of_which_only_some_values_are_late_is_told_by_its_mean() -> None:
    item = leg_evidence(LEG | {"p50_ms": 21.0, "mean_ms": 90.0, "share": 0.4, "over": 4})
    assert "70 ms later than usual (mean; 4 of 10 above" in item.statement


@pytest.mark.parametrize(
    ("change", "kind", "statement"),
    [
        (
            {"change": -0.9},
            EvidenceKind.LOG_VANISHED,
            "shelf no longer writes the INFO line «read <*> rows» during GET items",
        ),
        (
            {"severity": ""},
            EvidenceKind.LOG_APPEARED,
            "shelf now writes the line «read <*> rows» during GET items",
        ),
        (
            {"operation": ""},
            EvidenceKind.LOG_APPEARED,
            "shelf now writes the INFO line «read <*> rows» for each request",
        ),
    ],
)
def test_a_log_line(change: dict[str, object], kind: EvidenceKind, statement: str) -> None:
    row = LINE | change
    item = template_evidence(row)
    assert (item.channel, item.kind) == (Channel.LOGS, kind)
    assert item.statement == f"{statement}: 11 of 12 against 3 of 63 before"
    assert (item.subject, item.severity) == ("read <*> rows", row["severity"] or None)
    assert (item.operation, item.strength) == (row["operation"] or None, 9.87654)


@pytest.mark.parametrize(
    ("change", "kind", "statement"),
    [
        ({}, EvidenceKind.CALL_APPEARED, "counter now calls shelf (GET items) during GET /"),
        (
            {"change": -0.5, "z": -7.0},
            EvidenceKind.CALL_VANISHED,
            "counter no longer calls shelf (GET items) during GET /",
        ),
        (
            {"callee": "counter", "call": "handle error"},
            EvidenceKind.CALL_APPEARED,
            "counter now runs handle error during GET /",
        ),
    ],
)
def test_a_call(change: dict[str, object], kind: EvidenceKind, statement: str) -> None:
    item = call_evidence(CALL | change)
    assert (item.channel, item.kind, item.peer) == (Channel.CALLS, kind, (CALL | change)["callee"])
    assert item.statement == f"{statement}: 11 of 12 against 3 of 63 before"
    assert item.strength > 0


def test_a_break_point() -> None:
    item = break_evidence(CALL)
    assert (item.kind, item.peer, item.subject) == (EvidenceKind.BREAK_POINT, "shelf", "GET items")
    assert "requests of counter (GET /) end with the call to shelf (GET items): 11 of 12" in item.statement
    alone = break_evidence(CALL | {"callee": "", "call": ""})
    assert (alone.peer, alone.subject) == (None, None)
    assert "end without calling anyone" in alone.statement


def test_errors_and_who_should_have_answered() -> None:
    item = error_evidence(ERRORS)
    assert (item.channel, item.kind, item.peer) == (Channel.ERRORS, EvidenceKind.ERROR_RATE, "shelf")
    assert item.incident == {"n": 12, "hits": 11, "unanswered": 11}
    assert item.statement == "calls of counter (call shelf) to shelf fail: 11 of 12 against 3 of 63 before"
    own = error_evidence(ERRORS | {"callee": None, "unanswered": 0})
    assert own.peer is None
    assert own.statement == "errors start in counter (call shelf): 11 of 12 against 3 of 63 before"


@pytest.mark.parametrize("make", [error_evidence, silence_evidence])
def test_calls_of_one_name_to_two_peers_are_two_observations(make: Callable[[Row], Evidence]) -> None:
    """A call that names no peer is a third."""
    rows = [ERRORS | {"peer": peer} for peer in ("", "shelf-db", "till-db")]
    assert len({make(row).id for row in rows}) == 3


def test_calls_that_vanish_for_want_of_a_pod_are_silence() -> None:
    item = call_evidence(CALL | {"change": -0.5, "z": -7.0, "unheard": True})
    assert (item.channel, item.kind, item.peer) == (Channel.CALLS, EvidenceKind.SILENCE, "shelf")
    assert item.statement.startswith("counter no longer reaches shelf (GET items) during GET /: 11 of 12")


def test_a_line_that_is_missing_after_another_names_both() -> None:
    """It stays the same observation."""
    item = template_evidence(LINE | {"lead": "opened", "change": -0.6})
    assert item.statement == (
        "shelf no longer writes the INFO line «read <*> rows» during GET items after «opened»: "
        "11 of 12 against 3 of 63 before"
    )
    assert item.id == template_evidence(LINE).id


def test_silence_is_seen_at_the_caller_and_names_the_callee() -> None:
    item = silence_evidence(ERRORS)
    assert (item.kind, item.component.service, item.peer) == (EvidenceKind.SILENCE, "counter", "shelf")


def test_a_limit_reached() -> None:
    item = series_evidence(SERIES)
    assert (item.kind, item.component.pod, item.component.node) == (EvidenceKind.SATURATION, "shelf-0", "n1")
    assert item.statement == (
        "CPU of shelf-0 is at 98% of its limit (usual 10.0%; k8s.pod.cpu_limit_utilization)"
    )


def test_a_share_in_percent_is_told_like_a_ratio() -> None:
    item = series_evidence(SERIES | {"value": 98.0, "base_p50": 10.0})
    assert "98% of its limit (usual 10.0%" in item.statement


def test_a_share_says_what_it_is_a_share_of() -> None:
    row = {"resource": "CPU throttling", "value": 0.3, "level": 0.3, "base_p50": 0.0, "of": "its CPU periods"}
    item = series_evidence(SERIES | row)
    assert item.statement.startswith("CPU throttling of shelf-0 is at 30% of its CPU periods (usual 0.0%")


def test_a_series_that_changed() -> None:
    change = {"level": None, "saturated": False, "resource": None, "metric": "queue", "pod": "", "node": ""}
    item = series_evidence(SERIES | change | {"value": 512.0, "base_p50": 3.0, "z": -59.4})
    assert (item.kind, item.component.pod, item.component.node) == (EvidenceKind.METRIC_CHANGE, None, None)
    assert item.statement == "queue of shelf is at 512 (usual 3; queue)"
    assert item.strength == 59.4
    assert "level" not in item.incident


def test_an_entry_that_is_slow_or_fails() -> None:
    slow = entry_evidence(ENTRY)
    assert (slow.channel, slow.kind, slow.strength) == (Channel.ENTRY, EvidenceKind.ENTRY_SLOW, 12)
    assert slow.statement == (
        "40 of 60 requests to counter (GET /) take longer than the usual 95th percentile of 55.5 ms"
    )
    failing = entry_evidence(ENTRY | {"failed_z": 20.0})
    assert failing.kind is EvidenceKind.ENTRY_FAILING
    assert failing.statement == "2 of 60 requests to counter (GET /) fail; usually 1 of 300"


def test_the_same_observation_has_the_same_id_whatever_its_figures() -> None:
    assert leg_evidence(LEG).id == leg_evidence(LEG | {"n": 99, "z": 50.0, "p50_ms": 900.0}).id
    assert template_evidence(LINE).id == template_evidence(LINE | {"hits": 1, "z": 4.0}).id


def test_different_observations_of_one_row_of_keys_have_different_ids() -> None:
    rows = [leg_evidence(LEG), call_evidence(CALL), break_evidence(CALL), template_evidence(LINE)]
    assert len({item.id for item in rows}) == 4
    assert leg_evidence(LEG).id != leg_evidence(LEG | {"leg": "request"}).id


def test_a_table_of_rows_becomes_evidence_beside_its_ids() -> None:
    table, items = observe(pl.DataFrame([CALL, CALL | {"call": "GET item"}]), call_evidence)
    assert table["evidence_id"].to_list() == [item.id for item in items]
    assert [item.subject for item in items] == ["GET items", "GET item"]


def test_a_table_without_rows_has_the_column_of_ids_too() -> None:
    table, items = observe(pl.DataFrame([CALL]).clear(), call_evidence)
    assert (items, table.schema["evidence_id"]) == ([], pl.String())


def test_evidence_is_kept_in_order_of_id() -> None:
    items = [call_evidence(CALL | {"call": name}) for name in "abcdef"]
    found = by_id([items[:3], items[3:]])
    assert list(found) == sorted(item.id for item in items)
