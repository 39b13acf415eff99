"""The graph that langgraph.json offers."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver

from rclagent.core.evidence import FaultType
from rclagent.testing import Fault, IncidentSpec, generate, write_otlp

ROOT = Path(__file__).resolve().parents[2]
VARIABLES = ("RCLAGENT_MODEL", "OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_API_BASE", "LLM_API_URL")


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Any:
    """What makes the graph, loaded from its file as a server does."""
    path, name = json.loads((ROOT / "langgraph.json").read_text())["graphs"]["rclagent"].split(":")
    spec = spec_from_file_location("served", ROOT / path)
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "served", module)
    spec.loader.exec_module(module)
    for variable in VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    return getattr(module, name)


@pytest.fixture(scope="module")
def request_of_it(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """An incident on disk, as JSON names it."""
    place = tmp_path_factory.mktemp("served")
    fault = Fault(fault_type=FaultType.NETWORK_DELAY, service="pricing")
    made = generate(IncidentSpec(faults=(fault,), requests_per_s=1.0, baseline_s=300, incident_s=100))
    write_otlp(made.incident, place / "incident")
    write_otlp(made.baseline, place / "baseline")
    return {"paths": [str(place / "incident")], "baseline": [str(place / "baseline")]}


@pytest.fixture
def url(loopback: None) -> Iterator[str]:
    """Address of a model on this machine that claims nothing."""
    message = {"message": {"role": "assistant", "content": '{"claims": []}'}}
    content = json.dumps(
        {"choices": [message], "usage": {"prompt_tokens": 9, "completion_tokens": 1}}
    ).encode()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
        server.shutdown()
        thread.join()


async def test_paths_go_in_and_json_comes_out(served: Any, request_of_it: dict[str, Any]) -> None:
    async with served({}) as graph:
        answer = await graph.ainvoke(request_of_it)
    assert list(answer) == ["report"]
    report = json.loads(json.dumps(answer["report"]))
    assert report["root_causes"][0]["service"] == "pricing"
    assert report["agents"]["reasoning"] is None


async def test_it_shows_the_steps_of_the_flow(served: Any, request_of_it: dict[str, Any]) -> None:
    """Drawn, and streamed with every progress event."""
    async with served({}) as graph:
        drawn = set(graph.get_graph(xray=True).nodes)
        steps, kinds = [], []
        async for _, mode, item in graph.astream(
            request_of_it, stream_mode=["updates", "custom"], subgraphs=True
        ):
            if mode == "updates":
                steps += item
            else:
                kinds.append(item.kind.value)
    inner = ["measure", "choose_traces", "agents", "synthesize"]
    assert drawn >= {"read", "render", *(f"diagnose:{name}" for name in inner)}
    assert steps == ["read", *inner, "diagnose", "render"]
    assert (kinds[0], kinds[-1]) == ("measured", "diagnosed") and "agent_done" in kinds


async def test_a_thread_keeps_requests_and_reports_only(served: Any, request_of_it: dict[str, Any]) -> None:
    """The columns between them are nothing that a checkpointer could write."""
    config = {"configurable": {"thread_id": "1"}}
    async with served(config) as graph:
        kept = graph.copy(update={"checkpointer": InMemorySaver()})
        await kept.ainvoke(request_of_it, config)
        state = await kept.aget_state(config)
    assert sorted(state.values) == ["baseline", "paths", "report"]


@pytest.mark.parametrize("named_by", ["configuration", "environment"])
async def test_a_model_is_asked_within_limits(
    served: Any, request_of_it: dict[str, Any], url: str, named_by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its address comes from the environment, and its name from either."""
    monkeypatch.setenv("OPENAI_BASE_URL", url)
    configurable: dict[str, Any] = {"spend": "all", "max_calls": 8}
    if named_by == "configuration":
        configurable["model"] = "tiny"
    else:
        monkeypatch.setenv("RCLAGENT_MODEL", "tiny")
    async with served({"configurable": configurable}) as graph:
        report = (await graph.ainvoke(request_of_it))["report"]
    assert report["agents"]["reasoning"]["model"] == "tiny"
    assert report["agents"]["reasoning"]["budget_exhausted"]
    assert 0 < report["usage"]["model_calls"] <= 8


async def test_no_request_leads_a_key_elsewhere(served: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """An address or a key in the configuration is none; without one of the server's there is no model."""
    configurable = {"model": "tiny", "base_url": "http://192.0.2.1/v1", "api_key": "sk-1"}
    with pytest.raises(ValueError, match="neither an address nor a key"):
        async with served({"configurable": configurable}):
            pass


async def test_what_cannot_be_read_is_told_in_words(served: Any) -> None:
    """As an error of a kind that servers do not hide."""
    async with served({}) as graph:
        with pytest.raises(ValueError, match="no-such-file"):
            await graph.ainvoke({"paths": ["no-such-file"]})


async def test_a_configuration_that_is_none_is_refused(served: Any) -> None:
    with pytest.raises(ValueError, match="spend"):
        async with served({"configurable": {"spend": "lavish"}}):
            pass


async def test_a_strategy_that_needs_a_model_is_refused_without_one(
    served: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RCLAGENT_MODEL", raising=False)
    with pytest.raises(ValueError, match="needs a model"):
        async with served({"configurable": {"strategy": "recursion-of-thought"}}):
            pass
