"""Errors raised on purpose.

RclError                  base class: a problem and its remedy
+-- InputError            the caller's data or arguments cannot be used
|   +-- FormatError       a file's content is not what its format promises
|   +-- ProfileError      a saved baseline profile cannot be read
+-- AgentError            an agent could not finish its work
+-- DependencyError       an optional package is not installed
"""

from __future__ import annotations


class RclError(Exception):
    """Base class of every error raised on purpose.

    Attributes:
        problem: What is wrong, naming the file and place where there is one.
        remedy: What to do about it: a command, an option, a field.
    """

    def __init__(self, problem: str, remedy: str) -> None:
        # Both go into args, so that the error survives pickling between processes.
        super().__init__(problem, remedy)
        self.problem = problem
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.problem} {self.remedy}"


class InputError(RclError):
    """The caller's data or arguments cannot be used."""


class FormatError(InputError):
    """A file's content is not what its format promises."""


class ProfileError(InputError):
    """A saved baseline profile cannot be read."""


class AgentError(RclError):
    """An agent could not finish its work."""


class DependencyError(RclError):
    """An optional package is not installed; the remedy is the install line."""
