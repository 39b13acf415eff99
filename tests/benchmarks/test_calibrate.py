"""Calibration on generated incidents."""

from __future__ import annotations

from dataclasses import replace
from math import gcd

import pytest

from benchmarks.calibrate import (
    HEALTHY,
    HEALTHY_EVERY,
    SURE,
    Judged,
    bin_rows,
    calibration_error,
    group_rows,
    headline,
    judge_generated,
    summary,
)
from rclagent import FaultType


def judged(confidence: float, right: bool, *, named: bool = True, strength: float = 1.0) -> Judged:
    """What was said of one incident, of one cause."""
    verdict = "fault" if named else "healthy"
    sure = int(named and confidence >= SURE)
    return Judged(
        fault_type="cpu" if strength else HEALTHY,
        strength=strength,
        verdict=verdict,
        confidence=confidence,
        named=named,
        right=right,
        type_right=right,
        sure=sure,
        sure_right=sure * right,
    )


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


def test_every_sure_cause_counts_and_has_an_interval() -> None:
    """Three sure causes of two incidents, two right; Wilson's interval of 2 of 3 is 0.21-0.94."""
    content = summary([replace(judged(0.95, True), sure=2), judged(0.95, True), judged(0.5, False)])
    assert (content["sure"], content["sure_and_right"]) == (3, 2)
    assert content["intervals"]["sure_and_right"] == pytest.approx([0.2077, 0.9385], abs=1e-4)
    assert "of 3 causes named with a confidence of 0.9 or more 2 are right: 0.67 (0.21-0.94)" in headline(
        content
    )


def test_a_fault_called_in_a_healthy_incident_is_a_false_alarm() -> None:
    content = summary([judged(0.9, False, strength=0.0), judged(0.9, False, named=False, strength=0.0)])
    assert (content["n_healthy"], content["false_alarms"]) == (2, 1)
    assert "1 false alarms" in headline(content)


def test_the_groups_count_every_fault_once_by_strength_and_once_by_kind() -> None:
    rows = group_rows(summary([judged(0.9, True), judged(0.9, True, strength=0.1)]))[1:]
    assert sum(int(row[1]) for row in rows) == 4
    assert ["cpu", "2", "2", "2", "2"] in rows


def test_the_same_numbers_give_the_same_incidents() -> None:
    """Of the numbers 13 and 14 the second is a healthy one."""
    first, second = list(judge_generated(2, 13)), list(judge_generated(2, 13))
    assert first == second
    assert [item.fault_type == HEALTHY for item in first] == [False, True]
    assert [item.strength == 0 for item in first] == [False, True]


def test_no_kind_of_fault_is_left_out_by_the_healthy_ones() -> None:
    """Every kind is every eighth number, so a divisor in common would always meet the same kinds."""
    assert gcd(HEALTHY_EVERY, len(FaultType) - 1) == 1
