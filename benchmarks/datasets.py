"""Data sets by name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmarks.cases import Dataset
from benchmarks.nezha import nezha
from benchmarks.protocol import WINDOW_S
from benchmarks.shapleyiq import shapleyiq
from rclagent import InputError

DATASETS: Final = ("nezha", "shapleyiq")
"""Names that load_dataset knows."""
MODALITIES: Final = ("traces", "logs", "metrics")
"""Kinds of telemetry, all read unless fewer are asked for."""


def load_dataset(
    name: str,
    data: Path,
    *,
    day: str | None = None,
    modalities: Sequence[str] = MODALITIES,
    window_s: float = WINDOW_S,
) -> Dataset:
    """The cases of a data set; telemetry is read when a case is run.

    Raises:
        InputError: An unknown name, modality or day, or files that are not there.
    """
    check_modalities(modalities)
    if name == "nezha":
        return nezha(data, day=day, modalities=modalities, window_s=window_s)
    if name == "shapleyiq":
        if day is not None:
            raise InputError("shapleyiq has no days.", "Leave out --day.")
        return shapleyiq(data, modalities=modalities, window_s=window_s)
    raise InputError(f"Unknown data set {name!r}.", f"Choose from {', '.join(DATASETS)}.")


def check_modalities(modalities: Sequence[str]) -> None:
    """Refuses kinds of telemetry that are not among MODALITIES.

    Raises:
        InputError: There is one, or there are none at all.
    """
    unknown = [modality for modality in modalities if modality not in MODALITIES]
    if unknown or not modalities:
        raise InputError(
            f"Unknown modality {', '.join(map(repr, unknown)) or '(none)'}.",
            f"Choose from {', '.join(MODALITIES)}.",
        )
