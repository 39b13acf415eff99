"""Limits found for series, and series as shares of them."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rclagent.core.baseline import SERIES_SCHEMA
from rclagent.evidence.limits import UNLIMITED, bounded, in_shares, limits_of, named

GIB = 2.0**30
WORKING_SET = "container_memory_working_set_bytes"
MEMORY_LIMIT = "container_spec_memory_limit_bytes"
FIGURES = ("mean", "p50", "mad", "p99", "low", "high")


def series(values: dict[str, float], pod: str = "shelf-0", node: str = "n1") -> pl.DataFrame:
    """Series of a pod that never vary."""
    place = {"service": "shelf" if pod else "", "pod": pod, "node": node, "n": 3}
    rows = [place | {"metric": metric} | dict.fromkeys(FIGURES, value) for metric, value in values.items()]
    return pl.DataFrame(rows, schema=SERIES_SCHEMA)


def limits(*tables: pl.DataFrame) -> dict[str, float]:
    """Limit of each series."""
    found = limits_of(pl.concat(tables), "high")
    return dict(found.select("metric", "limit").iter_rows())


@pytest.mark.parametrize(
    ("usage", "limit"),
    [
        ("k8s.pod.memory.working_set", "k8s.container.memory_limit"),
        ("k8s_pod_memory_working_set_bytes", "k8s_container_memory_limit_bytes"),
        ("k8s.pod.cpu.usage", "k8s.container.cpu_limit"),
        ("container.cpu.time", "k8s.container.cpu_limit"),
        ("jvm.cpu.time", "jvm.cpu.count"),
        ("process_cpu_seconds_total", "go_sched_gomaxprocs_threads"),
        ("container.memory.usage.total", "container.memory.usage.limit"),
        (
            "container_memory_rss{container=shop,id=/a}",
            "container_spec_memory_limit_bytes{container=shop,id=/a}",
        ),
        (
            "container_memory_working_set_bytes{container=shop,namespace=x}",
            "kube_pod_container_resource_limits{container=shop,namespace=x,resource=memory,uid=1,unit=byte}",
        ),
        (
            "container_cpu_usage_seconds_total{container=shop,cpu=total}",
            "kube_pod_container_resource_limits{container=shop,resource=cpu,unit=core}",
        ),
        (
            "container_cpu_usage_seconds_total{container=shop}",
            "kube_pod_container_resource_limits_cpu_cores{container=shop}",
        ),
        (
            "jvm.memory.used{jvm.memory.pool.name=G1 Old Gen,jvm.memory.type=heap}",
            "jvm.memory.limit{jvm.memory.pool.name=G1 Old Gen,jvm.memory.type=heap}",
        ),
        ("jvm_memory_used_bytes{area=heap,id=G1 Old Gen}", "jvm_memory_max_bytes{area=heap,id=G1 Old Gen}"),
        ('jvm_memory_bytes_used{area="heap"}', 'jvm_memory_bytes_max{area="heap"}'),
        (
            "process.runtime.jvm.memory.usage{pool=x,type=heap}",
            "process.runtime.jvm.memory.limit{pool=x,type=heap}",
        ),
        ("go.memory.used{go.memory.type=stack}", "go.memory.limit"),
        ("go_memstats_heap_inuse_bytes", "go_gc_gomemlimit_bytes"),
        ("redis_memory_used_bytes", "redis_memory_max_bytes"),
        ("node_memory_MemAvailable_bytes", "node_memory_MemTotal_bytes"),
        ("system.memory.usage{state=used}", "system.memory.limit"),
        (
            "node_filesystem_avail_bytes{device=/dev/sda1,mountpoint=/}",
            "node_filesystem_size_bytes{device=/dev/sda1,mountpoint=/}",
        ),
        ("kubelet_volume_stats_used_bytes{claim=a}", "kubelet_volume_stats_capacity_bytes{claim=a}"),
        ("k8s.pod.filesystem.usage", "k8s.pod.filesystem.capacity"),
        ("process_open_fds", "process_max_fds"),
        ("process_files_open_files", "process_files_max_files"),
        ("jvm.file_descriptor.count", "jvm.file_descriptor.limit"),
        ("node_nf_conntrack_entries", "node_nf_conntrack_entries_limit"),
        ("hikaricp_connections_active{pool=main}", "hikaricp_connections_max{pool=main}"),
        ("hikaricp.connections.active{pool=main}", "hikaricp.connections.max{pool=main}"),
        ("jdbc_connections_active{name=main}", "jdbc_connections_max{name=main}"),
        (
            "db.client.connections.usage{pool.name=main,state=used}",
            "db.client.connections.max{pool.name=main}",
        ),
        (
            "db.client.connection.count{db.client.connection.pool.name=main,db.client.connection.state=used}",
            "db.client.connection.max{db.client.connection.pool.name=main}",
        ),
        (
            'db_client_connections_usage{pool_name="main", state="used"}',
            'db_client_connections_max{pool_name="main"}',
        ),
        ("go_sql_in_use_connections{db_name=x}", "go_sql_max_open_connections{db_name=x}"),
        ("mysql_global_status_threads_connected", "mysql_global_variables_max_connections"),
        ("tomcat_threads_busy_threads{name=http}", "tomcat_threads_config_max_threads{name=http}"),
        (
            "container_cpu_cfs_throttled_periods_total{container=shop}",
            "container_cpu_cfs_periods_total{container=shop}",
        ),
        (
            "container_network_receive_packets_dropped_total{interface=eth0}",
            "container_network_receive_packets_total{interface=eth0}",
        ),
        ("node_network_transmit_errs_total{device=eth0}", "node_network_transmit_packets_total{device=eth0}"),
        (
            "system.network.dropped{device=a,direction=receive}",
            "system.network.packets{device=a,direction=receive}",
        ),
        ("node_netstat_Tcp_RetransSegs", "node_netstat_Tcp_OutSegs"),
        ("node_disk_read_time_seconds_total{device=sda}", "node_disk_reads_completed_total{device=sda}"),
        ("system.disk.operation_time{direction=read}", "system.disk.operations{direction=read}"),
    ],
)
def test_limits_are_found_by_the_names_that_exporters_give(usage: str, limit: str) -> None:
    assert limits(series({usage: 3, limit: 8})) == {usage: 8}


@pytest.mark.parametrize(
    ("usage", "limit"),
    [
        ("hikaricp_connections_active{pool=main}", "hikaricp_connections_max{pool=other}"),
        ("hikaricp_connections_idle{pool=main}", "hikaricp_connections_max{pool=main}"),
        (
            "db.client.connections.usage{pool.name=main,state=idle}",
            "db.client.connections.max{pool.name=main}",
        ),
        ("system.memory.usage{state=free}", "system.memory.limit"),
        (
            "container_memory_working_set_bytes{container=shop}",
            "container_spec_memory_limit_bytes{container=side}",
        ),
        ("container_memory_usage_bytes{container=shop}", "container_spec_memory_limit_bytes{container=shop}"),
        ("k8s.pod.cpu.usage", "k8s.container.cpu_request"),
        ("k8s.pod.memory.working_set", "k8s.container.cpu_limit"),
        (
            "container_memory_working_set_bytes{container=shop}",
            "kube_pod_container_resource_limits{container=shop,resource=cpu,unit=core}",
        ),
        ("container_network_receive_packets_dropped_total", "container_network_transmit_packets_total"),
        ("node_filesystem_files_free{device=a}", "node_filesystem_size_bytes{device=a}"),
        ("queue_depth", "queue_limit"),
    ],
)
def test_what_does_not_belong_together_is_no_limit(usage: str, limit: str) -> None:
    assert limits(series({usage: 3, limit: 8})) == {}


def test_limits_of_other_pods_say_nothing() -> None:
    assert limits(series({WORKING_SET: 3}), series({MEMORY_LIMIT: 8}, pod="shelf-1")) == {}


def test_exporters_that_name_the_machine_and_others_that_do_not_speak_of_the_same_pod() -> None:
    assert limits(series({WORKING_SET: 3}), series({MEMORY_LIMIT: 8}, node="")) == {WORKING_SET: 8}


def test_series_without_a_pod_are_told_apart_by_machine() -> None:
    total, available = "node_memory_MemTotal_bytes", "node_memory_MemAvailable_bytes"
    one = series({total: 8, available: 3}, pod="", node="n1")
    two = series({total: 16, available: 3}, pod="", node="n2")
    found = limits_of(pl.concat([one, two]), "high")
    assert found.select("node", "limit").rows() == [("n1", 8), ("n2", 16)]


@pytest.mark.parametrize("none", [0, -1, 2.0**63 - 4096, UNLIMITED])
def test_no_limit_is_written_in_many_ways(none: float) -> None:
    assert limits(series({WORKING_SET: 3, MEMORY_LIMIT: none})) == {}


def test_the_tightest_of_several_limits_counts() -> None:
    """A process may use two processors, its pod half of one."""
    several = {"jvm.cpu.time": 0.3, "jvm.cpu.count": 2, "k8s.container.cpu_limit": 0.5}
    assert limits(series(several)) == {"jvm.cpu.time": 0.5}


def test_a_quota_is_processor_time_in_a_period() -> None:
    """150,000 us in each 100,000 us are one and a half cores; without a period told, in the default one."""
    usage, quota = "container_cpu_usage_seconds_total{container=a}", "container_spec_cpu_quota{container=a}"
    period = "container_spec_cpu_period{container=a}"
    assert limits(series({usage: 1, quota: 150_000, period: 100_000})) == {usage: 1.5}
    assert limits(series({usage: 1, quota: 150_000, period: 50_000})) == {usage: 3}
    assert limits(series({usage: 1, quota: 150_000})) == {usage: 1.5}


def test_the_limits_of_all_containers_together_are_the_pods() -> None:
    both = {f"{MEMORY_LIMIT}{{container={name}}}": size for name, size in (("shop", GIB), ("side", GIB / 4))}
    assert limits(series({WORKING_SET: 3} | both))[WORKING_SET] == 1.25 * GIB


def test_a_pod_with_a_container_without_a_limit_has_none() -> None:
    both = {f"{MEMORY_LIMIT}{{container=shop}}": GIB, f"{MEMORY_LIMIT}{{container=side}}": 0}
    assert limits(series({WORKING_SET: 3} | both)) == {}


def test_a_limit_of_the_pod_holds_for_each_container() -> None:
    usage = f"{WORKING_SET}{{container=shop}}"
    assert limits(series({usage: 3, MEMORY_LIMIT: GIB})) == {usage: GIB}


def test_the_sum_of_other_containers_is_no_limit_of_one() -> None:
    usage = f"{WORKING_SET}{{container=side}}"
    assert limits(series({usage: 3, f"{MEMORY_LIMIT}{{container=shop}}": GIB})) == {}


def test_the_figure_asked_for_is_taken() -> None:
    table = series({WORKING_SET: 3, MEMORY_LIMIT: 8}).with_columns(
        pl.when(pl.col("metric") == MEMORY_LIMIT).then(6.0).otherwise("p50").alias("p50")
    )
    assert [limits_of(table, figure)["limit"].item() for figure in ("high", "p50")] == [8, 6]


def sides(metric: str, now: float, before: float, **known: float | None) -> pl.DataFrame:
    """One series in window and baseline; it spreads by 1 around the value given."""
    half = {"mean": 0.0, "p50": 0.0, "low": -1.0, "high": 1.0, "p99": 1.0}
    row: dict[str, float | str | None] = {"metric": metric, "base_mad": 1.0}
    row |= {name: now + by for name, by in half.items()}
    row |= {f"base_{name}": before + by for name, by in half.items()}
    unknown = dict.fromkeys(("limit", "base_limit"))
    types = {"limit": pl.Float64, "base_limit": pl.Float64}
    return in_shares(bounded(pl.DataFrame([row | unknown | known], schema_overrides=types)))


SHARES = ("low", "high", "base_low", "base_p50", "base_p99", "base_high", "base_mad")


def test_shares_by_hand() -> None:
    """8 of 10 now, between 7 and 9; 4 of 20 before, between 3 and 5, with a deviation of 1."""
    row = sides(WORKING_SET, 8, 4, limit=10, base_limit=20).row(0, named=True)
    assert row["is_part"] is True
    assert [row[name] for name in SHARES] == pytest.approx([0.7, 0.9, 0.15, 0.2, 0.25, 0.25, 0.05])


def test_what_is_left_is_turned_round() -> None:
    """2 of 10 left now, at least 1: 0.9 used at most. 16 of 20 before, at least 15: at most 0.25 used."""
    metric = "node_filesystem_avail_bytes"
    row = sides(metric, 2, 16, limit=10, base_limit=20).row(0, named=True)
    assert [row[name] for name in SHARES] == pytest.approx([0.7, 0.9, 0.15, 0.2, 0.25, 0.25, 0.05])


@pytest.mark.parametrize("known", [{"limit": 10.0}, {"base_limit": 10.0}])
def test_a_limit_told_on_one_side_holds_on_both(known: dict[str, float]) -> None:
    row = sides(WORKING_SET, 8, 4, **known).row(0, named=True)
    assert (row["high"], row["base_high"]) == pytest.approx((0.9, 0.5))


def test_seconds_a_second_are_a_share_of_time() -> None:
    row = sides("node_disk_io_time_seconds_total{device=sda}", -0.1, -0.9).row(0, named=True)
    assert (row["is_part"], row["high"], row["of"]) == (True, pytest.approx(0.9), "the time")


def test_milliseconds_a_second_are_a_share_of_time_too() -> None:
    row = sides("process.runtime.jvm.gc.duration.sum", 299, 9).row(0, named=True)
    assert (row["high"], row["base_high"]) == pytest.approx((0.3, 0.01))


def test_a_share_far_above_one_is_none() -> None:
    """A total that was not marked as one, or a limit of something else: left in its own unit."""
    row = sides("node_disk_io_time_seconds_total", 86_400, 80_000).row(0, named=True)
    assert (row["is_part"], row["high"]) == (False, 86_401)
    row = sides(WORKING_SET, 16, 4, limit=10).row(0, named=True)
    assert (row["is_part"], row["high"]) == (False, 17)


def test_time_for_each_operation_is_no_share() -> None:
    """9 s a second for 10 operations a second: 0.9 s each, whatever the share."""
    row = sides("node_disk_read_time_seconds_total", 8, 1, limit=10, base_limit=1).row(0, named=True)
    assert (row["is_part"], row["high"], row["base_high"]) == (False, pytest.approx(0.9), 2)


@pytest.mark.parametrize(("packets", "rows"), [(9.9, 0), (10.0, 1), (None, 1)])
def test_a_share_of_next_to_nothing_is_left_out(packets: float | None, rows: int) -> None:
    table = sides("container_network_receive_errors_total", 2, 0, limit=packets)
    assert table.height == rows


def test_series_without_a_bound_stay_as_they_are() -> None:
    row = sides("queue_depth", 8, 4, limit=None).row(0, named=True)
    assert (row["is_part"], row["high"], row["base_high"]) == (False, 9, 5)


def test_what_others_are_shares_of_is_marked() -> None:
    """Operations of a disk are a figure of their own, beside what they divide."""
    names = [MEMORY_LIMIT, "container_spec_cpu_period", "node_disk_reads_completed_total", WORKING_SET, "x"]
    table = bounded(pl.DataFrame({"metric": names}))
    assert table["metric"].to_list() == names
    assert table["is_limit"].to_list() == [True, True, False, False, False]


@given(
    name=st.sampled_from(
        ["hikaricp_connections_active", "jvm.memory.used", "kube_pod_container_resource_limits"]
    ),
    inside=st.text(max_size=30),
)
def test_any_attributes_are_read(name: str, inside: str) -> None:
    """Braces, quotes, separators and line ends included: one row in, one row out, and no comma at its end."""
    table = named(pl.DataFrame({"metric": [f"{name}{{{inside}}}"]}))
    assert table.height == 1
    assert table["plain"].item().startswith(name.replace(".", "_"))


@given(st.permutations(["pool=main", "db=shop", "state=used"]))
def test_the_order_of_attributes_does_not_matter(order: list[str]) -> None:
    usage = f"db.client.connections.usage{{{','.join(order)}}}"
    limit = "db.client.connections.max{db=shop,pool=main}"
    assert limits(series({usage: 3, limit: 8})) == {usage: 8}


def test_no_series_have_no_limits() -> None:
    assert limits(series({})) == {}
