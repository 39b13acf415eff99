"""A half-open span of time, in integer nanoseconds since the Unix epoch."""

from __future__ import annotations

from dataclasses import dataclass

from rclagent.errors import InputError

NS_PER_S = 1_000_000_000
NS_PER_MS = 1_000_000


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """Half-open interval ``[start_ns, end_ns)``."""

    start_ns: int
    """First nanosecond inside."""
    end_ns: int
    """First nanosecond after."""

    def __post_init__(self) -> None:
        if self.end_ns < self.start_ns:
            raise InputError(
                f"A window ends ({self.end_ns}) before it starts ({self.start_ns}).",
                "Give the earlier time first.",
            )

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return (self.end_ns - self.start_ns) / NS_PER_S

    def contains(self, time_ns: int) -> bool:
        """Whether a time lies inside."""
        return self.start_ns <= time_ns < self.end_ns

    def minus(self, holes: list[Window]) -> list[Window]:
        """The parts of this window outside all holes, in order of time."""
        parts: list[Window] = []
        start = self.start_ns
        for hole in sorted(holes):
            if hole.start_ns > start:
                end = min(hole.start_ns, self.end_ns)
                if end > start:
                    parts.append(Window(start, end))
            start = max(start, hole.end_ns)
        if start < self.end_ns:
            parts.append(Window(start, self.end_ns))
        return parts
