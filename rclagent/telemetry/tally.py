"""Counts of what a reader dropped and mended, on their way into the coverage."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from rclagent.core.coverage import SourceCoverage


@dataclass(slots=True)
class Tally:
    """What happened to the records of one file or folder that are not simply taken over."""

    dropped: Counter[str] = field(default_factory=Counter)
    """Records left out, by reason."""
    repaired: Counter[str] = field(default_factory=Counter)
    """Records mended, by reason."""

    def drop(self, reason: str, count: int = 1) -> None:
        """Count records left out."""
        if count:
            self.dropped[reason] += count

    def repair(self, reason: str, count: int = 1) -> None:
        """Count records mended."""
        if count:
            self.repaired[reason] += count

    def coverage(
        self, path: str, format_name: str, *, spans: int = 0, logs: int = 0, metrics: int = 0
    ) -> SourceCoverage:
        """The coverage of one source, reasons in order of name."""
        return SourceCoverage(
            path=path,
            format=format_name,
            spans=spans,
            logs=logs,
            metrics=metrics,
            dropped=dict(sorted(self.dropped.items())),
            repaired=dict(sorted(self.repaired.items())),
        )
