"""What ran when, put together from the baseline and the incident's own telemetry."""

from __future__ import annotations

import polars as pl
import pytest

from rclagent.core.baseline import Baseline
from rclagent.core.incident import Alarm, Incident
from rclagent.core.telemetry import Telemetry
from rclagent.core.window import NS_PER_S, Window
from rclagent.evidence.learning import learn
from rclagent.evidence.revisions import history, members_of, replaced_pods, visits_of
from rclagent.evidence.rollouts import Member, Seam
from rclagent.telemetry.frame_store import FrameStore
from rclagent.testing import written
from rclagent.testing.spec import START_NS

EVER = Window(0, 2**63 - 1)


def visits(pods: str, from_s: int = 0) -> Telemetry:
    """A request every ten seconds, on a pod of the shelf by its letter."""
    starts = [1000 * (from_s + 10 * place) for place in range(len(pods))]
    return written(
        "\n\n".join(
            f"shelf: GET items   {start}..{start + 5}  pod={pod} version=1"
            for pod, start in zip(pods, starts, strict=True)
        )
    )


def at(second: int) -> int:
    """A time after the start."""
    return START_NS + second * NS_PER_S


def incident(now: Telemetry, baseline: Baseline | None, from_s: int, until_s: int) -> Incident:
    """An incident within the telemetry."""
    return Incident(FrameStore(now), Window(at(from_s), at(until_s)), at(from_s), Alarm.GIVEN, baseline)


def learned(quiet: Telemetry, *windows: Window) -> Baseline:
    """The baseline of all of it, or of some times."""
    return learn(FrameStore(quiet), windows or [EVER])


def rows(table: pl.DataFrame) -> list[tuple[object, ...]]:
    """Pod, visits, first and last in seconds, visits of the service around."""
    since = ((pl.col("first_ns", "last_ns") - START_NS) // NS_PER_S).name.keep()
    return table.with_columns(since).select("pod", "n", "first_ns", "last_ns", "before", "after").rows()


def test_two_recordings_are_one_history() -> None:
    """Visits of the one count before or after those of the other; the lead before the alarm is looked at."""
    baseline = learned(visits("aab"))
    table, seams = history(incident(visits("bbcc", 1000), baseline, 1020, 1040))
    assert rows(table) == [
        ("a", 2, 0, 10, 0, 5),
        ("b", 1, 20, 20, 2, 4),
        ("b", 2, 1000, 1010, 3, 2),
        ("c", 2, 1020, 1030, 5, 0),
    ]
    assert seams == {"shelf": Seam(visits=3, last_ns=at(20), first_ns=at(1000))}
    assert visits_of(table) == {"shelf": 7}
    assert members_of(table, "pod")["shelf"][1] == Member("b", 3, at(20), at(1010), 2, 2)


def test_where_the_telemetry_reaches_back_to_the_baseline_it_alone_is_looked_at() -> None:
    """Nothing is counted twice, and nothing after the incident at all."""
    now = visits("aabbcc")
    baseline = learned(now, Window(at(0), at(30)))
    table, seams = history(incident(now, baseline, 30, 50))
    assert rows(table) == [("a", 2, 0, 10, 0, 3), ("b", 2, 20, 30, 2, 1), ("c", 1, 40, 40, 4, 0)]
    assert seams == {}


def test_what_both_recordings_hold_counts_once() -> None:
    """The incident's telemetry goes back into the time of the baseline."""
    baseline = learned(visits("aabb"))
    table, _ = history(incident(visits("bbcc", 20), baseline, 40, 60))
    assert visits_of(table) == {"shelf": 6}


def test_a_baseline_of_a_later_time_is_no_past() -> None:
    """What ran afterwards tells nothing of what was changed before."""
    baseline = learned(visits("cccc", 5000))
    table, _ = history(incident(visits("aabb"), baseline, 20, 40))
    assert [row[0] for row in rows(table)] == ["a", "b"]


@pytest.mark.parametrize(("quiet", "now"), [("", "ab"), ("ab", ""), (None, "ab")])
def test_without_a_span_on_one_side_the_other_is_all_there_is(quiet: str | None, now: str) -> None:
    """Or without a baseline."""
    baseline = None if quiet is None else learned(visits(quiet))
    table, seams = history(incident(visits(now), baseline, 0, 20))
    assert [row[0] for row in rows(table)] == ["a", "b"]
    assert seams == {}


def test_versions_and_pods_of_which_there_is_one_or_none_have_no_siblings() -> None:
    """All are of one version."""
    table = learned(visits("ab")).revisions
    assert members_of(table, "version") == {}
    assert [member.name for member in members_of(table, "pod")["shelf"]] == ["a", "b"]
    assert members_of(table.with_columns(pod=pl.lit("")), "pod") == {}


def test_a_pod_whose_place_another_took_was_replaced() -> None:
    """Pod b made way for c; d merely ended, as one that crashes does."""
    table = learned(visits("abd" * 20 + "acd" * 20 + "ac" * 20)).revisions
    assert replaced_pods(table).rows() == [("shelf", "b")]
