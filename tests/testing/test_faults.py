"""Each fault leaves its signature on the legs, logs, calls and metrics, and nowhere else."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import polars as pl
import pytest

from rclagent.core.evidence import FaultType
from rclagent.errors import InputError
from rclagent.testing import Fault, GeneratedIncident, IncidentSpec, generate, shop
from rclagent.testing.metric_table import CPU, DISK, MEMORY
from rclagent.testing.span_table import ERROR_HANDLER

Compare = Callable[[Fault], pl.DataFrame]
Legs = Callable[[pl.DataFrame], pl.DataFrame]
Make = Callable[[FaultType, str], GeneratedIncident]
FloatArray = npt.NDArray[np.float64]

QUERIES = (pl.col("kind") == "client") & pl.col("peer").str.contains("-db|-cache")
MS = (pl.col("end_ns") - pl.col("start_ns")) / 1e6
STILL = 1e-5  # ms; times are whole nanoseconds


def numbers(frame: pl.DataFrame, column: str) -> FloatArray:
    """A column as an array."""
    return frame[column].to_numpy().astype(np.float64)


def leg_shifts(moved: pl.DataFrame) -> FloatArray:
    """Both legs of each call in one array."""
    return np.concatenate([numbers(moved, "request"), numbers(moved, "response")])


def query_shift(service: str, after: GeneratedIncident, before: GeneratedIncident) -> FloatArray:
    """By how much each query of a service got longer, in ms."""
    durations = [
        incident.incident.spans.filter(QUERIES, service=service).select("span_id", MS.alias("ms"))
        for incident in (after, before)
    ]
    both = durations[0].join(durations[1], on="span_id", suffix="_before")
    return numbers(both, "ms") - numbers(both, "ms_before")


def lines(incident: GeneratedIncident, service: str, text: str) -> int:
    """How many log lines of a service during the incident contain a text."""
    return incident.incident.logs.filter(pl.col("body").str.contains(text), service=service).height


def level(incident: GeneratedIncident, metric: str, service: str) -> list[float]:
    """Samples of a service's series during the incident, in order of time."""
    return incident.incident.metrics.filter(metric=metric, service=service)["value"].to_list()


def test_a_delay_holds_back_every_response_into_the_service_by_the_same_time(shifts: Compare) -> None:
    """The usual injector delays what leaves the service."""
    moved = shifts(Fault(FaultType.NETWORK_DELAY, "pricing", magnitude=120))
    into = numbers(moved.filter(callee="pricing"), "response")
    assert len(into) > 100
    assert np.abs(into - 120).max() < STILL


def test_a_delay_holds_back_requests_into_the_service_on_new_connections_only(shifts: Compare) -> None:
    """A connection is opened with a round trip, which the delay lengthens too."""
    moved = shifts(Fault(FaultType.NETWORK_DELAY, "pricing", magnitude=120))
    into = numbers(moved.filter(callee="pricing"), "request")
    late = into > 1
    assert 0.15 < late.mean() < 0.35
    assert np.abs(into[late] - 120).max() < STILL
    assert np.abs(into[~late]).max() < STILL


def test_a_delay_leaves_all_other_calls_alone(shifts: Compare) -> None:
    """Neither calls out of the service nor calls between others change."""
    others = shifts(Fault(FaultType.NETWORK_DELAY, "pricing")).filter(pl.col("callee") != "pricing")
    assert "pricing" in others["caller"]
    assert (
        others.select(pl.max_horizontal(pl.col("request").abs(), pl.col("response").abs()).max()).item()
        < STILL
    )


def test_a_delay_lengthens_the_queries_of_the_service(healthy: GeneratedIncident, faulty: Make) -> None:
    """A query is a packet that leaves the service."""
    moved = query_shift("pricing", faulty(FaultType.NETWORK_DELAY, "pricing"), healthy)
    assert len(moved) > 100
    assert np.abs(moved - 200).max() < STILL


def test_an_egress_delay_holds_back_requests_out_of_the_service_only(shifts: Compare) -> None:
    """Replies of the service's own port are spared."""
    moved = shifts(Fault(FaultType.NETWORK_DELAY, "till", magnitude=80, variant="egress"))
    out = moved.filter(caller="till")
    assert out.height > 50
    assert np.abs(numbers(out, "request") - 80).max() < STILL
    assert np.abs(numbers(moved, "response")).max() < STILL
    assert np.abs(numbers(moved.filter(pl.col("caller") != "till"), "request")).max() < STILL


def test_loss_makes_some_legs_wait_for_tcps_timers(shifts: Compare) -> None:
    """Two humps: 200 ms and 1 s."""
    moved = shifts(Fault(FaultType.NETWORK_LOSS, "shelf", magnitude=0.4))
    into = numbers(moved.filter(callee="shelf"), "response")
    late = into[into > 1]
    first, second = (late >= 200) & (late <= 208), (late >= 1000) & (late <= 1008)
    assert 0.3 < len(late) / len(into) < 0.5
    assert np.all(first | second)
    assert first.sum() > second.sum() > 0


def test_cpu_contention_slows_requests_in_and_responses_out(shifts: Compare) -> None:
    """Requests wait for a worker, answers of callees for the client code's turn."""
    moved = shifts(Fault(FaultType.CPU, "till"))
    into, out = moved.filter(callee="till"), moved.filter(caller="till")
    assert into["request"].is_between(40 - STILL, 100 + STILL).all()
    assert into["request"].n_unique() > into.height / 2
    assert out["response"].is_between(80 - STILL, 100 + STILL).all()
    assert np.abs(numbers(out, "request")).max() < STILL
    assert np.abs(numbers(into, "response")).max() < STILL


def test_cpu_contention_shows_in_the_metric_of_the_service_only(faulty: Make) -> None:
    """The last samples lie at the limit."""
    incident = faulty(FaultType.CPU, "till")
    assert min(level(incident, CPU, "till")[-2:]) > 0.95
    others = incident.incident.metrics.filter(pl.col("service") != "till", metric=CPU)
    assert np.median(numbers(others, "value")) < 0.3


def test_memory_pressure_pauses_operations_alike_and_fills_the_memory(
    healthy: GeneratedIncident, faulty: Make
) -> None:
    """A stop-the-world pause does not ask which operation runs."""
    incident = faulty(FaultType.MEMORY, "stock")
    assert level(incident, MEMORY, "stock")[-1] > 0.9
    own = pl.col("service") == "stock"
    pairs = [
        each.incident.spans.filter(own, kind="server").select("span_id", "operation", MS.alias("ms"))
        for each in (incident, healthy)
    ]
    longer = pairs[0].join(pairs[1], on="span_id").with_columns(late=pl.col("ms") - pl.col("ms_right") > 5)
    shares = longer.group_by("operation").agg(pl.col("late").mean(), pl.len()).filter(pl.col("len") > 30)
    assert shares.height == 3
    assert shares["late"].is_between(0.15, 0.5).all()


def test_a_slow_disk_lengthens_queries_only(
    healthy: GeneratedIncident, faulty: Make, shifts: Compare
) -> None:
    """No leg of a call changes; the disk writes as it never did."""
    incident = faulty(FaultType.DISK_IO, "members")
    moved = query_shift("members", incident, healthy)
    assert 100 < np.median(moved) < 220
    legs = shifts(Fault(FaultType.DISK_IO, "members"))
    assert np.abs(leg_shifts(legs)).max() < STILL
    written = np.diff(level(incident, DISK, "members"))
    assert written.max() > 1e9


def test_an_exception_cuts_the_operation_short(healthy: GeneratedIncident, faulty: Make) -> None:
    """Later lines and calls vanish, a stack trace and an error handler appear, callers fail."""
    incident = faulty(FaultType.EXCEPTION, "till")
    assert lines(incident, "till", "^order .* received") == lines(healthy, "till", "^order .* received") > 0
    assert lines(incident, "till", "^order .* complete") == 0
    assert lines(incident, "till", r"java\.lang\..*\n\tat ") > 0
    spans = incident.incident.spans
    assert spans.filter(service="till", operation=ERROR_HANDLER).height > 0
    assert spans.filter(service="parcel").height == 0
    checkout = spans.filter(operation="POST /checkout", kind="server")
    assert checkout["error"].all()
    assert checkout["status"].unique().to_list() == ["500"]
    assert lines(incident, "counter", "POST /orders of till failed") == checkout.height
    assert spans.filter(service="basket", operation="DELETE /lines").height == 0


def test_a_call_that_is_not_required_may_fail_without_its_caller(faulty: Make) -> None:
    """The home page does without opinions."""
    spans = faulty(FaultType.EXCEPTION, "opinions").incident.spans
    assert spans.filter(operation="GET /top")["error"].all()
    assert spans.filter(operation="GET /", kind="server", error=True).height < 3


def test_a_wrong_result_swaps_a_line_and_leads_callers_astray(
    healthy: GeneratedIncident, shifts: Compare, faulty: Make
) -> None:
    """No time changes; the callers take another branch, and some later calls vanish."""
    incident = faulty(FaultType.WRONG_RESULT, "stock")
    assert lines(incident, "stock", r"^level of item \S+ is \d") == 0
    assert lines(incident, "stock", "is unknown") > 100
    assert lines(incident, "counter", "not available, basket unchanged") > 5
    kept, usual = (
        each.incident.spans.filter(operation="POST /lines", kind="server").height
        for each in (incident, healthy)
    )
    assert 0 < kept < 0.7 * usual
    assert incident.incident.spans.filter(error=True).height < 20
    legs = shifts(Fault(FaultType.WRONG_RESULT, "stock"))
    assert np.abs(leg_shifts(legs)).max() < STILL


def test_a_crash_silences_one_pod_and_refuses_its_calls(healthy: GeneratedIncident, faulty: Make) -> None:
    """Spans, logs and metrics of the pod stop; callers get an error at once."""
    incident = faulty(FaultType.CRASH, "shelf")
    (pod,) = incident.truth.pods
    assert pod == shop().pods_of("shelf")[0].name
    for table in (incident.incident.spans, incident.incident.logs, incident.incident.metrics):
        assert pod not in table["pod"]
    assert pod in healthy.incident.metrics["pod"]
    refused = incident.incident.spans.filter(status="connection_refused")
    assert refused["peer"].unique().to_list() == ["shelf"]
    assert refused["error"].all()
    assert refused.select(MS.max()).item() < 2
    children = refused.join(incident.incident.spans, left_on="span_id", right_on="parent_id")
    assert children.is_empty()


@pytest.mark.parametrize("fault_type", [FaultType.NETWORK_DELAY, FaultType.CPU, FaultType.DISK_IO])
def test_callers_feel_the_time_that_a_callee_loses(
    fault_type: FaultType, healthy: GeneratedIncident, faulty: Make
) -> None:
    """Item pages wait for the shelf, so they take longer; restocking does, too; the basket does not."""
    longer = {}
    for operation in ("GET /items/:id", "POST /restock", "POST /basket"):
        medians = [
            incident.incident.spans.filter(pl.col("parent_id").is_null(), operation=operation).select(
                MS.median()
            )
            for incident in (faulty(fault_type, "shelf"), healthy)
        ]
        longer[operation] = medians[0].item() - medians[1].item()
    assert longer["GET /items/:id"] > 50
    assert longer["POST /restock"] > 50
    assert abs(longer["POST /basket"]) < STILL


def test_a_fault_of_one_pod_spares_the_others(shifts: Compare) -> None:
    """Half of the calls go elsewhere."""
    bad, good = (pod.name for pod in shop().pods_of("pricing"))
    moved = shifts(Fault(FaultType.NETWORK_DELAY, "pricing", pod=bad)).filter(callee="pricing")
    assert numbers(moved.filter(callee_pod=bad), "response").min() > 199
    assert np.abs(numbers(moved.filter(callee_pod=good), "response")).max() < STILL


def test_a_share_of_the_requests_meets_the_fault(shifts: Compare) -> None:
    """The other requests are as without it."""
    moved = shifts(Fault(FaultType.NETWORK_DELAY, "pricing", share=0.3)).filter(callee="pricing")
    assert 0.2 < np.mean(numbers(moved, "response") > 1) < 0.4


def test_a_fault_of_one_operation_spares_the_others(healthy: GeneratedIncident) -> None:
    """Reservations fail, look-ups of the level go on."""
    fault = Fault(FaultType.EXCEPTION, "stock", operation="POST /reservations")
    stock = generate(IncidentSpec(seed=3, faults=(fault,))).incident.spans.filter(
        service="stock", kind="server"
    )
    assert stock.filter(operation="POST /reservations")["error"].all()
    assert stock.filter(operation="GET /level", error=True).height < 3


def test_a_fault_may_start_after_the_alarm() -> None:
    """Requests that came before are as usual."""
    incident = generate(IncidentSpec(seed=3, faults=(Fault(FaultType.EXCEPTION, "till", start_s=90),)))
    checkout = incident.incident.spans.filter(operation="POST /checkout", kind="server")
    assert incident.truth.inject_ns == incident.alarm_ns + 90_000_000_000
    before = checkout.filter(pl.col("start_ns") < incident.truth.inject_ns)
    after = checkout.filter(pl.col("start_ns") >= incident.truth.inject_ns)
    assert before.height > 10
    assert not before["error"].any()
    assert after["error"].all()


def test_two_faults_leave_two_signatures(legs: Legs) -> None:
    """And the truth names both."""
    faults = (Fault(FaultType.NETWORK_DELAY, "pricing"), Fault(FaultType.CPU, "wallet"))
    incident = generate(IncidentSpec(seed=3, faults=faults))
    assert incident.truth.services == ("pricing", "wallet")
    assert incident.truth.fault_types == (FaultType.NETWORK_DELAY, FaultType.CPU)
    assert incident.truth.pods == (None, shop().pods_of("wallet")[0].name)
    medians = (
        legs(incident.incident.spans).group_by("caller", "callee").agg(pl.col("request", "response").median())
    )
    slow_requests = {(caller, callee) for caller, callee, request, _ in medians.iter_rows() if request > 30}
    slow_responses = {
        (caller, callee) for caller, callee, _, response in medians.iter_rows() if response > 30
    }
    assert slow_requests == {("till", "wallet")}
    assert slow_responses == {
        ("counter", "pricing"),
        ("finder", "pricing"),
        ("till", "pricing"),
        ("wallet", "loyalty"),
    }


@pytest.mark.parametrize(
    ("fault", "remedy"),
    [
        (Fault(FaultType.CPU, "nobody"), "Choose one of: basket, "),
        (Fault(FaultType.CPU, "till", pod="nobody"), "Choose one of: till-"),
        (Fault(FaultType.EXCEPTION, "till", operation="nothing"), "'POST /orders'"),
        (Fault(FaultType.UNKNOWN, "till"), "Name a type"),
        (Fault(FaultType.CPU, "till", share=0), "Give a share above 0"),
        (Fault(FaultType.CRASH, "till", magnitude=3), "Leave it out"),
        (Fault(FaultType.CPU, "till", magnitude=-3), "give a positive one"),
        (Fault(FaultType.DISK_IO, "till"), "one that asks a database"),
        (Fault(FaultType.NETWORK_DELAY, "depot"), "Choose a service that is called"),
        (Fault(FaultType.CPU, "till", start_s=180), "Start it between"),
    ],
)
def test_a_fault_that_cannot_be_is_refused_with_a_remedy(fault: Fault, remedy: str) -> None:
    """Nothing is generated in which the truth could not be seen."""
    with pytest.raises(InputError) as caught:
        IncidentSpec(faults=(fault,))
    assert remedy in caught.value.remedy
