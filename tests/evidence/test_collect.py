"""All channels together, on generated incidents of every kind of fault."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import polars as pl
import pytest

from rclagent.core.baseline import Baseline
from rclagent.core.evidence import Channel, EvidenceKind, FaultType
from rclagent.core.incident import Alarm, Incident
from rclagent.core.telemetry import Telemetry
from rclagent.core.window import Window
from rclagent.evidence.collect import collect_evidence
from rclagent.evidence.findings import Findings
from rclagent.evidence.learning import learn
from rclagent.telemetry.frame_store import FrameStore
from rclagent.testing import Fault, GeneratedIncident, IncidentSpec, generate, repeated, written

IncidentOf = Callable[[Telemetry | None, Telemetry], Incident]

FAULTS = [
    (FaultType.NETWORK_DELAY, "pricing"),
    (FaultType.NETWORK_LOSS, "stock"),
    (FaultType.CPU, "finder"),
    (FaultType.MEMORY, "shelf"),
    (FaultType.DISK_IO, "opinions"),
    (FaultType.EXCEPTION, "pricing"),
    (FaultType.WRONG_RESULT, "stock"),
    (FaultType.CRASH, "members"),
]


def spec(seed: int, *faults: Fault) -> IncidentSpec:
    """Seven minutes of the shop, the last two of them the incident."""
    return IncidentSpec(
        seed=seed, faults=faults, requests_per_s=3, baseline_s=300, incident_s=120, metric_interval_s=20
    )


@cache
def made(seed: int, *faults: Fault) -> GeneratedIncident:
    """Each incident is generated once."""
    return generate(spec(seed, *faults))


def put_together(quiet: Telemetry, now: Telemetry, alarm_ns: int) -> Incident:
    """An incident from the alarm to the end of the data."""
    before, store = FrameStore(quiet), FrameStore(now)
    times, extent = before.extent(), store.extent()
    assert times is not None
    assert extent is not None
    return Incident(store, Window(alarm_ns, extent.end_ns), alarm_ns, Alarm.GIVEN, learn(before, [times]))


@cache
def found(seed: int, *faults: Fault) -> Findings:
    """Each incident is looked at once."""
    of = made(seed, *faults)
    return collect_evidence(put_together(of.baseline, of.incident, of.alarm_ns))


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize(("fault_type", "service"), FAULTS, ids=lambda value: str(value))
def test_every_kind_of_fault_is_found_at_its_service(fault_type: FaultType, service: str, seed: int) -> None:
    """Service and kind at rank 1."""
    first = found(seed, Fault(fault_type, service)).candidates[0]
    assert (first.component.service, first.fault_type) == (service, fault_type)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_healthy_time_has_no_candidate_beyond_chance(seed: int) -> None:
    """None that quiet time hardly ever shows."""
    assert [item for item in found(seed).candidates if item.chance < 0.005] == []


def test_the_one_slow_replica_among_three_is_named_from_its_legs_alone() -> None:
    """No metric tells which of the three it is."""
    pods = [pod.name for pod in IncidentSpec().system.pods_of("counter")]
    of = made(1, Fault(FaultType.CPU, "counter", pod=pods[1]))
    incident = put_together(Telemetry(of.baseline.spans), Telemetry(of.incident.spans), of.alarm_ns)
    first = collect_evidence(incident).candidates[0].component
    assert (len(pods), first.service, first.pod) == (3, "counter", pods[1])


def test_the_pod_that_crashed_is_named() -> None:
    crash = Fault(FaultType.CRASH, "members")
    truth = made(1, crash).truth
    assert found(1, crash).candidates[0].component.pod == truth.pods[0]


def test_a_limit_that_both_replicas_reach_is_a_matter_of_the_service() -> None:
    findings = found(1, Fault(FaultType.MEMORY, "shelf"))
    full = [item for item in findings.evidence.values() if item.kind is EvidenceKind.SATURATION]
    assert len({item.component.pod for item in full if item.component.service == "shelf"}) == 2
    first = findings.candidates[0].component
    assert (first.service, first.pod) == ("shelf", None)


def test_two_faults_at_once_both_come_first() -> None:
    both = found(1, Fault(FaultType.NETWORK_DELAY, "pricing"), Fault(FaultType.EXCEPTION, "members"))
    assert {item.component.service for item in both.candidates[:2]} == {"pricing", "members"}


def test_callers_that_only_show_it_later_are_ruled_out() -> None:
    findings = found(1, Fault(FaultType.EXCEPTION, "pricing"))
    assert {item.service for item in findings.ruled_out} >= {"counter", "till"}
    assert all(item.reason.endswith("pricing") for item in findings.ruled_out)


def test_no_time_lost_has_two_owners() -> None:
    """The ownership search hands each slow leg to one service."""
    findings = found(1, Fault(FaultType.NETWORK_DELAY, "pricing"))
    legs = [name for name, item in findings.evidence.items() if item.channel is Channel.LEGS]
    owned = [findings.claims[name] for name in legs if name in findings.claims]
    assert owned
    assert {len(claims) for claims in owned} == {1}


def test_findings_hang_together() -> None:
    """Every id leads to evidence, every claim to a candidate, and all is in order."""
    findings = found(2, Fault(FaultType.CRASH, "members"))
    assert list(findings.evidence) == sorted(findings.evidence)
    services = {item.component.service for item in findings.candidates}
    scores = [item.score for item in findings.candidates]
    assert scores == sorted(scores, reverse=True)
    for candidate in findings.candidates:
        assert set(candidate.evidence) <= set(findings.evidence)
    for name, claims in findings.claims.items():
        assert name in findings.evidence
        assert {claim.component.service for claim in claims} <= services
        assert all(claim.weight > 0 for claim in claims)
    assert set(findings.witnesses["evidence_id"]) <= set(findings.evidence)
    assert set(findings.services) >= services


def test_entries_tell_how_many_requests_are_affected() -> None:
    entries = found(1, Fault(FaultType.NETWORK_DELAY, "pricing")).entries
    assert entries[0].strength > 8
    assert all(0 <= entry.affected <= entry.requests for entry in entries)
    assert entries[0].affected > 0.3 * entries[0].requests


def test_the_order_of_the_records_changes_nothing() -> None:
    of = made(1, Fault(FaultType.EXCEPTION, "pricing"))

    def mixed(telemetry: Telemetry) -> Telemetry:
        tables = (telemetry.spans, telemetry.logs, telemetry.metrics)
        spans, logs, metrics = (table.sample(fraction=1, shuffle=True, seed=9) for table in tables)
        return Telemetry(spans, logs, metrics)

    again = collect_evidence(put_together(mixed(of.baseline), mixed(of.incident), of.alarm_ns))
    findings = found(1, Fault(FaultType.EXCEPTION, "pricing"))
    assert again.evidence == findings.evidence
    assert again.candidates == findings.candidates
    assert again.claims == findings.claims
    assert again.witnesses.equals(findings.witnesses)


def part(telemetry: Telemetry, kinds: str) -> Telemetry:
    """Records of some kinds alone."""
    return Telemetry(
        telemetry.spans if "spans" in kinds else telemetry.spans.clear(),
        telemetry.logs if "logs" in kinds else telemetry.logs.clear(),
        telemetry.metrics if "metrics" in kinds else telemetry.metrics.clear(),
    )


@pytest.mark.parametrize(
    ("kinds", "known"),
    [
        ("nothing", True),
        ("spans", True),
        ("logs", True),
        ("metrics", True),
        ("spans logs", True),
        ("spans metrics", True),
        ("logs metrics", True),
        ("nothing", False),
        ("spans", False),
        ("logs metrics", False),
    ],
)
def test_kinds_of_telemetry_that_are_missing_are_no_trouble(kinds: str, known: bool) -> None:
    """On both sides, with a baseline and without."""
    of = made(1, Fault(FaultType.MEMORY, "shelf"))
    store, quiet = FrameStore(part(of.incident, kinds)), FrameStore(part(of.baseline, kinds))
    window = store.extent() or Window(of.alarm_ns, of.alarm_ns + 1)
    baseline: Baseline | None = learn(quiet, [quiet.extent() or window]) if known else None
    findings = collect_evidence(Incident(store, window, window.start_ns, Alarm.GIVEN, baseline))
    first = findings.candidates[0].component.service if findings.candidates else None
    if "spans" in kinds and known:
        assert first == "shelf"
    if "metrics" in kinds and known:
        assert any(item.kind is EvidenceKind.SATURATION for item in findings.evidence.values())
    if "spans" not in kinds and not known:
        assert first is None


@pytest.mark.parametrize("side", ["quiet", "now"])
def test_telemetry_on_one_side_only_is_no_trouble(incident_of: IncidentOf, side: str) -> None:
    of = made(1, Fault(FaultType.CPU, "finder"))
    nothing = Telemetry()
    incident = incident_of(
        of.baseline if side == "quiet" else nothing, of.incident if side == "now" else nothing
    )
    assert collect_evidence(incident).candidates == ()


def test_without_a_baseline_the_requests_time_is_all_there_is(incident_of: IncidentOf) -> None:
    """Late packets of pricing: half of the time is spent until its answers arrive, the other half where it
    waits for its database, to which that is charged."""
    of = made(1, Fault(FaultType.NETWORK_DELAY, "pricing", magnitude=800))
    findings = collect_evidence(incident_of(None, of.incident))
    assert {item.component.service for item in findings.candidates} == {"pricing", "pricing-cache"}
    assert {item.channel for item in findings.evidence.values()} == {Channel.LEGS}
    assert any("no baseline" in sentence for sentence in findings.missing)


def test_logs_that_are_no_longer_collected_are_told_as_missing_and_no_evidence(
    incident_of: IncidentOf,
) -> None:
    logging = "pricing: GET /quote   0..10\n    | 1 INFO quote for item 7"
    findings = collect_evidence(
        incident_of(repeated(written(logging), 40), repeated(written("pricing: GET /quote   0..10"), 20))
    )
    assert dict(findings.evidence) == {}
    assert findings.candidates == ()
    assert any("logs of pricing" in sentence for sentence in findings.missing)


def test_a_candidate_counts_as_far_as_quiet_time_does_not_show_as_much(incident_of: IncidentOf) -> None:
    """0 of 10 against 20 of 20 weigh 0.545562. Of quiet time too short to tell only what was seen elsewhere
    counts: (0.024 / 0.545562)^2 = 0.0019353, so 1 / (1 + 1 / 0.032866) of it may be mere chance."""
    logging = "pricing: GET /quote   0..10\n    | 1 INFO asked"
    quiet, now = repeated(written(f"{logging}\n    | 2 INFO quoted"), 20), repeated(written(logging), 10)
    (first,) = collect_evidence(incident_of(quiet, now)).candidates
    assert first.chance == pytest.approx(0.0019353, rel=1e-4)
    assert first.score == pytest.approx(0.545562 * (1 - 0.031820), rel=1e-4)


def test_what_a_peer_is_late_with_is_evidence_at_the_peer_by_who_waits(incident_of: IncidentOf) -> None:
    """Two services ask the same database. Neither does anything else later than usual."""

    def asking(ms: int) -> Telemetry:
        return written(
            "\n\n".join(
                f"{service}: GET /   0..{20 + ms}\n"
                f"    {service}: SELECT   10..{10 + ms}  client peer=goods-db"
                for service in ("pricing", "stock")
            )
        )

    findings = collect_evidence(incident_of(repeated(asking(10), 40), repeated(asking(150), 20)))
    waits = [item for item in findings.evidence.values() if item.channel is Channel.LEGS]
    assert {(item.component.service, item.peer) for item in waits} == {
        ("goods-db", "pricing"),
        ("goods-db", "stock"),
    }
    first = findings.candidates[0]
    assert (first.component.service, first.component.pod) == ("goods-db", None)


def test_errors_that_vanished_are_no_evidence(incident_of: IncidentOf) -> None:
    failing = "pricing: GET /quote   0..10  error\n    | 1 ERROR no price"
    findings = collect_evidence(
        incident_of(repeated(written(failing), 40), repeated(written("pricing: GET /quote   0..10"), 20))
    )
    assert dict(findings.evidence) == {}


def test_a_saturated_machine_speaks_for_nobody_on_it() -> None:
    of = made(3)

    def busy(metrics: pl.DataFrame, level: float) -> pl.DataFrame:
        of_machine = metrics["metric"] == "system.cpu.utilization"
        return metrics.with_columns(
            pl.when(of_machine).then(pl.col("value") * 0 + level).otherwise("value").alias("value")
        )

    quiet = Telemetry(of.baseline.spans, of.baseline.logs, busy(of.baseline.metrics, 0.2))
    now = Telemetry(of.incident.spans, of.incident.logs, busy(of.incident.metrics, 0.99))
    findings = collect_evidence(put_together(quiet, now, of.alarm_ns))
    assert any(item.kind is EvidenceKind.SATURATION for item in findings.evidence.values())
    assert findings.candidates == found(3).candidates


@pytest.mark.parametrize("left_out", [Channel.LEGS, Channel.LOGS, Channel.RESOURCES])
def test_a_channel_that_is_left_out_gives_no_evidence(left_out: Channel) -> None:
    """A cause starved of CPU shows in legs and resources; each finds it without the other."""
    of = made(1, Fault(FaultType.CPU, "finder"))
    incident = put_together(of.baseline, of.incident, of.alarm_ns)
    findings = collect_evidence(incident, without={left_out})
    assert left_out not in {item.channel for item in findings.evidence.values()}
    assert findings.candidates[0].component.service == "finder"
