"""How far the onset that is found lies from the injection."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from benchmarks.__main__ import main
from benchmarks.onset import (
    HEADINGS,
    HEALTHY_EVERY,
    NAME,
    RATES,
    Search,
    incident_spec,
    rows,
    search_case,
    search_data,
    search_generated,
    summary,
)
from benchmarks.quiet import quiet_cases
from rclagent import InputError
from rclagent.testing import generate

if TYPE_CHECKING:
    from tests.benchmarks.conftest import NezhaSystem


def searches(*delays_s: float | None, injected: bool = True) -> list[Search]:
    """Searches of one source and group."""
    return [Search("made up", ("cpu",), injected, delay_s) for delay_s in delays_s]


def test_figures_are_of_the_distance_whatever_its_sign() -> None:
    """Of 1, 2, 4, 31 and nothing: 4 of 5 found, the median is the second, 90 % are within the fourth."""
    (figures, _) = summary([*searches(-1, 4, None, 2, -31)])["sets"]
    assert (figures["n"], figures["found"]) == (5, 4)
    assert (figures["median_s"], figures["p90_s"], figures["early"]) == (2, 31, 1)
    assert figures["intervals"]["found"] == pytest.approx([0.3755, 0.9638], abs=1e-4)


def test_every_onset_in_quiet_telemetry_is_false() -> None:
    """And tells nothing of delays."""
    (figures, _) = summary(searches(None, 3, None, injected=False))["sets"]
    assert (figures["n"], figures["n_quiet"], figures["found_in_quiet"]) == (0, 3, 1)
    assert figures["median_s"] is None


def test_there_is_a_row_for_each_source_and_each_of_its_groups() -> None:
    content = summary([*searches(1, -40), *searches(None, injected=False), Search("other", (), True, 2.0)])
    assert rows(content)[0] == list(HEADINGS)
    assert [row[:2] + row[5:] for row in rows(content)[1:]] == [
        ["made up", "all", "1.0", "40.0", "0.50", "0 of 1"],
        ["made up", "cpu", "1.0", "40.0", "0.50", "0 of 1"],
        ["other", "all", "2.0", "2.0", "0.00", "-"],
    ]


def test_incidents_vary_in_kind_and_load_and_some_are_healthy() -> None:
    specs = [incident_spec(number) for number in range(24)]
    assert [number for number, spec in enumerate(specs) if not spec.faults] == [0, 5, 10, 15, 20]
    assert {spec.requests_per_s for spec in specs} == set(RATES)
    assert len({fault.fault_type for spec in specs for fault in spec.faults}) == 8
    assert all(bool(spec.deploys) == (number % HEALTHY_EVERY == 0) for number, spec in enumerate(specs))


def test_a_generated_incident_has_its_injection_inside() -> None:
    made = generate(incident_spec(1))
    assert made.truth.inject_ns is not None
    start = made.incident.spans["start_ns"]
    assert 120 <= (made.truth.inject_ns - int(start.to_numpy().min())) / 1e9 <= 240


def test_a_generated_incident_is_searched_with_a_baseline_and_without() -> None:
    found = list(search_generated(1, seed=2))
    assert [search.data for search in found] == ["generated", "generated, no baseline"]
    assert all(search.injected and search.groups[0] == "0.5 requests/s" for search in found)
    assert all(search.delay_s is not None and abs(search.delay_s) < 30 for search in found)


def test_a_labelled_fault_is_searched_with_what_was_recorded_before_it(nezha_system: NezhaSystem) -> None:
    """The recording begins five minutes before the alarm; a minute apart from it is the baseline."""
    (search,) = search_data(nezha_system.write())
    assert (search.data, search.injected) == ("system 2023-01-30", True)
    assert search.delay_s == pytest.approx(0, abs=2)


def test_only_the_first_faults_may_be_searched(nezha_system: NezhaSystem) -> None:
    data = nezha_system.write(("11:05:00", "11:15:00"))
    assert len(list(search_data(data, limit=1))) == 1


def test_a_recording_without_a_fault_list_is_quiet(nezha_system: NezhaSystem) -> None:
    """Too short to be cut here, which only quiet recordings need."""
    data = nezha_system.write(())
    for listed in data.glob("rca_data/*/*-fault_list.json"):
        listed.unlink()
    with pytest.raises(InputError, match="too little for one quiet window"):
        list(search_data(data))


def test_a_quiet_window_has_no_onset(nezha_system: NezhaSystem) -> None:
    data = nezha_system.write(())
    cases = list(quiet_cases(data, modalities=("traces",), lead_s=600))
    found = [search_case("still", case, injected=False) for case in cases]
    assert [(search.injected, search.delay_s) for search in found] == [(False, None)] * 3


def test_a_folder_that_is_no_data_set_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="rca_data"):
        list(search_data(tmp_path))


def test_the_figures_of_several_sources_are_printed_and_kept(
    nezha_system: NezhaSystem, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = tmp_path / "onset.json"
    data = str(nezha_system.write())
    assert main(["onset", "--generated", "2", "--data", data, "--out", str(kept)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[:4] == ["data", "incidents", "faults", "found"]
    assert lines[-1].startswith("system 2023-01-30")
    content = json.loads(kept.read_text(encoding="utf-8"))
    assert content["dataset"] == NAME
    assert len(content["sets"]) == len(lines) - 1


def test_nothing_to_search_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["onset"]) == 2
    assert "Give --generated" in capsys.readouterr().err
