"""Arguments and options that several commands share."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from rclagent.errors import InputError


class Format(StrEnum):
    """Formats of telemetry files."""

    AUTO = "auto"
    OTLP = "otlp"
    JAEGER = "jaeger"
    NEZHA = "nezha"
    AIOPS = "aiops"
    PARQUET = "parquet"


class Layout(StrEnum):
    """Layouts of a report."""

    TEXT = "text"
    JSON = "json"
    MD = "md"


class Spend(StrEnum):
    """Which subtrees get agents of their own."""

    SUSPICIOUS = "suspicious"
    ALL = "all"


class Strategy(StrEnum):
    """Who asks a model."""

    PARALLEL = "parallel"
    RECURSION_OF_THOUGHT = "recursion-of-thought"


Paths = Annotated[
    list[str],
    typer.Argument(metavar="PATH...", help="Files or folders of telemetry, .gz and .zst too; - reads stdin."),
]
BaselinePaths = Annotated[
    list[str] | None,
    typer.Option("--baseline", metavar="PATH", help="Telemetry of normal times; may be repeated."),
]
Profile = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="What `rclagent baseline learn` saved, in place of --baseline."),
]
FormatOption = Annotated[
    Format, typer.Option("--format", help="Format of the files; found by content by default.")
]
OutputOption = Annotated[Layout, typer.Option("-o", "--output", help="Layout of the report.")]
OutOption = Annotated[
    Path | None, typer.Option("--out", metavar="FILE", help="Write the report here, not to stdout.")
]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]


def refuse_two_baselines(baseline: list[str] | None, profile: Path | None) -> None:
    """Fails where both ways of saying what normal looks like are used.

    Raises:
        InputError: Both are given.
    """
    if baseline and profile:
        raise InputError("--baseline and --profile are both given.", "Leave one of them out.")
