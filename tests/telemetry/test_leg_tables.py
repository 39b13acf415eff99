"""Legs by piece of time: how many values are odd, and how slow they are where many are."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from rclagent.core.baseline import LEG_KEYS
from rclagent.telemetry.counting import Pieces
from rclagent.telemetry.leg_tables import clock_table, leg_pieces, leg_table
from rclagent.telemetry.repair import repair_spans
from rclagent.telemetry.trace_view import TraceView
from rclagent.testing import written
from rclagent.testing.spec import START_NS

TENS = Pieces(origin_ns=START_NS, length_s=10.0)


def view_of(text: str) -> TraceView:
    """All traces of a text."""
    repaired = repair_spans(written(text).spans)
    return TraceView(repaired, np.ones(repaired.spans.size, dtype=np.bool_))


def works(*lasting_ms: float, every_s: float = 1.0) -> str:
    """Requests without calls, one for each duration."""
    at = (round(1000 * every_s * number) for number in range(len(lasting_ms)))
    return "\n\n".join(f"shelf: GET items   {t}..{t + ms}" for t, ms in zip(at, lasting_ms, strict=True))


def pieces_of(text: str, limit_ms: float) -> list[tuple[object, ...]]:
    """Piece, number of values, of those above the limit, mean and median of a leg."""
    view = view_of(text)
    limits = leg_table(view, None).select(*LEG_KEYS, limit_ms=pl.lit(limit_ms))
    return leg_pieces(view, limits, None, TENS).drop(*LEG_KEYS).rows()


def test_a_piece_in_which_much_is_odd_has_mean_and_median() -> None:
    """Pieces of five values: none, then three of five above 20 ms, then none."""
    text = works(*[10] * 5, 50, 60, 10, 10, 40, *[10] * 5, every_s=2)
    assert pieces_of(text, 20) == [(0, 5, 0, None, None), (1, 5, 3, 34, 40), (2, 5, 0, None, None)]


@pytest.mark.parametrize(("values", "figures"), [(10, (None, None)), (9, (30, 10))])
def test_of_odd_values_more_than_a_tenth_are_much(values: int, figures: tuple[float | None, ...]) -> None:
    """One of ten at 190 ms is a tenth; of nine it is more, and the mean is 270 / 9."""
    assert pieces_of(works(190, *[10] * (values - 1)), 20) == [(0, values, 1, *figures)]


def test_a_leg_that_is_never_above_its_limit_is_left_out() -> None:
    assert pieces_of(works(10, 20), 20) == []


def test_a_leg_without_a_limit_is_left_out() -> None:
    view = view_of(works(10, 500) + "\n\ntill: POST order   0..50")
    limits = leg_table(view, None).select(*LEG_KEYS, limit_ms=pl.lit(20.0)).filter(callee="till")
    assert leg_pieces(view, limits, None, TENS)["callee"].to_list() == ["till"]


def test_legs_come_in_order_of_key_and_piece() -> None:
    text = "\n\n".join(
        [*(f"{name}: GET   {at}..{at + 50}" for at in (10_000, 0) for name in ("till", "shelf"))]
    )
    view = view_of(text)
    limits = leg_table(view, None).select(*LEG_KEYS, limit_ms=pl.lit(20.0))
    table = leg_pieces(view, limits, None, TENS)
    assert table.columns == [*LEG_KEYS, "piece", "n", "over", "mean_ms", "p50_ms"]
    assert table.select("callee", "piece").rows() == [("shelf", 0), ("shelf", 1), ("till", 0), ("till", 1)]


CALL = """
    counter: GET /   9900..10400
        counter: call shelf   10000..10300  client
            shelf: GET items   {0}..{1}
"""


@pytest.mark.parametrize("ahead", [0, 3_600_000])
def test_halves_of_calls_are_read_on_one_clock_in_the_piece_of_their_trace(ahead: int) -> None:
    """The trace starts in the first piece, its call in the second; of the 200 ms that it takes beyond
    its work half is spent either way, whatever the clock of the callee shows."""
    view = view_of(CALL.format(10_100 + ahead, 10_200 + ahead))
    clocks = clock_table(view, None)
    limits = leg_table(view, clocks).select(*LEG_KEYS, limit_ms=pl.lit(50.0))
    halves = leg_pieces(view, limits, clocks, TENS).filter(pl.col("leg").is_in(["request", "response"]))
    assert halves.select("leg", "piece", "n", "over", "mean_ms", "p50_ms").rows() == [
        ("request", 0, 1, 1, 100, 100),
        ("response", 0, 1, 1, 100, 100),
    ]
