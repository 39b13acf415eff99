"""Where a delay is injected to find the weakest one: a service, its load and the scatter of its answers.

30 requests a minute go through the service. The scatter is the standard deviation of the response leg
into it (client end less server end), measured in quiet spans within each caller and operation.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from random import Random
from typing import Final

import polars as pl

from benchmarks.generated import varied_system
from rclagent.testing import IncidentSpec, System, generate

REQUESTS_PER_MIN: Final = 30.0
"""Through the service that answers late."""

_MOST_SERVICES: Final = 12
_MIN_CALLS: Final = 0.2  # a request, on average: rarer services need more data than there is to gain
_SAMPLED_PER_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Site:
    """Where delays are injected."""

    number: int
    """Where chance starts."""
    system: System
    """Who calls whom."""
    service: str
    """Service that answers late."""
    requests_per_s: float
    """At all entries together, so that REQUESTS_PER_MIN go through the service."""
    std_ms: float
    """Standard deviation of the response leg into the service in quiet data."""


def choose_site(number: int) -> Site:
    """One service that others call, and the load that its system needs; all drawn from the number."""
    system = varied_system(number, _MOST_SERVICES)
    spec = IncidentSpec(seed=number, system=system, requests_per_s=_SAMPLED_PER_S, logs=False, metrics=False)
    sample = generate(spec).baseline.spans
    legs = response_legs(sample)
    requests = sample["trace_id"].n_unique()
    calls = legs.group_by("callee").agg(a_request=pl.len() / requests).sort("callee")
    often = calls.filter(pl.col("a_request") >= _MIN_CALLS)
    service = Random(number).choice(often["callee"].to_list())
    a_request = often.filter(pl.col("callee") == service)["a_request"].item()
    return Site(
        number=number,
        system=system,
        service=service,
        requests_per_s=REQUESTS_PER_MIN / 60 / a_request,
        std_ms=scatter_ms(legs.filter(pl.col("callee") == service)),
    )


def response_legs(spans: pl.DataFrame) -> pl.DataFrame:
    """``caller``, ``callee``, ``operation`` and ``leg_ms`` (client end less server end) of every call."""
    clients = spans.filter(pl.col("kind") == "client").select(
        "trace_id",
        pl.col("span_id").alias("parent_id"),
        pl.col("service").alias("caller"),
        pl.col("end_ns").alias("answered_ns"),
    )
    return (
        spans.filter(pl.col("kind") == "server")
        .join(clients, on=["trace_id", "parent_id"])
        .select(
            "caller",
            pl.col("service").alias("callee"),
            "operation",
            leg_ms=(pl.col("answered_ns") - pl.col("end_ns")) / 1e6,
        )
    )


def scatter_ms(legs: pl.DataFrame) -> float:
    """Standard deviation within each caller and operation, all pooled.

    Formula: sqrt(sum of squared distances from the mean of the own group / (values - groups)).
    """
    groups = ["caller", "callee", "operation"]
    off_ms = legs["leg_ms"] - legs.select(pl.col("leg_ms").mean().over(groups))["leg_ms"]
    return sqrt(float((off_ms**2).sum()) / (legs.height - legs.select(groups).n_unique()))
