"""Options of a language model, as they are written on the command line."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from rclagent.cli.options import Strategy

ModelName = Annotated[
    str | None,
    typer.Option(
        "--model",
        metavar="NAME",
        help="Language model that weighs what the measurements leave open, as its server knows it; by default"
        " RCLAGENT_MODEL, and none where that is not set.",
    ),
]
BaseUrl = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        help="Address of its server, which speaks OpenAI's format; by default that of OPENAI_BASE_URL,"
        " OpenAI's own where OPENAI_API_KEY is set, or LLM_API_URL.",
    ),
]
MaxCalls = Annotated[int | None, typer.Option(min=0, metavar="N", help="Requests to the model at most.")]
MaxTokens = Annotated[
    int | None, typer.Option(min=0, metavar="N", help="Its tokens, read and written, at most.")
]
MaxSeconds = Annotated[
    float | None, typer.Option(metavar="SECONDS", help="Time at most; then the measurements settle the rest.")
]
MaxCost = Annotated[
    float | None, typer.Option(metavar="USD", help="Cost at most; needs --price-in and --price-out.")
]
PriceIn = Annotated[float | None, typer.Option(metavar="USD", help="Price of a million tokens read.")]
PriceOut = Annotated[float | None, typer.Option(metavar="USD", help="Price of a million tokens written.")]
Concurrency = Annotated[
    int | None, typer.Option(min=1, metavar="N", help="Requests at a time; 16 by default.")
]
AskedBy = Annotated[
    Strategy | None,
    typer.Option(
        "--strategy",
        help="Who asks the model: the agents of all spans side by side, as by default, or a single one that"
        " descends a trace in the protocol of ThinkFL's models.",
    ),
]
Timeout = Annotated[
    float | None, typer.Option(metavar="SECONDS", help="Time of one request at most; 60 by default.")
]
Record = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Write every call of the model here, for --replay.")
]
Replay = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Answer from what --record wrote; nothing is sent anywhere."),
]
Mask = Annotated[
    bool,
    typer.Option(
        "--mask",
        help="Mask IP addresses before the model sees them; secrets and e-mail addresses always are.",
    ),
]
DryRun = Annotated[
    bool,
    typer.Option(
        "--dry-run", help="Print what the model would be asked, and what that can take; ask nothing."
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelOptions:
    """What the command line says about a language model; None where it says nothing."""

    model: str | None = None
    """Name of the model."""
    base_url: str | None = None
    """Address of its server."""
    max_calls: int | None = None
    """Requests at most."""
    max_tokens: int | None = None
    """Tokens at most."""
    max_seconds: float | None = None
    """Seconds at most."""
    max_cost: float | None = None
    """US dollars at most."""
    price_in: float | None = None
    """US dollars for a million tokens read."""
    price_out: float | None = None
    """US dollars for a million tokens written."""
    concurrency: int | None = None
    """Requests at a time."""
    strategy: Strategy | None = None
    """Who asks it."""
    timeout: float | None = None
    """Seconds that one request may take."""
    record: Path | None = None
    """File to write calls to."""
    replay: Path | None = None
    """File to answer from."""
    mask: bool = False
    """Whether IP addresses are masked, too."""
    dry_run: bool = False
    """Whether only the plan is asked for."""
