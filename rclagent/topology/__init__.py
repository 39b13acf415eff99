"""Graphs of one trace and of all services."""

from __future__ import annotations

from rclagent.topology.service_graph import build_service_graph, callers_path
from rclagent.topology.trace_graph import TraceGraph, build_trace_graph, children, trace_graph_to_spans

__all__ = [
    "TraceGraph",
    "build_service_graph",
    "build_trace_graph",
    "callers_path",
    "children",
    "trace_graph_to_spans",
]
