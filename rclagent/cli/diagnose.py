"""``rclagent diagnose``."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Final

from rclagent.cli.exit_code import ExitCode
from rclagent.cli.options import Format, Layout, Spend, refuse_two_baselines
from rclagent.cli.output import check_target, emit
from rclagent.cli.progress import progress
from rclagent.cli.time_point import parse_time
from rclagent.core.diagnosis import Verdict
from rclagent.engine import diagnose_sync, load_incident
from rclagent.errors import InputError
from rclagent.report import render_json, render_markdown, render_text

_RENDERERS: Final = {Layout.TEXT: render_text, Layout.JSON: render_json, Layout.MD: render_markdown}


def run_diagnose(
    paths: list[str],
    *,
    baseline: list[str] | None,
    profile: Path | None,
    at: str | None,
    window_s: float | None,
    format: Format,
    layout: Layout,
    out: Path | None,
    spend: Spend,
) -> int:
    """Diagnoses the incident in the given files and writes the report.

    Returns:
        The exit code.

    Raises:
        InputError: Wrong options, or input that cannot be read.
    """
    refuse_two_baselines(baseline, profile)
    check_target(out)
    alarm_ns = None if at is None else parse_time(at)
    if window_s is not None and not (math.isfinite(window_s) and window_s > 0):
        raise InputError(f"--window-s {window_s} is no length of time.", "Give seconds above 0.")
    with progress("Reading and measuring telemetry") as listener:
        incident = load_incident(
            paths,
            baseline=baseline or None,
            profile=profile,
            at_ns=alarm_ns,
            window_s=window_s,
            format=format.value,
        )
        diagnosis = diagnose_sync(incident, spend=spend.value, progress=listener)
    emit(_RENDERERS[layout](diagnosis), out, utf8=layout is not Layout.TEXT)
    return ExitCode.INCONCLUSIVE if diagnosis.verdict is Verdict.INCONCLUSIVE else ExitCode.DONE
