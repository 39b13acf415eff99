"""Services of records that name only their pod: what other records of the pod say, else the pod's name."""

from __future__ import annotations

from typing import Final

import polars as pl

from rclagent.core.telemetry import Telemetry
from rclagent.telemetry.bounds import UNKNOWN_SERVICE

_LETTERS: Final = "[bcdfghjklmnpqrstvwxz2456789]"
"""Of which Kubernetes makes the names of pods; without vowels, so that a service's own name is seldom cut."""
_SUFFIX: Final = rf"-(?:{_LETTERS}{{6,10}}-{_LETTERS}{{5}}|{_LETTERS}{{5}}|\d+)$"
"""What it adds to the name of a Deployment, DaemonSet or StatefulSet."""


def name_services(telemetry: Telemetry) -> Telemetry:
    """The same records; log lines and samples that name a pod and no service get one.

    Container metrics and collected log files know pods, spans know services. Where the spans
    of a pod name exactly one service it is the pod's; otherwise the service is the pod's name
    without what Kubernetes adds.

    Args:
        telemetry: Everything that was read together.
    """
    known = (
        telemetry.spans.lazy()
        .filter(pl.col("pod").is_not_null() & (pl.col("service") != UNKNOWN_SERVICE))
        .group_by("pod")
        .agg(pl.col("service").unique())
        .filter(pl.col("service").list.len() == 1)
        .select("pod", pl.col("service").list.first().alias("known_service"))
        .collect()
    )
    return Telemetry(
        spans=telemetry.spans,
        logs=_named(telemetry.logs, known),
        metrics=_named(telemetry.metrics, known),
        sources=telemetry.sources,
    )


def _named(frame: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """Rows without a service take the pod's; a workload's name gives way to what the pod's spans say."""
    if frame["pod"].null_count() == len(frame):
        return frame
    service = pl.col("service").replace(UNKNOWN_SERVICE, None)
    from_name = pl.col("pod").str.replace(_SUFFIX, "")
    return (
        frame.join(known, on="pod", how="left", maintain_order="left")
        .with_columns(pl.coalesce("known_service", service, from_name, "service").alias("service"))
        .select(frame.columns)
    )
