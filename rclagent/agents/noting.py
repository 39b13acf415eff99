"""A first walk by measurements alone, which notes what each agent concludes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rclagent.agents.reasoner import Consolidation, Verification
from rclagent.agents.span_task import SpanTask
from rclagent.agents.statistical import StatisticalReasoner
from rclagent.agents.suspicion import Suspicion
from rclagent.core.report import AgentReport, Failed


@dataclass(frozen=True, slots=True)
class Note:
    """What one agent looked at and concluded."""

    task: SpanTask
    """Its work."""
    suspicions: tuple[Suspicion, ...]
    """What it suspects, heaviest first."""
    reports: tuple[AgentReport | Failed, ...]
    """What it heard from below."""


class NotingReasoner:
    """Thinks as the statistical reasoner does, and keeps notes.

    Args:
        reasoner: What thinks.
    """

    def __init__(self, reasoner: StatisticalReasoner) -> None:
        self.name = reasoner.name
        self.notes: dict[str, Note] = {}
        """Agent id to its note, in order of arrival."""
        self._reasoner = reasoner

    async def verify(self, task: SpanTask) -> Verification:
        """What the other says."""
        return await self._reasoner.verify(task)

    async def consolidate(
        self, task: SpanTask, verification: Verification, reports: Sequence[AgentReport | Failed]
    ) -> Consolidation:
        """What the other says."""
        suspicions = self._reasoner.suspicions(verification, reports)
        self.notes[task.agent_id] = Note(task, tuple(suspicions), tuple(reports))
        return self._reasoner.conclude(suspicions, verification, reports)
