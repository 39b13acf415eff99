"""Progress on stderr, for people only: nothing is written where stderr is no terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from rclagent.agents.progress import ProgressEvent

Listener: TypeAlias = "Callable[[ProgressEvent], None]"


@contextmanager
def progress(task: str) -> Iterator[Listener | None]:
    """Shows what is under way until the block ends.

    Args:
        task: What is done first.

    Yields:
        A listener for the events of a diagnosis; None where nobody watches.
    """
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console

    with Console(stderr=True).status(f"{task} ...") as status:
        yield lambda event: status.update(_words(event))


def _words(event: ProgressEvent) -> str | None:
    """What follows the step that the event ends; only our own words, so that no markup can come in.

    None where it changes nothing worth a word.
    """
    following = {
        "measured": "Choosing traces ...",
        "traces_chosen": f"Walking {event.total or event.done} traces ...",
        "spending_planned": f"Asking a model up to {event.total:,} times ...",
        "agent_done": f"Walking traces: {event.done:,} of {event.total:,} spans of this one",
        "diagnosed": "Writing the report ...",
    }
    return following.get(event.kind.value)
