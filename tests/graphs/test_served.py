"""The graph that langgraph.json offers."""

from __future__ import annotations

import json
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest

from rclagent.core.evidence import FaultType
from rclagent.testing import Fault, IncidentSpec, generate, write_otlp

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def graph(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The graph, loaded from its file as a server does."""
    path, name = json.loads((ROOT / "langgraph.json").read_text())["graphs"]["rclagent"].split(":")
    spec = spec_from_file_location("served", ROOT / path)
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "served", module)
    spec.loader.exec_module(module)
    return getattr(module, name)


async def test_paths_go_in_and_json_comes_out(graph: Any, tmp_path: Path) -> None:
    fault = Fault(fault_type=FaultType.NETWORK_DELAY, service="pricing")
    made = generate(IncidentSpec(faults=(fault,), requests_per_s=1.0, baseline_s=300, incident_s=100))
    write_otlp(made.incident, tmp_path / "incident")
    write_otlp(made.baseline, tmp_path / "baseline")
    request = {"paths": [str(tmp_path / "incident")], "baseline": [str(tmp_path / "baseline")]}
    answer = await graph.ainvoke(request)
    assert list(answer) == ["diagnosis"]
    assert json.loads(json.dumps(answer["diagnosis"]))["root_causes"][0]["service"] == "pricing"
