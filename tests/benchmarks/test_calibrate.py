"""Calibration on generated incidents."""

from __future__ import annotations

import pytest

from benchmarks.calibrate import (
    HEALTHY_EVERY,
    Judged,
    bin_rows,
    calibration_error,
    group_rows,
    headline,
    judge_generated,
    summary,
)


def judged(confidence: float, right: bool, *, named: bool = True, strength: float = 1.0) -> Judged:
    """What was said of one incident."""
    verdict = "fault" if named else "healthy"
    return Judged("cpu" if strength else "healthy", strength, verdict, confidence, named, right, right)


def test_the_calibration_error_weighs_bins_by_how_many_fall_into_them() -> None:
    """By hand: 0.9-1.0 holds three with mean 0.95 of which two are right, 0.5-0.6 one wrong with 0.5:
    3/4 x |2/3 - 0.95| + 1/4 x |0 - 0.5| = 0.2125 + 0.125."""
    items = [judged(0.95, True), judged(0.95, True), judged(0.95, False), judged(0.5, False)]
    assert calibration_error(items) == pytest.approx(0.3375)


def test_incidents_without_a_named_cause_do_not_count_for_calibration() -> None:
    assert calibration_error([judged(1.0, True), judged(0.8, False, named=False)]) == 0
    assert calibration_error([]) == 0


def test_a_certain_cause_falls_into_the_last_bin() -> None:
    content = summary([judged(1.0, True), judged(0.94, False)])
    assert bin_rows(content)[1:] == [["0.9-1.0", "2", "0.97", "0.50"]]
    assert (content["sure"], content["sure_and_right"]) == (2, 1)


def test_a_fault_called_in_a_healthy_incident_is_a_false_alarm() -> None:
    content = summary([judged(0.9, False, strength=0.0), judged(0.9, False, named=False, strength=0.0)])
    assert (content["n_healthy"], content["false_alarms"]) == (2, 1)
    assert "1 false alarms" in headline(content)


def test_the_groups_count_every_fault_once_by_strength_and_once_by_kind() -> None:
    rows = group_rows(summary([judged(0.9, True), judged(0.9, True, strength=0.1)]))[1:]
    assert sum(int(row[1]) for row in rows) == 4
    assert ["cpu", "2", "2", "2", "2"] in rows


def test_the_same_numbers_give_the_same_incidents() -> None:
    """Of the numbers 8 and 9 the second is a healthy one."""
    first, second = list(judge_generated(2, 8)), list(judge_generated(2, 8))
    assert first == second
    assert [item.strength == 0 for item in first] == [False, True]
    assert 9 % HEALTHY_EVERY == 0
