"""What people see while a diagnosis is under way: a line for the whole, and one for each trace walked."""

from __future__ import annotations

from dataclasses import dataclass, field

from rich.console import Console, ConsoleOptions, RenderResult
from rich.spinner import Spinner
from rich.text import Text
from rich.tree import Tree

from rclagent.agents import ProgressEvent, ProgressKind
from rclagent.report.words import count


@dataclass(slots=True)
class _Walk:
    done: int = 0
    total: int = 0
    at_work: set[str | None] = field(default_factory=set)
    turn: str = ""


class LiveTree:
    """Follows the events of a diagnosis; only our own words are shown, so that no telemetry can come in.

    Args:
        task: What is done first.
    """

    def __init__(self, task: str) -> None:
        self._spinner = Spinner("dots", f"{task} ...")
        self._step = f"{task} ..."
        self._spent = ""
        self._walks: dict[str, _Walk] = {}

    def hear(self, event: ProgressEvent) -> None:
        """Takes a step into account."""
        self._step = _following(event) or self._step
        if event.calls:
            self._spent = _spent(event)
        if event.trace_id is not None:
            self._follow(event, self._walks.setdefault(event.trace_id, _Walk()))

    def lines(self) -> list[str]:
        """What is shown: the whole first, then the traces in the order in which their agents began."""
        walks = list(self._walks.values())  # the display looks from a thread of its own
        whole = f"{self._step}  {self._spent}".rstrip()
        return [whole, *(_walked(place, walk) for place, walk in enumerate(walks, start=1))]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        whole, *walks = self.lines()
        self._spinner.update(text=Text(whole))
        tree = Tree(self._spinner)
        for walk in walks:
            tree.add(Text(walk))
        yield tree

    def _follow(self, event: ProgressEvent, walk: _Walk) -> None:
        if event.kind is ProgressKind.AGENT_STARTED:
            walk.at_work.add(event.span_id)
        elif event.kind is ProgressKind.AGENT_DONE:
            walk.at_work.discard(event.span_id)
        elif event.kind is ProgressKind.TURN_TAKEN:
            walk.turn = f", turn {event.done} of {event.total} taken"
            return
        else:
            return
        walk.done, walk.total = max(walk.done, event.done), event.total


def _following(event: ProgressEvent) -> str | None:
    """What follows the step that the event ends; None where it changes nothing worth a word."""
    following = {
        ProgressKind.MEASURED: "Choosing traces ...",
        ProgressKind.TRACES_CHOSEN: f"Walking {event.total or event.done} traces ...",
        ProgressKind.SPENDING_PLANNED: f"Walking traces, {count(event.done, 'question')} for a model in up to"
        f" {count(event.total, 'request')} (Ctrl-C: the answer so far) ...",
        ProgressKind.DIAGNOSED: "Writing the report ...",
    }
    return following.get(event.kind)


def _spent(event: ProgressEvent) -> str:
    cost = "" if event.cost_usd is None else f", {event.cost_usd:.4f} USD"
    return f"{event.calls:,} calls, {event.tokens:,} tokens{cost}"


def _walked(place: int, walk: _Walk) -> str:
    busy = f", {count(len(walk.at_work), 'agent')} at work" if walk.at_work else ""
    return f"trace {place}: {walk.done:,} of {walk.total:,} spans{busy}{walk.turn}"
