"""Result files kept with the project."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.kept import ABLATIONS, read_kept
from rclagent import InputError
from tests.benchmarks.test_render import QUIET, score


def put(folder: Path, name: str, content: object) -> None:
    (folder / name).write_text(json.dumps(content), encoding="utf-8")


def test_scores_come_with_rclagent_first(tmp_path: Path) -> None:
    first, second = score("rclagent", "x"), score("random", "x")
    put(tmp_path, "c.json", first.to_json())
    put(tmp_path, "b.json", [second.to_json()])
    assert [found.to_json() for found in read_kept(tmp_path).scores] == [first.to_json(), second.to_json()]


def test_every_other_result_goes_where_it_belongs(tmp_path: Path) -> None:
    put(tmp_path, "score.json", [score("rclagent", "x").to_json(), {"dataset": "all"}])
    put(tmp_path, "quiet.json", [QUIET, QUIET])
    for kind in ("modalities", "weakest", "onset", "calibration", "model-cost", "models"):
        put(tmp_path, f"{kind}.json", {"dataset": kind, "from": kind})
    put(tmp_path, "scale.json", [{"dataset": "scale", "n_spans": 1}, {"dataset": "scale", "n_spans": 2}])
    kept = read_kept(tmp_path)
    assert len(kept.scores) == 1
    assert list(kept.quiet) == [QUIET, QUIET]
    others = (kept.modalities, kept.weakest, kept.onsets, kept.calibrations, kept.costs, kept.models)
    assert [part[0]["from"] for part in others] == [
        "modalities", "weakest", "onset", "calibration", "model-cost", "models",
    ]  # fmt: skip
    assert [part["n_spans"] for part in kept.scales] == [1, 2]


def test_what_was_not_measured_is_not_there(tmp_path: Path) -> None:
    put(tmp_path, "score.json", score("rclagent", "x").to_json())
    kept = read_kept(tmp_path)
    others = (kept.modalities, kept.weakest, kept.onsets, kept.calibrations, kept.costs, kept.models)
    assert not any((kept.quiet, kept.scales, *others))


@pytest.mark.parametrize("content", ["{", "3", "{}", '[{"dataset": "nezha"}]'])
def test_a_file_that_is_no_result_is_told(tmp_path: Path, content: str) -> None:
    (tmp_path / "a.json").write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=r"a\.json is not a result"):
        read_kept(tmp_path)


def test_without_scores_nothing_is_shown(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no scores"):
        read_kept(tmp_path)


def test_what_is_rclagent_without_a_part_is_kept_apart(tmp_path: Path) -> None:
    """In a file of its own, with the whole first."""
    put(tmp_path, "a.json", score("rclagent", "x").to_json())
    put(
        tmp_path,
        ABLATIONS,
        [score(name, "y").to_json() for name in ("without-logs", "only-legs", "rclagent")],
    )
    kept = read_kept(tmp_path)
    assert [(found.method, found.data) for found in kept.scores] == [("rclagent", "x")]
    assert [found.method for found in kept.ablations] == ["rclagent", "only-legs", "without-logs"]
