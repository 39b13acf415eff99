"""Root cause analysis of microservice incidents from traces, logs and metrics."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from rclagent.core.baseline import Baseline
    from rclagent.core.diagnosis import Diagnosis, Verdict
    from rclagent.core.evidence import Channel, Evidence, FaultType
    from rclagent.core.incident import Incident
    from rclagent.core.telemetry import Telemetry
    from rclagent.core.window import Window
    from rclagent.engine import (
        diagnose,
        diagnose_graph,
        diagnose_graph_sync,
        diagnose_sync,
        incident_from_telemetry,
        learn_baseline,
        load_incident,
    )
    from rclagent.errors import InputError, RclError
    from rclagent.telemetry.profile import load_profile, save_profile
    from rclagent.telemetry.read import read_telemetry

__version__ = "0.1.0"

__all__ = [
    "Baseline",
    "Channel",
    "Diagnosis",
    "Evidence",
    "FaultType",
    "Incident",
    "InputError",
    "RclError",
    "Telemetry",
    "Verdict",
    "Window",
    "__version__",
    "diagnose",
    "diagnose_graph",
    "diagnose_graph_sync",
    "diagnose_sync",
    "incident_from_telemetry",
    "learn_baseline",
    "load_incident",
    "load_profile",
    "read_telemetry",
    "save_profile",
]

_HOMES: Final = {
    "Baseline": "rclagent.core.baseline",
    "Channel": "rclagent.core.evidence",
    "Diagnosis": "rclagent.core.diagnosis",
    "Evidence": "rclagent.core.evidence",
    "FaultType": "rclagent.core.evidence",
    "Incident": "rclagent.core.incident",
    "InputError": "rclagent.errors",
    "RclError": "rclagent.errors",
    "Telemetry": "rclagent.core.telemetry",
    "Verdict": "rclagent.core.diagnosis",
    "Window": "rclagent.core.window",
    "diagnose": "rclagent.engine",
    "diagnose_graph": "rclagent.engine",
    "diagnose_graph_sync": "rclagent.engine",
    "diagnose_sync": "rclagent.engine",
    "incident_from_telemetry": "rclagent.engine",
    "learn_baseline": "rclagent.engine",
    "load_incident": "rclagent.engine",
    "load_profile": "rclagent.telemetry.profile",
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
