"""What a language model costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from benchmarks.latency_server import running
from benchmarks.model_cost import OVERHEAD_SPANS, TRACES, Spending, cost, floor_s, overhead
from rclagent import Window, incident_from_telemetry
from rclagent.testing import star

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("longest_chain", "calls", "floor"), [(75, 705, 15.0), (94, 3538, 44.225), (0, 0, 0.0)]
)
def test_the_floor_is_the_longest_chain_or_all_calls_side_by_side(
    longest_chain: int, calls: int, floor: float
) -> None:
    """75 x 0.2 s is 15 s and more than 705 x 0.2 / 16; 94 x 0.2 s is less than 3538 x 0.2 / 16 = 44.225."""
    found = floor_s({"longest_chain": longest_chain, "calls": calls}, 0.2, 16)
    assert found == pytest.approx(floor)


@pytest.mark.parametrize(("spending", "calls", "longest"), [("all", 6, 3), ("suspicious", 0, 0)])
def test_an_incident_is_diagnosed_and_counted(
    stand_in: Path, spending: Spending, calls: int, longest: int
) -> None:
    """A hub with three rays: all four ask, the hub again, then the synthesizer; or nobody does."""
    incident = incident_from_telemetry(star(3), window=Window(0, 2**62))
    with running(stand_in, latency_s=0.0, tool_rounds=0) as server:
        found = cost("star", incident, spending, server, repeats=2)
    assert (found.calls, found.questions, found.agents) == (calls, calls, 4)
    assert (found.spans, found.spans_covered) == (4, 4)
    assert (found.prompt_characters > 0) == (calls > 0)
    assert len(found.seconds) == 2
    assert found.longest_chain == longest


def test_overhead_is_given_for_each_spending() -> None:
    """Of each span two rounds of tools and an answer, and one call more where others are below."""
    found = overhead(1)
    assert found["spans"] == OVERHEAD_SPANS
    assert list(found["ms_per_span"]) == ["no model", "suspicious", "all"]
    assert found["calls"]["no model"] == 0
    assert 3 * OVERHEAD_SPANS < found["calls"]["all"] < 4 * OVERHEAD_SPANS


def test_every_trace_has_a_name_of_its_own() -> None:
    assert len(set(TRACES.values())) == len(TRACES) == 4
