"""The whole flow: from files or graphs to a diagnosis."""

from rclagent.engine.diagnosing import (
    diagnose,
    diagnose_events,
    diagnose_graph,
    diagnose_graph_sync,
    diagnose_sync,
    plan_spending,
)
from rclagent.engine.graph_loader import load_agent_graph, load_graph
from rclagent.engine.loading import incident_from_telemetry, learn_baseline, load_incident

__all__ = [
    "diagnose",
    "diagnose_events",
    "diagnose_graph",
    "diagnose_graph_sync",
    "diagnose_sync",
    "incident_from_telemetry",
    "learn_baseline",
    "load_agent_graph",
    "load_graph",
    "load_incident",
    "plan_spending",
]
