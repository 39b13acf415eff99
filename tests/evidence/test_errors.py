"""Where errors start, who no longer answers, and which pods are gone."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl
import pytest

from rclagent.core.baseline import ATTEMPT_SCHEMA, Baseline
from rclagent.core.telemetry import Telemetry
from rclagent.core.window import Window
from rclagent.evidence.calls import compare_calls
from rclagent.evidence.errors import (
    compare_attempts,
    compare_errors,
    gone_services,
    missing_callees,
    owed_errors,
    unheard_calls,
    vanished_pods,
)
from rclagent.telemetry.frame_store import FrameStore
from rclagent.testing import repeated, written

Compared = Callable[[Telemetry, Telemetry], tuple[FrameStore, Window, Baseline]]

FINE = """
    counter: GET /   0..100
        counter: call shelf   10..90  client
            shelf: GET items   20..80
"""
FAILING = """
    counter: GET /   0..100  error
        counter: call shelf   10..90  client error
            shelf: GET items   20..80  error
"""
REFUSED = """
    counter: GET /   0..100  error
        counter: call shelf   10..11  client error
"""
UNHEARD = """
    counter: GET /   0..100
        counter: call shelf   10..11  client
"""


def mixed(**times: int) -> Telemetry:
    """Traces of each kind, that many times."""
    kinds = {"fine": FINE, "failing": FAILING, "refused": REFUSED, "unheard": UNHEARD}
    return written("\n\n".join(kinds[kind] for kind, number in times.items() for _ in range(number)))


def test_an_error_is_credited_to_the_deepest_span_that_failed(compared: Compared) -> None:
    """Its callers failed too, but later. 5 of 10 against 0 of 20: p = 5.5 / 31."""
    table = compare_errors(*compared(mixed(fine=20), mixed(fine=5, failing=5)))
    assert table.select("service", "operation", "callee", "n", "hits", "unanswered").rows() == [
        ("shelf", "GET items", None, 10, 5, 0)
    ]
    assert table.select("base_n", "base_hits", "change").rows() == [(20, 0, 0.5)]
    pooled = 5.5 / 31
    assert table["z"][0] == pytest.approx(0.5 / (pooled * (1 - pooled) * 0.15) ** 0.5)


def test_a_failed_call_that_nobody_answered_is_owed_by_who_usually_answers(compared: Compared) -> None:
    table = compare_errors(*compared(mixed(fine=20), mixed(fine=5, refused=5)))
    assert table.select("service", "operation", "callee", "hits", "unanswered").rows() == [
        ("counter", "call shelf", "shelf", 5, 5)
    ]


def test_errors_of_calls_to_a_peer_are_owed_by_the_peer_that_each_names(compared: Compared) -> None:
    """Of two databases asked under one name, one fails: 6 of 10 against 0 of 20."""

    def asking(number: int, failing: int) -> Telemetry:
        words = ["error"] * failing + [""] * (number - failing)
        return written(
            "\n\n".join(
                f"counter: GET /   0..100\n"
                f"    counter: SELECT   10..20  client peer=till-db\n"
                f"    counter: SELECT   30..40  client peer=shelf-db {word}"
                for word in words
            )
        )

    table = compare_errors(*compared(asking(20, 0), asking(10, 6)))
    assert table.select("service", "operation", "peer", "callee", "n", "hits", "base_n").rows() == [
        ("counter", "SELECT", "shelf-db", "shelf-db", 10, 6, 20)
    ]


def test_errors_that_were_always_there_are_no_change(compared: Compared) -> None:
    assert compare_errors(*compared(mixed(fine=10, failing=10), mixed(fine=5, failing=5))).is_empty()


def test_errors_that_vanished_are_no_evidence(compared: Compared) -> None:
    assert compare_errors(*compared(mixed(failing=20), mixed(fine=10))).is_empty()


def test_one_or_two_errors_happen_at_random(compared: Compared) -> None:
    """Even 2 of 5 against 0 of 60: z = 4.5."""
    assert compare_errors(*compared(mixed(fine=60), mixed(fine=3, failing=2))).is_empty()


def test_a_rise_that_nobody_notices_is_no_evidence(compared: Compared) -> None:
    """3 of 200 are certain beside 0 of 5000, but 1.5 %."""
    quiet = repeated(written("shelf: GET items   0..10"), 5000, every_s=0.01)
    now = written("\n\n".join(["shelf: GET items   0..10"] * 197 + ["shelf: GET items   0..10  error"] * 3))
    assert compare_errors(*compared(quiet, now)).is_empty()


def test_a_new_operation_is_compared_with_the_errors_of_its_service(compared: Compared) -> None:
    new = repeated(written("shelf: DELETE items   0..10  error"), 5)
    table = compare_errors(*compared(mixed(fine=20), new))
    assert table.select("operation", "hits", "base_n", "base_hits").rows() == [("DELETE items", 5, 20, 0)]


def test_errors_of_an_unknown_service_have_nothing_to_compare_with(compared: Compared) -> None:
    assert compare_errors(
        *compared(mixed(fine=20), repeated(written("news: GET   0..10  error"), 9))
    ).is_empty()


def test_calls_that_nobody_answers_are_credited_to_the_callee_that_is_missing(compared: Compared) -> None:
    """Whether the caller's span failed or not. 8 of 10 against 0 of 20."""
    table = compare_attempts(*compared(mixed(fine=20), mixed(fine=2, unheard=8)))
    assert table.select("service", "operation", "callee", "n", "hits", "base_n", "base_hits").rows() == [
        ("counter", "call shelf", "shelf", 10, 8, 20, 0)
    ]
    pooled = 8.5 / 31
    assert table["z"][0] == pytest.approx(0.8 / (pooled * (1 - pooled) * 0.15) ** 0.5)


def test_calls_that_never_had_an_answer_are_no_silence(compared: Compared) -> None:
    """A database sends no spans."""
    assert compare_attempts(*compared(mixed(unheard=20), mixed(unheard=10))).is_empty()


def test_a_service_that_is_not_called_any_more_is_not_silent(compared: Compared) -> None:
    idle = repeated(written("counter: GET /   0..100"), 10)
    assert compare_attempts(*compared(mixed(fine=20), idle)).is_empty()


def test_calls_that_are_answered_again_are_no_evidence(compared: Compared) -> None:
    assert compare_attempts(*compared(mixed(fine=5, unheard=15), mixed(fine=10))).is_empty()


def attempts(*rows: tuple[str, int, str, int]) -> pl.DataFrame:
    """Calls of the counter's ``GET``, which names nobody: in which request, at which place, who answered,
    how often."""
    return pl.DataFrame([("counter", "GET", "", *row) for row in rows], schema=ATTEMPT_SCHEMA, orient="row")


def test_an_unanswered_call_is_charged_to_who_usually_answers_at_its_place() -> None:
    """The second call of a home page goes to the till, whatever the other calls of that name."""
    before = attempts(("GET /", 1, "shelf", 100), ("GET /", 2, "till", 100), ("GET /me", 1, "members", 100))
    now = attempts(("GET /", 1, "shelf", 10), ("GET /", 2, "", 8), ("GET /", 2, "till", 2))
    assert missing_callees(now, before).rows() == [("counter", "GET", "", "till")]


def test_a_place_with_several_callees_is_charged_by_their_shares() -> None:
    """8 x 0.25 and 8 x 0.75 at the first place, 5 at the second: shelf 2 + 5, till 6."""
    before = attempts(("GET /", 1, "shelf", 25), ("GET /", 1, "till", 75), ("GET /", 2, "shelf", 40))
    now = attempts(("GET /", 1, "", 8), ("GET /", 2, "", 5))
    assert missing_callees(now, before)["callee"].to_list() == ["shelf"]
    assert missing_callees(now.head(1), before)["callee"].to_list() == ["till"]


def test_nobody_is_missing_where_all_calls_are_answered_or_none_ever_was() -> None:
    before = attempts(("GET /", 1, "shelf", 10), ("GET /", 2, "", 10))
    now = attempts(("GET /", 1, "till", 10), ("GET /", 2, "", 10))
    assert missing_callees(now, before).is_empty()


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
    """One of two pods sends no spans: 15 were due."""
    scene = compared(unrecorded(*["a", "b"] * 20), unrecorded(*["a", ""] * 15))
    calls = unheard_calls(compare_calls(*scene), *scene)
    assert gone_services(*scene) == ["shelf"]
    assert calls.select("service", "callee", "hits", "base_hits", "unheard").rows() == [
        ("counter", "shelf", 15, 40, True)
    ]


def test_calls_of_a_service_with_all_its_pods_are_not_unheard(compared: Compared) -> None:
    """Its caller asks less often; and new calls never are."""
    quiet, less = unrecorded(*["a", "b"] * 20), unrecorded(*["a", "", "b", ""] * 10)
    for before, now in ((quiet, less), (less, quiet)):
        scene = compared(before, now)
        calls = unheard_calls(compare_calls(*scene), *scene)
        assert calls["unheard"].to_list() == [False]


def test_errors_of_requests_whose_calls_go_unheard_are_owed_by_the_callee(compared: Compared) -> None:
    """All of them are unanswered; those of a caller whose calls are all heard are its own."""
    scene = compared(unrecorded(*["a", "b"] * 20), unrecorded(*["a", ""] * 15, error="error"))
    calls, errors = unheard_calls(compare_calls(*scene), *scene), compare_errors(*scene)
    figures = ("service", "operation", "callee", "hits", "unanswered")
    assert errors.select(figures).rows() == [("counter", "GET /", None, 15, 0)]
    assert owed_errors(errors, calls).select(figures).rows() == [("counter", "GET /", "shelf", 15, 15)]
    heard = calls.with_columns(unheard=False)
    assert owed_errors(errors, heard).select(figures).rows() == errors.select(figures).rows()


@pytest.mark.parametrize("side", [0, 1])
def test_without_spans_on_a_side_nothing_is_wrong(compared: Compared, side: int) -> None:
    sides = [mixed(fine=20), mixed(failing=20)]
    sides[side] = Telemetry()
    scene = compared(*sides)
    assert compare_errors(*scene).is_empty()
    assert compare_attempts(*scene).is_empty()
    assert vanished_pods(*scene).is_empty()


def test_spans_without_any_status_show_no_errors(compared: Compared) -> None:
    def unknown(telemetry: Telemetry) -> Telemetry:
        return Telemetry(telemetry.spans.with_columns(error=pl.lit(None, dtype=pl.Boolean)))

    assert compare_errors(*compared(unknown(mixed(fine=20)), unknown(mixed(failing=10)))).is_empty()
