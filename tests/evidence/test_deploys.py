"""What is told of versions and pods that changed."""

from __future__ import annotations

import polars as pl
import pytest

from rclagent.core.diagnosis import Change, ChangeKind
from rclagent.core.incident import Alarm, Incident
from rclagent.core.telemetry import Telemetry
from rclagent.core.window import NS_PER_S, Window
from rclagent.evidence.deploys import MAX_NAMES, find_changes
from rclagent.evidence.learning import learn
from rclagent.telemetry.frame_store import FrameStore
from rclagent.testing import written
from rclagent.testing.spec import START_NS

DAY_S = 86_400


def requests(*each: str, from_s: float = 0.0, every_s: float = 10.0, service: str = "shelf") -> Telemetry:
    """A request after the other; each names a pod, and after a slash perhaps its version."""
    lines = []
    for place, name in enumerate(each):
        pod, _, version = name.partition("/")
        start = 1000 * (from_s + every_s * place)
        lines.append(f"{service}: GET items   {start}..{start + 5}  pod={pod}")
        lines[-1] += f" version={version}" if version else ""
    return written("\n\n".join(lines))


def together(*parts: Telemetry) -> Telemetry:
    """All of them, each with trace ids of its own."""
    numbered = (part.spans.with_columns(f"{place}-" + pl.col("trace_id")) for place, part in enumerate(parts))
    return Telemetry(pl.concat(numbered))


def changes(
    now: Telemetry, alarm_s: float = 0.0, quiet: Telemetry | None = None, alarm: Alarm = Alarm.GIVEN
) -> tuple[Change, ...]:
    """What changed up to three hours after the alarm."""
    alarm_ns = START_NS + round(alarm_s * NS_PER_S)
    store, window = FrameStore(now), Window(alarm_ns, alarm_ns + 10_800 * NS_PER_S)
    baseline = learn(FrameStore(quiet or Telemetry()), [Window(0, 2**63 - 1)])
    return find_changes(Incident(store, window, alarm_ns, alarm, baseline))


def statements(*told: Change) -> list[str]:
    """In the order in which they are told."""
    return [change.statement for change in told]


def test_a_new_version_is_told_with_its_time() -> None:
    """The last request of the old one is at 290 s, the first of the new one at 300 s; data start at 09:00."""
    (change,) = changes(requests(*["a/1.0.0"] * 30, *["b/1.1.0"] * 30), alarm_s=430)
    assert change == Change(
        service="shelf",
        kind=ChangeKind.VERSION,
        earliest_ns=START_NS + 290 * NS_PER_S,
        at_ns=START_NS + 300 * NS_PER_S,
        before=("1.0.0",),
        after=("1.1.0",),
        statement="shelf changed from 1.0.0 to 1.1.0 at 09:05:00 UTC, 2 min 10 s before the alarm",
    )


def test_pods_that_come_with_a_new_version_are_not_told_again() -> None:
    """Those that come an hour later are."""
    told = changes(requests(*["a/1"] * 30, *["b/2"] * 360, *["c/2"] * 30))
    assert [(change.kind, change.before, change.after) for change in told] == [
        (ChangeKind.VERSION, ("1",), ("2",)),
        (ChangeKind.PODS, ("b",), ("c",)),
    ]


def test_a_version_that_changes_in_the_same_pod_is_a_change() -> None:
    """As where pods keep their names."""
    told = changes(requests(*["a/1"] * 30, *["a/2"] * 30))
    assert [(change.kind, change.after) for change in told] == [(ChangeKind.VERSION, ("2",))]


@pytest.mark.parametrize(
    ("before", "after", "what"),
    [
        ("a", "b", "replaced 1 pod of 1"),
        ("ab", "cd", "replaced 2 pods of 2"),
        ("ab", "ac", "replaced 1 pod of 2"),
        ("ab", "cde", "replaced 2 pods of 2 by 3"),
        ("ab", "abc", "went from 2 pods to 3"),
        ("ab", "a", "went from 2 pods to 1"),
    ],
)
def test_pods_are_told_by_number(before: str, after: str, what: str) -> None:
    """And listed by name: those that are gone, and those that are new."""
    (change,) = changes(requests(*before * 40, *after * 40))
    assert change.statement.startswith(f"shelf {what} at ")
    assert change.before == tuple(sorted(set(before) - set(after)))
    assert change.after == tuple(sorted(set(after) - set(before)))


@pytest.mark.parametrize(
    ("alarm_s", "alarm", "when"),
    [
        (300.4, Alarm.GIVEN, "at 09:05:00 UTC, the time of the alarm"),
        (310, Alarm.FOUND, "at 09:05:00 UTC, 10 s before the alarm"),
        (180, Alarm.GIVEN, "at 09:05:00 UTC, 2 min after the alarm"),
        (11_100, Alarm.NONE, "at 09:05:00 UTC, 3 h before the start of the incident window"),
        (300 + DAY_S + 7230, Alarm.GIVEN, "at 2024-05-14 09:05:00 UTC, 1 d 2 h before the alarm"),
    ],
)
def test_times_are_told_beside_the_alarm(alarm_s: float, alarm: Alarm, when: str) -> None:
    """In two units, and with the day where it is another."""
    (change,) = changes(requests(*["a"] * 30, *["b"] * 30), alarm_s, alarm=alarm)
    assert change.statement == f"shelf replaced 1 pod of 1 {when}"


def test_a_change_that_nobody_saw_is_told_with_the_times_around_it() -> None:
    """The baseline ends at 290 s; a day later another pod runs."""
    quiet, now = requests(*["a"] * 30), requests(*["b"] * 30, from_s=DAY_S)
    assert statements(*changes(now, DAY_S, quiet)) == [
        "shelf replaced 1 pod of 1 between 2024-05-14 09:04:50 UTC and 09:00:00 UTC"
    ]


def test_a_change_between_the_baseline_and_the_alarm_is_timed_by_the_incidents_own_telemetry() -> None:
    """It reaches back to five minutes before the alarm, and the baseline of the day before does not know."""
    quiet, now = requests(*["a"] * 30), requests(*["a"] * 15, *["b"] * 30, from_s=DAY_S)
    assert statements(*changes(now, DAY_S + 300, quiet)) == [
        "shelf replaced 1 pod of 1 at 09:02:30 UTC, 2 min 30 s before the alarm"
    ]


def test_what_happens_after_the_incident_is_not_told() -> None:
    """The window ends three hours after the alarm, and the change is five hours into the data."""
    now = requests(*["a"] * 30, *["b"] * 30, every_s=600)
    assert changes(now, 0) == ()
    assert len(changes(now, 14_400)) == 1


@pytest.mark.parametrize(("now", "told"), [("a" * 60, 0), ("a" * 30 + "c" * 30, 1)])
def test_a_baseline_that_goes_on_after_the_incident_is_no_past(now: str, told: int) -> None:
    """It is the rest of the day, on both sides of the incident; another pod runs in the evening."""
    quiet = together(requests(*["a"] * 30), requests(*["b"] * 30, from_s=50_000))
    assert len(changes(requests(*now, from_s=600), 600, quiet)) == told


@pytest.mark.parametrize("pieces", [["a", "b"] * 60, ["a", "b", "a", "a"] * 30])
def test_recordings_in_pieces_and_days_apart_are_no_change(pieces: list[str]) -> None:
    """The same pods, a baseline in two pieces, and an incident."""
    first, second = requests(*pieces[:40]), requests(*pieces[40:80], from_s=7200)
    assert changes(requests(*pieces[80:], from_s=DAY_S), DAY_S, together(first, second)) == ()


def test_services_without_pods_or_versions_have_no_changes() -> None:
    """Nor have those whose versions begin to be named."""
    unnamed, named = requests(*["a"] * 30), requests(*["a/1"] * 30, from_s=600)
    assert changes(named, 600, unnamed) == ()
    assert changes(Telemetry()) == ()


def test_of_very_many_pods_some_are_listed_and_all_are_counted() -> None:
    """Thirty each."""
    old, new = ([f"{letter}{number}" for number in range(30)] for letter in "ab")
    (change,) = changes(requests(*old * 20, *new * 20))
    assert (len(change.before), len(change.after)) == (MAX_NAMES, MAX_NAMES)
    assert "replaced 30 pods of 30" in change.statement


def test_versions_side_by_side_are_all_named_up_to_three() -> None:
    """Others are counted."""
    old = ["a/1", "b/2", "c/3", "d/4", "e/5"]
    (change,) = changes(requests(*old * 30, *["a/6"] * 60))
    assert change.statement.startswith("shelf changed from 1, 2, 3 and 2 more to 6 at ")
    (change,) = changes(requests(*["a/1"] * 60, *["a/1", "b/2"] * 60))
    assert change.statement.startswith("shelf changed from 1 to 1 and 2 at ")


def test_of_many_changes_of_a_service_the_latest_are_told() -> None:
    """Pods are replaced every ten minutes."""
    told = changes(requests(*"".join(name * 60 for name in "abcdef")))
    assert [change.after for change in told] == [("d",), ("e",), ("f",)]


def test_changes_are_in_order_of_time_whatever_the_service() -> None:
    """A later one first in the alphabet."""
    early, late = ["a"] * 30 + ["b"] * 60, ["a"] * 60 + ["b"] * 30
    till, depot = requests(*early, service="till"), requests(*late, service="depot")
    told = changes(together(till, depot))
    assert [change.service for change in told] == ["till", "depot"]
