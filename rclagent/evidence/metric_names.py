"""What a metric measures, recognised by its name.

OpenTelemetry's semantic conventions and the names of common exporters (cAdvisor,
kube-state-metrics, node exporter, JVM, Go, the AIOps challenges, Nezha). A name that is
not recognised is anonymous: its series still counts where it changes, but says nothing about
the kind of fault.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Final

import polars as pl

from rclagent.core.evidence import FaultType
from rclagent.evidence.metric_bounds import STALLED


@dataclass(frozen=True, slots=True)
class Resource:
    """A kind of resource and how its metrics are called."""

    name: str
    """For people: ``CPU``, ``memory`` ..."""
    fault_type: FaultType
    """What its exhaustion is called."""
    pattern: str
    """Regular expression over lower-case metric names, without the attributes in braces."""
    least: float = 0.0
    """Amounts below it can't hurt, in the source's unit; infinite where only a share of a limit tells."""


SHARES: Final = (
    Resource(
        "CPU",
        FaultType.CPU,
        r"cpu[._]?usage[._]?rate\(%\)|cpu[._](limit|node)[._]utilization|cpu[._]?(recent[._])?utili[sz]ation"
        r"|cpu[._]?(usage[._]?|used[._]?)?(percent|pct|ratio|util(_|$))|^(process|system)[._]cpu[._]usage$",
    ),
    Resource(
        "memory",
        FaultType.MEMORY,
        r"mem(ory)?[._]?usage[._]?rate\(%\)|memory[._](limit|node)[._]utilization|mem(ory)?[._]?utili[sz]ation"
        r"|(^|[._])mem(ory)?[._]?(usage[._]?|used[._]?)?(percent|pct|ratio|util(_|$))",
    ),
    Resource(
        "disk",
        FaultType.DISK_IO,
        r"filesystem[._](usage[._])?utilization"
        r"|(^|[._])(disk|fs)[._]?(usage[._]?|used[._]?|io[._]?)?(percent|pct|ratio|util)",
    ),
    Resource(
        "connection pool",
        FaultType.UNKNOWN,
        r"(connections?|pool)[._](usage[._]|used[._])?(utili[sz]ation|percent|pct|ratio)",
    ),
)
"""Metrics that are shares of a limit, in 0..1 or in percent."""

NO_SHARE: Final = r"idle|free|available|^(k8s[._](pod|node|container)|container)[._]cpu[._]utilization"
"""No share of a limit though called like one: what is left of it, and the kubelet's count of cores in use."""

ONE_THREAD: Final = 1 / 3
"""Cores in use from which a starved thread is possible; less is what an idle pod uses, whatever the ratio."""
STALLED_PERIODS: Final = 2.5
"""Throttled CFS periods a second, of ten, from which requests are held up (metric_bounds.STALLED)."""
LOST_PACKETS: Final = 1.0
"""Packets lost a second from which connections suffer, where it is unknown how many were sent."""
SLOW_DISK_S: Final = 0.005
"""Seconds that one operation of a disk takes from which a request feels it."""

OOM_KILLS: Final = "out-of-memory kills"
RESTARTS: Final = "restarts"
QUEUE: Final = "connection queue"
EVENTS: Final = (OOM_KILLS, RESTARTS)
"""Resources whose metrics count events: a single one tells."""
POOLS: Final = ("connection pool", "thread pool", QUEUE)
"""Held for as long as calls take (Little's law): a slow callee fills the pools of its callers."""

AMOUNTS: Final = (
    Resource("CPU throttling", FaultType.CPU, r"throttled_periods", STALLED_PERIODS),
    Resource("CPU throttling", FaultType.CPU, r"throttled_(seconds|time)", STALLED),
    Resource("CPU throttling", FaultType.CPU, r"cpu.*throttl|throttl.*cpu|cfs[._]throttl"),
    Resource("CPU", FaultType.CPU, r"cpu.*(\(m\)|milli_?cores)", 1000 * ONE_THREAD),
    Resource(
        "CPU",
        FaultType.CPU,
        r"cpu[._]((usage|user|system)[._])?(seconds|time)|(container|pod|node)[._]cpu[._](usage$|utili[sz]ation)"
        r"|cpu[._]request[._]utili[sz]ation",
        ONE_THREAD,
    ),
    Resource(
        "CPU",
        FaultType.CPU,
        r"cpu[._]?(usage|used|time|request)|cpu[._](\w+[._])?(seconds|time)|cpu.*utili[sz]ation|(^|[._])cpu[._](idle|free)"
        r"|(^|[._])(processor_)?load[._]?(average|1|5|15)(m|[._]|$)|pressure[._]cpu",
    ),
    Resource("connection tracking", FaultType.NETWORK_LOSS, r"nf_conntrack_entries$", math.inf),
    Resource(
        "packet loss",
        FaultType.NETWORK_LOSS,
        r"retrans|packets?[._]?(drop|loss|lost)|network[._](errors|dropped)"
        r"|(receive|transmit|[rt]x)[._](errs|drop|errors)|errors_packets",
        LOST_PACKETS,
    ),
    Resource(OOM_KILLS, FaultType.MEMORY, r"(^|[._])oom([._]|$)"),
    Resource(
        "memory",
        FaultType.MEMORY,
        r"major_?page_?faults|pgmajfault|resident_memory|memstats|(^|[._])heap|pressure[._]memory"
        r"|(^|[._])mem(ory)?[._]?((pool[._])?bytes[._]|pool[._])?(usage|used|working_set|rss|real|available|free|failcnt|utili[sz]ation)"
        r"|memory_mem(available|free)|cpython[._]memory",
    ),
    Resource("garbage collection", FaultType.MEMORY, r"(^|[._])gc[._]"),
    Resource(
        "disk",
        FaultType.DISK_IO,
        r"disk[._](read|write|operation)_time|(^|[._])fs[._](read|write)_seconds",
        SLOW_DISK_S,
    ),
    Resource(
        "disk",
        FaultType.DISK_IO,
        r"disk[._](io|operation|read|writ|pending)|(^|[._])fs[._](reads|writes|io)|(^|[._])io[._](time|await)"
        r"|blkio|blockio|iowait|disk[._]await|pressure[._]io",
    ),
    Resource(
        "disk space",
        FaultType.DISK_IO,
        r"filesystem[._](usage|avail|(files_)?free)|(^|[._])fs[._](usage|inodes_free)"
        r"|volume(_stats)?[._](inodes[._])?(avail|used|free)",
    ),
    Resource(RESTARTS, FaultType.CRASH, r"(^|[._])restarts?(_total)?$"),
    Resource(
        QUEUE,
        FaultType.UNKNOWN,
        r"(^|[._])(pending|waiting)[._]connections?|connections?[._](pending|waiting)",
    ),
    Resource("connection pool", FaultType.UNKNOWN, r"connections?[._](wait_time|timeouts?)"),
    Resource(
        "connection pool",
        FaultType.UNKNOWN,
        r"^(hikaricp|jdbc)[._]connections[._]active$|db[._]client[._]connections?[._](usage|count)$"
        r"|^go_sql_(in_use_connections|stats_connections_in_use)$|threads_connected$|redis[._]connected_clients$"
        r"|redis[._]clients[._]connected$|numbackends$|^postgresql[._]backends$",
        math.inf,
    ),
    Resource(
        "thread pool",
        FaultType.UNKNOWN,
        r"^(tomcat|jetty)[._]threads[._]busy|^executor[._]active([._]threads)?$",
        math.inf,
    ),
    Resource(
        "file descriptors",
        FaultType.UNKNOWN,
        r"open_fds$|files[._]open([._]files)?$|file_descriptor[._]count$|filefd_allocated$",
    ),
)
"""Metrics in a unit of their own: only their change speaks."""

SYMPTOMS: Final = (
    r"latency|duration|workload|success|request|response|throughput|qps|rps|(^|[._])ops|error_?rate"
    r"|network[._]?(io|receive|transmit|bytes|p90|traffic)|(receive|transmit)[._]?bytes"
    r"|span_?metrics|spans?[._]|(^|[._])calls(_total)?$|(up|down)stream_(rq|cx)"
)
"""Metrics that follow from the requests themselves, which the traces show better: never a cause. The name of
a resource counts first: the duration of a collection of garbage is no duration of a request."""

PROTOCOLS: Final = r"^(http|g?rpc)[._]"
"""Metrics of the requests themselves, whatever else their names say."""

NODE_SCOPED: Final = (
    r"^node([._:]|cpu|mem|disk|network)|^instance:node|^kube_node|^system[._]|^k8s[._]node|[._]system[._]cpu"
)
"""Metrics of a whole machine, whatever pod they are filed under."""


_ATTRIBUTES: Final = r"(?s)\{.*$"


def bare_name(metric: pl.Expr) -> pl.Expr:
    """Lower-case name without the attributes in braces."""
    return metric.str.replace(_ATTRIBUTES, "").str.to_lowercase()


def classified(series: pl.DataFrame) -> pl.DataFrame:
    """The same series, with what each measures.

    Args:
        series: Any table with ``metric``.

    Returns:
        Its columns, and ``resource`` and ``fault_type`` (null for anonymous metrics), ``least`` (smallest
        amount that can hurt), ``is_share``, ``is_symptom``, ``is_node``, ``is_event``, ``is_pool`` (Boolean).
    """
    named = series.with_columns(bare_name(pl.col("metric")).alias("name"))
    # There are far fewer names than series, and a regular expression takes its time.
    known = named.select("name").unique().with_columns(**_reading(pl.col("name")))
    rest = pl.col("metric").str.to_lowercase().str.contains(NO_SHARE)
    return (
        named.join(known, on="name", how="left", maintain_order="left")
        .with_columns(pl.col("is_share") & ~rest)
        .drop("name")
    )


def _reading(name: pl.Expr) -> dict[str, pl.Expr]:
    of_requests = name.str.contains(PROTOCOLS)
    resource = pl.lit(None, dtype=pl.String)
    fault_type = pl.lit(None, dtype=pl.String)
    least = pl.lit(0.0)
    # The first that matches wins, so the chain is built from the last.
    for known in reversed((*SHARES, *AMOUNTS)):
        hit = name.str.contains(known.pattern) & ~of_requests
        resource = pl.when(hit).then(pl.lit(known.name)).otherwise(resource)
        fault_type = pl.when(hit).then(pl.lit(known.fault_type.value)).otherwise(fault_type)
        least = pl.when(hit).then(pl.lit(known.least)).otherwise(least)
    is_share = pl.any_horizontal(name.str.contains(known.pattern) for known in SHARES)
    return {
        "resource": resource,
        "fault_type": fault_type,
        "least": least,
        "is_share": is_share & ~of_requests,
        "is_symptom": of_requests | (name.str.contains(SYMPTOMS) & resource.is_null()),
        "is_node": name.str.contains(NODE_SCOPED),
        "is_event": resource.is_in(EVENTS).fill_null(False),
        "is_pool": resource.is_in(POOLS).fill_null(False),
    }


def fault_type_of(metric: str) -> FaultType:
    """What the exhaustion of one metric is called; UNKNOWN for anonymous ones."""
    name = re.sub(_ATTRIBUTES, "", metric.lower())
    if re.search(PROTOCOLS, name):
        return FaultType.UNKNOWN
    return next(
        (known.fault_type for known in (*SHARES, *AMOUNTS) if re.search(known.pattern, name)),
        FaultType.UNKNOWN,
    )
