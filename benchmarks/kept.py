"""The result files that are kept with the project, by what wrote them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks import calibrate, modalities, model_cost, models, onset, quiet, scale, weakest
from benchmarks.score import ALL, Score
from rclagent import InputError

RESULTS: Final = Path(__file__).parent / "results"
"""Files that the documents show."""

ABLATIONS: Final = "ablation.json"
"""File of scores of RCLAgent without some of its parts, and of the whole beside them."""

Content = dict[str, Any]
"""What a command wrote with ``--out``."""


@dataclass(frozen=True, slots=True)
class Kept:
    """Everything that the result files of a folder hold, each in order of file name."""

    scores: Sequence[Score]
    """Of ``score``, RCLAgent first; over single data sets only."""
    quiet: Sequence[Content] = ()
    """Of ``quiet``."""
    modalities: Sequence[Content] = ()
    """Of ``modalities``."""
    weakest: Sequence[Content] = ()
    """Of ``weakest``."""
    onsets: Sequence[Content] = ()
    """Of ``onset``."""
    calibrations: Sequence[Content] = ()
    """Of ``calibrate``."""
    scales: Sequence[Content] = ()
    """Of ``scale``, one a size."""
    costs: Sequence[Content] = ()
    """Of ``model-cost``."""
    models: Sequence[Content] = ()
    """Of ``models``."""
    ablations: Sequence[Score] = ()
    """Those of ABLATIONS."""


def read_kept(folder: Path) -> Kept:
    """The contents of every ``*.json`` in a folder.

    Raises:
        InputError: A file is not what a command wrote with ``--out``, or there is no score.
    """
    others: dict[str, list[Content]] = {
        part.NAME: [] for part in (quiet, modalities, weakest, onset, calibrate, scale, model_cost, models)
    }
    scores: list[Score] = []
    ablations: list[Score] = []
    for path in sorted(folder.glob("*.json")):
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            for entry in content if isinstance(content, list) else [content]:
                if entry["dataset"] in others:
                    others[entry["dataset"]].append(entry)
                elif entry["dataset"] != ALL:
                    found = ablations if path.name == ABLATIONS else scores
                    found.append(Score.from_json(entry))
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"{path} is not a result: {error}.", "Write it with `--out` of the command that it is from."
            ) from None
    if not scores:
        raise InputError(f"{folder} holds no scores.", "Write some with `score --out` first.")
    return Kept(
        scores=sorted(scores, key=lambda score: score.method != "rclagent"),
        ablations=sorted(ablations, key=lambda score: (score.method != "rclagent", score.method)),
        quiet=others[quiet.NAME],
        modalities=others[modalities.NAME],
        weakest=others[weakest.NAME],
        onsets=others[onset.NAME],
        calibrations=others[calibrate.NAME],
        scales=others[scale.NAME],
        costs=others[model_cost.NAME],
        models=others[models.NAME],
    )
