"""How time and memory grow with the number of spans, beside what polars needs to read and sort them.

An incident of a simulated system is generated and saved as Parquet. Fresh processes then (a) read its
spans with polars and sort them by trace and (b) diagnose it, baseline included. *Work* is what comes
between reading and the agents: repair, baseline, evidence, service graph and choice of traces. Its ratio
to (a) tells what evidence costs, whatever the machine. The two run in turn, so that what else the machine
does meets both, and of several turns the one with the median ratio counts.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from benchmarks.stages import Stage
from rclagent import RclError

NAME: Final = "scale"
"""Kind of the result file."""
HEADINGS: Final = ("spans", "stage", "seconds", "CPU s", "us/span", "MiB", "ratio")
"""Columns of the table of stages."""
_OTHER: Final = ("read", "agents and synthesis")
_INCIDENT: Final = ("--fault", "network_delay", "--service", "pricing", "--baseline-s", "1800")
"""Half an hour of quiet: enough pieces of time for the scatter between them to be learned."""


@dataclass(frozen=True, slots=True)
class ScaleResult:
    """Both processes on one incident."""

    n_spans: int
    """Spans of incident and baseline."""
    n_logs: int
    """Log lines of both."""
    polars: tuple[Stage, ...]
    """Stages of the yardstick."""
    rclagent: tuple[Stage, ...]
    """Stages of the diagnosis."""
    causes: tuple[tuple[str, str], ...]
    """Service and kind of fault of each root cause found."""

    @property
    def yardstick(self) -> Stage:
        """Read and sort together."""
        return _together("= polars", self.polars)

    @property
    def work(self) -> Stage:
        """Evidence and graph: all stages but reading and the agents."""
        return _together("= work", [stage for stage in self.rclagent if stage.name not in _OTHER])

    @property
    def ratio(self) -> float:
        """Seconds of the work over those of the yardstick."""
        return self.work.seconds / self.yardstick.seconds

    def to_json(self) -> dict[str, Any]:
        """All figures."""
        return {
            "dataset": NAME,
            "n_spans": self.n_spans,
            "n_logs": self.n_logs,
            "seconds": sum(stage.seconds for stage in self.rclagent),
            "work_seconds": self.work.seconds,
            "ratio": self.ratio,
            "cpu_ratio": self.work.cpu_seconds / self.yardstick.cpu_seconds,
            "us_per_span": self.work.seconds / self.n_spans * 1e6,
            "peak_rss_mb": max(stage.peak_rss_mb for stage in self.rclagent),
            "causes": self.causes,
            "polars": [asdict(stage) for stage in self.polars],
            "rclagent": [asdict(stage) for stage in self.rclagent],
        }


def measure(
    spans: int,
    *,
    logs: bool = False,
    repeats: int = 3,
    seed: int = 0,
    tell: Callable[[str], None] = lambda line: None,
) -> ScaleResult:
    """Generates an incident and measures both processes on it.

    Args:
        spans: About how many spans, incident and baseline together.
        logs: Generate log lines as well.
        repeats: How many turns.
        seed: Where chance starts.
        tell: Told of each step.

    Raises:
        RclError: A process failed.
    """
    with TemporaryDirectory(prefix="rclagent-scale-") as place:
        folder = Path(place)
        tell(f"generating about {spans} spans")
        left_out = () if logs else ("--no-logs",)
        asked = ("--spans", str(spans), "--seed", str(seed), "--encoding", "parquet", *left_out)
        _run("rclagent.testing", str(folder), *_INCIDENT, *asked)
        turns = []
        for number in range(repeats):
            tell(f"turn {number + 1} of {repeats}")
            turns.append(_turn(folder))
    return sorted(turns, key=lambda turn: turn.ratio)[(repeats - 1) // 2]


def rows(results: Sequence[ScaleResult]) -> list[list[str]]:
    """A line a stage, the work of all of them below; the ratio is to polars on the same spans."""
    return [
        _row(result, stage)
        for result in results
        for stage in (*result.polars, result.yardstick, *result.rclagent, result.work)
    ]


def size_rows(contents: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """A line a size from the figures that to_json gives, smallest first; the first row is the head."""
    head = ["spans", "log lines", "whole diagnosis, s", "work, s", "us/span", "MiB", "ratio to polars"]
    return [
        head,
        *(
            [
                f"{content['n_spans']:,}",
                f"{content['n_logs']:,}",
                f"{content['seconds']:.1f}",
                f"{content['work_seconds']:.2f}",
                f"{content['us_per_span']:.2f}",
                f"{content['peak_rss_mb']:.0f}",
                f"{content['ratio']:.2f}",
            ]
            for content in sorted(contents, key=lambda content: (content["n_spans"], content["n_logs"]))
        ),
    ]


def _row(result: ScaleResult, stage: Stage) -> list[str]:
    return [
        f"{result.n_spans:,}",
        stage.name,
        f"{stage.seconds:.2f}",
        f"{stage.cpu_seconds:.2f}",
        f"{stage.seconds / result.n_spans * 1e6:.2f}",
        f"{stage.peak_rss_mb:.0f}",
        f"{stage.seconds / result.yardstick.seconds:.2f}",
    ]


def _run(module: str, *arguments: str) -> str:
    """Output of a Python module in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments], capture_output=True, text=True, check=False
    )
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or [f"it ended with exit code {done.returncode}"])[-1]
        raise RclError(
            f"`python -m {module} {' '.join(arguments)}` failed: {reason}",
            "Run it alone to see more, or with fewer --spans where memory is short.",
        )
    return done.stdout


def _turn(folder: Path) -> ScaleResult:
    yardstick, ours = (
        json.loads(_run("benchmarks.stages", name, str(folder))) for name in ("polars", "rclagent")
    )
    return ScaleResult(
        n_spans=ours["n_spans"],
        n_logs=ours["n_logs"],
        polars=tuple(Stage(**stage) for stage in yardstick["stages"]),
        rclagent=tuple(Stage(**stage) for stage in ours["stages"]),
        causes=tuple((service, kind) for service, kind in ours["causes"]),
    )


def _together(name: str, stages: Sequence[Stage]) -> Stage:
    return Stage(
        name,
        seconds=sum(stage.seconds for stage in stages),
        cpu_seconds=sum(stage.cpu_seconds for stage in stages),
        peak_rss_mb=max(stage.peak_rss_mb for stage in stages),
    )
