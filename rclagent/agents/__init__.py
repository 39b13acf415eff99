"""Dedicated Agents on representative traces, the Global Evidence Graph and the synthesizer."""

from rclagent.agents.dedicated import investigate, investigate_all
from rclagent.agents.evidence_graph import EvidenceGraph
from rclagent.agents.flow import Steps, read_traces
from rclagent.agents.investigation import TraceInvestigation
from rclagent.agents.progress import ProgressCallback, ProgressEvent, ProgressKind, ignore_progress
from rclagent.agents.reasoner import Consolidation, Reasoner, Verification
from rclagent.agents.selection import select_traces
from rclagent.agents.span_task import Observation, SpanTask
from rclagent.agents.statistical import StatisticalReasoner
from rclagent.agents.synthesis import synthesize

__all__ = [
    "Consolidation",
    "EvidenceGraph",
    "Observation",
    "ProgressCallback",
    "ProgressEvent",
    "ProgressKind",
    "Reasoner",
    "SpanTask",
    "StatisticalReasoner",
    "Steps",
    "TraceInvestigation",
    "Verification",
    "ignore_progress",
    "investigate",
    "investigate_all",
    "read_traces",
    "select_traces",
    "synthesize",
]
