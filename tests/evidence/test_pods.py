"""Which pods are gone, and what their callers feel of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import polars as pl
import pytest

from rclagent.core.baseline import Baseline
from rclagent.core.telemetry import Telemetry
from rclagent.core.window import Window
from rclagent.evidence.calls import compare_calls
from rclagent.evidence.pods import lost_pods, missing_pods, unheard_calls, vanished_pods
from rclagent.telemetry.frame_store import FrameStore
from rclagent.testing import repeated, written

Compared = Callable[[Telemetry, Telemetry], tuple[FrameStore, Window, Baseline]]


def on_pods(*pods: str) -> Telemetry:
    """A request on each pod of the shelf."""
    return written("\n\n".join(f"shelf: GET items   0..10  pod={pod}" for pod in pods))


def test_a_pod_from_which_at_least_ten_spans_are_due_and_none_came_is_gone(compared: Compared) -> None:
    """Of 40 spans half were its own; of 30 now 15 are due."""
    table = vanished_pods(*compared(on_pods(*["a", "b"] * 20), on_pods(*["a"] * 30)))
    assert table.rows() == [("shelf", "b", 15.0)]


@pytest.mark.parametrize(
    "now",
    [
        ["a"] * 18,
        ["a"] * 30 + ["b"],
        ["a"] * 30 + ["c"],
    ],
)
def test_a_pod_that_may_only_be_idle_or_was_replaced_is_not_gone(compared: Compared, now: list[str]) -> None:
    """Nine due; one came; a pod of the same service that was never seen took its place."""
    assert vanished_pods(*compared(on_pods(*["a", "b"] * 20), on_pods(*now))).is_empty()


def test_a_pod_that_was_replaced_in_the_baseline_is_not_gone(compared: Compared) -> None:
    """Of forty spans in the baseline half were its own, and none of the last twenty."""

    def one_by_one(pods: str) -> Telemetry:
        lines = (f"shelf: GET items   {at}..{at + 1}  pod={pod}" for at, pod in enumerate(pods))
        return written("\n\n".join(lines))

    assert vanished_pods(*compared(one_by_one("a" * 20 + "b" * 20), on_pods(*["b"] * 30))).is_empty()
    for pods in ("ab" * 20, "ab" * 15 + "b" * 20):  # at work to the end; gone, and nobody in its place
        assert vanished_pods(*compared(one_by_one(pods), on_pods(*["b"] * 40)))["pod"].to_list() == ["a"]


def unrecorded(*pods: str, error: str = "") -> Telemetry:
    """Requests of a counter that records no calls; each pod given answers one, and none is a call missed."""
    return written(
        "\n\n".join(
            f"counter: GET /   0..100\n    shelf: GET items   20..80  pod={pod}"
            if pod
            else f"counter: GET /   0..100  {error}"
            for pod in pods
        )
    )


def test_calls_vanish_unheard_where_a_pod_of_the_callee_is_gone(compared: Compared) -> None:
    """One of two pods sends no spans: of 80 spans 20 were its own, of 45 now 11.25 are due."""
    scene = compared(unrecorded(*["a", "b"] * 20), unrecorded(*["a", ""] * 15))
    calls = unheard_calls(compare_calls(*scene), lost_pods(*scene)["service"])
    assert lost_pods(*scene).rows() == [("shelf", "b", 11.25)]
    assert calls.select("service", "callee", "hits", "base_hits", "unheard").rows() == [
        ("counter", "shelf", 15, 40, True)
    ]


def test_calls_of_a_service_with_all_its_pods_are_not_unheard(compared: Compared) -> None:
    """Its caller asks less often; and new calls never are."""
    quiet, less = unrecorded(*["a", "b"] * 20), unrecorded(*["a", "", "b", ""] * 10)
    for before, now in ((quiet, less), (less, quiet)):
        scene = compared(before, now)
        calls = unheard_calls(compare_calls(*scene), lost_pods(*scene)["service"])
        assert calls["unheard"].to_list() == [False]


def of_shelf(telemetry: Telemetry) -> Telemetry:
    """The log lines as though the shelf had written them."""
    logs = telemetry.logs.with_columns(service=pl.lit("shelf"), pod=pl.lit("shelf-0"))
    return replace(telemetry, logs=logs)


def test_the_only_pod_is_lost_when_nothing_at_all_is_heard_of_it_any_more(compared: Compared) -> None:
    """Where it never logged, or still does, it may only not be called."""
    asked = "counter: GET /   0..100\n    shelf: GET items   20..80"
    logging = f"{asked}\n        | 30 INFO items read"
    idle = "counter: GET /   0..100"
    awake = f"{idle}\n    | 5 INFO items read"
    for quiet, now, lost in ((logging, idle, ["shelf-0"]), (asked, idle, []), (logging, awake, [])):
        scene = compared(repeated(written(quiet), 30), repeated(of_shelf(written(now)), 30))
        assert lost_pods(*scene)["pod"].to_list() == lost


def test_missing_pods_are_silence_as_large_as_what_they_used_to_do(compared: Compared) -> None:
    """Half of the shelf's 40 spans were of b. Of 30 now all are of a, and of as many again 15 are missing."""
    scene = compared(on_pods(*["a", "b"] * 20), on_pods(*["a"] * 30))
    table = missing_pods(lost_pods(*scene), scene[2])
    assert table.select("service", "operation", "peer", "callee").rows() == [("shelf", "", "", "shelf")]
    assert table.select("n", "hits", "base_n", "base_hits", "change").rows() == [(30, 15, 40, 0, 0.5)]
    pooled = 15.5 / 71
    assert table["z"][0] == pytest.approx(0.5 / (pooled * (1 - pooled) * (1 / 30 + 1 / 40)) ** 0.5)


@pytest.mark.parametrize("side", [0, 1])
def test_without_spans_on_a_side_no_pod_is_lost(compared: Compared, side: int) -> None:
    sides = [on_pods(*["a", "b"] * 20), on_pods(*["a"] * 40)]
    sides[side] = Telemetry()
    scene = compared(*sides)
    assert vanished_pods(*scene).is_empty()
    assert missing_pods(lost_pods(*scene), scene[2]).is_empty()
