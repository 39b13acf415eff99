"""Errors raised on purpose.

RclError                    base class: a problem and its remedy
+-- InputError              the caller's data or arguments cannot be used
|   +-- FormatError         a file's content is not what its format promises
|   +-- ProfileError        a saved baseline profile cannot be read
+-- AgentError              an agent could not finish its work
+-- ModelError              a language model gave no reply that can be used
|   +-- TransientModelError     it may when asked again: busy, unreachable, too late
|   +-- PermanentModelError     it will not: refused, unknown, not recorded
|   |   +-- UnsupportedFeature  it takes no tools, or no JSON schema
|   |   +-- GivenUp             it failed so often that it was not asked
|   +-- BudgetExhausted         what may be spent on it is spent
+-- DependencyError         an optional package is not installed
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


class ModelError(RclError):
    """A language model gave no reply that can be used.

    Attributes:
        status: HTTP status that it answered with; None where there was none.
        maybe_billed: Whether it may have worked on the request, and charge for it.
    """

    def __init__(
        self, problem: str, remedy: str, *, status: int | None = None, maybe_billed: bool = False
    ) -> None:
        super().__init__(problem, remedy)
        self.status = status
        self.maybe_billed = maybe_billed


class TransientModelError(ModelError):
    """No reply, but there may be one when asked again: status 408, 409, 429, 5xx, no connection, too late.

    Attributes:
        retry_after_s: Seconds that the server wants to be left alone; None where it does not say.
    """

    def __init__(
        self,
        problem: str,
        remedy: str,
        *,
        status: int | None = None,
        maybe_billed: bool = False,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(problem, remedy, status=status, maybe_billed=maybe_billed)
        self.retry_after_s = retry_after_s


class PermanentModelError(ModelError):
    """No reply, and there will be none: the request, the key, the name or the address is refused."""


class UnsupportedFeature(PermanentModelError):
    """The model refuses something that a request can do without; its capabilities say so from then on.

    Attributes:
        feature: What it refuses: a field of its capabilities.
    """

    def __init__(
        self,
        problem: str,
        remedy: str,
        *,
        status: int | None = None,
        maybe_billed: bool = False,
        feature: str = "json_schema",
    ) -> None:
        super().__init__(problem, remedy, status=status, maybe_billed=maybe_billed)
        self.feature = feature


class GivenUp(PermanentModelError):
    """The model failed so often that it is not asked any more; problem and remedy are of its last failure."""


class BudgetExhausted(ModelError):
    """The next call cannot be paid, or the time is over."""


class DependencyError(RclError):
    """An optional package is not installed; the remedy is the install line."""
