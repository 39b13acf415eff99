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
    """Regular expression over lower-case metric names, without the attributes in braces."""


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

AMOUNTS: Final = (
    Resource("CPU throttling", FaultType.CPU, r"cpu.*throttl|throttl.*cpu|cfs[._]throttl"),
    Resource(
        "CPU",
        FaultType.CPU,
        r"cpu[._]?(usage|used|time|request)|cpu[._](\w+[._])?(seconds|time)|cpu.*utili[sz]ation|(^|[._])cpu[._](idle|free)"
        r"|(^|[._])(processor_)?load[._]?(average|1|5|15)(m|[._]|$)|pressure[._]cpu",
    ),
    Resource(
        "packet loss",
        FaultType.NETWORK_LOSS,
        r"retrans|packets?[._]?(drop|loss|lost)|network[._](errors|dropped)"
        r"|(receive|transmit|[rt]x)[._](errs|drop|errors)|errors_packets",
    ),
    Resource(
        "memory",
        FaultType.MEMORY,
        r"(^|[._])oom([._]|$)|major_?page_?faults|pgmajfault|resident_memory|memstats|(^|[._])heap|pressure[._]memory"
        r"|(^|[._])mem(ory)?[._]?(bytes[._])?(usage|used|working_set|rss|real|available|free|failcnt|utili[sz]ation)"
        r"|memory_mem(available|free)|cpython[._]memory",
    ),
    Resource("garbage collection", FaultType.MEMORY, r"(^|[._])gc[._]"),
    Resource(
        "disk",
        FaultType.DISK_IO,
        r"disk[._](io|operation|read|writ|pending)|(^|[._])fs[._](reads|writes|io)|(^|[._])io[._](time|await)"
        r"|blkio|blockio|iowait|disk[._]await|pressure[._]io",
    ),
    Resource(
        "disk space",
        FaultType.DISK_IO,
        r"filesystem[._](usage|avail|free)|(^|[._])fs[._]usage|volume(_stats)?[._](avail|used)",
    ),
    Resource("restarts", FaultType.CRASH, r"(^|[._])restarts?(_total)?$"),
    Resource(
        "connection pool",
        FaultType.UNKNOWN,
        r"(^|[._])(pending|waiting)[._]connections?|connections?[._](pending|waiting|wait_time|timeouts?)",
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


def classified(metric: pl.Expr) -> dict[str, pl.Expr]:
    """What each metric is, as expressions over a column of names.

    Returns:
        ``resource`` and ``fault_type`` (String; null for anonymous metrics), ``is_share``, ``is_symptom``,
        ``is_node`` (Boolean).
    """
    full = metric.str.to_lowercase()
    name = full.str.replace(_ATTRIBUTES, "")
    of_requests = name.str.contains(PROTOCOLS)
    resource = pl.lit(None, dtype=pl.String)
    fault_type = pl.lit(None, dtype=pl.String)
    # The first that matches wins, so the chain is built from the last.
    for known in reversed((*SHARES, *AMOUNTS)):
        hit = name.str.contains(known.pattern) & ~of_requests
        resource = pl.when(hit).then(pl.lit(known.name)).otherwise(resource)
        fault_type = pl.when(hit).then(pl.lit(known.fault_type.value)).otherwise(fault_type)
    is_share = pl.any_horizontal(name.str.contains(known.pattern) for known in SHARES)
    return {
        "resource": resource,
        "fault_type": fault_type,
        "is_share": is_share & ~of_requests & ~full.str.contains(NO_SHARE),
        "is_symptom": of_requests | (name.str.contains(SYMPTOMS) & resource.is_null()),
        "is_node": name.str.contains(NODE_SCOPED),
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
