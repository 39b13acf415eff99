"""Quiet windows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pytest

from benchmarks.protocol import WINDOW_S
from benchmarks.quiet import LEAD_S, QuietResult, alarm_lines, headline, quiet_cases, summaries
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


CALM = QuietResult("11:00", "healthy", 0.8, 0, (), 1.0)
LOUD = QuietResult("11:03", "fault", 0.93, 2, (("shop", "cpu"), ("web", "unknown")), 3.0)
UNSURE = QuietResult("11:06", "inconclusive", 0.3, 1, (), 2.0)


def test_false_alarms_are_counted_and_listed() -> None:
    (figures,) = summaries({"still": [CALM, LOUD, UNSURE, CALM]})
    assert figures["verdicts"] == {"fault": 1, "healthy": 2, "inconclusive": 1}
    assert figures["false_alarm_rate"] == 0.25
    assert figures["intervals"]["false_alarm_rate"] == pytest.approx([0.0456, 0.6994], abs=1e-4)
    assert figures["windows_with_evidence"] == 2
    assert figures["seconds_per_window"] == 1.75
    assert alarm_lines(figures) == ["11:03: shop (cpu), web (unknown), confidence of the verdict 0.93"]
    assert headline(figures).startswith("Of 4 quiet windows of still: 1 fault, 2 healthy, 1 inconclusive;")


def test_several_sources_are_counted_apart_and_together() -> None:
    """One false alarm of two windows, none of two others: one of four."""
    parts = summaries({"still": [CALM, LOUD], "made": [CALM, CALM]})
    assert [(part["data"], part["n_windows"], part["false_alarm_rate"]) for part in parts] == [
        ("still", 2, 0.5),
        ("made", 2, 0.0),
        ("all", 4, 0.25),
    ]
    assert [len(alarm_lines(part)) for part in parts] == [1, 0, 0]  # none is listed twice
    assert headline(parts[-1]).startswith("Of all 4 quiet windows: 1 fault, 3 healthy;")


def test_the_lead_holds_more_than_eight_windows() -> None:
    assert LEAD_S / WINDOW_S > 8
