"""Tables of what a language model costs, beside the published code and what is to be reached."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import floor
from statistics import median
from typing import Any, Final

from benchmarks.model_cost import floor_s

RATIO: Final = 1.2
"""Largest time of the spending ``all``, in floors."""
MS_PER_SPAN: Final = 5.0
"""Largest overhead."""
_HEAD: Final = [
    "trace",
    "who",
    "spans covered",
    "agents",
    "questions",
    "calls",
    "prompt characters",
    "s, best",
    "s, median",
    "at a time",
    "chain",
    "floor, s",
    "best / floor",
]


@dataclass(frozen=True, slots=True)
class Published:
    """What the published code took for a trace, behind the same server."""

    spans: int
    """Spans that it looks at: an agent each, down to its depth limit."""
    calls: int
    """Requests."""
    prompt_characters: int
    """Characters of their messages and of the tool calls in them."""
    seconds: float
    """Best of three."""
    median_s: float
    """Median of them."""
    at_once_s: float
    """With its tools answering at once."""


PUBLISHED: Final[Mapping[str, Published]] = {
    "small": Published(18, 73, 485_885, 6.2, 6.4, 3.8),
    "medium": Published(39, 157, 831_112, 8.7, 9.6, 4.7),
    "large": Published(104, 417, 2_495_529, 19.3, 19.6, 7.7),
    "deep": Published(57, 229, 1_300_482, 11.3, 11.3, 5.5),
}
"""RCLAgent as published, in the setting of its README: 16 requests at a time, depth 10, two tools; answers
after 0.2 s."""


def trace_rows(content: Mapping[str, Any]) -> list[list[str]]:
    """Of each trace the published code, what is to be reached, and both spendings; first the head."""
    table = [_HEAD]
    for name, published in PUBLISHED.items():
        found = [cost for cost in content["traces"] if cost["name"] == name]
        if found:
            table += _yardsticks(name, published, found[0]["spans"])
            table += [_row(cost, content) for cost in found]
    return table


def incident_rows(content: Mapping[str, Any]) -> list[list[str]]:
    """Of the whole incidents those that asked anything; the first row is the head."""
    asking = [_row(cost, content) for cost in content["incidents"] if cost["questions"]]
    return [["incident", *_HEAD[1:]], *asking]


def overhead_rows(content: Mapping[str, Any]) -> list[list[str]]:
    """Milliseconds a span by spending; the first row is the head."""
    measured = content["overhead"]
    rows = [[name, str(measured["calls"][name]), f"{ms:.2f}"] for name, ms in measured["ms_per_span"].items()]
    return [["spending", "calls", "ms a span"], *rows]


def headlines(content: Mapping[str, Any]) -> list[str]:
    """What the tables come to, in a sentence each."""
    every = [cost for cost in content["traces"] if cost["spending"] == "all"]
    ratios = [ratio for cost in every if (ratio := _ratio(cost, content)) is not None]
    default = [cost for cost in content["incidents"] if cost["spending"] == "suspicious"]
    asking = sum(bool(cost["questions"]) for cost in default)
    seconds = [median(cost["seconds"]) for cost in default]
    slowest = max(content["overhead"]["ms_per_span"].values())
    return [
        f"Spending all: {min(ratios):.2f} to {max(ratios):.2f} times the floor; at most {RATIO:g} is wanted.",
        f"Default spending, {len(default)} whole incidents of a day: {asking} left a choice open; at most "
        f"{max(cost['calls'] for cost in default)} calls; {median(seconds):.2f} s at the median, "
        f"{max(seconds):.2f} s at most.",
        f"Overhead on a trace of {content['overhead']['spans']} spans, model answering at once: at most "
        f"{slowest:.2f} ms a span; {MS_PER_SPAN:g} are wanted.",
    ]


def _yardsticks(name: str, published: Published, spans: int) -> list[list[str]]:
    covered = f"{published.spans} of {spans}"
    return [
        _cells(
            name,
            "published code",
            covered,
            str(published.spans),
            "",
            str(published.calls),
            f"{published.prompt_characters:,}",
            f"{published.seconds:.1f}",
            f"{published.median_s:.1f}",
        ),
        _cells(name, "the same, tools at once", *[""] * 5, f"{published.at_once_s:.1f}"),
        _cells(
            name,
            "at most wanted",
            f"{spans} of {spans}",
            *[""] * 2,
            str(published.calls // 6),
            f"{published.prompt_characters // 10:,}",
            f"{floor(published.seconds * 10) / 100:.2f}",
        ),
    ]


def _row(cost: Mapping[str, Any], content: Mapping[str, Any]) -> list[str]:
    ratio = _ratio(cost, content)
    return _cells(
        cost["name"],
        cost["spending"],
        f"{cost['spans_covered']} of {cost['spans']}",
        str(cost["agents"]),
        str(cost["questions"]),
        str(cost["calls"]),
        f"{cost['prompt_characters']:,}",
        f"{min(cost['seconds']):.2f}",
        f"{median(cost['seconds']):.2f}",
        str(cost["most_at_once"]),
        str(cost["longest_chain"]),
        f"{_floor_s(cost, content):.2f}",
        "" if ratio is None else f"{ratio:.2f}",
    )


def _cells(*cells: str) -> list[str]:
    return [cell or "-" for cell in [*cells, *[""] * (len(_HEAD) - len(cells))]]


def _floor_s(cost: Mapping[str, Any], content: Mapping[str, Any]) -> float:
    return floor_s(cost, content["latency_s"], content["concurrency"])


def _ratio(cost: Mapping[str, Any], content: Mapping[str, Any]) -> float | None:
    least = _floor_s(cost, content)
    return min(cost["seconds"]) / least if least else None
