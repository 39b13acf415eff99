"""Tables of spans, logs and metrics, as readers and generators hand them on."""

from __future__ import annotations

from dataclasses import dataclass, field

import polars as pl

from rclagent.core.coverage import SourceCoverage
from rclagent.core.log import LOG_SCHEMA
from rclagent.core.metric import METRIC_SCHEMA
from rclagent.core.span import SPAN_SCHEMA


def _empty(schema: dict[str, pl.DataType]) -> pl.DataFrame:
    return pl.DataFrame(schema=schema)


@dataclass(frozen=True, slots=True)
class Telemetry:
    """Raw records in columns; a modality that is missing is an empty table."""

    spans: pl.DataFrame = field(default_factory=lambda: _empty(SPAN_SCHEMA))
    """Columns of SPAN_SCHEMA, any row order, not yet repaired."""
    logs: pl.DataFrame = field(default_factory=lambda: _empty(LOG_SCHEMA))
    """Columns of LOG_SCHEMA, any row order."""
    metrics: pl.DataFrame = field(default_factory=lambda: _empty(METRIC_SCHEMA))
    """Columns of METRIC_SCHEMA, any row order."""
    sources: tuple[SourceCoverage, ...] = ()
    """What each file gave, dropped and mended."""

    @staticmethod
    def concat(parts: list[Telemetry]) -> Telemetry:
        """All records of all parts."""
        if not parts:
            return Telemetry()
        return Telemetry(
            spans=pl.concat([part.spans for part in parts]),
            logs=pl.concat([part.logs for part in parts]),
            metrics=pl.concat([part.metrics for part in parts]),
            sources=tuple(source for part in parts for source in part.sources),
        )
