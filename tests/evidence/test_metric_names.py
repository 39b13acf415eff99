"""What metrics measure, by the names that exporters really give them."""

from __future__ import annotations

import math

import polars as pl
import pytest

from rclagent.evidence.metric_names import (
    EVENTS,
    LOST_PACKETS,
    ONE_THREAD,
    OOM_KILLS,
    POOLS,
    QUEUE,
    SLOW_DISK_S,
    classified,
    fault_type_of,
)

CPU, MEMORY, DISK = ("CPU", "cpu"), ("memory", "memory"), ("disk", "disk_io")
SPACE, LOSS, GC = ("disk space", "disk_io"), ("packet loss", "network_loss"), ("garbage collection", "memory")
THROTTLED, RESTARTS, KILLS = ("CPU throttling", "cpu"), ("restarts", "crash"), (OOM_KILLS, "memory")
POOL, THREADS, WAITING = ("connection pool", "unknown"), ("thread pool", "unknown"), (QUEUE, "unknown")
FILES, TRACKED = ("file descriptors", "unknown"), ("connection tracking", "network_loss")

SHARES = {
    CPU: """
        k8s.pod.cpu_limit_utilization k8s.container.cpu_limit_utilization k8s.pod.cpu.node.utilization
        process.cpu.utilization jvm.cpu.recent_utilization process.runtime.jvm.cpu.utilization
        process_cpu_usage CpuUsageRate(%) CPU_util_pct CPUUtilization cpu_usage_percent
        k8s_pod_cpu_limit_utilization_ratio
    """,
    MEMORY: """
        k8s.pod.memory_limit_utilization
        k8s.container.memory_limit_utilization k8s.pod.memory.node.utilization
        process.memory.utilization container.memory.percent MemoryUsageRate(%) Memory_used_pct
        MemoryUtilization mem_used_percent
    """,
    DISK: "Disk_io_util FS_used_pct disk_used_percent",
}
SHARES_OF_MACHINES = {
    CPU: """
        system.cpu.utilization{cpu=cpu0;state=user} system_cpu_usage NodeCpuUsageRate(%)
        process.runtime.jvm.system.cpu.utilization system.cpu.pct_usage instance:node_cpu_utilisation:rate5m
    """,
    MEMORY: "system.memory.utilization{state=used} NodeMemoryUsageRate(%) system.mem.pct_usage",
    DISK: "system.filesystem.utilization{system.device=sda} system.disk.pct_usage",
}
AMOUNTS = {
    CPU: """
        k8s.pod.cpu.usage k8s.pod.cpu.time
        k8s.pod.cpu_request_utilization container.cpu.usage container.cpu.time
        process.cpu.time jvm.cpu.time container_cpu_usage_seconds_total container_cpu_user_seconds_total
        container_cpu_system_seconds_total process_cpu_seconds_total container_cpu_load_average_10s
        container_pressure_cpu_waiting_seconds_total CpuUsage(m) container_cpu_used CPU_idle_pct
        k8s.pod.cpu.utilization k8s.container.cpu.utilization container.cpu.utilization
    """,
    THROTTLED: """
        container_cpu_cfs_throttled_periods_total container_cpu_cfs_throttled_seconds_total
        container.cpu.throttling_data.throttled_time container.cpu.throttling_data.throttled_periods
    """,
    KILLS: "container_oom_events_total",
    MEMORY: """
        k8s.pod.memory.usage k8s.pod.memory.working_set k8s.pod.memory.rss k8s.pod.memory.available
        k8s.pod.memory.major_page_faults container.memory.usage process.memory.usage container_memory_rss
        container_memory_working_set_bytes container_memory_usage_bytes container_memory_failcnt
        container_pressure_memory_waiting_seconds_total container_pressure_memory_stalled_seconds_total
        jvm_memory_used_bytes jvm_memory_pool_used_bytes jvm_memory_pool_bytes_used redis.memory.used
        jvm.memory.used{jvm.memory.type=heap} jvm.memory.used_after_last_gc process.runtime.jvm.memory.usage
        jvm_memory_bytes_used process_resident_memory_bytes go_memstats_heap_inuse_bytes go.memory.used
        nodejs_heap_size_used_bytes dotnet.process.memory.working_set redis_memory_used_bytes
        MemoryUsage(Mi) container_mem_used container_memory_usage_MB
    """,
    GC: """
        jvm.gc.duration process.runtime.jvm.gc.duration jvm_gc_pause_seconds_sum go_gc_duration_seconds
        jvm_gc_collection_seconds_sum nodejs_gc_duration_seconds_sum python_gc_collections_total
        dotnet.gc.collections dotnet.gc.pause.time jvm_gc_overhead jvm_gc_overhead_percent
    """,
    DISK: """
        container.disk.io{disk.io.direction=write} process.disk.io container_fs_reads_bytes_total
        container_fs_writes_total container_fs_io_time_seconds_total container_blkio_device_usage_total
        container.blockio.io_service_bytes_recursive container_pressure_io_waiting_seconds_total Disk_await
    """,
    SPACE: """
        k8s.pod.filesystem.usage k8s.pod.filesystem.available
        container_fs_usage_bytes container_fs_inodes_free container.filesystem.usage
        k8s.volume.available kubelet_volume_stats_used_bytes kubelet_volume_stats_inodes_used
    """,
    LOSS: """
        k8s.pod.network.errors{direction=receive} container_network_receive_errors_total
        container_network_transmit_packets_dropped_total container.network.io.usage.rx_dropped
        Received_errors_packets tcp_retransmits_total
    """,
    RESTARTS: """
        kube_pod_container_status_restarts_total kube_pod_container_status_restarts_total{container=shelf}
        k8s.container.restarts container.restarts
    """,
    POOL: """
        db.client.connection.timeouts db.client.connection.wait_time hikaricp_connections_timeout_total
        hikaricp_connections_active hikaricp.connections.active jdbc_connections_active
        db.client.connections.usage{pool.name=p,state=used} db_client_connection_count
        go_sql_in_use_connections go_sql_stats_connections_in_use mysql_global_status_threads_connected
        postgresql.backends redis_connected_clients redis.clients.connected
    """,
    WAITING: """
        db.client.connection.pending_requests db.client.connections.pending_requests
        db_client_connections_pending_requests hikaricp_connections_pending
    """,
    THREADS: "tomcat_threads_busy_threads tomcat.threads.busy jetty_threads_busy executor_active_threads",
    FILES: """
        process_open_fds process_files_open_files process.unix.file_descriptor.count
        process.open_file_descriptor.count jvm.file_descriptor.count
    """,
}
AMOUNTS_OF_MACHINES = {
    CPU: """
        k8s.node.cpu.usage system.cpu.time{state=user} system.cpu.utilization{state=idle} node_load1
        system.cpu.load_average.1m node_cpu_seconds_total{mode=user} system_load_average_1m
        node_pressure_cpu_waiting_seconds_total
    """,
    MEMORY: """
        k8s.node.memory.usage system.memory.usage{state=used} system.memory.utilization{state=free}
        node_memory_MemAvailable_bytes node_memory_MemFree_bytes node_vmstat_pgmajfault
        node_pressure_memory_waiting_seconds_total
    """,
    KILLS: "node_vmstat_oom_kill",
    FILES: "node_filefd_allocated",
    TRACKED: "node_nf_conntrack_entries",
    DISK: """
        system.disk.io{direction=read} system.disk.io_time{system.device=sda} system.disk.operations
        system.disk.operation_time system.disk.pending_operations node_disk_io_time_seconds_total{device=sda}
        node_disk_read_bytes_total node_disk_written_bytes_total node_disk_reads_completed_total
        node_pressure_io_waiting_seconds_total system.io.await node_disk_read_time_seconds_total
        node_disk_write_time_seconds_total
    """,
    SPACE: """
        system.filesystem.usage node_filesystem_avail_bytes node_filesystem_free_bytes
        node_filesystem_files_free
    """,
    LOSS: """
        system.network.errors system.network.dropped
        system.network.packet.dropped node_netstat_Tcp_RetransSegs
        node_network_receive_drop_total node_network_transmit_errs_total node_netstat_TcpExt_TCPSynRetrans
    """,
}
SYMPTOMS = """
    http.server.request.duration http.server.active_requests http.client.connection.duration
    http.server.request.body.size http.client.open_connections http_server_requests_seconds_count
    http_requests_throttled_total rpc.server.duration grpc_server_handled_total db.client.operation.duration
    messaging.client.operation.duration traces.span.metrics.calls traces.span.metrics.duration
    traces_spanmetrics_latency_bucket calls_total istio_requests_total istio_request_duration_milliseconds_sum
    envoy_cluster_upstream_rq_total connection_success_ratio k8s.pod.network.io{direction=receive}
    container_network_receive_bytes_total container_network_receive_packets_total
    container.network.io.usage.rx_bytes NetworkReceiveBytes NetworkTransmitBytes NetworkP90(ms)
    PodClientLatencyP90(s) PodServerLatencyP99(s) PodWorkload(Ops) PodSuccessRate(%) SuccessRate(%)
    kube_pod_container_resource_requests
"""
ANONYMOUS = """
    SyscallRead queue_size orders_total cart_items kafka_consumer_lag go_goroutines jvm.thread.count
    redis_mem_fragmentation_ratio chat_rooms_open bloom_filter_size mushrooms_sold
    audio_time_total download_average upload_time cheap_items member_ratio item_percent temperature pool_size
    jvm_memory_max_bytes container_start_time_seconds nodejs_eventloop_lag_seconds
    container_spec_memory_limit_bytes container_spec_cpu_quota kube_pod_container_resource_limits
    k8s.container.cpu_limit hikaricp_connections_max hikaricp_connections_idle process_max_fds
    container_cpu_cfs_periods_total bedroom_total room_count
    business{note=cpu_usage_seconds} clicks{route=memory.used}
"""


Group = tuple[tuple[str, str], str]


def readings(names: list[str]) -> dict[str, dict[str, object]]:
    """What is recognised of each name."""
    table = classified(pl.DataFrame({"metric": names}))
    return {row.pop("metric"): row for row in table.to_dicts()}


def kinds(names: list[str]) -> dict[str, dict[str, object]]:
    """The same, without how much of it hurts."""
    return {name: {key: row[key] for key in row if key != "least"} for name, row in readings(names).items()}


def expected(known: tuple[str, str], *, share: bool, node: bool) -> dict[str, object]:
    """What should be recognised of a resource."""
    names: dict[str, object] = {"resource": known[0], "fault_type": known[1]}
    return names | {
        "is_share": share,
        "is_symptom": False,
        "is_node": node,
        "is_event": known[0] in EVENTS,
        "is_pool": known[0] in POOLS,
    }


@pytest.mark.parametrize("group", SHARES.items(), ids=lambda group: group[0][0])
def test_shares_of_a_limit(group: Group) -> None:
    known, names = group
    found = kinds(names.split())
    assert found == dict.fromkeys(found, expected(known, share=True, node=False))


@pytest.mark.parametrize("group", SHARES_OF_MACHINES.items(), ids=lambda group: group[0][0])
def test_shares_of_a_whole_machine(group: Group) -> None:
    known, names = group
    found = kinds(names.split())
    assert found == dict.fromkeys(found, expected(known, share=True, node=True))


@pytest.mark.parametrize("group", AMOUNTS.items(), ids=lambda group: group[0][0])
def test_amounts(group: Group) -> None:
    """The kubelet's ``cpu.utilization`` counts cores; what is idle or free is no share of a limit."""
    known, names = group
    found = kinds(names.split())
    assert found == dict.fromkeys(found, expected(known, share=False, node=False))


@pytest.mark.parametrize("group", AMOUNTS_OF_MACHINES.items(), ids=lambda group: group[0][0])
def test_amounts_of_a_whole_machine(group: Group) -> None:
    known, names = group
    found = kinds(names.split())
    assert found == dict.fromkeys(found, expected(known, share=False, node=True))


def test_figures_of_the_requests_are_symptoms() -> None:
    found = readings(SYMPTOMS.split())
    assert {name for name, row in found.items() if not row["is_symptom"]} == set()
    assert {name for name, row in found.items() if row["is_share"] or row["resource"]} == set()


def test_other_names_are_anonymous() -> None:
    """Words that merely contain a resource's, and attributes in braces, mislead nobody."""
    found = kinds(ANONYMOUS.split())
    assert {name for name, row in found.items() if set(row.values()) != {None, False}} == set()


@pytest.mark.parametrize("groups", [SHARES, SHARES_OF_MACHINES, AMOUNTS, AMOUNTS_OF_MACHINES])
def test_one_name_gives_the_same_kind_of_fault_as_a_column_of_them(
    groups: dict[tuple[str, str], str],
) -> None:
    types = {name: known[1] for known, names in groups.items() for name in names.split()}
    assert {name: fault_type_of(name).value for name in types} == types


def test_names_without_a_resource_have_no_kind_of_fault() -> None:
    names = (SYMPTOMS + ANONYMOUS).split()
    assert {name for name in names if fault_type_of(name).value != "unknown"} == set()


def test_names_are_read_whatever_their_case() -> None:
    names = ["K8S.POD.CPU_LIMIT_UTILIZATION", "k8s.pod.cpu_limit_utilization"]
    upper, lower = readings(names).values()
    assert upper == lower


@pytest.mark.parametrize(
    ("name", "least"),
    [
        ("container_cpu_usage_seconds_total", ONE_THREAD),
        ("k8s.pod.cpu.usage", ONE_THREAD),
        ("process.cpu.time", ONE_THREAD),
        ("CpuUsage(m)", 1000 * ONE_THREAD),
        ("container_cpu_cfs_throttled_seconds_total", 0.25),
        ("container_cpu_cfs_throttled_periods_total", 2.5),
        ("container_network_receive_packets_dropped_total", LOST_PACKETS),
        ("node_disk_read_time_seconds_total", SLOW_DISK_S),
        ("hikaricp_connections_active", math.inf),
        ("tomcat_threads_busy_threads", math.inf),
        ("hikaricp_connections_pending", 0),
        ("container_memory_rss", 0),
        ("queue_depth", 0),
    ],
)
def test_the_amount_that_can_hurt_is_in_the_unit_of_the_metric(name: str, least: float) -> None:
    """Cores, millicores, seconds, periods or packets a second; pools tell nothing without a limit."""
    assert readings([name])[name]["least"] == least


def test_attributes_tell_apart_what_is_used_and_what_is_left() -> None:
    names = [f"system.cpu.utilization{{state={state}}}" for state in ("user", "idle")]
    assert [row["is_share"] for row in readings(names).values()] == [True, False]


def test_every_series_keeps_its_row_and_order() -> None:
    names = ["queue_depth", "k8s.pod.cpu.usage", "queue_depth", "K8S.POD.CPU.USAGE"]
    table = classified(pl.DataFrame({"metric": names, "pod": ["b", "a", "a", "b"]}))
    assert table["metric"].to_list() == names
    assert table["pod"].to_list() == ["b", "a", "a", "b"]
    assert table["resource"].to_list() == [None, "CPU", None, "CPU"]


def test_a_column_without_rows_is_read_too() -> None:
    empty = classified(pl.DataFrame(schema={"metric": pl.String}))
    assert empty.is_empty()
    assert {"resource", "fault_type", "least", "is_share", "is_symptom"} < set(empty.columns)
