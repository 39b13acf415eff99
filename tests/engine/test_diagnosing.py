"""The whole flow: from an incident, a path or the caller's own graphs to a diagnosis."""

from __future__ import annotations

from pathlib import Path

import networkx as nx
import pytest

from rclagent import (
    Diagnosis,
    FaultType,
    Incident,
    InputError,
    Window,
    diagnose,
    diagnose_graph,
    diagnose_graph_sync,
    diagnose_sync,
    incident_from_telemetry,
    load_incident,
)
from rclagent.agents import (
    ProgressEvent,
    ProgressKind,
    SpanTask,
    StatisticalReasoner,
    Steps,
    Verification,
)
from rclagent.core.report import AgentReport, Failed, SelfState
from rclagent.core.window import NS_PER_MS, NS_PER_S
from rclagent.engine import load_graph
from rclagent.errors import AgentError
from rclagent.evidence.collect import collect_evidence
from rclagent.testing import Fault, GeneratedIncident, IncidentSpec, generate
from rclagent.testing.spec import START_NS
from rclagent.topology.service_graph import build_service_graph


def incident_with(*faults: Fault) -> Incident:
    """Three minutes with some faults, after seven without."""
    spec = IncidentSpec(seed=6, faults=faults, requests_per_s=2.0, baseline_s=420, incident_s=180)
    return in_memory(generate(spec))


def in_memory(made: GeneratedIncident) -> Incident:
    """The generated incident, its alarm known."""
    window = Window(made.alarm_ns, made.alarm_ns + 180 * NS_PER_S)
    return incident_from_telemetry(made.incident, baseline_telemetry=made.baseline, window=window)


FAULTS = [
    Fault(FaultType.NETWORK_DELAY, "pricing"),
    Fault(FaultType.NETWORK_LOSS, "till"),
    Fault(FaultType.CPU, "stock"),
    Fault(FaultType.MEMORY, "shelf"),
    Fault(FaultType.DISK_IO, "opinions"),
    Fault(FaultType.EXCEPTION, "wallet"),
    Fault(FaultType.WRONG_RESULT, "members"),
    Fault(FaultType.CRASH, "members"),
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.fault_type.value}-{fault.service}")
def test_each_kind_of_fault_is_found_and_named(fault: Fault) -> None:
    diagnosis = diagnose_sync(incident_with(fault))
    cause = diagnosis.root_causes[0]
    assert (diagnosis.verdict, cause.service, cause.fault_type) == ("fault", fault.service, fault.fault_type)
    assert cause.propagation_path is not None
    assert cause.propagation_path.services[0] == fault.service
    known = {item.id for item in diagnosis.evidence}
    assert cause.evidence and known.issuperset(cause.evidence)


@pytest.mark.parametrize(
    "faults",
    [
        (Fault(FaultType.NETWORK_DELAY, "pricing"), Fault(FaultType.CRASH, "opinions")),
        (Fault(FaultType.EXCEPTION, "members"), Fault(FaultType.DISK_IO, "shelf")),
        (Fault(FaultType.CPU, "stock"), Fault(FaultType.NETWORK_DELAY, "wallet")),
    ],
    ids=["delay and crash", "exception and slow disk", "cpu and delay"],
)
def test_two_faults_at_once_are_both_on_top(faults: tuple[Fault, ...]) -> None:
    diagnosis = diagnose_sync(incident_with(*faults))
    top = {(cause.service, cause.fault_type) for cause in diagnosis.root_causes[:2]}
    assert top == {(fault.service, fault.fault_type) for fault in faults}


def test_a_healthy_incident_is_called_healthy() -> None:
    diagnosis = diagnose_sync(incident_with())
    assert diagnosis.verdict == "healthy"
    assert diagnosis.confidence > 0.5
    assert diagnosis.coverage.modalities["traces"].incident > 100


def test_the_same_incident_gives_the_same_bytes(folder: Path) -> None:
    """Also read anew, and diagnosed in another event loop."""
    once, again = (
        diagnose_sync(load_incident(folder / "incident", baseline=folder / "baseline")) for _ in range(2)
    )
    assert once.model_dump_json() == again.model_dump_json()


async def test_a_path_is_read_and_diagnosed(folder: Path) -> None:
    diagnosis = await diagnose(folder / "recording")
    assert diagnosis.root_causes[0].service == "stock"
    assert Diagnosis.model_validate_json(diagnosis.model_dump_json()) == diagnosis


async def test_the_sync_twins_refuse_to_block_a_running_loop(made: GeneratedIncident) -> None:
    with pytest.raises(InputError, match="event loop is running"):
        diagnose_sync(in_memory(made))
    with pytest.raises(InputError, match="event loop is running"):
        diagnose_graph_sync([request_graph(0)])


def test_a_graph_that_is_not_installed_is_refused(made: GeneratedIncident) -> None:
    with pytest.raises(InputError, match="There is no graph 'serial'"):
        diagnose_sync(in_memory(made), graph="serial")


async def test_progress_is_told_from_the_first_step_to_the_last(made: GeneratedIncident) -> None:
    heard: list[ProgressEvent] = []
    diagnosis = await diagnose(in_memory(made), progress=heard.append)
    assert [heard[0].kind, heard[-1].kind] == [ProgressKind.MEASURED, ProgressKind.DIAGNOSED]
    done = [event for event in heard if event.kind is ProgressKind.AGENT_DONE]
    assert len(done) == diagnosis.agents.spawned


def test_the_result_has_what_each_agent_reported(made: GeneratedIncident) -> None:
    incident = in_memory(made)
    diagnosis = diagnose_sync(incident)
    agents = diagnosis.agents
    reports = {result.agent_id: result for result in agents.results if isinstance(result, AgentReport)}
    assert agents.spawned == len(reports) == len(agents.results) > len(agents.traces) > 0
    assert agents.failed == 0
    assert {reports[name].trace_id for name in agents.root_reports} == set(agents.traces)
    # Every span of every walked trace is some agent's, and no span is two agents'.
    spans = incident.store.spans(agents.traces).select("trace_id", "span_id").rows()
    covered = [(report.trace_id, span) for report in reports.values() for span in report.span_ids]
    assert sorted(covered) == sorted(spans)
    assert agents.spans == len(spans)
    # Reports name their children, their evidence, and the way to what they suspect.
    evidence = {item.id for item in diagnosis.evidence}
    for report in reports.values():
        assert set(report.children) <= reports.keys()
        assert evidence.issuperset(report.evidence) and evidence.issuperset(report.own_evidence)
    suspected = [reports[name] for name in agents.root_reports if reports[name].suspect]
    assert suspected
    assert all(report.suspect and report.suspect.service == "stock" for report in suspected)
    assert all(report.path[0] in report.span_ids for report in suspected)


def test_when_all_is_to_be_looked_at_nothing_is_settled(made: GeneratedIncident) -> None:
    suspicious = diagnose_sync(in_memory(made)).agents
    everything = diagnose_sync(in_memory(made), spend="all").agents
    assert suspicious.spans_settled > 0
    assert everything.spans_settled == 0
    assert everything.spans == suspicious.spans
    assert everything.spawned > suspicious.spawned
    assert not any(
        isinstance(result, AgentReport) and result.state is SelfState.SETTLED for result in everything.results
    )


class FailsAt(StatisticalReasoner):
    """Thinks as usual, except for the spans of one service."""

    service = "stock"

    async def verify(self, task: SpanTask) -> Verification:
        """Raises where it is asked about the service."""
        if task.service == self.service:
            raise AgentError(f"{task.service} cannot be looked at.", "Try again.")
        return await super().verify(task)


async def test_an_agent_that_fails_is_counted_and_lowers_the_confidence(made: GeneratedIncident) -> None:
    """The evidence of the whole incident still names the cause."""
    steps = Steps(
        measure=collect_evidence,
        service_graph=lambda incident: build_service_graph(incident.store.spans_in([incident.window])),
        reasoner=FailsAt,
    )
    state = await load_graph("parallel")(steps).ainvoke({"incident": in_memory(made)})
    diagnosis: Diagnosis = state["diagnosis"]
    failed = [result for result in diagnosis.agents.results if isinstance(result, Failed)]
    assert diagnosis.agents.failed == len(failed) > 0
    assert {result.service for result in failed} == {"stock"}
    assert all("cannot be looked at" in result.reason for result in failed)
    told = {result.agent_id for result in failed}
    parents = [result for result in diagnosis.agents.results if isinstance(result, AgentReport)]
    assert sum(parent.failed_children for parent in parents) > 0
    assert all(parent.failed_children == len(told & set(parent.children)) for parent in parents)
    assert any("agents failed" in note for note in diagnosis.coverage.notes)
    sound = await diagnose(in_memory(made))
    assert diagnosis.root_causes[0].service == sound.root_causes[0].service == "stock"
    assert diagnosis.root_causes[0].confidence < sound.root_causes[0].confidence
    assert diagnosis.confidence < sound.confidence


def request_graph(number: int, slow_ms: int = 0) -> nx.DiGraph[str]:
    """One request as a user may have it: shop -> cart -> prices, one of them slow at times."""
    start = START_NS + number * NS_PER_S
    graph: nx.DiGraph[str] = nx.DiGraph(trace_id=f"request-{number}")
    jitter = number % 7
    times = {
        "shop": (0, 60 + jitter + slow_ms),
        "cart": (5, 50 + jitter + slow_ms),
        "prices": (10, 40 + jitter + slow_ms),
    }
    for service, (begin, end) in times.items():
        graph.add_node(
            service,
            service=service,
            operation=f"GET /{service}",
            start_ns=start + begin * NS_PER_MS,
            end_ns=start + end * NS_PER_MS,
        )
    nx.add_path(graph, times)
    return graph


async def test_graphs_of_ones_own_are_diagnosed_against_quiet_ones() -> None:
    quiet = [request_graph(number) for number in range(40)]
    diagnosis = await diagnose_graph([request_graph(number, 300) for number in range(50, 75)], baseline=quiet)
    assert diagnosis.verdict == "fault"
    assert diagnosis.root_causes[0].service == "prices"
    path = diagnosis.root_causes[0].propagation_path
    assert path is not None
    assert path.services == ("prices", "cart", "shop")
    assert path.verified


def test_one_graph_without_a_baseline_shows_where_its_time_goes() -> None:
    diagnosis = diagnose_graph_sync(request_graph(0))
    assert diagnosis.verdict == "inconclusive"
    assert diagnosis.root_causes[0].service == "prices"


def test_graphs_without_a_span_are_refused() -> None:
    with pytest.raises(InputError, match="no span in the trace graphs"):
        diagnose_graph_sync([])


def test_a_node_that_says_too_little_is_refused_by_name() -> None:
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_node("a1", service="shop", operation="GET /")
    with pytest.raises(InputError, match="'a1'"):
        diagnose_graph_sync(graph)
