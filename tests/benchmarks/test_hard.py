"""Generated incidents that measurements often leave open."""

from __future__ import annotations

from benchmarks.hard import OLDER_S, hard_cases, hard_incident


def test_a_fault_begins_with_the_alarm_and_an_older_trouble_before_it() -> None:
    """At two services; the first alone is the cause."""
    for number, (case, truth) in enumerate(hard_cases(4, seed=20), start=20):
        new, old = hard_incident(number).faults
        assert (new.start_s, old.start_s) == (0.0, -OLDER_S)
        assert new.service != old.service
        assert (case.id, truth.services) == (str(number), (new.service,))


def test_the_same_number_gives_the_same_records() -> None:
    """Others give others."""
    ((first, _), (second, _)) = hard_cases(2, seed=3)
    ((again, _),) = hard_cases(1, seed=3)
    assert first.load().telemetry.spans.equals(again.load().telemetry.spans)
    assert not first.load().telemetry.spans.equals(second.load().telemetry.spans)
