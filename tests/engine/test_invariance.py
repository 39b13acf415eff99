"""What must not change a diagnosis: names, clocks, and the order of records."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from hashlib import blake2b
from pathlib import Path

import polars as pl
import pytest

from benchmarks.nezha import nezha
from benchmarks.shapleyiq import shapleyiq
from rclagent import Diagnosis, FaultType, Telemetry, Window, diagnose_sync, incident_from_telemetry
from rclagent.core.window import NS_PER_MS, NS_PER_S
from rclagent.testing import Fault, IncidentSpec, generate


@dataclass(frozen=True)
class Case:
    """An incident whose diagnosis is known."""

    baseline: Telemetry
    incident: Telemetry
    alarm_ns: int
    cause: str


SHOP = {
    "network-delay": (Fault(FaultType.NETWORK_DELAY, "pricing"),),
    "cpu": (Fault(FaultType.CPU, "stock"),),
    "exception": (Fault(FaultType.EXCEPTION, "wallet"),),
    "crash-of-one-pod": (Fault(FaultType.CRASH, "members"),),
    "two-faults": (Fault(FaultType.NETWORK_LOSS, "till"), Fault(FaultType.EXCEPTION, "opinions")),
}
NEZHA = {"nezha-delay": ("2023-01-30", "11:51:46"), "nezha-wrong-result": ("2023-01-29", "08:43:04")}
SHAPLEYIQ = {"shapleyiq": "tt-23"}
CASES = [*SHOP, *NEZHA, *SHAPLEYIQ]


@cache
def shop(name: str) -> Case:
    """A generated incident; services have one to three pods each."""
    made = generate(
        IncidentSpec(seed=3, faults=SHOP[name], requests_per_s=2.0, baseline_s=300, incident_s=90)
    )
    return Case(made.baseline, made.incident, made.alarm_ns, made.truth.services[0])


@cache
def recorded(name: str, data: Path) -> Case:
    """A real incident under the benchmark's protocol."""
    if name in NEZHA:
        day, time = NEZHA[name]
        found = nezha(data / "nezha-tt", day=day, modalities=("traces", "logs", "metrics"))
        wanted = f"{day} {time}"
    else:
        found = shapleyiq(data / "shapleyiq-tt", modalities=("traces",))
        wanted = SHAPLEYIQ[name]
    case = next(case for case in found.cases if case.id == wanted)
    view = case.load()
    return Case(view.baseline, view.telemetry, view.alarm_ns, found.truths[case.id].causes[0].service)


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> Case:
    """Every case in turn; the recorded ones where they are at hand."""
    name: str = request.param
    return shop(name) if name in SHOP else recorded(name, request.getfixturevalue("shared_data"))


def diagnosed(case: Case) -> Diagnosis:
    """The diagnosis of three minutes from the alarm."""
    window = Window(case.alarm_ns, case.alarm_ns + 180 * NS_PER_S)
    return diagnose_sync(
        incident_from_telemetry(case.incident, baseline_telemetry=case.baseline, window=window)
    )


_known: dict[int, Diagnosis] = {}


def usual(case: Case) -> Diagnosis:
    """The diagnosis of a case as it is, made once."""
    if id(case) not in _known:
        _known[id(case)] = diagnosed(case)
    return _known[id(case)]


def changed(case: Case, change: Callable[[Telemetry], Telemetry], alarm_ns: int | None = None) -> Case:
    """The case with both its parts changed alike."""
    alarm_ns = case.alarm_ns if alarm_ns is None else alarm_ns
    return Case(change(case.baseline), change(case.incident), alarm_ns, case.cause)


def ranking(diagnosis: Diagnosis) -> list[tuple[str, str]]:
    """Services in order, each with its kind of fault."""
    return [(cause.service, cause.fault_type.value) for cause in diagnosis.root_causes]


def test_the_cause_is_found(case: Case) -> None:
    """Else the tests below would hold for any nonsense."""
    diagnosis = usual(case)
    assert diagnosis.verdict != "healthy"
    assert diagnosis.root_causes[0].service == case.cause


def test_the_order_of_rows_does_not_change_a_byte(case: Case) -> None:
    assert diagnosed(changed(case, shuffled)).model_dump_json() == usual(case).model_dump_json()


def test_of_records_that_contradict_each_other_the_same_count_in_any_order() -> None:
    """As where files overlap: spans and samples that come again with other figures."""
    case = shop("cpu")
    twice = changed(case, contradicted)
    assert diagnosed(changed(twice, shuffled)).model_dump_json() == diagnosed(twice).model_dump_json()
    assert ranking(diagnosed(twice)) == ranking(usual(case))


def shuffled(telemetry: Telemetry) -> Telemetry:
    """The same records in another order."""
    return replace(
        telemetry,
        spans=telemetry.spans.sample(fraction=1.0, shuffle=True, seed=1),
        logs=telemetry.logs.sample(fraction=1.0, shuffle=True, seed=2),
        metrics=telemetry.metrics.sample(fraction=1.0, shuffle=True, seed=3),
    )


def contradicted(telemetry: Telemetry) -> Telemetry:
    """Every ninth span and sample once more, a little different."""
    shorter = telemetry.spans.gather_every(9).with_columns(pl.col("end_ns") - 1)
    lower = telemetry.metrics.gather_every(9).with_columns(pl.col("value") * 0.99)
    return replace(
        telemetry,
        spans=pl.concat([telemetry.spans, shorter]),
        metrics=pl.concat([telemetry.metrics, lower]),
    )


def test_a_shift_of_all_clocks_changes_nothing_but_the_times(case: Case) -> None:
    shift_ns = 7_777_777_777_777_777  # ninety days, and no whole number of any unit
    later = diagnosed(
        changed(case, lambda telemetry: on_another_clock(telemetry, shift_ns), case.alarm_ns + shift_ns)
    )
    assert later.incident.start_ns == usual(case).incident.start_ns + shift_ns
    assert [change.at_ns - shift_ns for change in later.changes] == [
        change.at_ns for change in usual(case).changes
    ]
    back = later.model_copy(update={"incident": usual(case).incident, "changes": usual(case).changes})
    assert back.model_dump_json() == usual(case).model_dump_json()


def test_names_of_services_pods_and_machines_do_not_matter(case: Case) -> None:
    names = new_names(case)
    old = {new: name for name, new in names.items()}
    renamed = diagnosed(changed(case, lambda telemetry: with_names(telemetry, names)))
    assert facts(renamed, old) == facts(usual(case), {})


def on_another_clock(
    telemetry: Telemetry, shift_ns: int, column: str | None = None, host: str | None = None
) -> Telemetry:
    """All records, or those of one pod or machine, at other times."""
    chosen = pl.lit(True) if column is None else pl.col(column).eq(host).fill_null(False)
    shift = pl.when(chosen).then(shift_ns).otherwise(0)
    return replace(
        telemetry,
        spans=telemetry.spans.with_columns(pl.col("start_ns", "end_ns") + shift),
        logs=telemetry.logs.with_columns(pl.col("time_ns") + shift),
        metrics=telemetry.metrics.with_columns(pl.col("time_ns") + shift),
    )


def new_names(case: Case) -> dict[str, str]:
    """Every name with another that sorts anywhere."""
    tables = [
        table for part in (case.baseline, case.incident) for table in (part.spans, part.logs, part.metrics)
    ]
    known = {
        name for table in tables for column in ("service", "pod", "node") for name in table[column].unique()
    }
    return {name: "n" + blake2b(name.encode(), digest_size=8).hexdigest() for name in known if name}


def with_names(telemetry: Telemetry, names: Mapping[str, str]) -> Telemetry:
    """The telemetry of the same system, had it been named otherwise."""
    places = pl.col("service", "pod", "node").replace(names)
    return replace(
        telemetry,
        spans=telemetry.spans.with_columns(places, pl.col("peer").replace(names)),
        logs=telemetry.logs.with_columns(places),
        metrics=telemetry.metrics.with_columns(places),
    )


def facts(diagnosis: Diagnosis, names: Mapping[str, str]) -> dict[str, object]:
    """What a diagnosis says, whatever ids its evidence has, under other names."""

    def named(name: str | None) -> str | None:
        return None if name is None else names.get(name, name)

    return {
        "verdict": (diagnosis.verdict, diagnosis.confidence),
        "entry": (named(diagnosis.incident.entry), diagnosis.incident.entry_operation),
        "causes": [
            (named(cause.service), named(cause.pod), named(cause.node), cause.fault_type, cause.score)
            for cause in diagnosis.root_causes
        ],
        "ruled out": sorted(named(ruled.service) or "" for ruled in diagnosis.ruled_out),
        "evidence": sorted(
            (
                named(item.component.service) or "",
                item.kind,
                named(item.peer) or "",
                item.operation or "",
                item.strength,
            )
            for item in diagnosis.evidence
        ),
        "agents": (diagnosis.agents.spawned, diagnosis.agents.spans_settled, diagnosis.agents.traces),
    }


SHIFTS_MS = [("at fault", 5_000), ("at fault", 90), ("another", -3_000)]


@pytest.mark.parametrize(("host", "shift_ms"), SHIFTS_MS)
def test_the_clock_of_one_host_does_not_matter(case: Case, host: str, shift_ms: int) -> None:
    """Also where the other instances of its services have clocks that are right."""
    column, name = ("pod", a_pod_of(case, case.cause)) if host == "at fault" else another_host(case)
    off = changed(case, lambda telemetry: on_another_clock(telemetry, shift_ms * NS_PER_MS, column, name))
    diagnosis = diagnosed(off)
    assert diagnosis.verdict == usual(case).verdict
    assert ranking(diagnosis) == ranking(usual(case))


def a_pod_of(case: Case, service: str) -> str:
    """An instance that serves it during the incident."""
    pods = case.incident.spans.filter(pl.col("service") == service)["pod"].drop_nulls()
    return str(pods.unique().sort()[0])


def another_host(case: Case) -> tuple[str, str]:
    """A machine, with all its pods; where none is named, the pod at which most requests come in."""
    spans = case.incident.spans
    nodes = spans["node"].drop_nulls().unique().sort()
    if len(nodes) > 1:
        return "node", str(nodes[0])
    entered = spans.filter(pl.col("parent_id").is_null() & pl.col("pod").is_not_null())
    return "pod", str(entered["pod"].value_counts().sort("count", "pod", descending=True)["pod"][0])
