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

FIGURES = ("mean_ms", "p50_ms", "over_excess_ms", "over_std_ms")
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
    """Piece, number of values, of those above the limit; mean, median, excess and its scatter of a leg."""
    view = view_of(text)
    limits = leg_table(view, None).select(*LEG_KEYS, limit_ms=pl.lit(limit_ms))
    return leg_pieces(view, limits, None, TENS).drop(*LEG_KEYS).rows()


def test_a_piece_in_which_much_is_odd_has_mean_and_median() -> None:
    """Pieces of five values: none, then three of five above 20 ms, then none.

    The three are 30, 40 and 20 above: 90 / 5 over all, and scatter by the root of 200 / 3.
    """
    text = works(*[10] * 5, 50, 60, 10, 10, 40, *[10] * 5, every_s=2)
    calm = (None,) * 4
    odd = (34, 40, 18, pytest.approx((200 / 3) ** 0.5))
    assert pieces_of(text, 20) == [(0, 5, 0, *calm), (1, 5, 3, *odd), (2, 5, 0, *calm)]


@pytest.mark.parametrize(("values", "figures"), [(13, (None,) * 4), (10, (28, 10, 17, 0))])
def test_of_odd_values_more_than_eight_in_a_hundred_are_much(
    values: int, figures: tuple[float | None, ...]
) -> None:
    """One of 13 at 190 ms is less; of ten it is more: the mean is 280 / 10, the excess 170 / 10."""
    assert pieces_of(works(190, *[10] * (values - 1), every_s=0.5), 20) == [(0, values, 1, *figures)]


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
    assert table.columns == [*LEG_KEYS, "piece", "n", "over", *FIGURES]
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


@pytest.mark.parametrize("ahead", [0, 3_600_000])
def test_a_message_is_read_on_the_clocks_that_calls_between_the_same_machines_tell(ahead: int) -> None:
    """The broker had it at 45 and the consumer at 300, however far ahead its machine is; the calls there
    and back take the same time."""
    view = view_of(
        f"""
        till: POST order   0..100  node=n1
            till: call shelf   10..30  client node=n1
                shelf: GET items   {15 + ahead}..{25 + ahead}  node=n2
            till: order placed   40..45  producer node=n1 peer=orders
                letters: send mail   {300 + ahead}..{380 + ahead}  consumer node=n2
        """
    )
    message = leg_table(view, clock_table(view, None)).filter(leg="message")
    assert message.select("caller", "callee", "operation", "p50_ms").rows() == [
        ("orders", "letters", "send mail", 255)
    ]
