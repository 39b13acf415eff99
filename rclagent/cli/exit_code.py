"""What the exit code of the program says."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """Exit codes, the same for every command."""

    DONE = 0
    """Answered; a healthy incident is an answer."""
    FAILED = 1
    """Something went wrong inside the program."""
    USAGE = 2
    """Wrong options, or input that cannot be read."""
    INCONCLUSIVE = 3
    """Too little was seen to say either."""
    BUDGET = 4
    """The budget for models ran out; the best answer was given."""
    INTERRUPTED = 130
    """Ctrl-C."""
