"""Generated telemetry holds together, is reproducible, and has what was asked for."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from rclagent.core.evidence import FaultType
from rclagent.core.log import LOG_SCHEMA
from rclagent.core.metric import METRIC_SCHEMA
from rclagent.core.span import SPAN_SCHEMA
from rclagent.errors import InputError
from rclagent.testing import (
    Deploy,
    Entry,
    Fault,
    GeneratedIncident,
    IncidentSpec,
    Operation,
    Service,
    System,
    bakery,
    generate,
    shop,
)
from rclagent.testing.metric_table import CPU


def joined(incident: GeneratedIncident) -> pl.DataFrame:
    """Each span of the incident with its parent's columns."""
    spans = incident.incident.spans
    return spans.join(
        spans, left_on=["trace_id", "parent_id"], right_on=["trace_id", "span_id"], suffix="_parent"
    )


def test_equal_specs_give_equal_tables(healthy: GeneratedIncident) -> None:
    """Row for row."""
    again = generate(IncidentSpec(seed=3))
    assert_frame_equal(again.incident.spans, healthy.incident.spans)
    assert_frame_equal(again.incident.logs, healthy.incident.logs)
    assert_frame_equal(again.incident.metrics, healthy.incident.metrics)


def test_another_seed_gives_another_incident(healthy: GeneratedIncident) -> None:
    """Not one trace is the same."""
    other = generate(IncidentSpec(seed=4))
    assert not set(other.incident.spans["trace_id"]) & set(healthy.incident.spans["trace_id"])


def test_the_baseline_does_not_depend_on_the_fault(healthy: GeneratedIncident) -> None:
    """A fault that starts at the alarm changes nothing before."""
    baseline = generate(IncidentSpec(seed=3, faults=(Fault(FaultType.EXCEPTION, "till"),))).baseline
    assert_frame_equal(baseline.spans, healthy.baseline.spans)
    assert_frame_equal(baseline.logs, healthy.baseline.logs)
    assert_frame_equal(baseline.metrics, healthy.baseline.metrics)


def test_tables_have_the_columns_of_the_core(healthy: GeneratedIncident) -> None:
    """Names, order and types."""
    assert healthy.incident.spans.schema == pl.Schema(SPAN_SCHEMA)
    assert healthy.incident.logs.schema == pl.Schema(LOG_SCHEMA)
    assert healthy.incident.metrics.schema == pl.Schema(METRIC_SCHEMA)


def test_every_trace_is_one_tree_whose_spans_nest(healthy: GeneratedIncident) -> None:
    """One root each, no parent missing, no child outside its parent."""
    spans = healthy.incident.spans
    roots = spans.filter(pl.col("parent_id").is_null())
    pairs = joined(healthy)
    assert roots["trace_id"].n_unique() == roots.height == spans["trace_id"].n_unique()
    assert pairs.height == spans.height - roots.height
    assert spans.select("trace_id", "span_id").is_unique().all()
    assert (pairs["start_ns"] >= pairs["start_ns_parent"]).all()
    assert (pairs["end_ns"] <= pairs["end_ns_parent"] + 1).all()  # rounded to whole nanoseconds


def test_log_lines_are_written_while_their_span_runs(healthy: GeneratedIncident) -> None:
    """And by the pod that runs it."""
    lines = healthy.incident.logs.join(healthy.incident.spans, on=["trace_id", "span_id"], suffix="_span")
    assert lines.height == healthy.incident.logs.height > 1000
    assert (lines["pod"] == lines["pod_span"]).all()
    assert lines.select(pl.col("time_ns").is_between("start_ns", pl.col("end_ns") + 1).all()).item()


def test_all_services_and_pods_are_seen(healthy: GeneratedIncident) -> None:
    """In spans, logs and metrics."""
    pods = {pod.name for pod in shop().pods()}
    assert set(healthy.baseline.spans["pod"]) == pods
    assert set(healthy.baseline.logs["pod"]) == pods
    assert set(healthy.baseline.metrics["pod"].drop_nulls()) == pods


def test_the_alarm_parts_baseline_and_incident(healthy: GeneratedIncident) -> None:
    """By the arrival of the request; samples by their time."""
    root = pl.col("parent_id").is_null()
    late = pl.col("start_ns") >= healthy.alarm_ns
    assert not healthy.baseline.spans.filter(root).select(late.any()).item()
    assert healthy.incident.spans.filter(root).select(late.all()).item()
    late = pl.col("time_ns") >= healthy.alarm_ns
    assert not healthy.baseline.metrics.select(late.any()).item()
    assert healthy.incident.metrics.select(late.all()).item()


def test_a_lead_belongs_to_the_incident() -> None:
    """So that an alarm has something to be found against."""
    incident = generate(IncidentSpec(seed=3, lead_s=60, logs=False))
    first = incident.incident.spans["start_ns"].min()
    assert isinstance(first, int)
    assert 50 < (incident.alarm_ns - first) / 1e9 <= 60


def test_modalities_can_be_left_out() -> None:
    """A missing one is an empty table."""
    incident = generate(IncidentSpec(traces=False, logs=False)).incident
    assert incident.spans.is_empty()
    assert incident.logs.is_empty()
    assert not incident.metrics.is_empty()
    assert generate(IncidentSpec(metrics=False)).incident.metrics.is_empty()


def test_kinds_statuses_and_log_ids_can_be_left_out() -> None:
    """As in data whose exporter drops them."""
    incident = generate(IncidentSpec(kinds=False, statuses=False, log_ids=False)).incident
    assert incident.spans["kind"].unique().to_list() == ["unknown"]
    assert incident.spans["error"].is_null().all()
    assert incident.spans["status"].is_null().all()
    assert incident.logs["trace_id"].is_null().all()
    assert incident.logs["span_id"].is_null().all()


def test_server_spans_alone_still_form_trees() -> None:
    """A server span then hangs below the caller's."""
    incident = generate(IncidentSpec(seed=3, client_spans=False))
    spans = incident.incident.spans
    assert spans["kind"].unique().to_list() == ["server"]
    assert joined(incident).height == spans.height - spans["trace_id"].n_unique()
    assert joined(incident).filter(service="wallet")["service_parent"].unique().to_list() == ["till"]


def test_skewed_clocks_move_all_spans_of_a_node_alike(healthy: GeneratedIncident) -> None:
    """By a constant of their own."""
    skewed = generate(IncidentSpec(seed=3, clock_skew_ms=50)).incident.spans
    both = skewed.join(healthy.incident.spans, on="span_id", suffix="_true")
    offsets = both.group_by("node").agg((pl.col("start_ns") - pl.col("start_ns_true")).unique())
    assert offsets.height == 4
    assert (offsets["start_ns"].list.len() == 1).all()
    assert offsets["start_ns"].explode().n_unique() == 4


def test_a_clock_can_step_at_the_alarm(healthy: GeneratedIncident) -> None:
    """Only on its node and only from then on."""
    stepped = generate(IncidentSpec(seed=3, clock_step_node="node-b", clock_step_ms=-30))
    assert_frame_equal(stepped.baseline.spans, healthy.baseline.spans)
    both = stepped.incident.spans.join(healthy.incident.spans, on="span_id", suffix="_true")
    moved = both.select("node", moved=pl.col("end_ns") - pl.col("end_ns_true")).unique()
    assert dict(moved.iter_rows()) == {"node-a": 0, "node-b": -30_000_000, "node-c": 0, "node-d": 0}


def test_a_clock_can_drift_from_the_start(healthy: GeneratedIncident) -> None:
    """By 60 ms until the alarm, and on."""
    drifted = generate(IncidentSpec(seed=3, clock_drift_node="node-b", clock_drift_ppm=100))
    both = drifted.incident.spans.join(healthy.incident.spans, on="span_id", suffix="_true")
    moved = both.group_by(pl.col("node") == "node-b").agg(
        least=(pl.col("start_ns") - pl.col("start_ns_true")).min() / 1e6,
        most=(pl.col("start_ns") - pl.col("start_ns_true")).max() / 1e6,
    )
    assert moved.filter(~pl.col("node")).select("least", "most").row(0) == (0, 0)
    least, most = moved.filter("node").select("least", "most").row(0)
    assert 60 <= least < 61 and 77 < most < 78


def test_a_deploy_changes_who_works_and_nothing_else(healthy: GeneratedIncident) -> None:
    """The same spans and lines at the same times, from other pods of another version."""
    deployed = generate(IncidentSpec(seed=3, deploys=(Deploy("pricing", -200, "3.1.0"),)))
    who = ["pod", "node", "version"]
    for part in ("baseline", "incident"):
        after, before = getattr(deployed, part), getattr(healthy, part)
        assert_frame_equal(after.spans.drop(who), before.spans.drop(who))
        assert_frame_equal(after.logs.drop("pod", "node"), before.logs.drop("pod", "node"))
    pricing = deployed.baseline.spans.filter(pl.col("service") == "pricing")
    starts = pl.col("start_ns")
    changed = pricing.group_by("version").agg("pod", last=starts.max(), first=starts.min())
    old, new = changed.sort("first").iter_rows(named=True)
    assert (old["version"], new["version"]) == ("3.0.7", "3.1.0")
    assert not set(old["pod"]) & set(new["pod"])
    assert len(set(new["pod"])) == 2
    at_ns = healthy.alarm_ns - 200_000_000_000
    assert old["last"] < at_ns + 1_000_000_000 and at_ns <= new["first"]
    assert set(deployed.incident.spans.filter(service="pricing")["version"]) == {"3.1.0"}
    assert deployed.truth == healthy.truth


def test_a_deploy_ends_the_series_of_the_old_pods_and_starts_those_of_the_new() -> None:
    """Counters start anew; what a pod does for its requests takes the same resources as before."""
    at_s = -290.0
    incident = generate(IncidentSpec(seed=3, metric_interval_s=10, deploys=(Deploy("stock", at_s, "2"),)))
    metrics = pl.concat([incident.baseline.metrics, incident.incident.metrics]).filter(service="stock")
    ends = metrics.group_by("pod").agg(first=pl.col("time_ns").min(), last=pl.col("time_ns").max())
    at_ns = incident.alarm_ns + int(at_s * 1e9)
    old, new = (
        set(ends.filter(pl.col("last") < at_ns)["pod"]),
        set(ends.filter(pl.col("first") >= at_ns)["pod"]),
    )
    assert old == {pod.name for pod in shop().pods_of("stock")}
    assert len(new) == 2 and set(ends["pod"]) == old | new
    counts = metrics.filter(metric="http.server.request.count").sort("time_ns")
    steps = counts.select(pl.col("value").diff().over("pod").alias("step"))["step"].drop_nulls()
    assert (steps >= 0).all()
    first = counts.filter(pl.col("pod").is_in(new)).group_by("pod").agg(pl.col("value").first())["value"]
    assert (first < 30).all()
    cpu = metrics.filter(metric=CPU)
    levels = [cpu.filter(pl.col("pod").is_in(pods))["value"].median() for pods in (old, new)]
    assert levels[1] == pytest.approx(levels[0], rel=0.3)


def test_one_pod_in_place_of_three_does_three_times_the_work() -> None:
    """And needs the CPU for it."""
    spec = IncidentSpec(seed=3, metric_interval_s=20, deploys=(Deploy("counter", -300, "6", pods=1),))
    incident = generate(spec)
    assert incident.incident.spans.filter(service="counter")["pod"].n_unique() == 1
    metrics = pl.concat([incident.baseline.metrics, incident.incident.metrics]).filter(service="counter")
    cpu = metrics.filter(metric=CPU).group_by("pod").agg(pl.col("value").median())
    level = dict(cpu.select("pod", "value").iter_rows())
    first, alone = shop().pods_of("counter")[0].name, spec.fleet.pods[-1].name
    assert len(level) == 4
    # An idle pod needs 1.5 %.
    assert level[alone] - 0.015 == pytest.approx(3 * (level[first] - 0.015), rel=0.2)


def test_a_fault_hits_the_pods_that_run_when_it_starts() -> None:
    """Those of the deploy before it; a crash ends with the next deploy."""
    deploys = (Deploy("shelf", -60, "2.15.0"), Deploy("shelf", 90, "2.15.1"))
    spec = IncidentSpec(seed=3, deploys=deploys, faults=(Fault(FaultType.CRASH, "shelf"),))
    incident = generate(spec)
    (crashed,) = incident.truth.pods
    assert crashed == spec.fleet.pods[spec.fleet.of("shelf")[2]].name
    assert crashed in incident.baseline.spans["pod"]
    assert crashed not in incident.incident.spans["pod"]
    refused = incident.incident.spans.filter(status="connection_refused")["start_ns"]
    assert refused.is_between(incident.alarm_ns, incident.alarm_ns + 90_500_000_000).all()
    assert refused.len() > 10


def test_messages_tie_producer_and_consumer(baked: GeneratedIncident) -> None:
    """Each consumer span is the child of one producer span and starts after its end, in another service."""
    pairs = joined(baked).filter(pl.col("kind") == "consumer")
    assert pairs.height > 300
    assert pairs["kind_parent"].unique().to_list() == ["producer"]
    assert (pairs["start_ns"] > pairs["end_ns_parent"]).all()
    assert (pairs["service"] != pairs["service_parent"]).all()
    assert pairs["parent_id"].is_unique().all()
    roots = baked.incident.spans.filter(pl.col("parent_id").is_null())
    late = pairs.join(roots, on="trace_id", suffix="_root").filter(pl.col("end_ns") > pl.col("end_ns_root"))
    assert late.height > 100


def test_without_client_spans_a_consumer_hangs_below_the_producing_service() -> None:
    """Its producer span is not recorded either."""
    spec = IncidentSpec(seed=3, system=bakery(), client_spans=False)
    incident = generate(spec)
    assert set(incident.incident.spans["kind"]) == {"server", "consumer"}
    assert set(joined(incident).filter(service="mailer")["service_parent"]) == {"oven"}


def test_thirty_requests_a_minute_are_enough_to_generate() -> None:
    """Through one service, in half an hour: 900 of them."""
    system = System((Service("a", (Operation("get"),)),), (Entry("a", "get"),))
    incident = generate(IncidentSpec(system=system, requests_per_s=0.5, baseline_s=1800))
    assert 780 < incident.baseline.spans.height < 1020
    assert 60 < incident.incident.spans.height < 120


def test_no_request_at_all_is_no_error() -> None:
    """Empty tables, and metrics of idle pods."""
    incident = generate(IncidentSpec(requests_per_s=1e-9))
    assert incident.baseline.spans.is_empty() and incident.incident.logs.is_empty()
    assert not incident.incident.metrics.is_empty()


def test_load_can_change_without_a_fault(healthy: GeneratedIncident) -> None:
    """Three times the requests, a little slower, as healthy as before."""
    busy = generate(IncidentSpec(seed=3, incident_load=3))
    roots = [each.incident.spans.filter(pl.col("parent_id").is_null()) for each in (busy, healthy)]
    assert 2.6 < roots[0].height / roots[1].height < 3.4
    medians = [each.select((pl.col("end_ns") - pl.col("start_ns")).median()).item() for each in roots]
    assert 1.0 < medians[0] / medians[1] < 1.3
    assert busy.truth.services == ()
    assert busy.truth.inject_ns is None
    assert busy.truth.fault_type is None


def test_load_drifts_over_the_day() -> None:
    """Between a quarter and all of the day the rate swings once."""
    spec = IncidentSpec(
        requests_per_s=0.2, baseline_s=86_400, load_drift=0.8, logs=False, metrics=False, client_spans=False
    )
    roots = generate(spec).baseline.spans.filter(pl.col("parent_id").is_null())
    hours = roots.select(((pl.col("start_ns") - spec.start_ns) // 21_600_000_000_000).value_counts(sort=True))
    counts = hours.unnest("start_ns")["count"]
    assert counts[0] > 2 * counts[-1]


def test_latency_follows_the_load_of_the_day_a_little() -> None:
    """Over two hours in the steep part of the day the load falls by a third, and latency by some percent."""
    system = System((Service("a", (Operation("get", 10.0),)),), (Entry("a", "get"),))
    spec = IncidentSpec(
        seed=9, system=system, requests_per_s=3, baseline_s=7200, load_drift=0.8, logs=False, metrics=False
    )
    hour = (pl.col("start_ns") - spec.start_ns) // 1_200_000_000_000
    parts = (
        generate(spec)
        .baseline.spans.group_by(hour.alias("part"))
        .agg(pl.len(), ms=(pl.col("end_ns") - pl.col("start_ns")).median() / 1e6)
        .sort("part")
    )
    assert parts.height == 6
    assert 0.5 < parts["len"][5] / parts["len"][0] < 0.8
    assert 0.93 < parts["ms"][5] / parts["ms"][0] < 0.99


def test_cumulative_series_never_fall_and_gauges_are_shares(healthy: GeneratedIncident) -> None:
    """Counters go on across the alarm."""
    metrics = pl.concat([healthy.baseline.metrics, healthy.incident.metrics])
    steps = (
        metrics.filter("cumulative")
        .sort("time_ns")
        .select(pl.col("value").diff().over("metric", "pod", "node").alias("step"))
    )
    assert (steps["step"].drop_nulls() >= 0).all()
    shares = metrics.filter(unit="1")["value"]
    assert shares.is_between(0, 1).all()
    assert metrics["time_ns"].is_sorted()


def test_a_series_has_one_sample_an_interval(healthy: GeneratedIncident) -> None:
    """Three in three minutes by default, six at twice the rate."""
    for interval_s, samples in ((60.0, 3), (30.0, 6)):
        metrics = generate(
            IncidentSpec(metric_interval_s=interval_s, traces=False, logs=False)
        ).incident.metrics
        assert metrics.group_by("metric", "pod", "node").len()["len"].unique().to_list() == [samples]


@pytest.mark.parametrize(
    "spec",
    [
        {"requests_per_s": 0.0},
        {"baseline_s": float("nan")},
        {"incident_load": float("inf")},
        {"load_drift": 1.0},
        {"lead_s": 600.0},
        {"metric_interval_s": 1e6},
        {"seed": -1},
        {"clock_step_node": "nowhere"},
        {"clock_drift_node": "nowhere"},
        {"clock_offset_node": "nowhere"},
        {"deploys": (Deploy("till", 180, "5"),)},
        {"deploys": (Deploy("till", -601, "5"),)},
        {"deploys": (Deploy("nobody", 0, "5"),)},
    ],
)
def test_a_spec_that_cannot_be_is_refused(spec: dict[str, Any]) -> None:
    """Before anything is generated."""
    with pytest.raises(InputError):
        IncidentSpec(**spec)
