"""Which records a caller wants, by their time."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from rclagent.core.window import Window


@dataclass(frozen=True, slots=True)
class TimeFilter:
    """Keeps the records whose time lies in one of several windows, or all records."""

    windows: tuple[Window, ...] | None
    """In order of time, apart from each other; None keeps everything."""

    @staticmethod
    def of(windows: Sequence[Window] | None) -> TimeFilter:
        """Filter of any windows, which may overlap and stand in any order."""
        if windows is None:
            return TimeFilter(None)
        joined: list[Window] = []
        for window in sorted(windows):
            if joined and window.start_ns <= joined[-1].end_ns:
                window = Window(joined[-1].start_ns, max(joined.pop().end_ns, window.end_ns))
            joined.append(window)
        return TimeFilter(tuple(joined))

    def keeps(self, time_ns: int) -> bool:
        """Whether a record of this time is wanted."""
        if self.windows is None:
            return True
        place = bisect_right(self.windows, time_ns, key=lambda window: window.start_ns)
        return place > 0 and time_ns < self.windows[place - 1].end_ns

    def apply(self, frame: pl.DataFrame, time: pl.Expr) -> pl.DataFrame:
        """Rows that are wanted, and rows without a time, which are counted elsewhere.

        Args:
            frame: Any table.
            time: Nanoseconds since the Unix epoch (Int64).
        """
        if self.windows is None:
            return frame
        inside = [time.is_between(window.start_ns, window.end_ns, closed="left") for window in self.windows]
        return frame.filter(pl.any_horizontal(pl.lit(False), *inside) | time.is_null())
