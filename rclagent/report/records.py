"""A recorded diagnosis, looked up by service."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from rclagent.core.diagnosis import Diagnosis, RootCause, RuledOut
from rclagent.core.evidence import Channel, Evidence
from rclagent.core.report import AgentReport

_READS: Final = {
    Channel.LEGS: "spans",
    Channel.CALLS: "spans",
    Channel.ERRORS: "spans",
    Channel.LOGS: "logs",
    Channel.RESOURCES: "metrics",
}
"""Modality of each channel that can speak for a cause; the entry channel only tells where trouble is felt."""


class Records:
    """What a diagnosis holds about each service.

    Attributes:
        diagnosis: What is looked up.
        counts_for: Candidates that each piece of evidence is cited for, by its id; ids that count for
            none are left out.
        reports: Root-level reports.
    """

    def __init__(self, diagnosis: Diagnosis) -> None:
        self.diagnosis = diagnosis
        self._evidence = {piece.id: piece for piece in diagnosis.evidence}
        self.counts_for: dict[str, tuple[str, ...]] = {}
        for cause in diagnosis.root_causes:
            for key in cause.evidence:
                self.counts_for[key] = tuple(dict.fromkeys((*self.counts_for.get(key, ()), cause.service)))
        roots = frozenset(diagnosis.agents.root_reports)
        self.reports = [
            result
            for result in diagnosis.agents.results
            if isinstance(result, AgentReport) and result.agent_id in roots
        ]

    def cited(self, service: str) -> list[Evidence]:
        """Evidence that speaks for a candidate or for one ruled out, in the order in which it weighs."""
        holders: tuple[RootCause | RuledOut, ...] = (*self.diagnosis.root_causes, *self.diagnosis.ruled_out)
        keys = {key: None for holder in holders if holder.service == service for key in holder.evidence}
        return [self._evidence[key] for key in keys if key in self._evidence]

    def reason_against(self, service: str) -> str:
        """Why a service is ruled out, without a closing stop; empty where it is not."""
        reasons = (out.reason.rstrip(".") for out in self.diagnosis.ruled_out if out.service == service)
        return "; ".join(reasons)

    def near(self, service: str) -> list[Evidence]:
        """Evidence at a service or at its calls, whomever it counts for, strongest first."""
        pieces = self.diagnosis.evidence
        found = [piece for piece in pieces if service in (piece.component.service, piece.peer)]
        return sorted(found, key=lambda piece: (-piece.strength, piece.id))

    def others(self, service: str, pieces: Sequence[Evidence]) -> Counter[str]:
        """How many of the pieces count for each other service."""
        return Counter(
            name for piece in pieces for name in self.counts_for.get(piece.id, ()) if name != service
        )

    def measured(self) -> list[str]:
        """Channels that had something to read in the incident window."""
        seen = self.diagnosis.coverage.modalities
        return [channel.value for channel, name in _READS.items() if name in seen and seen[name].incident]

    def names(self) -> list[str]:
        """Every service that anything recorded names, sorted."""
        diagnosis = self.diagnosis
        paths = [cause.propagation_path for cause in diagnosis.root_causes]
        found = {
            diagnosis.incident.entry,
            *(cause.service for cause in diagnosis.root_causes),
            *(out.service for out in diagnosis.ruled_out),
            *(name for piece in diagnosis.evidence for name in (piece.component.service, piece.peer)),
            *(result.service for result in diagnosis.agents.results),
            *(change.service for change in diagnosis.changes),
            *(name for path in paths if path is not None for name in path.services),
        }
        return sorted(name for name in found if name)
