"""A baseline is what the store answers over quiet times."""

from __future__ import annotations

from dataclasses import fields

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from rclagent.core.baseline import (
    ATTEMPT_SCHEMA,
    BREAK_SCHEMA,
    CALL_SCHEMA,
    CLOCK_SCHEMA,
    COMPONENT_SCHEMA,
    ENTRY_SCHEMA,
    ERROR_SCHEMA,
    LEG_SCHEMA,
    OPERATION_SCHEMA,
    QUIET_SCHEMA,
    REVISION_SCHEMA,
    SEQUENCE_SCHEMA,
    SERIES_SCHEMA,
    TEMPLATE_SCHEMA,
    Baseline,
)
from rclagent.core.telemetry import Telemetry
from rclagent.core.window import NS_PER_S, Window
from rclagent.evidence.learning import learn
from rclagent.telemetry.frame_store import FrameStore
from rclagent.testing import repeated, written
from rclagent.testing.spec import START_NS

SCHEMAS = {
    "components": COMPONENT_SCHEMA,
    "operations": OPERATION_SCHEMA,
    "clocks": CLOCK_SCHEMA,
    "legs": LEG_SCHEMA,
    "templates": TEMPLATE_SCHEMA,
    "sequences": SEQUENCE_SCHEMA,
    "calls": CALL_SCHEMA,
    "breaks": BREAK_SCHEMA,
    "errors": ERROR_SCHEMA,
    "attempts": ATTEMPT_SCHEMA,
    "entries": ENTRY_SCHEMA,
    "series": SERIES_SCHEMA,
    "revisions": REVISION_SCHEMA,
    "quiet": QUIET_SCHEMA,
}
TRAFFIC = """
    counter: GET /   0..120
        | 1 INFO request 7
        counter: call shelf   10..110  client
            shelf: GET items   40..90  error
"""


def tables(baseline: Baseline) -> dict[str, pl.DataFrame]:
    """The tables of a baseline by name."""
    values = {field.name: getattr(baseline, field.name) for field in fields(baseline)}
    return {name: value for name, value in values.items() if isinstance(value, pl.DataFrame)}


def test_every_table_has_its_schema_with_and_without_rows() -> None:
    """One with ten minutes, of which some pieces are surely quiet; and none."""
    for telemetry in (repeated(written(TRAFFIC), 20, every_s=30), Telemetry()):
        store = FrameStore(telemetry)
        learned = tables(learn(store, [store.extent() or Window(0, 1)]))
        assert {name: dict(table.schema) for name, table in learned.items()} == SCHEMAS


def test_only_the_given_times_are_learned_from() -> None:
    """Traces at 0, 1 ... 19 s: of two windows of five seconds ten."""
    store = FrameStore(repeated(written(TRAFFIC), 20))
    quiet = [Window(START_NS + at * NS_PER_S, START_NS + (at + 5) * NS_PER_S) for at in (0, 10)]
    baseline = learn(store, quiet)
    assert baseline.windows == tuple(quiet)
    assert (baseline.counts["traces"], baseline.counts["logs"]) == (10, 10)
    assert baseline.legs.filter(leg="response")["n"].to_list() == [10]


def test_the_halves_of_calls_are_learned_free_of_the_clocks() -> None:
    """A clock an hour ahead: the middle of what is possible, 25 and 25 of 50 ms."""
    hour = 3_600_000
    ahead = TRAFFIC.replace("40..90", f"{40 + hour}..{90 + hour}")
    store = FrameStore(repeated(written(ahead), 20))
    baseline = learn(store, [store.extent() or Window(0, 1)])
    halves = baseline.legs.filter(pl.col("leg").is_in(["request", "response"]))
    assert halves["p50_ms"].to_list() == [25, 25]
    assert baseline.clocks["offset_ms"].to_list() == [hour + 5]


@pytest.mark.parametrize(("odd", "spread"), [(1, 0.0), (2, 1 / 2.56)])
def test_what_differs_between_quiet_times_is_learned_as_scatter(odd: int, spread: float) -> None:
    """Of nine pieces two that call the shelf scatter; one may be what a fault left behind."""
    calling = repeated(written("counter: GET /   0..50\n    shelf: GET items   10..20"), 60 * odd, every_s=3)
    alone = repeated(written("counter: GET /   0..50"), 60 * (9 - odd), every_s=3)
    later = alone.spans.with_columns(
        pl.col("start_ns", "end_ns") + 180 * odd * NS_PER_S,
        pl.col("trace_id").str.replace("^0000", "1111"),
    )
    store = FrameStore(Telemetry(pl.concat([calling.spans, later])))
    calls = learn(store, [store.extent() or Window(0, 1)]).calls.filter(callee="shelf")
    assert calls.select("n", "hits").rows() == [(540, 60 * odd)]
    assert calls["spread"].to_list() == pytest.approx([spread])


@pytest.mark.parametrize(("odd", "spread"), [(2, 0.0), (4, ((0.25 / 2.56) ** 2 - 0.2 * 0.1875 / 20) ** 0.5)])
def test_legs_that_are_late_in_some_quiet_times_scatter(odd: int, spread: float) -> None:
    """In some of 20 pieces a quarter of the 20 values is late; in two of them an earlier fault may have
    been at work."""
    durations = [80 if number < 20 * odd and number % 4 == 0 else 10 for number in range(400)]
    lines = (
        f"shelf: GET items   {9000 * number}..{9000 * number + ms}" for number, ms in enumerate(durations)
    )
    store = FrameStore(written("\n\n".join(lines)))
    legs = learn(store, [store.extent() or Window(0, 1)]).legs
    assert legs.select("n", "p95_ms").rows() == [(400, 10)]
    assert legs["spread"].to_list() == pytest.approx([spread])


def test_learning_twice_gives_the_same() -> None:
    telemetry = repeated(written(TRAFFIC), 20)
    one, other = (
        learn(FrameStore(telemetry), [Window(START_NS, START_NS + 60 * NS_PER_S)]) for _ in range(2)
    )
    for name, table in tables(one).items():
        assert_frame_equal(table, tables(other)[name], check_exact=True)
