"""What normal looks like: aggregates learned from quiet telemetry.

The same tables come from a store for the incident window; evidence is the comparison
of the two. Keys come first, then figures; times in milliseconds. ``spread`` tells how much a
share differs from one quiet time to the next (rclagent.evidence.pieces); a store leaves it out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import polars as pl

from rclagent.core.window import Window

LEG_KEYS: Final = ("leg", "caller", "callee", "operation")
"""Key of a leg: ``leg`` is ``self``, ``store``, ``request``, ``response``, ``gap`` or ``message``
(rclagent.telemetry.legs); ``operation`` is the callee's. For ``self``, and for ``store`` where nobody says
who is waited for, the caller is empty and the callee is the span's own service; else the callee of ``store``
is the peer, and the operation the caller's. The caller of ``message`` is the topic where it is named."""

_TEXT: Final = pl.String()
_COUNT: Final = pl.Int64()
_REAL: Final = pl.Float64()

COMPONENT_SCHEMA: Final[dict[str, pl.DataType]] = {
    "service": _TEXT,
    "pod": _TEXT,  # empty where unknown
    "node": _TEXT,  # empty where unknown
    "spans": _COUNT,
    "logs": _COUNT,
    "metrics": _COUNT,
}
"""Everything named in the telemetry, with the records that name it."""

LEG_SCHEMA: Final[dict[str, pl.DataType]] = {
    **dict.fromkeys(LEG_KEYS, _TEXT),
    "n": _COUNT,
    "mean_ms": _REAL,
    "std_ms": _REAL,
    "p50_ms": _REAL,
    "p95_ms": _REAL,
    "spread": _REAL,  # scatter of the share above p95_ms between pieces of time, beyond chance
}
"""Distribution of each leg; a store adds ``over`` (values above the limit) and ``over_excess_ms``
(mean of how far, over all values) when it is given thresholds."""

OPERATION_SCHEMA: Final[dict[str, pl.DataType]] = {
    "service": _TEXT,
    "operation": _TEXT,
    "n": _COUNT,  # spans
    "requests": _COUNT,  # of these, by which a request entered the service
}
"""How often each operation ran."""

CLOCK_KEYS: Final = ("caller", "callee", "caller_pod", "callee_pod")
"""Key of a pair of clocks: services and pods of both ends of a call; pods are empty where unknown."""

CLOCK_SCHEMA: Final[dict[str, pl.DataType]] = {
    **dict.fromkeys(CLOCK_KEYS, _TEXT),
    "offset_ms": _REAL,  # callee's clock less the caller's
}
"""How far the clocks at both ends of calls are apart."""

TEMPLATE_SCHEMA: Final[dict[str, pl.DataType]] = {
    "service": _TEXT,
    "operation": _TEXT,  # of the span that logged; empty where log lines name no span
    "severity": _TEXT,  # empty where unknown
    "template": _TEXT,
    "n": _COUNT,  # spans (requests where lines name no span) of the operation
    "hits": _COUNT,  # of these, with the template
    "spread": _REAL,  # scatter of the share between pieces of time, beyond chance
}
"""Log templates by operation."""

SEQUENCE_SCHEMA: Final[dict[str, pl.DataType]] = {
    "service": _TEXT,
    "operation": _TEXT,  # of the span that logged
    "severity": _TEXT,
    "template": _TEXT,
    "lead_severity": _TEXT,
    "lead": _TEXT,  # template that most often comes right before it in the same span
    "n": _COUNT,  # spans with the lead
    "hits": _COUNT,  # of these, with the template, too
    "spread": _REAL,  # scatter of the share between pieces of time, beyond chance
}
"""Log templates by the line that they follow."""

CALL_SCHEMA: Final[dict[str, pl.DataType]] = {
    "service": _TEXT,
    "operation": _TEXT,  # by which the request entered the service
    "callee": _TEXT,  # service; the same as ``service`` for a local step
    "call": _TEXT,  # operation called
    "n": _COUNT,  # requests of the operation
    "hits": _COUNT,  # of these, with the call
    "spread": _REAL,  # scatter of the share between pieces of time, beyond chance
}
"""Call structure by operation."""

BREAK_SCHEMA: Final[dict[str, pl.DataType]] = {
    "service": _TEXT,
    "operation": _TEXT,
    "callee": _TEXT,  # service called last; empty where the request made no call
    "call": _TEXT,
    "n": _COUNT,  # requests of the operation
    "hits": _COUNT,  # of these, with this call last
    "spread": _REAL,  # scatter of the share between pieces of time, beyond chance
}
"""Last calls by operation."""

ERROR_SCHEMA: Final[dict[str, pl.DataType]] = {
    "service": _TEXT,
    "operation": _TEXT,
    "peer": _TEXT,  # that the spans name; empty where they name none
    "n": _COUNT,  # spans with a status
    "failed": _COUNT,
    "deepest": _COUNT,  # failed with no failed child: where the error starts
    "outgoing": _COUNT,  # of these, calls
    "unanswered": _COUNT,  # of those at which it starts, calls without a span of a callee, and messages
}
"""Error status by operation."""

ATTEMPT_SCHEMA: Final[dict[str, pl.DataType]] = {
    "service": _TEXT,
    "operation": _TEXT,  # of the span that stands for a call
    "peer": _TEXT,  # that it names; empty where it names none
    "request": _TEXT,  # operation by which the request entered the service
    "place": pl.Int64(),  # 1 for the first call of that operation in a request, 2 for the second ...
    "callee": _TEXT,  # service that answered; empty where no span of a callee is there
    "hits": _COUNT,
}
"""Calls tried, and who answered; messages sent, and who handled them. Spans of unknown kind count as calls
where the same operation was ever answered; messages that could not be sent don't count."""

ENTRY_SCHEMA: Final[dict[str, pl.DataType]] = {
    "service": _TEXT,
    "operation": _TEXT,
    "bucket_ns": pl.Int64(),  # start of the time bucket; 0 where time is not told apart
    "n": _COUNT,
    "failed": _COUNT,
    "mean_ms": _REAL,
    "p50_ms": _REAL,
    "p95_ms": _REAL,
}
"""Requests by entry operation (of the whole system) and time; a store adds ``over`` when it is given
limits."""

SERIES_SCHEMA: Final[dict[str, pl.DataType]] = {
    "service": _TEXT,
    "pod": _TEXT,
    "node": _TEXT,
    "metric": _TEXT,
    "n": _COUNT,
    "mean": _REAL,
    "p50": _REAL,
    "mad": _REAL,
    "p99": _REAL,
    "low": _REAL,  # second smallest sample: one odd sample is no change
    "high": _REAL,  # second largest sample
}
"""Distribution of each metric series; missing names are empty; ``low`` and ``high`` are the only sample
where there is one."""

REVISION_SCHEMA: Final[dict[str, pl.DataType]] = {
    "service": _TEXT,
    "version": _TEXT,  # empty where unknown
    "pod": _TEXT,  # empty where unknown
    "n": _COUNT,  # traces that visit it
    "first_ns": pl.Int64(),  # start of the first of these, Unix epoch
    "last_ns": pl.Int64(),  # start of the last
    "before": _COUNT,  # visits of the service that start before the first
    "after": _COUNT,  # visits of the service that start after the last
}
"""Versions and pods of each service over time. A trace visits each of them once, however often it calls
it, so that visits do not depend on each other."""

QUIET_SCHEMA: Final[dict[str, pl.DataType]] = {
    "channel": _TEXT,
    "piece": _COUNT,  # start of the piece of quiet time, Unix epoch, ns
    "strength": _REAL,  # of the strongest deviation that the channel sees in it; 0 for none
}
"""What each channel would say of each piece of the quiet time, were it an incident."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """Aggregates over quiet telemetry of any breadth."""

    windows: tuple[Window, ...]
    """Times that it was learned from."""
    counts: dict[str, int]
    """Records that it was learned from: ``spans``, ``traces``, ``logs``, ``metrics``."""
    components: pl.DataFrame
    """COMPONENT_SCHEMA."""
    operations: pl.DataFrame
    """OPERATION_SCHEMA."""
    clocks: pl.DataFrame
    """CLOCK_SCHEMA; the legs are free of these offsets."""
    legs: pl.DataFrame
    """LEG_SCHEMA."""
    templates: pl.DataFrame
    """TEMPLATE_SCHEMA."""
    sequences: pl.DataFrame
    """SEQUENCE_SCHEMA."""
    calls: pl.DataFrame
    """CALL_SCHEMA."""
    breaks: pl.DataFrame
    """BREAK_SCHEMA."""
    errors: pl.DataFrame
    """ERROR_SCHEMA."""
    attempts: pl.DataFrame
    """ATTEMPT_SCHEMA."""
    entries: pl.DataFrame
    """ENTRY_SCHEMA."""
    series: pl.DataFrame
    """SERIES_SCHEMA."""
    revisions: pl.DataFrame
    """REVISION_SCHEMA."""
    quiet: pl.DataFrame
    """QUIET_SCHEMA."""
