"""``rclagent baseline learn``."""

from __future__ import annotations

from pathlib import Path

from rclagent.cli.options import Format
from rclagent.cli.output import check_target
from rclagent.cli.progress import progress
from rclagent.engine import learn_baseline
from rclagent.report.escape import plain
from rclagent.report.words import count, listing
from rclagent.telemetry.profile import save_profile


def run_baseline_learn(paths: list[str], *, out: Path, format: Format) -> int:
    """Learns a baseline from quiet telemetry and saves it.

    Returns:
        The exit code.

    Raises:
        InputError: Input that cannot be read, or a profile that cannot be written.
    """
    check_target(out)
    with progress("Learning what normal looks like"):
        baseline = learn_baseline(paths, format=format.value)
        save_profile(baseline, out)
    nouns = {"spans": "span", "traces": "trace", "logs": "log line", "metrics": "metric sample"}
    learned = listing([count(baseline.counts.get(key, 0), noun) for key, noun in nouns.items()])
    print(plain(f"Learned from {learned}; saved to {out}."))
    return 0
