"""Kinds of fault, from which evidence speaks for a service."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl
import pytest

from rclagent.core.evidence import Evidence, EvidenceKind, FaultType
from rclagent.evidence.fault_types import name_fault
from rclagent.evidence.fusion import Suspicion
from rclagent.evidence.ownership import SIGNATURES, Owner

Shown = Callable[..., Evidence]

LEGS = {"evidence_id": pl.String, "leg": pl.String, "n": pl.Int64, "over": pl.Int64, "excess_ms": pl.Float64}
NO_LEGS = pl.DataFrame(schema=LEGS | {"over_std_ms": pl.Float64})


def owner(name: str) -> Owner:
    """The shelf, by a mechanism."""
    signature = next(signature for signature in SIGNATURES if signature.name == name)
    return Owner("shelf", signature, 100, 100, 1.0, (0,))


def late(leg: str, over: int, excess_ms: float, over_std_ms: float) -> pl.DataFrame:
    """A slow leg of 100 calls."""
    row = ("e1", leg, 100, over, excess_ms, over_std_ms)
    return pl.DataFrame([row], schema=NO_LEGS.schema, orient="row")


def behaves(*shown: Evidence, **weights: float) -> FaultType:
    """The kind of a fault that changed behaviour shows."""
    return name_fault(
        Suspicion(code=1.0, code_left=1.0, weights={item.id: weights.get(item.id, 1.0) for item in shown}),
        [],
        NO_LEGS,
        {item.id: item for item in shown},
    )


@pytest.mark.parametrize(
    ("metric", "fault_type"),
    [
        ("k8s.pod.cpu_limit_utilization", FaultType.CPU),
        ("MemoryUsageRate(%)", FaultType.MEMORY),
        ("Disk_io_util", FaultType.DISK_IO),
    ],
)
def test_a_saturated_resource_names_the_fault_whatever_else_is_shown(
    shown_by: Shown, metric: str, fault_type: FaultType
) -> None:
    full = shown_by("e1", EvidenceKind.SATURATION, subject=metric)
    error = shown_by("e2", EvidenceKind.ERROR_RATE)
    assert behaves(full, error) == fault_type


def test_a_full_pool_leaves_the_name_to_what_else_is_shown(shown_by: Shown) -> None:
    full = shown_by("e1", EvidenceKind.SATURATION, subject="hikaricp_connections_active{pool=main}")
    assert behaves(full, shown_by("e2", EvidenceKind.ERROR_RATE)) is FaultType.EXCEPTION


def test_the_resource_furthest_from_usual_names_the_fault(shown_by: Shown) -> None:
    cpu = shown_by("e1", EvidenceKind.SATURATION, subject="CpuUsageRate(%)", strength=20.0)
    memory = shown_by("e2", EvidenceKind.SATURATION, subject="MemoryUsageRate(%)", strength=90.0)
    assert behaves(cpu, memory) is FaultType.MEMORY


@pytest.mark.parametrize(
    ("mechanism", "fault_type"),
    [
        ("replies late", FaultType.NETWORK_DELAY),
        ("sends late", FaultType.NETWORK_DELAY),
        ("starved of CPU", FaultType.CPU),
        ("slow store", FaultType.DISK_IO),
        ("slow work", FaultType.UNKNOWN),
    ],
)
def test_lost_time_names_the_mechanism_of_its_owner(
    shown_by: Shown, mechanism: str, fault_type: FaultType
) -> None:
    leg = {"e1": shown_by("e1", EvidenceKind.RESPONSE_LEG)}
    timing = Suspicion(timing=0.6, code=0.5, code_left=0.5, weights={"e1": 0.6})
    assert name_fault(timing, [owner(mechanism)], NO_LEGS, leg) == fault_type


@pytest.mark.parametrize(
    ("mechanism", "leg"),
    [
        ("replies late", "response"),
        ("sends late", "request"),
        ("slow store", "store"),
        ("fetches late", "message"),
        ("lags behind", "message"),
        ("keeps callers waiting", "self"),
        ("answers late", "store"),
        ("answers a constant time late", "store"),
    ],
)
@pytest.mark.parametrize(
    ("over", "excess_ms", "over_std_ms", "lost"),
    [
        (30, 120.0, 350.0, True),  # 400 late on average, scattered by more than half of it
        (30, 60.0, 20.0, False),  # 200 late, always the same
        (95, 380.0, 350.0, False),  # nearly all are late
    ],
)
def test_some_packets_late_by_very_different_times_were_lost(
    shown_by: Shown, mechanism: str, leg: str, over: int, excess_ms: float, over_std_ms: float, lost: bool
) -> None:
    evidence = {"e1": shown_by("e1", EvidenceKind.RESPONSE_LEG)}
    suspicion = Suspicion(timing=0.6, weights={"e1": 0.6})
    kind = name_fault(suspicion, [owner(mechanism)], late(leg, over, excess_ms, over_std_ms), evidence)
    assert (kind is FaultType.NETWORK_LOSS) == lost


def test_a_resource_that_changed_names_what_slow_work_leaves_open(shown_by: Shown) -> None:
    evidence = {
        "e1": shown_by("e1", EvidenceKind.SELF_LEG),
        "e2": shown_by("e2", EvidenceKind.METRIC_CHANGE, subject="container.disk.io"),
    }
    suspicion = Suspicion(timing=0.6, resources=0.3, weights={"e1": 0.6, "e2": 0.3})
    assert name_fault(suspicion, [owner("slow work")], NO_LEGS, evidence) is FaultType.DISK_IO


def test_changed_behaviour_that_outweighs_lost_time_names_the_fault(shown_by: Shown) -> None:
    error = {"e1": shown_by("e1", EvidenceKind.ERROR_RATE)}
    suspicion = Suspicion(timing=0.2, code=0.5, code_left=0.5, weights={"e1": 0.5})
    assert name_fault(suspicion, [owner("replies late")], NO_LEGS, error) is FaultType.EXCEPTION


def test_calls_that_nobody_answers_are_a_crash(shown_by: Shown) -> None:
    silence = shown_by("e1", EvidenceKind.SILENCE, "counter", peer="shelf")
    assert behaves(silence, shown_by("e2", EvidenceKind.BREAK_POINT)) is FaultType.CRASH


def test_errors_of_calls_that_nobody_answers_are_a_crash(shown_by: Shown) -> None:
    assert behaves(shown_by("e1", EvidenceKind.ERROR_RATE, "counter", peer="shelf")) is FaultType.CRASH


@pytest.mark.parametrize(("unanswered", "fault_type"), [(5.0, FaultType.CRASH), (4.0, FaultType.EXCEPTION)])
def test_errors_of_which_fewer_than_half_are_unanswered_are_no_crash(
    shown_by: Shown, unanswered: float, fault_type: FaultType
) -> None:
    """Of ten calls that fail."""
    figures = {"n": 20.0, "hits": 10.0, "unanswered": unanswered}
    failing = shown_by("e1", EvidenceKind.ERROR_RATE, "counter", peer="shelf", incident=figures)
    assert behaves(failing) is fault_type


def test_a_little_silence_beside_much_else_is_no_crash(shown_by: Shown) -> None:
    silence = shown_by("e1", EvidenceKind.SILENCE, "counter", peer="shelf")
    assert behaves(silence, shown_by("e2", EvidenceKind.ERROR_RATE), e1=0.1) is FaultType.EXCEPTION


def test_errors_that_start_in_the_service_are_an_exception(shown_by: Shown) -> None:
    assert behaves(shown_by("e1", EvidenceKind.ERROR_RATE)) is FaultType.EXCEPTION


def test_a_normal_line_that_vanished_with_nothing_in_its_place_is_an_exception(shown_by: Shown) -> None:
    assert behaves(shown_by("e1", EvidenceKind.LOG_VANISHED, operation="op")) is FaultType.EXCEPTION


def test_a_line_replaced_by_another_of_the_same_operation_is_a_wrong_result(shown_by: Shown) -> None:
    gone = shown_by("e1", EvidenceKind.LOG_VANISHED, operation="op", subject="quoted <*>")
    new = shown_by("e2", EvidenceKind.LOG_APPEARED, operation="op", subject="no price known")
    assert behaves(gone, new) is FaultType.WRONG_RESULT


@pytest.mark.parametrize(
    "text",
    [
        "java.lang.IllegalStateException: no price",
        "Traceback (most recent call last)",
        "panic: index",
        "at a.B.c(D)",
    ],
)
def test_a_line_replaced_by_a_stack_trace_is_an_exception(shown_by: Shown, text: str) -> None:
    gone = shown_by("e1", EvidenceKind.LOG_VANISHED, operation="op", subject="quoted <*>")
    new = shown_by("e2", EvidenceKind.LOG_APPEARED, operation="op", subject=text)
    assert behaves(gone, new) is FaultType.EXCEPTION


def test_a_new_line_in_another_operation_replaces_nothing(shown_by: Shown) -> None:
    gone = shown_by("e1", EvidenceKind.LOG_VANISHED, operation="op")
    new = shown_by("e2", EvidenceKind.LOG_APPEARED, operation="other")
    assert behaves(gone, new) is FaultType.EXCEPTION


def test_a_new_line_alone_is_a_wrong_result(shown_by: Shown) -> None:
    assert behaves(shown_by("e1", EvidenceKind.LOG_APPEARED, operation="op")) is FaultType.WRONG_RESULT


def test_requests_that_end_early_are_an_exception(shown_by: Shown) -> None:
    assert behaves(shown_by("e1", EvidenceKind.BREAK_POINT)) is FaultType.EXCEPTION


def test_calls_that_changed_alone_say_nothing_of_the_kind(shown_by: Shown) -> None:
    assert behaves(shown_by("e1", EvidenceKind.CALL_VANISHED)) is FaultType.UNKNOWN


def test_a_resource_that_changed_names_the_fault_where_nothing_else_speaks(shown_by: Shown) -> None:
    change = shown_by("e1", EvidenceKind.METRIC_CHANGE, subject="jvm.gc.duration")
    suspicion = Suspicion(resources=0.3, weights={"e1": 0.3})
    assert name_fault(suspicion, [], NO_LEGS, {"e1": change}) is FaultType.MEMORY
    assert name_fault(Suspicion(), [], NO_LEGS, {}) is FaultType.UNKNOWN


def test_evidence_explained_away_entirely_does_not_speak(shown_by: Shown) -> None:
    full = shown_by("e1", EvidenceKind.SATURATION, subject="CpuUsageRate(%)")
    error = shown_by("e2", EvidenceKind.ERROR_RATE)
    assert behaves(full, error, e1=0.0) is FaultType.EXCEPTION
