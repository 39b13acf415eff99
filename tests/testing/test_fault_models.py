"""Faults at consumers, databases, external services and brokers, and calls that are repeated under faults."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from rclagent.core.evidence import FaultType
from rclagent.errors import InputError
from rclagent.testing import Fault, GeneratedIncident, IncidentSpec, bakery, generate
from rclagent.testing.span_table import ERROR_HANDLER
from rclagent.testing.system import System

MS = (pl.col("end_ns") - pl.col("start_ns")) / 1e6
STILL = 1e-5  # ms; times are whole nanoseconds
DOWNSTREAM = ["oven", "courier", "mailer"]
"""The consumer at fault in these tests, and the consumers of its own messages."""


def broken(*faults: Fault, system: System | None = None) -> GeneratedIncident:
    """The bakery with faults."""
    return generate(IncidentSpec(seed=3, system=system or bakery(), faults=faults))


def moved(after: GeneratedIncident, before: GeneratedIncident) -> pl.DataFrame:
    """By how much each span takes longer, in ms."""
    both = after.incident.spans.join(before.incident.spans, on="span_id", suffix="_before")
    return both.select(
        "service",
        "operation",
        "kind",
        "peer",
        "error",
        ms=MS - (pl.col("end_ns_before") - pl.col("start_ns_before")) / 1e6,
    )


def furthest(values: pl.Series, point: float = 0.0) -> float:
    """Largest distance from a point; the values must not be none at all."""
    return float(np.abs(values.to_numpy() - point).max())


def queued(incident: GeneratedIncident) -> pl.DataFrame:
    """Time in ms between each producer span's end and its consumer span's start."""
    spans = incident.incident.spans
    producers = spans.filter(kind="producer").select("span_id", "peer", "end_ns")
    consumers = spans.filter(kind="consumer").select(pl.col("parent_id").alias("span_id"), "start_ns")
    return producers.join(consumers, on="span_id").select(
        "span_id", "peer", ms=(pl.col("start_ns") - pl.col("end_ns")) / 1e6
    )


@pytest.mark.parametrize(
    "fault_type",
    [
        FaultType.CPU,
        FaultType.MEMORY,
        FaultType.NETWORK_DELAY,
        FaultType.NETWORK_LOSS,
        FaultType.DISK_IO,
        FaultType.EXCEPTION,
        FaultType.WRONG_RESULT,
        FaultType.CRASH,
    ],
)
def test_no_fault_of_a_consumer_reaches_its_producer(fault_type: FaultType, baked: GeneratedIncident) -> None:
    """Spans and log lines of all others are the same, byte for byte."""
    incident = broken(Fault(fault_type, "oven")).incident
    for after, before in ((incident.spans, baked.incident.spans), (incident.logs, baked.incident.logs)):
        others = [table.filter(~pl.col("service").is_in(DOWNSTREAM)) for table in (after, before)]
        assert others[0].equals(others[1])
    assert not incident.logs.equals(baked.incident.logs)


def test_a_slow_consumer_leaves_messages_in_the_queue_and_takes_longer(baked: GeneratedIncident) -> None:
    """40-100 ms until it gets to the message, 40-90 ms for its own work and as much for what it asks."""
    after = broken(Fault(FaultType.CPU, "oven"))
    waits = queued(after).join(queued(baked), on="span_id", suffix="_before").filter(peer="placed-orders")
    later = waits["ms"] - waits["ms_before"]
    assert later.is_between(40 - STILL, 100 + STILL).all()
    work = moved(after, baked).filter(kind="consumer", service="oven")["ms"]
    assert work.is_between(40 - STILL, 270 + STILL).all()


def test_a_delay_at_a_consumer_holds_messages_to_it_and_from_it_back(baked: GeneratedIncident) -> None:
    """It fetches them late, its database answers late, and the broker gets its own messages late."""
    after = broken(Fault(FaultType.NETWORK_DELAY, "oven", magnitude=90))
    waits = queued(after).join(queued(baked), on="span_id", suffix="_before")
    later = waits.with_columns(later=pl.col("ms") - pl.col("ms_before"))
    assert furthest(later.filter(peer="placed-orders")["later"], 90) < STILL
    assert furthest(later.filter(pl.col("peer") != "placed-orders")["later"]) < STILL
    asked = moved(after, baked).filter(pl.col("peer").is_not_null(), service="oven")
    assert sorted(set(asked["peer"])) == ["baked-orders", "mails", "oven-db"]
    assert furthest(asked["ms"], 90) < STILL


def test_a_consumer_that_fails_says_so_in_its_spans_and_lines() -> None:
    """It has no status, as messages have none."""
    incident = broken(Fault(FaultType.EXCEPTION, "oven")).incident
    spans = incident.spans.filter(service="oven")
    assert spans.filter(kind="consumer")["error"].all()
    assert spans.filter(kind="consumer")["status"].is_null().all()
    assert spans.filter(operation=ERROR_HANDLER).height > 0
    errors = incident.logs.filter(service="oven", severity="ERROR")
    assert errors.height == spans.filter(kind="consumer").height
    assert errors["body"].str.contains("java.lang.").all()


@pytest.mark.parametrize("fault_type", [FaultType.NETWORK_DELAY, FaultType.DISK_IO])
def test_a_slow_database_is_slow_for_all_its_callers_and_nobody_else(
    fault_type: FaultType, baked: GeneratedIncident
) -> None:
    """A network delay by a constant, a slow disk by about as much, varying."""
    after = broken(Fault(fault_type, "main-db", magnitude=120))
    asked = moved(after, baked).filter(pl.col("peer").is_not_null(), kind="client")
    slow = asked.filter(peer="main-db")
    assert sorted(set(slow["service"])) == ["audit", "menu", "orders"]
    low, high = (120 - STILL, 120 + STILL) if fault_type is FaultType.NETWORK_DELAY else (20, 700)
    assert slow["ms"].is_between(low, high).all()
    assert slow["ms"].median() == pytest.approx(120, rel=0.1)
    others = asked.filter(pl.col("peer").str.contains("db|example") & (pl.col("peer") != "main-db"))
    assert furthest(others["ms"]) < STILL
    assert after.truth.services == ("main-db",)
    assert after.truth.pods == (None,)


def test_a_slow_external_service_holds_up_its_callers(baked: GeneratedIncident) -> None:
    """The charge, the order that waits for it, and the user."""
    after = broken(Fault(FaultType.NETWORK_DELAY, "cardhouse.example", magnitude=300))
    longer = moved(after, baked).filter(~pl.col("error"))
    for operation in ("POST /v1/charges", "POST /charges", "POST /orders"):
        assert furthest(longer.filter(operation=operation)["ms"], 300) < STILL
    assert furthest(longer.filter(operation="GET /menu")["ms"]) < STILL


def test_a_database_that_is_down_fails_its_callers_at_once() -> None:
    """Each query within 2 ms; the menu fails, the window asks again and fails, too."""
    incident = broken(Fault(FaultType.CRASH, "main-db")).incident
    spans = incident.spans
    refused = spans.filter(peer="main-db")
    assert refused["status"].unique().to_list() == ["connection_refused"]
    assert refused["error"].all()
    assert refused.select(MS.max()).item() < 2
    asked = spans.filter(service="window", peer="menu")
    assert asked["error"].all()
    assert asked.height == 2 * spans.filter(service="window", peer="menu").n_unique("trace_id")
    assert spans.filter(operation="GET /menu", kind="server")["error"].all()
    texts = incident.logs.filter(service="menu", severity="ERROR")["body"]
    assert texts.str.starts_with("SELECT loaves of main-db failed in request ").all()


def test_a_broker_that_is_down_takes_no_messages() -> None:
    """Orders fail, and nobody bakes; the other topic goes on."""
    incident = broken(Fault(FaultType.CRASH, "placed-orders")).incident
    published = incident.spans.filter(peer="placed-orders")
    assert published["status"].unique().to_list() == ["connection_refused"]
    assert incident.spans.filter(service="oven").is_empty()
    assert incident.spans.filter(service="audit", kind="consumer").height > 100
    assert incident.spans.filter(service="orders", operation="POST /orders", kind="server")["error"].all()
    texts = incident.logs.filter(service="orders", severity="ERROR")["body"]
    assert texts.str.starts_with("publish placed-orders failed in request ").all()


@pytest.mark.parametrize(
    "fault",
    [
        Fault(FaultType.EXCEPTION, "payments", share=0.4),
        Fault(FaultType.CRASH, "payments"),
        Fault(FaultType.CRASH, "cardhouse.example", share=0.4),
    ],
    ids=["exception", "crash of one of two pods", "external"],
)
def test_calls_are_repeated_while_only_some_attempts_fail(fault: Fault) -> None:
    """Most of those that fail once succeed at last."""
    spans = broken(fault).incident.spans
    attempts = spans.filter(peer=fault.service).sort("start_ns").group_by("parent_id", maintain_order=True)
    calls = attempts.agg(pl.len().alias("made"), "error", gaps=pl.col("start_ns").diff().drop_nulls() / 1e6)
    again = calls.filter(pl.col("made") > 1)
    assert 0.25 < again.height / calls.height < 0.75
    assert calls["made"].max() == (3 if fault.service == "payments" else 2)
    assert again["gaps"].explode().gt(25).all()
    # All attempts but the last of a call have failed, or it would not have been repeated.
    assert again.select(pl.col("error").list.head(pl.col("made") - 1).list.all().all()).item()
    given_up = calls.filter(pl.col("error").list.last()).height
    assert 0 < given_up < 0.7 * again.height
    failed = calls.filter(pl.col("error").list.last()).select("parent_id")
    assert spans.join(failed, left_on="span_id", right_on="parent_id", how="semi")["error"].all()


def test_lost_packets_make_callers_that_time_out_ask_again() -> None:
    """TCP sends again after 1 s at times; the caller waits 800 ms, though the callee goes on."""
    incident = broken(Fault(FaultType.NETWORK_LOSS, "orders", magnitude=0.4)).incident
    asked = incident.spans.filter(service="window", operation="GET /orders/:id", kind="client")
    late = asked.filter(status="timeout")
    assert late.height > 10
    assert late["error"].all()
    assert furthest(late.select(MS.alias("ms"))["ms"], 800) < STILL
    assert asked.height > asked.n_unique("parent_id")
    again = incident.logs.filter(pl.col("body").str.ends_with(", trying again"))
    assert again["severity"].unique().to_list() == ["WARN"]


def test_without_faults_nothing_is_repeated(baked: GeneratedIncident) -> None:
    """But for an error for no reason now and then."""
    calls = baked.baseline.spans.filter(kind="client", service="window").group_by("parent_id").len()
    orders = baked.baseline.spans.filter(operation="POST /orders", kind="server", service="window").height
    # An order makes two calls, everything else one.
    assert calls["len"].sum() == pytest.approx(calls.height + orders, abs=10)


@pytest.mark.parametrize(
    ("fault", "remedy"),
    [
        (Fault(FaultType.CPU, "main-db"), "network_delay, disk_io, crash"),
        (Fault(FaultType.CRASH, "main-db", pod="main-db-0"), "Name the fault only"),
        (Fault(FaultType.CRASH, "main-db", operation="SELECT loaves"), "Name the fault only"),
        (Fault(FaultType.NETWORK_DELAY, "main-db", variant="egress"), "Name the fault only"),
        (Fault(FaultType.DISK_IO, "payments"), "asks a database"),
    ],
)
def test_a_fault_that_nothing_would_show_is_refused(fault: Fault, remedy: str) -> None:
    """A database has no pods and no code of its own; an external service is not its caller's disk."""
    with pytest.raises(InputError) as caught:
        IncidentSpec(system=bakery(), faults=(fault,))
    assert remedy in caught.value.remedy
