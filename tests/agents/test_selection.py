"""Which anomalous traces the agents walk."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from rclagent.agents.selection import represented, select_traces
from rclagent.core.evidence import Channel

if TYPE_CHECKING:
    from tests.agents.conftest import Measured


def test_no_witnesses_no_traces(measured: Measured) -> None:
    """Metrics alone give nothing to walk."""
    measured.observe("e1", "cart", owner="cart", channel=Channel.RESOURCES)
    assert select_traces(measured.findings()) == ()
    assert represented(measured.findings(), ()) == {}


def test_a_second_trace_is_taken_for_what_the_first_does_not_show(measured: Measured) -> None:
    """Two loud traces of the same kind do not crowd out a quiet one of another kind."""
    measured.observe("e1", "cart", owner="cart", weight=5)
    measured.observe("e2", "stock", owner="stock", weight=1)
    measured.witness("e1", "loud-1", "a", excess_ms=300)
    measured.witness("e1", "loud-2", "a", excess_ms=200)
    measured.witness("e2", "quiet", "a", excess_ms=1)
    assert select_traces(measured.findings(), limit=2) == ("loud-1", "quiet")


def test_the_cover_starts_anew_when_all_is_shown(measured: Measured) -> None:
    """What many requests show is seen more than once, the larger excess first, then the trace id."""
    measured.observe("e1", "cart", owner="cart")
    for trace_id, excess_ms in (("c", 10), ("b", 10), ("a", 5)):
        measured.witness("e1", trace_id, "s", excess_ms=excess_ms)
    assert select_traces(measured.findings()) == ("b", "c", "a")


def test_a_claimed_observation_counts_before_any_unclaimed(measured: Measured) -> None:
    """What nobody is held responsible for only decides between equals."""
    measured.observe("e1", "cart", owner="cart", weight=0.1)
    measured.observe("e2", "front", strength=90)
    measured.witness("e1", "owned", "s")
    measured.witness("e2", "loud", "s", excess_ms=900)
    assert select_traces(measured.findings(), limit=1) == ("owned",)


def test_alarming_traces_come_first_and_others_only_for_news(measured: Measured) -> None:
    """Background noise is walked where it shows something new, and not again."""
    measured.observe("e1", "cart", owner="cart", weight=1)
    measured.observe("e2", "noise", owner="noise", weight=9, channel=Channel.LOGS)
    measured.observe("entry", "front", channel=Channel.ENTRY)
    measured.witness("entry", "slow", "s")
    measured.witness("e1", "slow", "s")
    for trace_id in ("noise-1", "noise-2"):
        measured.witness("e2", trace_id, "s")
    assert select_traces(measured.findings()) == ("slow", "noise-1")


def test_the_order_of_rows_does_not_matter(measured: Measured) -> None:
    """The same witnesses in any order give the same choice."""
    for number in range(12):
        measured.observe(f"e{number:02}", "cart", owner="cart", weight=number % 5)
        for trace in range(number):
            measured.witness(f"e{number:02}", f"t{(trace * number) % 7}", "s", excess_ms=trace)
    findings = measured.findings()
    shuffled = replace(findings, witnesses=findings.witnesses.sample(fraction=1, shuffle=True, seed=5))
    assert select_traces(shuffled) == select_traces(findings)


def test_each_alarming_trace_is_charged_to_the_one_most_like_it(measured: Measured) -> None:
    """Three requests of one kind and one of another: the choice stands for 3 and 1."""
    measured.observe("e1", "cart", owner="cart")
    measured.observe("e2", "stock", owner="stock")
    for trace_id in ("a", "b", "c"):
        measured.witness("e1", trace_id, "s")
    measured.witness("e2", "d", "s")
    assert represented(measured.findings(), ("d", "b")) == {"d": 1, "b": 3}


def test_a_trace_without_alarm_stands_for_none(measured: Measured) -> None:
    """Where there are alarming traces, only they have a vote."""
    measured.observe("entry", "front", channel=Channel.ENTRY)
    measured.observe("e2", "noise", owner="noise")
    measured.witness("entry", "slow", "s")
    measured.witness("e2", "noisy", "s")
    assert represented(measured.findings(), ("slow", "noisy")) == {"slow": 1, "noisy": 0}
