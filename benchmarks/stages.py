"""One process of the scale benchmark: works through its stages and prints what each took, as JSON.

``python -m benchmarks.stages polars FOLDER`` reads the spans of an incident and of its baseline and sorts
them by trace: the yardstick. ``python -m benchmarks.stages rclagent FOLDER`` diagnoses the incident. Each
runs in a process of its own, so that its peak of memory is its own.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter, process_time
from typing import Any, Final

import polars as pl

from benchmarks.runs import peak_rss_mb
from rclagent import Telemetry, diagnose_sync, incident_from_telemetry, read_telemetry

PARTS: Final = ("baseline", "incident")
"""Folders that ``python -m rclagent.testing`` writes."""
_MEASURED, _CHOSEN = "measured", "traces_chosen"


@dataclass(frozen=True, slots=True)
class Stage:
    """What one stage took."""

    name: str
    """Read, sort, learn ..."""
    seconds: float
    """On the clock."""
    cpu_seconds: float
    """Of all cores together."""
    peak_rss_mb: float
    """Largest resident memory of the process up to the stage's end, MiB."""


class Stopwatch:
    """Takes the time of one stage after the other."""

    def __init__(self) -> None:
        self.stages: list[Stage] = []
        self._since = perf_counter(), process_time()

    def lap(self, name: str) -> None:
        """Ends a stage and starts the next."""
        seconds, cpu_seconds = perf_counter() - self._since[0], process_time() - self._since[1]
        self.stages.append(Stage(name, seconds, cpu_seconds, peak_rss_mb()))
        self._since = perf_counter(), process_time()


def polars(folder: Path) -> dict[str, Any]:
    """The yardstick: every span, sorted by trace."""
    pl.DataFrame({"trace_id": ["b", "a"]}).sort("trace_id")
    watch = Stopwatch()
    spans = pl.read_parquet([folder / part / "spans.parquet" for part in PARTS])
    watch.lap("polars: read")
    spans = spans.sort("trace_id")
    watch.lap("polars: sort")
    return {"n_spans": spans.height, "stages": watch.stages}


def rclagent(folder: Path) -> dict[str, Any]:
    """A whole diagnosis, from files to root causes, with a baseline to learn."""
    alarm_ns = json.loads((folder / "truth.json").read_text(encoding="utf-8"))["alarm_ns"]
    _warm_up()
    watch = Stopwatch()
    quiet, during = (read_telemetry([folder / part]) for part in PARTS)
    watch.lap("read")
    n_spans, n_logs = (quiet.spans.height + during.spans.height), (quiet.logs.height + during.logs.height)
    incident = incident_from_telemetry(during, alarm_ns=alarm_ns, baseline_telemetry=quiet)
    watch.lap("repair and learn")
    laps = {_MEASURED: "evidence and graph", _CHOSEN: "choose traces"}

    def tell(kind: str) -> None:
        if kind in laps:
            watch.lap(laps[kind])

    diagnosis = diagnose_sync(incident, progress=lambda event: tell(event.kind.value))
    watch.lap("agents and synthesis")
    causes = [[cause.service, cause.fault_type.value] for cause in diagnosis.root_causes]
    return {"n_spans": n_spans, "n_logs": n_logs, "stages": watch.stages, "causes": causes}


def _warm_up() -> None:
    """What is imported on first use must not count."""
    span = {"trace_id": "t", "span_id": "a", "service": "cart", "operation": "GET", "kind": "server"}
    table = pl.DataFrame([{**span, "start_ns": 1, "end_ns": 2}], schema=Telemetry().spans.schema)
    diagnose_sync(incident_from_telemetry(Telemetry(spans=table)))


WORK: Final[dict[str, Callable[[Path], dict[str, Any]]]] = {"polars": polars, "rclagent": rclagent}
"""What a process can be asked to do."""

if __name__ == "__main__":
    outcome = WORK[sys.argv[1]](Path(sys.argv[2]))
    print(json.dumps({**outcome, "stages": [asdict(stage) for stage in outcome["stages"]]}))
