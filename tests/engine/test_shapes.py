"""Traces of extreme shape: none meets a limit of recursion, and the slow place in them is found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from rclagent import Telemetry, Window, diagnose_sync, incident_from_telemetry, load_incident
from rclagent.core.window import NS_PER_S
from rclagent.testing import big, chain, star, write_otlp
from rclagent.testing.spec import START_NS

LATER_NS = START_NS + 600 * NS_PER_S
SLOW = "slow-spot"

Shape = Callable[..., Telemetry]


def traces(shape: Shape, spans: int, times: int, slow_ms: float, start_ns: int) -> Telemetry:
    """Traces of a shape; the span that may be slow is of a service of its own."""
    made = shape(spans, traces=times, slow_ms=slow_ms, seed=1, start_ns=start_ns)
    last = pl.int_range(pl.len()).over("trace_id") == pl.len().over("trace_id") - 1
    named = pl.when(last).then(pl.lit(SLOW)).otherwise("service").alias("service")
    return replace(made, spans=made.spans.with_columns(named))


@pytest.mark.parametrize(
    ("shape", "spans", "spend_all"),
    [
        (big, 10_000, False),
        (chain, 500, False),
        (chain, 2_000, False),
        (star, 5_000, False),
        (big, 1_500, True),
        (chain, 500, True),
        (star, 5_000, True),
    ],
)
def test_it_is_diagnosed(shape: Shape, spans: int, spend_all: bool) -> None:
    quiet = traces(shape, spans, 6, 0.0, START_NS)
    now = traces(shape, spans, 3, 500.0, LATER_NS)
    incident = incident_from_telemetry(
        now, baseline_telemetry=quiet, window=Window(LATER_NS, LATER_NS + 60 * NS_PER_S)
    )
    diagnosis = diagnose_sync(incident, spend="all" if spend_all else "suspicious")
    assert diagnosis.verdict == "fault"
    assert diagnosis.root_causes[0].service == SLOW
    assert diagnosis.agents.failed == 0
    # Every span of each walked trace is looked after, by an agent of its own or with others.
    assert diagnosis.agents.spans == len(diagnosis.agents.traces) * now.spans.height // 3


@pytest.mark.parametrize(("shape", "spans"), [(big, 10_000), (chain, 500), (star, 5_000)])
def test_it_is_read_from_files(shape: Shape, spans: int, tmp_path: Path) -> None:
    """Through OTLP, and without a baseline."""
    now = traces(shape, spans, 1, 5_000.0, LATER_NS)
    write_otlp(now, tmp_path, compress="gz")
    diagnosis = diagnose_sync(load_incident(tmp_path, at_ns=LATER_NS))
    assert diagnosis.verdict == "inconclusive"
    assert diagnosis.coverage.modalities["spans"].incident == now.spans.height
    assert diagnosis.root_causes[0].service == SLOW
