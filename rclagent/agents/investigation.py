"""What the Dedicated Agents of one trace found."""

from __future__ import annotations

from collections.abc import Mapping
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
    def depths(self) -> Mapping[str, int]:
        """Agent id to the number of agents above it, as far as reports tell."""
        depths = {report.agent_id: 0 for report in self.root_reports}
        for result in self.results:  # in span order, so parents come first
            if isinstance(result, AgentReport):
                below = depths.setdefault(result.agent_id, 0) + 1
                depths.update(dict.fromkeys(result.children, below))
        return depths

    @property
    def verdict(self) -> AgentReport | None:
        """The root-level report; of several, the surest that names a suspect, then the first."""
        return max(self.root_reports, key=lambda report: report.confidence, default=None)
