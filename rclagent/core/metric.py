"""The metric point and the columns that hold metrics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import polars as pl

METRIC_SCHEMA: Final[dict[str, pl.DataType]] = {
    "time_ns": pl.Int64(),  # Unix epoch
    "service": pl.String(),  # null for a series of a node alone
    "pod": pl.String(),
    "node": pl.String(),
    "metric": pl.String(),  # the source's name, attributes that tell series apart in braces
    "value": pl.Float64(),  # in the source's unit
    "unit": pl.String(),  # UCUM where the source states one
    "cumulative": pl.Boolean(),  # true for a monotonic running total, to be differenced
}
"""Column names and types of a table of metric points."""


@dataclass(frozen=True, slots=True)
class MetricPoint:
    """One sample of one series; a row of a metric table."""

    time_ns: int
    """Sampling time, nanoseconds since the Unix epoch."""
    metric: str
    """The source's name; attributes that tell series apart follow in braces."""
    value: float
    """Sample in the source's unit."""
    service: str | None = None
    """Service measured; None for a series of a node alone."""
    pod: str | None = None
    """Instance measured."""
    node: str | None = None
    """Machine measured."""
    unit: str | None = None
    """UCUM unit where the source states one."""
    cumulative: bool = False
    """Whether the series is a monotonic running total."""


def metrics_to_frame(points: list[MetricPoint]) -> pl.DataFrame:
    """A metric table of the given samples, in their order."""
    columns = {name: [getattr(point, name) for point in points] for name in METRIC_SCHEMA}
    return pl.DataFrame(columns, schema=METRIC_SCHEMA)
