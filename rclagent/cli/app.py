"""The commands and their options; what they need is imported when one runs, to start quickly."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rclagent.cli.model_options import (
    AskedBy,
    BaseUrl,
    Concurrency,
    DryRun,
    Mask,
    MaxCalls,
    MaxCost,
    MaxSeconds,
    MaxTokens,
    ModelName,
    ModelOptions,
    PriceIn,
    PriceOut,
    Record,
    Replay,
    Timeout,
)
from rclagent.cli.options import (
    BaselinePaths,
    Debug,
    Format,
    FormatOption,
    Layout,
    OutOption,
    OutputOption,
    Paths,
    Profile,
    Spend,
)

app = typer.Typer(
    add_completion=False,
    help="Finds the root cause of a microservice incident in its traces, logs and metrics.",
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
trace_app = typer.Typer(help="Look at single traces.")
baseline_app = typer.Typer(help="Learn what normal looks like.")
app.add_typer(trace_app, name="trace")
app.add_typer(baseline_app, name="baseline")


@app.command()
def diagnose(
    paths: Paths,
    baseline: BaselinePaths = None,
    profile: Profile = None,
    at: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="When the alarm went off: ISO 8601 (UTC where no offset is named) or a Unix time in s, ms,"
            " us or ns. Found in the entry spans by default.",
        ),
    ] = None,
    window_s: Annotated[
        float | None,
        typer.Option("--window-s", metavar="SECONDS", help="Length of the incident from the alarm on."),
    ] = None,
    format: FormatOption = Format.AUTO,
    output: OutputOption = Layout.TEXT,
    out: OutOption = None,
    spend: Annotated[
        Spend,
        typer.Option(
            help="Agents for suspicious subtrees, and a model where the measurements leave something open;"
            " or both for every span."
        ),
    ] = Spend.SUSPICIOUS,
    model: ModelName = None,
    base_url: BaseUrl = None,
    max_calls: MaxCalls = None,
    max_tokens: MaxTokens = None,
    max_seconds: MaxSeconds = None,
    max_cost: MaxCost = None,
    price_in: PriceIn = None,
    price_out: PriceOut = None,
    concurrency: Concurrency = None,
    strategy: AskedBy = None,
    timeout: Timeout = None,
    record: Record = None,
    replay: Replay = None,
    mask: Mask = False,
    dry_run: DryRun = False,
    debug: Debug = False,
) -> int:
    """Name the root cause of an incident, with the evidence.

    Exit codes: 0 done (a healthy incident included), 1 failed, 2 wrong usage or unreadable input,
    3 inconclusive, 4 the budget for the model ran out (the best answer is given), 130 interrupted (with a
    model at work, the best answer is given).
    """
    from rclagent.cli.diagnose import run_diagnose

    return run_diagnose(
        paths,
        baseline=baseline,
        profile=profile,
        at=at,
        window_s=window_s,
        format=format,
        layout=output,
        out=out,
        spend=spend,
        asking=ModelOptions(
            model=model,
            base_url=base_url,
            max_calls=max_calls,
            max_tokens=max_tokens,
            max_seconds=max_seconds,
            max_cost=max_cost,
            price_in=price_in,
            price_out=price_out,
            concurrency=concurrency,
            strategy=strategy,
            timeout=timeout,
            record=record,
            replay=replay,
            mask=mask,
            dry_run=dry_run,
        ),
    )


@app.command()
def explain(
    path: Annotated[
        str,
        typer.Argument(metavar="DIAGNOSIS", help="What `rclagent diagnose -o json` wrote; - reads stdin."),
    ],
    service: Annotated[
        str | None, typer.Option(metavar="NAME", help="Service to ask about: why is it not the cause?")
    ] = None,
    output: OutputOption = Layout.TEXT,
    out: OutOption = None,
    debug: Debug = False,
) -> int:
    """Say why a saved diagnosis names its causes, and why not another service."""
    from rclagent.cli.explain import run_explain

    return run_explain(path, service=service, layout=output, out=out)


@trace_app.command("show")
def trace_show(
    paths: Paths,
    trace_id: Annotated[
        str | None,
        typer.Option(
            "--trace-id", metavar="ID", help="The oddest against the baseline, else the slowest, by default."
        ),
    ] = None,
    baseline: BaselinePaths = None,
    profile: Profile = None,
    format: FormatOption = Format.AUTO,
    debug: Debug = False,
) -> int:
    """Show a trace as a tree, with times and with oddness where a baseline is known."""
    from rclagent.cli.trace import run_trace_show

    return run_trace_show(paths, trace_id=trace_id, baseline=baseline, profile=profile, format=format)


@baseline_app.command("learn")
def baseline_learn(
    paths: Paths,
    out: Annotated[Path, typer.Option(metavar="FILE", help="Profile to write, for diagnose --profile.")],
    format: FormatOption = Format.AUTO,
    debug: Debug = False,
) -> int:
    """Learn what normal looks like from quiet telemetry, and save it as a profile."""
    from rclagent.cli.baseline import run_baseline_learn

    return run_baseline_learn(paths, out=out, format=format)


@app.command()
def version() -> int:
    """Print the version."""
    from rclagent import __version__

    typer.echo(f"rclagent {__version__}")
    return 0
