"""What was seen, missing, repaired, dropped and failed."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class SourceCoverage(BaseModel):
    """What one file or folder gave."""

    model_config = ConfigDict(frozen=True)

    path: str
    """As the user named it, or below the folder that the user named."""
    format: str
    """Name of the format it was read as."""
    spans: int = 0
    """Span records read."""
    logs: int = 0
    """Log records read."""
    metrics: int = 0
    """Metric samples read."""
    dropped: dict[str, int] = Field(default_factory=dict)
    """Records left out, counted by reason."""
    repaired: dict[str, int] = Field(default_factory=dict)
    """Records mended, counted by reason."""


class Modality(BaseModel):
    """How much of one kind of telemetry the answer rests on."""

    model_config = ConfigDict(frozen=True)

    incident: int = 0
    """Records inside the incident window."""
    baseline: int = 0
    """Records that the baseline was learned from."""


class Coverage(BaseModel):
    """What the answer rests on, and what it could not see."""

    model_config = ConfigDict(frozen=True)

    sources: list[SourceCoverage] = Field(default_factory=list)
    """Files read, in order of path."""
    modalities: dict[str, Modality] = Field(default_factory=dict)
    """``spans``, ``traces``, ``logs`` and ``metrics``."""
    repairs: dict[str, int] = Field(default_factory=dict)
    """Repairs of the trace graphs, counted by kind."""
    missing: list[str] = Field(default_factory=list)
    """Sentences that say what was not seen."""
    notes: list[str] = Field(default_factory=list)
    """Sentences that say what else a reader must know to trust the answer."""
