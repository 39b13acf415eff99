"""Pairs of incidents that differ in a fault only, and what the fault did to each leg."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl
import pytest

from rclagent.core.evidence import FaultType
from rclagent.testing import Fault, GeneratedIncident, IncidentSpec, bakery, generate

Compare = Callable[[Fault], pl.DataFrame]


def call_legs(spans: pl.DataFrame) -> pl.DataFrame:
    """Request and response leg of each call in ms, by the client's span id."""
    client = spans.filter(pl.col("kind") == "client").select(
        "span_id", pl.col("service").alias("caller"), "start_ns", "end_ns"
    )
    server = spans.filter(pl.col("kind") == "server").select(
        pl.col("parent_id").alias("span_id"),
        pl.col("service").alias("callee"),
        pl.col("pod").alias("callee_pod"),
        pl.col("start_ns").alias("in_ns"),
        pl.col("end_ns").alias("out_ns"),
    )
    return client.join(server, on="span_id").select(
        "span_id",
        "caller",
        "callee",
        "callee_pod",
        ((pl.col("in_ns") - pl.col("start_ns")) / 1e6).alias("request"),
        ((pl.col("end_ns") - pl.col("out_ns")) / 1e6).alias("response"),
    )


@pytest.fixture(scope="session")
def healthy() -> GeneratedIncident:
    """The shop without a fault."""
    return generate(IncidentSpec(seed=3))


@pytest.fixture(scope="session")
def baked() -> GeneratedIncident:
    """The bakery without a fault."""
    return generate(IncidentSpec(seed=3, system=bakery()))


@pytest.fixture(scope="session")
def legs() -> Callable[[pl.DataFrame], pl.DataFrame]:
    """Request and response leg of each call, with caller and callee."""
    return call_legs


@pytest.fixture(scope="session")
def shifts(healthy: GeneratedIncident) -> Compare:
    """By how much a fault lengthens the legs of each call: the same calls with and without it."""
    before = call_legs(healthy.incident.spans)

    def compare(fault: Fault) -> pl.DataFrame:
        after = call_legs(generate(IncidentSpec(seed=3, faults=(fault,))).incident.spans)
        return after.join(before, on="span_id", suffix="_before").select(
            "caller",
            "callee",
            "callee_pod",
            request=pl.col("request") - pl.col("request_before"),
            response=pl.col("response") - pl.col("response_before"),
        )

    return compare


@pytest.fixture(scope="session")
def faulty() -> Callable[[FaultType, str], GeneratedIncident]:
    """The same shop with one fault of the usual magnitude."""

    def make(fault_type: FaultType, service: str) -> GeneratedIncident:
        return generate(IncidentSpec(seed=3, faults=(Fault(fault_type, service),)))

    return make
