"""``rclagent diagnose``."""

from __future__ import annotations

import gc
import math
import os
import sys
from pathlib import Path
from typing import Final

from rclagent.cli.exit_code import ExitCode
from rclagent.cli.model_choice import choose
from rclagent.cli.model_options import ModelOptions
from rclagent.cli.model_run import run_plan, run_with_model
from rclagent.cli.options import Format, Layout, Spend, refuse_two_baselines
from rclagent.cli.output import check_target, emit
from rclagent.cli.plan_text import render_plan
from rclagent.cli.progress import progress
from rclagent.cli.time_point import parse_time
from rclagent.core.diagnosis import Diagnosis, Verdict
from rclagent.engine import diagnose_sync, load_incident
from rclagent.errors import InputError
from rclagent.report import render_json, render_markdown, render_text
from rclagent.report.escape import plain

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
    asking: ModelOptions,
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
    choice = choose(asking, os.environ)
    if asking.dry_run and layout is not Layout.TEXT:
        raise InputError("--dry-run prints text only.", "Leave -o out.")
    if choice is not None:
        print(f"rclagent: Using {plain(choice.source)}.", file=sys.stderr)
    with progress("Reading and measuring telemetry") as listener:
        incident = load_incident(
            paths,
            baseline=baseline or None,
            profile=profile,
            at_ns=alarm_ns,
            window_s=window_s,
            format=format.value,
        )
        # What is loaded stays to the end: the collector must not walk through all of it again and again.
        gc.freeze()
        code = ExitCode.DONE
        if choice is not None and asking.dry_run:
            report = render_plan(run_plan(incident, choice, asking, spend=spend.value), choice)
        else:
            stopped = False
            if choice is None:
                diagnosis = diagnose_sync(incident, spend=spend.value, progress=listener)
            else:
                diagnosis, stopped = run_with_model(
                    incident, choice, asking, spend=spend.value, listener=listener
                )
            report = _RENDERERS[layout](diagnosis)
            code = ExitCode.INTERRUPTED if stopped else _exit_code(diagnosis)
    emit(report, out, utf8=layout is not Layout.TEXT)
    return code


def _exit_code(diagnosis: Diagnosis) -> ExitCode:
    reasoning = diagnosis.agents.reasoning
    if reasoning is not None and reasoning.budget_exhausted:
        return ExitCode.BUDGET
    return ExitCode.INCONCLUSIVE if diagnosis.verdict is Verdict.INCONCLUSIVE else ExitCode.DONE
