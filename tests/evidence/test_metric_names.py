"""What metrics measure, by the names that exporters really give them."""

from __future__ import annotations

import polars as pl
import pytest

from rclagent.evidence.metric_names import classified, fault_type_of

CPU, MEMORY, DISK = ("CPU", "cpu"), ("memory", "memory"), ("disk", "disk_io")
SPACE, LOSS, GC = ("disk space", "disk_io"), ("packet loss", "network_loss"), ("garbage collection", "memory")
THROTTLED, RESTARTS, POOL = ("CPU throttling", "cpu"), ("restarts", "crash"), ("connection pool", "unknown")

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
        container.cpu.throttling_data.throttled_time
    """,
    MEMORY: """
        k8s.pod.memory.usage k8s.pod.memory.working_set k8s.pod.memory.rss k8s.pod.memory.available
        k8s.pod.memory.major_page_faults container.memory.usage process.memory.usage container_memory_rss
        container_memory_working_set_bytes container_memory_usage_bytes container_memory_failcnt
        container_oom_events_total container_pressure_memory_waiting_seconds_total jvm_memory_used_bytes
        jvm.memory.used{jvm.memory.type=heap} jvm.memory.used_after_last_gc process.runtime.jvm.memory.usage
        jvm_memory_bytes_used process_resident_memory_bytes go_memstats_heap_inuse_bytes go.memory.used
        nodejs_heap_size_used_bytes dotnet.process.memory.working_set redis_memory_used_bytes
        MemoryUsage(Mi) container_mem_used container_memory_usage_MB
    """,
    GC: """
        jvm.gc.duration process.runtime.jvm.gc.duration jvm_gc_pause_seconds_sum go_gc_duration_seconds
        jvm_gc_collection_seconds_sum nodejs_gc_duration_seconds_sum python_gc_collections_total
        dotnet.gc.collections
    """,
    DISK: """
        container.disk.io{disk.io.direction=write} process.disk.io container_fs_reads_bytes_total
        container_fs_writes_total container_fs_io_time_seconds_total container_blkio_device_usage_total
        container.blockio.io_service_bytes_recursive container_pressure_io_waiting_seconds_total Disk_await
    """,
    SPACE: """
        k8s.pod.filesystem.usage k8s.pod.filesystem.available
        container_fs_usage_bytes k8s.volume.available
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
        db.client.connection.pending_requests db.client.connections.pending_requests
        db.client.connection.timeouts db.client.connection.wait_time hikaricp_connections_pending
        hikaricp_connections_timeout_total
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
        node_memory_MemAvailable_bytes node_memory_MemFree_bytes node_vmstat_pgmajfault node_vmstat_oom_kill
    """,
    DISK: """
        system.disk.io{direction=read} system.disk.io_time{system.device=sda} system.disk.operations
        system.disk.operation_time system.disk.pending_operations node_disk_io_time_seconds_total{device=sda}
        node_disk_read_bytes_total node_disk_written_bytes_total node_disk_reads_completed_total
        node_pressure_io_waiting_seconds_total system.io.await
    """,
    SPACE: "system.filesystem.usage node_filesystem_avail_bytes node_filesystem_free_bytes",
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
    redis_mem_fragmentation_ratio redis_connected_clients chat_rooms_open bloom_filter_size mushrooms_sold
    audio_time_total download_average upload_time cheap_items member_ratio item_percent temperature pool_size
    jvm_memory_max_bytes container_start_time_seconds nodejs_eventloop_lag_seconds
    business{note=cpu_usage_seconds} clicks{route=memory.used}
"""


Group = tuple[tuple[str, str], str]


def readings(names: list[str]) -> dict[str, dict[str, object]]:
    """What is recognised of each name."""
    table = pl.DataFrame({"metric": names}).select("metric", **classified(pl.col("metric")))
    return {row.pop("metric"): row for row in table.to_dicts()}


def expected(known: tuple[str, str], *, share: bool, node: bool) -> dict[str, object]:
    """What should be recognised of a resource."""
    names: dict[str, object] = {"resource": known[0], "fault_type": known[1]}
    return names | {"is_share": share, "is_symptom": False, "is_node": node}


@pytest.mark.parametrize("group", SHARES.items(), ids=lambda group: group[0][0])
def test_shares_of_a_limit(group: Group) -> None:
    known, names = group
    found = readings(names.split())
    assert found == dict.fromkeys(found, expected(known, share=True, node=False))


@pytest.mark.parametrize("group", SHARES_OF_MACHINES.items(), ids=lambda group: group[0][0])
def test_shares_of_a_whole_machine(group: Group) -> None:
    known, names = group
    found = readings(names.split())
    assert found == dict.fromkeys(found, expected(known, share=True, node=True))


@pytest.mark.parametrize("group", AMOUNTS.items(), ids=lambda group: group[0][0])
def test_amounts(group: Group) -> None:
    """The kubelet's ``cpu.utilization`` counts cores; what is idle or free is no share of a limit."""
    known, names = group
    found = readings(names.split())
    assert found == dict.fromkeys(found, expected(known, share=False, node=False))


@pytest.mark.parametrize("group", AMOUNTS_OF_MACHINES.items(), ids=lambda group: group[0][0])
def test_amounts_of_a_whole_machine(group: Group) -> None:
    known, names = group
    found = readings(names.split())
    assert found == dict.fromkeys(found, expected(known, share=False, node=True))


def test_figures_of_the_requests_are_symptoms() -> None:
    found = readings(SYMPTOMS.split())
    assert {name for name, row in found.items() if not row["is_symptom"]} == set()
    assert {name for name, row in found.items() if row["is_share"] or row["resource"]} == set()


def test_other_names_are_anonymous() -> None:
    """Words that merely contain a resource's, and attributes in braces, mislead nobody."""
    found = readings(ANONYMOUS.split())
    assert {name for name, row in found.items() if set(row.values()) != {None, False}} == set()


@pytest.mark.parametrize("groups", [SHARES, SHARES_OF_MACHINES, AMOUNTS, AMOUNTS_OF_MACHINES])
def test_one_name_gives_the_same_kind_of_fault_as_a_column_of_them(
    groups: dict[tuple[str, str], str],
) -> None:
    kinds = {name: known[1] for known, names in groups.items() for name in names.split()}
    assert {name: fault_type_of(name).value for name in kinds} == kinds


def test_names_without_a_resource_have_no_kind_of_fault() -> None:
    names = (SYMPTOMS + ANONYMOUS).split()
    assert {name for name in names if fault_type_of(name).value != "unknown"} == set()


def test_names_are_read_whatever_their_case() -> None:
    names = ["K8S.POD.CPU_LIMIT_UTILIZATION", "k8s.pod.cpu_limit_utilization"]
    upper, lower = readings(names).values()
    assert upper == lower


def test_a_column_without_rows_is_read_too() -> None:
    empty = pl.DataFrame(schema={"m": pl.String}).select(**classified(pl.col("m")))
    assert empty.columns == ["resource", "fault_type", "is_share", "is_symptom", "is_node"]
