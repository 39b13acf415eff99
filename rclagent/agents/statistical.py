"""The reasoner that needs no model: it weighs measured claims."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from rclagent.agents.confidence import confidence, doubt
from rclagent.agents.reasoner import Consolidation, Verification
from rclagent.agents.span_task import SpanTask
from rclagent.agents.suspicion import Suspicion, weigh
from rclagent.core.report import AgentReport, Failed, SelfState
from rclagent.evidence.findings import Findings


class StatisticalReasoner:
    """Weighs the claims on what spans show; deterministic, without a model.

    A claim of a span's own that names the component a child suspects is support for the child. An
    observation that nobody is held responsible for ("my callee answered late") adds nothing.
    """

    name = "statistical"

    def __init__(self, findings: Findings) -> None:
        self._findings = findings

    async def verify(self, task: SpanTask) -> Verification:
        """The span is abnormal when it shows any observation."""
        if not task.observations:
            return Verification(SelfState.WITHIN_BASELINE)
        return Verification(SelfState.ABNORMAL, tuple(seen.evidence.id for seen in task.observations))

    async def consolidate(
        self, task: SpanTask, verification: Verification, reports: Sequence[AgentReport | Failed]
    ) -> Consolidation:
        """Merges own and reported suspicions by component and names the heaviest."""
        return self.conclude(self.suspicions(verification, reports), verification, reports)

    def suspicions(
        self, verification: Verification, reports: Sequence[AgentReport | Failed]
    ) -> list[Suspicion]:
        """Own and reported suspicions merged by component, heaviest first."""
        return weigh(self._findings, self._backing(verification, reports))

    def conclude(
        self,
        suspicions: Sequence[Suspicion],
        verification: Verification,
        reports: Sequence[AgentReport | Failed],
    ) -> Consolidation:
        """Names the first suspicion.

        Confidence is that of rclagent.agents.confidence, against the weightiest other suspect or what the
        surest supporting child already doubted, whichever is more; times the share of agents
        that answered, this one and those that it heard of: with two reports and one failure 3/4.
        """
        if not suspicions:
            return Consolidation(explanation=_nothing(verification))
        top = suspicions[0]
        failed = sum(isinstance(report, Failed) for report in reports)
        rival = max((other.weight for other in suspicions[1:]), default=0.0)
        against = max(doubt(top.weight, rival, top.strength), self._inherited_doubt(top, reports))
        answered = 1 + len(reports) - failed
        return Consolidation(
            suspect=top.component,
            fault_type=top.fault_type,
            confidence=confidence(top.weight, against) * answered / (answered + failed),
            evidence=top.evidence,
            via=_via(top, verification, reports),
            explanation=self._findings.evidence[top.evidence[0]].statement,
        )

    def _backing(
        self, verification: Verification, reports: Sequence[AgentReport | Failed]
    ) -> dict[str, list[str]]:
        backing: defaultdict[str, list[str]] = defaultdict(list)
        for evidence_id in verification.evidence:
            for claim in self._findings.claims.get(evidence_id, ()):
                backing[claim.component.service].append(evidence_id)
        for report in reports:
            if isinstance(report, AgentReport) and report.suspect is not None:
                backing[report.suspect.service].extend(report.evidence)
        return backing

    def _inherited_doubt(self, top: Suspicion, reports: Sequence[AgentReport | Failed]) -> float:
        """What the surest report about the suspect left open, so that doubt is not lost on the way up."""
        sure = [report for report in _supporters(top, reports) if report.confidence > 0]
        return min((self._doubt_of(report, top.component.service) for report in sure), default=0.0)

    def _doubt_of(self, report: AgentReport, service: str) -> float:
        found = weigh(self._findings, {service: report.evidence})
        return found[0].weight * (1 / report.confidence - 1) if found else 0.0


def _supporters(top: Suspicion, reports: Sequence[AgentReport | Failed]) -> list[AgentReport]:
    return [
        report
        for report in reports
        if isinstance(report, AgentReport)
        and report.suspect is not None
        and report.suspect.service == top.component.service
    ]


def _via(top: Suspicion, verification: Verification, reports: Sequence[AgentReport | Failed]) -> str | None:
    """The agent below that shows the suspect's weightiest evidence; None where this one does."""
    decisive = top.evidence[0]
    if decisive in verification.evidence:
        return None
    for report in _supporters(top, reports):
        if decisive in report.evidence:
            return report.agent_id
    return None


def _nothing(verification: Verification) -> str:
    if verification.evidence:
        return "What deviates here is explained by other components."
    return "Nothing below deviates on its own account."
