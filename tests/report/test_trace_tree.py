"""The tree of one trace."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rclagent.core.span import Span
from rclagent.report.trace_tree import OddLeg, render_trace
from rclagent.topology.trace_graph import build_trace_graph

MS = 1_000_000


def span(
    span_id: str,
    parent_id: str | None,
    service: str,
    start_ms: int,
    end_ms: int,
    *,
    operation: str = "GET /",
    error: bool | None = None,
    status: str | None = None,
) -> Span:
    """A span with times in milliseconds."""
    return Span(
        trace_id="t",
        span_id=span_id,
        parent_id=parent_id,
        service=service,
        operation=operation,
        start_ns=start_ms * MS,
        end_ns=end_ms * MS,
        error=error,
        status=status,
    )


CALL = [
    span("a", None, "frontend", 0, 100),
    span("b", "a", "cart", 10, 90, error=True, status="500"),
    span("c", "b", "redis", 20, 30, operation="HGET"),
]


def test_children_stand_below_their_parent_with_times() -> None:
    lines = render_trace(build_trace_graph(CALL), {}).splitlines()
    assert lines[0] == "trace t: 3 spans from 1970-01-01 00:00:00 UTC, 100 ms"
    assert lines[1] == "frontend GET /  at 0.00 ms, takes 100 ms, own 20.0 ms"
    assert lines[2] == "└── cart GET /  at 10.0 ms, takes 80.0 ms, own 70.0 ms  failed 500"
    assert lines[3] == "    └── redis HGET  at 20.0 ms, takes 10.0 ms, own 10.0 ms"


def test_an_odd_leg_is_told_with_what_is_usual() -> None:
    odd = {"b": OddLeg("response", 502.0, 1.3, 412.2)}
    assert "odd: way back 502 ms, usually 1.30 ms (z 412)" in render_trace(build_trace_graph(CALL), odd)


def test_a_message_that_is_late_waits_in_a_queue() -> None:
    odd = {"b": OddLeg("message", 502.0, 1.3, 412.2)}
    assert "odd: wait in a queue 502 ms, usually 1.30 ms" in render_trace(build_trace_graph(CALL), odd)


def test_what_is_within_the_baseline_is_not_called_odd() -> None:
    assert "odd" not in render_trace(build_trace_graph(CALL), {"b": OddLeg("self", 3.0, 2.0, 1.1)})


def test_alike_leaves_are_told_once_and_counted() -> None:
    calls = [span(f"r{n:03d}", "a", "redis", n, n + 1, operation="HGET") for n in range(90)]
    odd = {"r042": OddLeg("store", 9.0, 1.0, 12.0)}
    lines = render_trace(build_trace_graph([CALL[0], *calls]), odd).splitlines()
    assert len(lines) == 3
    assert "at 42.0 ms" in lines[2]
    assert lines[2].endswith("and 89 more like it")


def test_a_trace_deeper_than_the_recursion_limit_is_shown_whole() -> None:
    chain = [span(str(n), str(n - 1) if n else None, f"s{n}", n, 3000) for n in range(1500)]
    lines = render_trace(build_trace_graph(chain), {}).splitlines()
    assert len(lines) == 1501
    assert "s1499 GET /" in lines[-1]


def test_several_roots_hang_under_one() -> None:
    two = [span("a", None, "x", 0, 10), span("b", None, "y", 20, 30)]
    lines = render_trace(build_trace_graph(two), {}).splitlines()
    assert lines[1] == "(several roots)"
    assert [line[4:5] for line in lines[2:]] == ["x", "y"]


def test_colour_comes_only_when_asked_for() -> None:
    trace = build_trace_graph(CALL)
    assert "\x1b[" in render_trace(trace, {}, colour=True)
    assert "\x1b[" not in render_trace(trace, {})


@given(st.text(min_size=1, max_size=30), st.text(max_size=30))
def test_names_act_neither_as_markup_nor_on_the_terminal(name: str, status: str) -> None:
    hostile = [span("a", None, name, 0, 10, operation=f"[bold]{name}[/bold]", error=True, status=status)]
    text = render_trace(build_trace_graph(hostile), {})
    assert len(text.splitlines()) == 2
    assert all(line.isprintable() for line in text.splitlines())
    assert "[bold]" in text
