"""One trace as a tree of lines: what called what, when, how long, and how odd that is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from typing import Final, TypeAlias

from rich.console import Console
from rich.text import Text

from rclagent.core.calendar import utc
from rclagent.core.span import Span
from rclagent.core.window import NS_PER_MS
from rclagent.report.escape import MAX_NAME, plain
from rclagent.report.oddness import ODD_Z
from rclagent.report.words import count, milliseconds
from rclagent.topology.trace_graph import TraceGraph

MIN_ALIKE: Final = 4
"""As many leaves of the same operation under one parent are told in two lines."""


@dataclass(frozen=True, slots=True)
class OddLeg:
    """The oddest leg of one span."""

    leg: str
    """``self``, ``store``, ``request``, ``response`` or ``message``."""
    ms: float
    """How long it took."""
    usual_ms: float
    """Median of the baseline."""
    z: float
    """Distance above the median in standard deviations."""


Oddness: TypeAlias = Mapping[str, OddLeg]


def render_trace(trace: TraceGraph, oddness: Oddness, *, colour: bool = False) -> str:
    """The trace as a tree of lines, children in order of their start.

    Args:
        trace: One trace.
        oddness: Oddest leg of each span, by span id; spans without one are not judged.
        colour: Whether to colour failures and oddness with escape sequences.

    Returns:
        Lines of any length, telemetry in them neutralised.
    """
    page = StringIO()
    console = Console(
        file=page, force_terminal=colour, no_color=not colour, highlight=False, legacy_windows=False
    )
    for line in (_title(trace), *_lines(trace, oddness)):
        console.print(line, soft_wrap=True)
    return page.getvalue()


def _title(trace: TraceGraph) -> Text:
    top = trace.graph.nodes[trace.root]
    spans = sum(not virtual for _, virtual in trace.graph.nodes(data="virtual"))
    mended = f", {sum(trace.repairs.values()):,} repairs" if trace.repairs else ""
    return Text(
        f"trace {plain(trace.trace_id, MAX_NAME)}: {count(spans, 'span')} from {utc(top['start_ns'])}, "
        f"{milliseconds((top['end_ns'] - top['start_ns']) / NS_PER_MS)}{mended}"
    )


def _lines(trace: TraceGraph, oddness: Oddness) -> Iterator[Text]:
    """Depth first, in a loop: rich's own Tree takes seconds for a trace that is 1,000 spans deep."""
    ahead = [(trace.root, 0, "", "")]
    while ahead:
        node, alike, guide, indent = ahead.pop()
        line = Text().append(guide, "dim").append_text(_label(trace, node, oddness))
        if alike:
            line.append(f"  and {count(alike, 'more like it', 'more like it')}", "dim")
        yield line
        inner = _shown_children(trace, node, oddness)
        for place in range(len(inner) - 1, -1, -1):
            last = place == len(inner) - 1
            corner, below = ("└── ", "    ") if last else ("├── ", "│   ")
            ahead.append((*inner[place], indent + corner, indent + below))


def _shown_children(trace: TraceGraph, node: str, oddness: Oddness) -> list[tuple[str, int]]:
    """Children in order, each with the number of further leaves that it stands for: the oddest of them."""
    groups: dict[object, list[str]] = {}
    for child in trace.graph.successors(node):
        span = trace.graph.nodes[child]["span"]
        leaf = trace.graph.out_degree(child) == 0
        key = (span.service, span.operation, span.error) if leaf else child
        groups.setdefault(key, []).append(child)
    shown: list[tuple[str, int]] = []
    for members in groups.values():
        if len(members) >= MIN_ALIKE:
            shown.append((_oddest(trace, members, oddness), len(members) - 1))
        else:
            shown += [(member, 0) for member in members]
    return sorted(shown, key=lambda pair: (trace.graph.nodes[pair[0]]["start_ns"], pair[0]))


def _oddest(trace: TraceGraph, members: Sequence[str], oddness: Oddness) -> str:
    def key(member: str) -> tuple[float, int]:
        leg = oddness.get(member)
        return (
            leg.z if leg else 0.0,
            trace.graph.nodes[member]["end_ns"] - trace.graph.nodes[member]["start_ns"],
        )

    return max(members, key=key)


def _label(trace: TraceGraph, node: str, oddness: Oddness) -> Text:
    attributes = trace.graph.nodes[node]
    span: Span | None = attributes["span"]
    if span is None:
        return Text("(several roots)", "dim")
    offset = (attributes["start_ns"] - trace.graph.nodes[trace.root]["start_ns"]) / NS_PER_MS
    duration = (attributes["end_ns"] - attributes["start_ns"]) / NS_PER_MS
    label = Text()
    label.append(plain(span.service, MAX_NAME), "bold")
    label.append(f" {plain(span.operation, MAX_NAME)}")
    label.append(
        f"  at {milliseconds(offset)}, takes {milliseconds(duration)},"
        f" own {milliseconds(attributes['self_ns'] / NS_PER_MS)}",
        "dim",
    )
    if span.error:
        label.append(f"  failed {plain(span.status or '', MAX_NAME)}".rstrip(), "red")
    leg = oddness.get(node)
    if leg is not None and leg.z >= ODD_Z:
        took, usual = milliseconds(leg.ms), milliseconds(leg.usual_ms)
        label.append(f"  odd: {_LEG_WORDS[leg.leg]} {took}, usually {usual} (z {leg.z:,.0f})", "yellow")
    return label


_LEG_WORDS: Final = {
    "self": "own time",
    "store": "wait for a store",
    "request": "way in",
    "response": "way back",
    "message": "wait in a queue",
}
