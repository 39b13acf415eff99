"""The table of bounds: complete, without contradictions, and readable by the rest of the channel."""

from __future__ import annotations

import polars as pl
import pytest

from rclagent.evidence.limits import named
from rclagent.evidence.metric_bounds import (
    ATTRIBUTES,
    BOUNDS,
    CONTAINER,
    FEW_PACKETS,
    FULL,
    LOSSY,
    STALLED,
    Bound,
    lost_packets,
)
from rclagent.evidence.metric_names import classified

USAGES = [usage for bound in BOUNDS for usage in bound.usages.split()]
SPELLED = {
    "container_fs_read": "container_fs_read_seconds_total",
    "container_fs_write": "container_fs_write_seconds_total",
    "container_memory_usage_total": "container.memory.usage.total",
    "db_client_connection_count_used": "db.client.connection.count{db.client.connection.state=used}",
    "db_client_connections_usage_used": "db.client.connections.usage{state=used}",
    "kube_pod_container_resource_limits_cpu": "kube_pod_container_resource_limits{resource=cpu}",
    "kube_pod_container_resource_limits_memory": "kube_pod_container_resource_limits{resource=memory}",
    "node_cpu_idle": "node_cpu_seconds_total{mode=idle}",
    "process_cpu": "process_cpu_seconds_total",
    "system_cpu_time_idle": "system.cpu.time{state=idle}",
    "system_memory_usage_used": "system.memory.usage{state=used}",
}
"""What exporters write, where more than dots or a unit is different."""


def test_each_metric_has_one_bound() -> None:
    assert sorted(USAGES) == sorted(set(USAGES))


@pytest.mark.parametrize("bound", BOUNDS, ids=lambda bound: bound.usages.split()[0])
def test_each_bound_has_one_kind_of_divisor(bound: Bound) -> None:
    """Either other metrics or a constant; shares hurt somewhere between nothing and all."""
    assert bool(bound.limits) != (bound.constant is not None)
    assert bound.by in (ATTRIBUTES, CONTAINER)
    assert 0 < bound.full <= FULL


def test_what_has_a_bound_is_known_by_name() -> None:
    """The share of a limit says which resource runs out only if the name does."""
    table = classified(pl.DataFrame({"metric": [SPELLED.get(usage, usage) for usage in USAGES]}))
    assert table.filter(pl.col("resource").is_null() | pl.col("is_symptom"))["metric"].to_list() == []


def test_names_of_the_table_are_those_that_are_looked_up() -> None:
    """A name with a unit, say, would never be met."""
    names = sorted({*USAGES, *(limit for bound in BOUNDS for limit in bound.limits.split())})
    table = named(pl.DataFrame({"metric": [SPELLED.get(name, name) for name in names]}))
    assert table["plain"].to_list() == names


def test_lost_packets_are_a_share_of_packets() -> None:
    bound = lost_packets("lost", "sent")
    assert (bound.full, bound.least_limit, bound.of) == (LOSSY, FEW_PACKETS, "its packets")


def test_a_quarter_of_time_stalled_is_as_bad_as_a_limit_reached() -> None:
    stalled = {usage for bound in BOUNDS if bound.full == STALLED for usage in bound.usages.split()}
    assert {"container_cpu_cfs_throttled_periods", "jvm_gc_pause_seconds_sum"} < stalled
    assert "container_pressure_cpu_waiting" not in stalled
