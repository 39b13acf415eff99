"""What people see while a diagnosis is under way."""

from __future__ import annotations

import io

from rich.console import Console

from rclagent.agents import ProgressEvent, ProgressKind
from rclagent.cli.live_tree import LiveTree


def agent(kind: ProgressKind, trace: str, span: str, done: int, calls: int = 0) -> ProgressEvent:
    """A step of an agent of a trace of 40 spans."""
    return ProgressEvent(
        kind,
        done=done,
        total=40,
        trace_id=trace,
        span_id=span,
        calls=calls,
        tokens=calls * 1000,
        cost_usd=0.5,
    )


def walked() -> LiveTree:
    """Two traces: of one an agent is at work, of the other one of two is done."""
    tree = LiveTree("Reading")
    for event in (
        ProgressEvent(ProgressKind.TRACES_CHOSEN, done=2),
        agent(ProgressKind.AGENT_STARTED, "x", "a", 0),
        agent(ProgressKind.AGENT_STARTED, "y", "a", 0),
        agent(ProgressKind.AGENT_STARTED, "y", "b", 0, calls=1),
        ProgressEvent(ProgressKind.EVIDENCE_FOUND, done=9, trace_id="y", span_id="b"),
        agent(ProgressKind.AGENT_DONE, "y", "b", 12, calls=2),
    ):
        tree.hear(event)
    return tree


def test_the_task_is_shown_until_something_has_happened() -> None:
    assert LiveTree("Reading").lines() == ["Reading ..."]


def test_with_a_model_it_says_how_much_is_asked_and_how_to_end_it() -> None:
    """Whoever waits at night need not wait for a model."""
    tree = LiveTree("Reading")
    tree.hear(ProgressEvent(ProgressKind.SPENDING_PLANNED, done=2, total=5))
    assert tree.lines() == [
        "Walking traces, 2 questions for a model in up to 5 requests (Ctrl-C: the answer so far) ..."
    ]


def test_each_trace_has_a_line_with_its_spans_and_the_first_says_what_was_spent() -> None:
    assert walked().lines() == [
        "Walking 2 traces ...  2 calls, 2,000 tokens, 0.5000 USD",
        "trace 1: 0 of 40 spans, 1 agent at work",
        "trace 2: 12 of 40 spans, 1 agent at work",
    ]


def test_the_terminal_shows_them_as_a_tree() -> None:
    shown = io.StringIO()
    Console(file=shown, width=100).print(walked())
    first, *others = shown.getvalue().splitlines()
    assert first.endswith("Walking 2 traces ...  2 calls, 2,000 tokens, 0.5000 USD")
    assert [line.lstrip("├└─ ") for line in others] == walked().lines()[1:]


def test_a_trace_that_one_agent_descends_shows_its_turns() -> None:
    tree = walked()
    tree.hear(ProgressEvent(ProgressKind.TURN_TAKEN, done=3, total=10, trace_id="y", span_id="a", calls=3))
    assert tree.lines()[2] == "trace 2: 12 of 40 spans, 1 agent at work, turn 3 of 10 taken"
