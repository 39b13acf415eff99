"""The whole flow: from files or graphs to a diagnosis."""

from rclagent.engine.diagnosing import diagnose, diagnose_graph, diagnose_graph_sync, diagnose_sync
from rclagent.engine.graph_loader import load_graph
from rclagent.engine.loading import incident_from_telemetry, learn_baseline, load_incident

__all__ = [
    "diagnose",
    "diagnose_graph",
    "diagnose_graph_sync",
    "diagnose_sync",
    "incident_from_telemetry",
    "learn_baseline",
    "load_graph",
    "load_incident",
]
