"""Root cause analysis of microservice incidents from traces, logs and metrics."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from rclagent.agents import ProgressEvent, SpendingPlan
    from rclagent.core.baseline import Baseline
    from rclagent.core.diagnosis import Diagnosis, Verdict
    from rclagent.core.evidence import Channel, Evidence, FaultType, Idea
    from rclagent.core.incident import Incident
    from rclagent.core.telemetry import Telemetry
    from rclagent.core.window import Window
    from rclagent.engine import (
        diagnose,
        diagnose_events,
        diagnose_graph,
        diagnose_graph_sync,
        diagnose_sync,
        incident_from_telemetry,
        learn_baseline,
        load_incident,
        plan_spending,
    )
    from rclagent.errors import InputError, RclError
    from rclagent.llm import (
        ChatModel,
        Limits,
        Masker,
        ModelAccess,
        Prices,
        Recorder,
        ReplayModel,
        connect,
        load_recording,
        read_settings,
    )
    from rclagent.telemetry.profile import load_profile, save_profile
    from rclagent.telemetry.read import read_telemetry

__version__ = "0.1.0"

__all__ = [
    "Baseline",
    "Channel",
    "ChatModel",
    "Diagnosis",
    "Evidence",
    "FaultType",
    "Idea",
    "Incident",
    "InputError",
    "Limits",
    "Masker",
    "ModelAccess",
    "Prices",
    "ProgressEvent",
    "RclError",
    "Recorder",
    "ReplayModel",
    "SpendingPlan",
    "Telemetry",
    "Verdict",
    "Window",
    "__version__",
    "connect",
    "diagnose",
    "diagnose_events",
    "diagnose_graph",
    "diagnose_graph_sync",
    "diagnose_sync",
    "incident_from_telemetry",
    "learn_baseline",
    "load_incident",
    "load_profile",
    "load_recording",
    "plan_spending",
    "read_settings",
    "read_telemetry",
    "save_profile",
]

_HOMES: Final = {
    "Baseline": "rclagent.core.baseline",
    "Channel": "rclagent.core.evidence",
    "ChatModel": "rclagent.llm",
    "Diagnosis": "rclagent.core.diagnosis",
    "Evidence": "rclagent.core.evidence",
    "FaultType": "rclagent.core.evidence",
    "Idea": "rclagent.core.evidence",
    "Incident": "rclagent.core.incident",
    "InputError": "rclagent.errors",
    "Limits": "rclagent.llm",
    "Masker": "rclagent.llm",
    "ModelAccess": "rclagent.llm",
    "Prices": "rclagent.llm",
    "ProgressEvent": "rclagent.agents",
    "RclError": "rclagent.errors",
    "Recorder": "rclagent.llm",
    "ReplayModel": "rclagent.llm",
    "SpendingPlan": "rclagent.agents",
    "Telemetry": "rclagent.core.telemetry",
    "Verdict": "rclagent.core.diagnosis",
    "Window": "rclagent.core.window",
    "connect": "rclagent.llm",
    "diagnose": "rclagent.engine",
    "diagnose_events": "rclagent.engine",
    "diagnose_graph": "rclagent.engine",
    "diagnose_graph_sync": "rclagent.engine",
    "diagnose_sync": "rclagent.engine",
    "incident_from_telemetry": "rclagent.engine",
    "learn_baseline": "rclagent.engine",
    "load_incident": "rclagent.engine",
    "load_profile": "rclagent.telemetry.profile",
    "load_recording": "rclagent.llm",
    "plan_spending": "rclagent.engine",
    "read_settings": "rclagent.llm",
    "read_telemetry": "rclagent.telemetry.read",
    "save_profile": "rclagent.telemetry.profile",
}


def __getattr__(name: str) -> object:
    # Found on first use: `rclagent version` need not wait for polars, networkx and langgraph.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
