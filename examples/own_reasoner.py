"""Let the agents think your way: ``python examples/own_reasoner.py``.

A reasoner is any object with a name and two methods. It is asked once for each Dedicated Agent about the
agent's own spans (``verify``), and once more when all agents below have reported (``consolidate``). This one
trusts whoever reports from deepest down, whatever the figures say.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import networkx as nx

from rclagent import FaultType, Incident, Window, incident_from_telemetry
from rclagent.agents import Consolidation, SpanTask, Steps, Verification
from rclagent.core.evidence import Component
from rclagent.core.report import AgentReport, Failed, SelfState
from rclagent.engine import load_graph
from rclagent.evidence.collect import collect_evidence
from rclagent.evidence.findings import Findings
from rclagent.testing import Fault, IncidentSpec, generate
from rclagent.topology.service_graph import build_service_graph


class DeepestFirst:
    """Suspects the deepest span that shows anything."""

    name = "deepest first"

    def __init__(self, findings: Findings) -> None:
        self.findings = findings  # all that was measured; this reasoner does without

    async def verify(self, task: SpanTask) -> Verification:
        """Whether the agent's own spans show anything."""
        seen = tuple(observation.evidence.id for observation in task.observations)
        return Verification(SelfState.ABNORMAL if seen else SelfState.WITHIN_BASELINE, seen)

    async def consolidate(
        self, task: SpanTask, verification: Verification, reports: Sequence[AgentReport | Failed]
    ) -> Consolidation:
        """What a child suspects, else the agent's own service if it shows anything."""
        for report in reports:
            if isinstance(report, AgentReport) and report.suspect is not None:
                return Consolidation(
                    suspect=report.suspect,
                    confidence=report.confidence,
                    evidence=report.evidence,
                    via=report.agent_id,
                    explanation=f"{report.service} reports {report.suspect.service}.",
                )
        if not verification.evidence:
            return Consolidation(explanation="Nothing to see here.")
        return Consolidation(
            suspect=Component(service=task.service, pod=task.pod),
            confidence=0.5,
            evidence=verification.evidence,
            explanation=f"{task.service} deviates, and nobody below does.",
        )


def service_graph(incident: Incident) -> nx.DiGraph[str]:
    """Who calls whom during the incident."""
    return build_service_graph(incident.store.spans_in([incident.window]))


async def main() -> None:
    fault = Fault(FaultType.NETWORK_DELAY, "pricing")
    made = generate(IncidentSpec(seed=1, faults=(fault,), requests_per_s=1.0, baseline_s=300, incident_s=120))
    window = Window(made.alarm_ns, made.alarm_ns + 120 * 10**9)
    incident = incident_from_telemetry(made.incident, baseline_telemetry=made.baseline, window=window)

    steps = Steps(measure=collect_evidence, service_graph=service_graph, reasoner=DeepestFirst)
    state = await load_graph("parallel")(steps).ainvoke({"incident": incident})
    diagnosis = state["diagnosis"]

    print(f"{diagnosis.agents.spawned} agents thought {diagnosis.agents.reasoner}.")
    roots = set(diagnosis.agents.root_reports)
    for report in diagnosis.agents.results:
        if report.agent_id in roots and report.suspect is not None:
            print(f"{report.operation}: suspects {report.suspect.service}. {report.explanation}")
    print(f"All evidence together: {diagnosis.root_causes[0].service}.")


if __name__ == "__main__":
    asyncio.run(main())
