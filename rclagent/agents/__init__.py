"""Dedicated Agents on representative traces, the Global Evidence Graph and the synthesizer."""

from rclagent.agents.dedicated import investigate, investigate_all
from rclagent.agents.dialogue import Converse, Talk
from rclagent.agents.episode import Descend, Episode
from rclagent.agents.evidence_graph import EvidenceGraph
from rclagent.agents.flow import Steps, read_traces
from rclagent.agents.investigation import TraceInvestigation
from rclagent.agents.model_part import ModelPart, priced
from rclagent.agents.progress import ProgressCallback, ProgressEvent, ProgressKind, ignore_progress
from rclagent.agents.reasoner import Consolidation, Opinion, Reasoner, Verification
from rclagent.agents.recursion import RecursionOfThought
from rclagent.agents.selection import select_traces
from rclagent.agents.span_task import Observation, SpanTask
from rclagent.agents.spending import Spend, SpendingPlan
from rclagent.agents.statistical import StatisticalReasoner
from rclagent.agents.strategy import Strategy
from rclagent.agents.survey import Case, survey
from rclagent.agents.synthesis import synthesize
from rclagent.agents.terms import Terms
from rclagent.agents.thinking import Thinking

__all__ = [
    "Case",
    "Consolidation",
    "Converse",
    "Descend",
    "Episode",
    "EvidenceGraph",
    "ModelPart",
    "Observation",
    "Opinion",
    "ProgressCallback",
    "ProgressEvent",
    "ProgressKind",
    "Reasoner",
    "RecursionOfThought",
    "SpanTask",
    "Spend",
    "SpendingPlan",
    "StatisticalReasoner",
    "Steps",
    "Strategy",
    "Talk",
    "Terms",
    "Thinking",
    "TraceInvestigation",
    "Verification",
    "ignore_progress",
    "investigate",
    "investigate_all",
    "priced",
    "read_traces",
    "select_traces",
    "survey",
    "synthesize",
]
