"""What the Dedicated Agents of one trace found."""

from __future__ import annotations

from dataclasses import dataclass

from rclagent.core.diagnosis import AgentResult
from rclagent.core.report import AgentReport
from rclagent.topology.trace_graph import TraceGraph


@dataclass(frozen=True, slots=True)
class TraceInvestigation:
    """Reports of all agents of one trace."""

    trace: TraceGraph
    """The trace that they walked."""
    root_reports: tuple[AgentReport, ...]
    """The report of the root's agent; where that one failed, the reports that it had received."""
    results: tuple[AgentResult, ...]
    """What each agent returned, in span order."""
    spans: int
    """Spans covered; those of failed agents are not."""
    settled: int
    """Of these, settled within a subtree that does not deviate."""

    @property
    def verdict(self) -> AgentReport | None:
        """The root-level report; of several, the surest that names a suspect, then the first."""
        return max(self.root_reports, key=lambda report: report.confidence, default=None)
