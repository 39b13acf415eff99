"""Tables of what a language model costs."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.cost_tables import PUBLISHED, headlines, incident_rows, overhead_rows, trace_rows


def made(name: str, spending: str, **changed: Any) -> dict[str, Any]:
    """A cost: 10 calls in a chain of 5, a floor of 1 s."""
    return {
        "name": name,
        "spending": spending,
        "spans": 20,
        "agents": 7,
        "spans_covered": 20,
        "questions": 3,
        "calls": 10,
        "prompt_characters": 12_345,
        "most_at_once": 4,
        "longest_chain": 5,
        "seconds": [1.5, 1.1, 1.2],
        **changed,
    }


NOTHING: dict[str, Any] = {"questions": 0, "calls": 0, "longest_chain": 0}
CONTENT: dict[str, Any] = {
    "dataset": "model-cost",
    "latency_s": 0.2,
    "concurrency": 16,
    "traces": [made("small", "suspicious", **NOTHING), made("small", "all")],
    "incidents": [
        made("12:00", "suspicious", seconds=[0.5]),
        made("12:10", "suspicious", **NOTHING, seconds=[0.7]),
        made("12:10", "all", seconds=[9.0]),
    ],
    "overhead": {
        "spans": 122,
        "ms_per_span": {"no model": 1.0, "all": 4.256},
        "calls": {"no model": 0, "all": 300},
    },
}


def test_each_trace_stands_beside_the_published_code_and_what_is_wanted() -> None:
    """At most a sixth of its 73 calls, a tenth of its characters and of its 6.2 s; 1.1 s is 1.10 floors."""
    head, published, at_once, wanted, default, every = trace_rows(CONTENT)
    assert len({len(row) for row in (head, published, at_once, wanted, default, every)}) == 1
    assert published[1:8] == ["published code", "18 of 20", "18", "-", "73", "485,885", "6.2"]
    assert at_once[7] == "3.8"
    assert wanted[2:8] == ["20 of 20", "-", "-", "12", "48,588", "0.62"]
    assert default[1:6] + default[11:] == ["suspicious", "20 of 20", "7", "0", "0", "0.00", "-"]
    assert every[5:] == ["10", "12,345", "1.10", "1.20", "4", "5", "1.00", "1.10"]


@pytest.mark.parametrize(
    ("name", "wanted"),
    [("medium", ["26", "83,111", "0.87"]), ("large", ["69", "249,552", "1.93"])],
)
def test_what_is_wanted_is_rounded_down(name: str, wanted: list[str]) -> None:
    """157 / 6 is 26.2 and 417 / 6 is 69.5."""
    rows = trace_rows({**CONTENT, "traces": [made(name, "all")]})
    assert rows[3][5:8] == wanted
    assert name in PUBLISHED


def test_of_the_incidents_those_that_asked_are_shown() -> None:
    _, *rows = incident_rows(CONTENT)
    assert [row[:2] for row in rows] == [["12:00", "suspicious"], ["12:10", "all"]]


def test_the_headlines_say_what_it_comes_to() -> None:
    """One trace at 1.1 floors; two incidents with the default spending, of which one asked 10 times."""
    ratio, default, ours = headlines(CONTENT)
    assert "1.10 to 1.10 times the floor; at most 1.2 is wanted" in ratio
    assert "2 whole incidents of a day: 1 left a choice open; at most 10 calls" in default
    assert "0.60 s at the median, 0.70 s at most" in default
    assert "at most 4.26 ms a span; 5 are wanted" in ours
    assert overhead_rows(CONTENT)[1:] == [["no model", "0", "1.00"], ["all", "300", "4.26"]]
