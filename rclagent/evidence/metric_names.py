"""What a metric measures, recognised by its name.

OpenTelemetry's semantic conventions and the names of common exporters (cAdvisor,
kube-state-metrics, node exporter, JVM, Go, the AIOps challenges, Nezha). A name that is
not recognised is anonymous: its series still counts where it changes, but says nothing about
the kind of fault.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

import polars as pl

from rclagent.core.evidence import FaultType


@dataclass(frozen=True, slots=True)
class Resource:
    """A kind of resource and how its metrics are called."""

    name: str
    """For people: ``CPU``, ``memory`` ..."""
    fault_type: FaultType
    """What its exhaustion is called."""
    pattern: str
    """Regular expression over lower-case metric names."""


SHARES: Final = (
    Resource(
        "CPU",
        FaultType.CPU,
        r"cpu[._]?(usage)?[._]?rate\(%\)|cpu[._]limit[._]utilization|cpu[._]utilization"
        r"|cpu[._]?(usage|used)?[._]?(percent|pct|ratio|util)|^cpu_util",
    ),
    Resource(
        "memory",
        FaultType.MEMORY,
        r"mem(ory)?[._]?(usage)?[._]?rate\(%\)|memory[._]limit[._]utilization|memory[._]utilization"
        r"|mem(ory)?[._]?(usage|used)?[._]?(percent|pct|ratio|util)",
    ),
    Resource(
        "disk",
        FaultType.DISK_IO,
        r"filesystem[._](usage[._])?utilization|disk[._]?(usage|used|io)?[._]?(percent|pct|util|ratio)|pct_usage",
    ),
    Resource("connection pool", FaultType.UNKNOWN, r"(connections?|pool)[._].*(utilization|ratio|percent)"),
)
"""Metrics that are shares of a limit, in 0..1 or in percent."""

AMOUNTS: Final = (
    Resource("CPU throttling", FaultType.CPU, r"throttl"),
    Resource("CPU", FaultType.CPU, r"cpu[._]?usage|cpu[._]time|cpu_(usage_)?seconds|cpuusage"),
    Resource("packet loss", FaultType.NETWORK_LOSS, r"retrans|packets?[._]?drop|network[._](errors|dropped)|(receive|transmit)_(errs|drop|errors)"),
    Resource("memory", FaultType.MEMORY, r"oom|major_?page_?faults|pgmajfault|memory[._](usage|used|working_set|rss)|memoryusage|mem_(usage|used)"),
    Resource("garbage collection", FaultType.MEMORY, r"jvm[._]gc|gc[._](duration|pause)|go[._]gc"),
    Resource("disk", FaultType.DISK_IO, r"disk[._]io|disk_(read|write|io)|fs_(reads|writes|io)|io_time"),
    Resource("restarts", FaultType.CRASH, r"restarts?(_total)?$|container[._]restart"),
    Resource("connection pool", FaultType.UNKNOWN, r"(pending|waiting|timeouts?).*connections?|connections?.*(pending|waiting|timeouts?)"),
)  # fmt: skip
"""Metrics in a unit of their own: only their change speaks."""

SYMPTOMS: Final = (
    r"latency|duration|workload|success|request|response|throughput|qps|rps|(^|[._])ops|error_?rate"
    r"|network[._]?(io|receive|transmit|bytes|p90)|(receive|transmit)[._]?bytes|http[._]|rpc[._]|spans?[._]"
)
"""Metrics that follow from the requests themselves, which the traces show better: never a cause."""

NODE_SCOPED: Final = r"^node|^system[._]|^k8s[._]node"
"""Metrics of a whole machine, whatever pod they are filed under."""


def classified(metric: pl.Expr) -> dict[str, pl.Expr]:
    """What each metric is, as expressions over a column of names.

    Returns:
        ``resource`` and ``fault_type`` (String; null for anonymous metrics), ``is_share``, ``is_symptom``,
        ``is_node`` (Boolean).
    """
    name = metric.str.to_lowercase()
    resource = pl.lit(None, dtype=pl.String)
    fault_type = pl.lit(None, dtype=pl.String)
    # The first that matches wins, so the chain is built from the last.
    for known in reversed((*SHARES, *AMOUNTS)):
        hit = name.str.contains(known.pattern)
        resource = pl.when(hit).then(pl.lit(known.name)).otherwise(resource)
        fault_type = pl.when(hit).then(pl.lit(known.fault_type.value)).otherwise(fault_type)
    is_share = pl.any_horizontal(name.str.contains(known.pattern) for known in SHARES)
    return {
        "resource": resource,
        "fault_type": fault_type,
        "is_share": is_share,
        "is_symptom": name.str.contains(SYMPTOMS) & ~is_share,
        "is_node": name.str.contains(NODE_SCOPED),
    }


def fault_type_of(metric: str) -> FaultType:
    """What the exhaustion of one metric is called; UNKNOWN for anonymous ones."""
    name = metric.lower()
    return next((known.fault_type for known in (*SHARES, *AMOUNTS) if re.search(known.pattern, name)), FaultType.UNKNOWN)
