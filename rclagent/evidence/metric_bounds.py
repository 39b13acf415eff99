"""What bounds a metric: the metrics that tell the limit of another, or how many chances it had.

Names are written as rclagent.evidence.limits.plain_name writes them: in lower case, with underscores,
without the units and ``_total`` that Prometheus appends, so that one entry serves OpenTelemetry's
conventions and the exporters that follow Prometheus's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

FULL: Final = 0.8
"""Share of a limit from which queues grow without bound: an M/M/1 queue at 80 % holds five times its service
time."""
STALLED: Final = 0.25
"""Share of time that a pod stands still from which it is as good as full. Each request that meets such a stop
waits, and at a quarter that is one request in four: its 75th percentile."""
LOSSY: Final = 0.01
"""Share of packets lost from which users feel it: of requests that take ten packets a tenth wait for a
retransmission, 200 ms and more."""
FEW_PERIODS: Final = 1.0
"""CFS periods (100 ms each) a second below which a pod hardly runs, so that a share of them means nothing."""
FEW_PACKETS: Final = 10.0
"""Packets a second below which a share of them means nothing: of so few, one lost in ten seconds is 1 %."""
FEW_OPERATIONS: Final = 1.0
"""Operations of a disk a second below which their mean time means nothing."""

CONTAINER: Final = "container"
"""The limit is of the same container of the pod."""
ATTRIBUTES: Final = "attributes"
"""The limit carries the same attributes: pool, device, memory area ..."""

ITS_LIMIT: Final = "its limit"
THE_TIME: Final = "the time"


@dataclass(frozen=True, slots=True)
class Bound:
    """Metrics, and what each is to be divided by."""

    usages: str
    """Plain names of the metrics, separated by blanks."""
    limits: str = ""
    """Plain names of the metrics to divide by; where several are known the tightest counts."""
    by: str = ATTRIBUTES
    """How a limit is found: ATTRIBUTES or CONTAINER."""
    constant: float | None = None
    """Divisor of metrics that need no other: 1 for seconds a second."""
    left: bool = False
    """Whether the metric is what is left of the limit, not what is used."""
    full: float = FULL
    """Share from which it hurts."""
    of: str | None = ITS_LIMIT
    """What the share is of, for people; None where the quotient is no share but an amount for each."""
    least_limit: float = 0.0
    """Divisors below it say that next to nothing goes on."""


CPU_BOUNDS: Final = (
    Bound(
        "container_cpu_usage container_cpu_time k8s_pod_cpu_usage k8s_pod_cpu_time"
        " process_cpu process_cpu_time jvm_cpu_time",
        "container_spec_cpu_quota kube_pod_container_resource_limits_cpu k8s_container_cpu_limit"
        " jvm_cpu_count go_sched_gomaxprocs_threads",
        CONTAINER,
    ),
    Bound("node_cpu_idle system_cpu_time_idle", constant=1.0, left=True, of="the time of its processors"),
    Bound(
        "container_cpu_cfs_throttled_periods",
        "container_cpu_cfs_periods",
        full=STALLED,
        of="its CPU periods",
        least_limit=FEW_PERIODS,
    ),
    Bound(
        "container_cpu_throttling_data_throttled_periods",
        "container_cpu_throttling_data_periods",
        full=STALLED,
        of="its CPU periods",
        least_limit=FEW_PERIODS,
    ),
)

MEMORY_BOUNDS: Final = (
    # Without container_memory_usage_bytes, which counts the page cache: that fills up to the limit by itself.
    Bound(
        "container_memory_working_set container_memory_rss k8s_pod_memory_working_set k8s_pod_memory_rss"
        " process_resident_memory process_memory_usage",
        "container_spec_memory_limit kube_pod_container_resource_limits_memory k8s_container_memory_limit",
        CONTAINER,
    ),
    Bound("container_memory_usage_total", "container_memory_usage_limit"),
    Bound(
        "jvm_memory_used jvm_memory_used_after_last_gc",
        "jvm_memory_limit jvm_memory_max",
    ),
    Bound(
        "process_runtime_jvm_memory_usage process_runtime_jvm_memory_usage_after_last_gc",
        "process_runtime_jvm_memory_limit",
    ),
    Bound("jvm_memory_bytes_used", "jvm_memory_bytes_max"),
    Bound("jvm_memory_pool_used", "jvm_memory_pool_max"),
    Bound("jvm_memory_pool_bytes_used", "jvm_memory_pool_bytes_max"),
    Bound("go_memory_used go_memstats_sys go_memstats_heap_inuse", "go_memory_limit go_gc_gomemlimit"),
    Bound("redis_memory_used", "redis_memory_max redis_maxmemory"),
    Bound("node_memory_memavailable", "node_memory_memtotal", left=True),
    Bound("system_memory_usage_used", "system_memory_limit"),
    Bound(
        "jvm_gc_pause_seconds_sum jvm_gc_duration_sum jvm_gc_duration_seconds_sum jvm_gc_overhead"
        " jvm_gc_overhead_percent jvm_gc_collection_seconds_sum go_gc_duration_seconds_sum"
        " nodejs_gc_duration_seconds_sum dotnet_gc_pause_time",
        constant=1.0,
        full=STALLED,
        of=THE_TIME,
    ),
    Bound(
        "process_runtime_jvm_gc_duration_sum process_runtime_jvm_gc_duration_milliseconds_sum",
        constant=1000.0,
        full=STALLED,
        of=THE_TIME,
    ),
)

DISK_BOUNDS: Final = (
    # Of pods only what they use themselves: what is left of a disk that they share accuses all of them.
    Bound("node_filesystem_avail", "node_filesystem_size", left=True),
    Bound("node_filesystem_files_free", "node_filesystem_files", left=True),
    Bound("container_fs_usage", "container_fs_limit"),
    Bound("container_filesystem_usage", "container_filesystem_capacity"),
    Bound("k8s_pod_filesystem_usage", "k8s_pod_filesystem_capacity"),
    Bound("k8s_node_filesystem_usage", "k8s_node_filesystem_capacity"),
    Bound("k8s_volume_available", "k8s_volume_capacity", left=True),
    Bound("kubelet_volume_stats_used", "kubelet_volume_stats_capacity"),
    Bound("kubelet_volume_stats_inodes_used", "kubelet_volume_stats_inodes"),
    Bound("node_disk_io_time container_fs_io_time system_disk_io_time", constant=1.0, of=THE_TIME),
    Bound("node_disk_read_time", "node_disk_reads_completed", of=None, least_limit=FEW_OPERATIONS),
    Bound("node_disk_write_time", "node_disk_writes_completed", of=None, least_limit=FEW_OPERATIONS),
    Bound("container_fs_read", "container_fs_reads", of=None, least_limit=FEW_OPERATIONS),
    Bound("container_fs_write", "container_fs_writes", of=None, least_limit=FEW_OPERATIONS),
    Bound("system_disk_operation_time", "system_disk_operations", of=None, least_limit=FEW_OPERATIONS),
)

PRESSURE_BOUNDS: Final = (
    # Pressure stall information of the kernel: some tasks wait, or none gets on.
    Bound(
        "container_pressure_cpu_waiting container_pressure_memory_waiting container_pressure_io_waiting"
        " node_pressure_cpu_waiting node_pressure_memory_waiting node_pressure_io_waiting",
        constant=1.0,
        of=THE_TIME,
    ),
    Bound(
        "container_pressure_cpu_stalled container_pressure_memory_stalled container_pressure_io_stalled"
        " node_pressure_memory_stalled node_pressure_io_stalled",
        constant=1.0,
        full=STALLED,
        of=THE_TIME,
    ),
)


def lost_packets(usages: str, packets: str) -> Bound:
    """Lost packets, by the packets that were sent or received."""
    return Bound(usages, packets, full=LOSSY, of="its packets", least_limit=FEW_PACKETS)


NETWORK_BOUNDS: Final = (
    *(
        lost_packets(usages.format(way=way), packets.format(way=way))
        for way in ("receive", "transmit")
        for usages, packets in (
            (
                "container_network_{way}_packets_dropped container_network_{way}_errors",
                "container_network_{way}_packets",
            ),
            ("node_network_{way}_drop node_network_{way}_errs", "node_network_{way}_packets"),
        )
    ),
    *(
        lost_packets(
            f"container_network_io_usage_{way}_dropped container_network_io_usage_{way}_errors",
            f"container_network_io_usage_{way}_packets",
        )
        for way in ("rx", "tx")
    ),
    lost_packets("system_network_dropped system_network_errors", "system_network_packets"),
    lost_packets("system_network_packet_dropped", "system_network_packet_count"),
    lost_packets("node_netstat_tcp_retranssegs", "node_netstat_tcp_outsegs"),
    Bound("node_nf_conntrack_entries", "node_nf_conntrack_entries_limit"),
)

POOL_BOUNDS: Final = (
    Bound("hikaricp_connections_active", "hikaricp_connections_max"),
    Bound("jdbc_connections_active", "jdbc_connections_max"),
    Bound(
        "db_client_connections_usage_used db_client_connection_count_used",
        "db_client_connections_max db_client_connection_max",
    ),
    Bound("go_sql_in_use_connections", "go_sql_max_open_connections"),
    Bound("go_sql_stats_connections_in_use", "go_sql_stats_connections_max_open"),
    Bound("mysql_global_status_threads_connected", "mysql_global_variables_max_connections"),
    Bound("postgresql_backends", "postgresql_connection_max"),
    Bound("redis_connected_clients", "redis_config_maxclients"),
    Bound("tomcat_threads_busy_threads tomcat_threads_busy", "tomcat_threads_config_max_threads"),
    Bound("jetty_threads_busy", "jetty_threads_config_max"),
    Bound("executor_active_threads", "executor_pool_max_threads"),
    Bound("process_open_fds", "process_max_fds"),
    Bound("process_files_open_files", "process_files_max_files"),
    Bound("jvm_file_descriptor_count", "jvm_file_descriptor_limit"),
    Bound("node_filefd_allocated", "node_filefd_maximum"),
)

BOUNDS: Final = (
    *CPU_BOUNDS,
    *MEMORY_BOUNDS,
    *DISK_BOUNDS,
    *PRESSURE_BOUNDS,
    *NETWORK_BOUNDS,
    *POOL_BOUNDS,
)
"""All of them; each metric occurs once."""
