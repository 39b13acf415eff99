"""Index from spans to what they show, so that agents look up and never scan."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import polars as pl

from rclagent.agents.span_task import Observation
from rclagent.core.evidence import Evidence
from rclagent.core.span import Span
from rclagent.evidence.findings import Findings


@dataclass(frozen=True, slots=True)
class ObservationIndex:
    """What each span of a few chosen traces shows."""

    by_span: Mapping[tuple[str, str], tuple[Observation, ...]]
    """(trace id, span id) to what witnesses say of it, strongest first."""
    by_service: Mapping[str, tuple[Observation, ...]]
    """Service to what is known of it as a whole and has no witness: a saturated CPU, say."""

    @staticmethod
    def build(findings: Findings, trace_ids: Iterable[str]) -> ObservationIndex:
        """Index of the given traces, in two passes over the witnesses."""
        rows = (
            findings.witnesses.filter(pl.col("trace_id").is_in(list(trace_ids)))
            .group_by("trace_id", "span_id", "evidence_id")
            .agg(pl.col("excess_ms").max())
            .drop_nulls()
            .sort("trace_id", "span_id", "evidence_id")
        )
        by_span: defaultdict[tuple[str, str], list[Observation]] = defaultdict(list)
        for trace_id, span_id, evidence_id, excess_ms in rows.iter_rows():
            if evidence_id in findings.evidence:
                by_span[trace_id, span_id].append(_observation(findings, evidence_id, excess_ms))
        by_service: defaultdict[str, list[Observation]] = defaultdict(list)
        for evidence_id in sorted(findings.evidence.keys() - set(findings.witnesses["evidence_id"].unique())):
            service = findings.evidence[evidence_id].component.service
            by_service[service].append(_observation(findings, evidence_id, 0.0))
        return ObservationIndex(
            by_span={key: strongest_first(found) for key, found in by_span.items()},
            by_service={key: strongest_first(found) for key, found in by_service.items()},
        )

    def shown_by(self, span: Span, caller: Span | None) -> tuple[Observation, ...]:
        """What a span shows: what it witnesses, and what is known of its instance as a whole.

        The latter is shown where the request enters the service, not by every span inside.
        """
        witnessed = self.by_span.get((span.trace_id, span.span_id), ())
        whole = self.by_service.get(span.service, ())
        if not whole or (caller is not None and caller.service == span.service):
            return witnessed
        return strongest_first([*witnessed, *(seen for seen in whole if _concerns(seen.evidence, span))])


def strongest_first(observations: Iterable[Observation]) -> tuple[Observation, ...]:
    """Observations by falling strength, then by id."""
    return tuple(sorted(observations, key=lambda seen: (-seen.evidence.strength, seen.evidence.id)))


def _observation(findings: Findings, evidence_id: str, excess_ms: float) -> Observation:
    return Observation(findings.evidence[evidence_id], findings.claims.get(evidence_id, ()), excess_ms)


def _concerns(evidence: Evidence, span: Span) -> bool:
    pod = evidence.component.pod
    return (pod is None or span.pod is None or pod == span.pod) and (
        evidence.operation is None or evidence.operation == span.operation
    )
