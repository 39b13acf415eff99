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
    from rich.live import Live

    from rclagent.cli.live_tree import LiveTree

    tree = LiveTree(task)
    with Live(tree, console=Console(stderr=True), transient=True, redirect_stdout=False):
        yield tree.hear
