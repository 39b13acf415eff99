"""Quiet windows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pytest

from benchmarks.quiet import QuietResult, quiet_cases, summary
from rclagent import InputError

if TYPE_CHECKING:
    from tests.benchmarks.conftest import NezhaSystem


def test_windows_stand_side_by_side_and_each_has_everything_before_it(nezha_system: NezhaSystem) -> None:
    data = nezha_system.write(())
    at = nezha_system.at
    cases = list(quiet_cases(data, modalities=("traces",), lead_s=600))
    assert [case.id[11:] for case in cases] == ["11:10:00", "11:13:00", "11:16:00"]
    for case in cases:
        roots = [
            part.spans.filter(pl.col("parent_id").is_null())["start_ns"]
            for part in (case.baseline, case.telemetry)
        ]
        assert roots[0].min() == at("11:00:00")
        assert roots[0].max() == case.window.start_ns - 2_000_000_000
        assert (roots[1].min(), roots[1].len()) == (case.window.start_ns, 90)


def test_a_recording_that_is_too_short_is_told(nezha_system: NezhaSystem) -> None:
    with pytest.raises(InputError, match="too little for one quiet window"):
        list(quiet_cases(nezha_system.write(()), modalities=("traces",)))


def test_false_alarms_are_counted_and_listed() -> None:
    calm = QuietResult("11:00", "healthy", 0, (), 1.0)
    loud = QuietResult("11:03", "fault", 2, (("shop", "cpu"),), 3.0)
    unsure = QuietResult("11:06", "inconclusive", 1, (), 2.0)
    figures = summary(Path("still"), [calm, loud, unsure, calm])
    assert figures["verdicts"] == {"fault": 1, "healthy": 2, "inconclusive": 1}
    assert figures["false_alarm_rate"] == 0.25
    assert figures["intervals"]["false_alarm_rate"] == pytest.approx([0.0456, 0.6994], abs=1e-4)
    assert figures["windows_with_evidence"] == 2
    assert figures["seconds_per_window"] == 1.75
    assert [alarm["case"] for alarm in figures["false_alarms"]] == ["11:03"]
