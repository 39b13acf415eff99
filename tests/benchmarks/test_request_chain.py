"""The longest chain of requests that have to wait for each other."""

from __future__ import annotations

import asyncio

import pytest

from benchmarks.request_chain import Agent, RequestLog, longest_chain
from rclagent import ModelAccess, Telemetry, Window, diagnose, incident_from_telemetry
from rclagent.testing import ScriptedModel, chain, star


def ask_all(telemetry: Telemetry) -> tuple[RequestLog, int, int]:
    """The requests of a diagnosis in which every agent asks; its calls, and whether the synthesizer asked."""
    start, end = telemetry.spans.select("start_ns", "end_ns").to_numpy().T
    window = Window(int(start.min()), int(end.max()) + 1)
    log = RequestLog(ScriptedModel(lambda messages, tools, schema: '{"claims": []}'))
    work = diagnose(
        incident_from_telemetry(telemetry, window=window),
        model=ModelAccess(model=log),
        spend="all",
        progress=log.hear,
    )
    diagnosis = asyncio.run(work)
    calls = diagnosis.usage.model_calls
    agents = {result.agent_id: result for result in diagnosis.agents.results}
    asked = len(agents) + sum(bool(getattr(result, "children", ())) for result in agents.values())
    return log, calls, calls - asked


def test_the_longest_chain_goes_through_the_deepest_work() -> None:
    """By hand, requests about span and reports: root 3 and 1, A 3 and 0, B 3 and 1, C below B 4 and 0.

    So B has max(3, 4) + 1 = 5 and the root max(3, 3, 5) + 1 = 6; one that asks 9 times about itself has 10.
    """
    root, a, b, c, other = ("t", "r"), ("t", "a"), ("t", "b"), ("t", "c"), ("u", "r")
    above: dict[Agent, Agent] = {root: ("t", None), a: root, other: ("u", None), b: root, c: b}
    reports: dict[Agent | None, int] = {root: 1, b: 1}
    assert longest_chain({root: 3, a: 3, b: 3, c: 4, other: 4}, reports, above) == 6
    assert longest_chain({root: 9, a: 3, b: 3, c: 4, other: 4}, reports, above) == 10
    assert longest_chain({root: 3, a: 3, b: 3, c: 4, other: 17}, reports, above) == 17


def test_a_virtual_root_waits_for_what_is_below_it() -> None:
    """It has no span and is told as its own parent: max(5, 1) + 2."""
    top, a, b = ("t", None), ("t", "a"), ("t", "b")
    assert longest_chain({a: 5, b: 1}, {top: 2}, {top: top, a: top, b: top}) == 7


def test_nobody_who_asks_has_no_chain() -> None:
    assert longest_chain({}, {}, {}) == 0


@pytest.mark.parametrize(("telemetry", "requests", "longest"), [(chain(3), 5, 3), (star(3), 5, 2)])
def test_agents_are_told_apart_while_they_work(telemetry: Telemetry, requests: int, longest: int) -> None:
    """Of three links each asks once, side by side, and the upper two again, one after the other: 3 in a row.
    Of a hub with three rays the hub asks again once all have answered: 2."""
    log, calls, concluding = ask_all(telemetry)
    assert log.requests == calls == requests + concluding
    assert log.longest_chain == longest + concluding
