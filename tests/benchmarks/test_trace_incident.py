"""One trace as an incident."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from benchmarks.trace_incident import trace_incident
from rclagent import InputError, Window
from tests.benchmarks.conftest import DAY

if TYPE_CHECKING:
    from tests.benchmarks.conftest import NezhaSystem


def test_only_the_trace_is_in_it_and_what_precedes_it_is_usual(nezha_system: NezhaSystem) -> None:
    """The trace of 11:05:30 is slow since the alarm of 11:05: 405 ms. Usual are 150 traces of 11:00 to 11:05
    and 30 of the fault-free minute, a span of each in one operation; nothing since the alarm."""
    data = nezha_system.write()
    start_ns = nezha_system.at("11:05:30")
    incident = trace_incident(data, DAY, f"{start_ns:032x}")
    assert incident.window == Window(start_ns, start_ns + 405_000_001)
    assert incident.store.counts([incident.window])["traces"] == 1
    assert incident.store.spans_in([Window(0, 2**62)]).height == 3
    assert incident.baseline is not None
    assert incident.baseline.counts["traces"] == 180


def test_a_trace_that_is_not_there_is_told(nezha_system: NezhaSystem) -> None:
    with pytest.raises(InputError, match="has no trace abc"):
        trace_incident(nezha_system.write(), DAY, "abc")
