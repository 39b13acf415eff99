"""Calls that changed, and the call at which requests break."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl
import pytest

from rclagent.core.baseline import Baseline
from rclagent.core.telemetry import Telemetry
from rclagent.core.window import Window
from rclagent.evidence.calls import compare_breaks, compare_calls, own_breaks
from rclagent.telemetry.frame_store import FrameStore
from rclagent.testing import repeated, written

Compared = Callable[[Telemetry, Telemetry], tuple[FrameStore, Window, Baseline]]

WHOLE = """
    counter: POST /checkout   0..100
        shelf: GET items   10..20
        till: POST order   30..40
        letters: POST mail   50..60
"""
BROKEN = "\n".join(WHOLE.splitlines()[:-1])
FALLEN = "\n".join(WHOLE.splitlines()[:2])


def texts(text: str, times: int) -> Telemetry:
    """A written trace again and again."""
    return repeated(written(text), times)


def test_a_call_that_vanished_is_told_with_its_caller(compared: Compared) -> None:
    """0 of 10 against 20 of 20: z = -5.4556."""
    table = compare_calls(*compared(texts(WHOLE, 20), texts(BROKEN, 10)))
    assert table.select("service", "operation", "callee", "call", "hits", "n").rows() == [
        ("counter", "POST /checkout", "letters", "POST mail", 0, 10)
    ]
    assert table.select("base_hits", "base_n", "change").rows() == [(20, 20, -1.0)]
    assert table["z"][0] == pytest.approx(-5.45562, abs=1e-5)


def test_a_step_that_appeared_is_told_too(compared: Compared) -> None:
    """A framework's error handler runs inside the service itself."""
    handled = WHOLE + "        counter: handle error   70..80  internal"
    table = compare_calls(*compared(texts(WHOLE, 20), texts(handled, 10)))
    assert table.select("callee", "call", "change").rows() == [("counter", "handle error", 1.0)]


def test_the_callee_that_became_the_last_is_the_break_point(compared: Compared) -> None:
    """Requests used to end with the letters."""
    table = compare_breaks(*compared(texts(WHOLE, 20), texts(BROKEN, 10)))
    assert table.select("service", "callee", "call", "change").rows() == [
        ("counter", "till", "POST order", 1.0)
    ]
    assert table["z"][0] == pytest.approx(5.45562, abs=1e-5)


def test_requests_that_end_without_a_call_are_broken_by_the_service_itself(compared: Compared) -> None:
    table = compare_breaks(*compared(texts(WHOLE, 20), texts(FALLEN, 10)))
    assert table.select("service", "callee", "call").rows() == [("counter", "", "")]


def test_an_operation_that_never_called_anyone_cannot_break(compared: Compared) -> None:
    """All its requests end without a call, as they always did."""
    quiet = texts(WHOLE, 20)
    assert compare_breaks(*compared(quiet, texts(WHOLE, 10))).is_empty()


def test_a_leaf_that_starts_to_call_has_no_break_point(compared: Compared) -> None:
    leaf, calling = "shelf: GET items   0..50", "shelf: GET items   0..50\n    till: GET price   10..20"
    assert compare_breaks(*compared(texts(leaf, 20), texts(calling, 10))).is_empty()
    assert compare_calls(*compared(texts(leaf, 20), texts(calling, 10)))["callee"].to_list() == ["till"]


@pytest.mark.parametrize(("before", "after"), [(7, 10), (20, 2)])
def test_too_few_requests_show_nothing(compared: Compared, before: int, after: int) -> None:
    scene = compared(texts(WHOLE, before), texts(BROKEN, after))
    assert compare_calls(*scene).is_empty()
    assert compare_breaks(*scene).is_empty()


@pytest.mark.parametrize("side", [0, 1])
def test_without_spans_on_a_side_nothing_changed(compared: Compared, side: int) -> None:
    sides = [texts(WHOLE, 20), texts(WHOLE, 20)]
    sides[side] = Telemetry()
    assert compare_calls(*compared(*sides)).is_empty()
    assert compare_breaks(*compared(*sides)).is_empty()


QUERYING = WHOLE.replace(
    "        letters", "            till: SELECT orders   31..35  client\n        letters"
)
"""The till shows what it does."""


@pytest.mark.parametrize(
    ("quiet", "now", "late", "blamed"),
    [
        (QUERYING, "\n".join(QUERYING.splitlines()[:-1]), [], "counter"),  # the till does as usual
        (QUERYING, BROKEN, [], "till"),  # the till asks for no orders any more
        (QUERYING, "\n".join(QUERYING.splitlines()[:-1]), [("till", "POST order")], "till"),  # it is late
        (WHOLE, BROKEN, [], "till"),  # nobody sees what the till does
    ],
)
def test_a_callee_that_does_all_as_usual_is_not_what_breaks_a_request(
    compared: Compared, quiet: str, now: str, late: list[tuple[str, str]], blamed: str
) -> None:
    sides = compared(texts(quiet, 20), texts(now, 10))
    legs = pl.DataFrame(late, schema={"callee": pl.String, "operation": pl.String}, orient="row")
    breaks = compare_breaks(*sides).filter(service="counter")
    found = own_breaks(breaks, compare_calls(*sides), legs, sides[2])
    assert found.select("service", "callee", "call").rows() == [("counter", blamed, "POST order")]
