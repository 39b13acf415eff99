"""Series that saturate or changed for good: how far, how full, and what is no evidence."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate

import polars as pl
import pytest

from rclagent.core.baseline import Baseline
from rclagent.core.metric import MetricPoint, metrics_to_frame
from rclagent.core.telemetry import Telemetry
from rclagent.core.window import NS_PER_S, Window
from rclagent.evidence.resources import compare_series, robust_z
from rclagent.telemetry.frame_store import FrameStore
from rclagent.testing.spec import START_NS

Compared = Callable[[Telemetry, Telemetry], tuple[FrameStore, Window, Baseline]]
CPU = "k8s.pod.cpu_limit_utilization"


def z(value: float, median: float, mad: float, p99: float) -> float:
    """The distance of one sample."""
    return float(pl.select(robust_z(*(pl.lit(number) for number in (value, median, mad, p99)))).item())


def points(metric: str, values: Sequence[float], pod: str, cumulative: bool) -> list[MetricPoint]:
    """A series of one pod, a sample a minute."""
    return [
        MetricPoint(START_NS + 60 * k * NS_PER_S, metric, value, "shelf", pod, "n1", cumulative=cumulative)
        for k, value in enumerate(values)
    ]


def samples(
    metric: str, values: Sequence[float], pod: str = "shelf-0", cumulative: bool = False
) -> Telemetry:
    """One series of one pod."""
    return Telemetry(metrics=metrics_to_frame(points(metric, values, pod, cumulative)))


def exported(series: Mapping[str, Sequence[float]], counters: Mapping[str, Sequence[float]]) -> Telemetry:
    """What a pod exports: gauges by their samples, counters by what each minute adds."""
    found = [point for name in series for point in points(name, series[name], "shelf-0", False)]
    for name, added in counters.items():
        found += points(name, list(accumulate(added, initial=1000.0)), "shelf-0", True)
    return Telemetry(metrics=metrics_to_frame(found))


def changed(compared: Compared, metric: str, quiet: Sequence[float], now: Sequence[float]) -> pl.DataFrame:
    """What the channel says of one series."""
    return compare_series(*compared(samples(metric, quiet), samples(metric, now)))


def against(
    compared: Compared,
    metric: str,
    quiet: Sequence[float],
    now: Sequence[float],
    limits: Mapping[str, float],
) -> pl.DataFrame:
    """What the channel says of one gauge beside series that never change."""
    sides = [
        exported({metric: values} | {name: [limits[name]] * len(values) for name in limits}, {})
        for values in (quiet, now)
    ]
    return compare_series(*compared(*sides))


def counted(
    compared: Compared,
    quiet: Mapping[str, Sequence[float]],
    now: Mapping[str, Sequence[float]],
) -> pl.DataFrame:
    """What the channel says of counters, by what each minute adds."""
    return compare_series(*compared(exported({}, quiet), exported({}, now)))


QUIET = [0.09, 0.10, 0.11, 0.10, 0.12, 0.10, 0.08, 0.11, 0.10, 0.09]


@pytest.mark.parametrize(
    ("sample", "distance"),
    [
        ((30, 10, 1, 12), 20 / 1.4826),
        ((110, 100, 0, 100), 10 / 5),
        ((20, 10, 0.1, 17), 10 / (7 / 2.33)),
        ((5, 0, 0, 0), 100),
        ((4, 10, 1, 12), -6 / 1.4826),
        ((0, 0, 0, 0), 0),
        ((7, 7, 0, 7), 0),
    ],
)
def test_distances_by_hand(sample: tuple[float, ...], distance: float) -> None:
    """Deviation of the median, floor of 5 %, the way to the 99th percentile, 1 % of a first value, down,
    none."""
    assert z(*sample) == pytest.approx(distance)


def test_a_limit_that_is_reached_saturates(compared: Compared) -> None:
    """Median 0.10, deviations 0 or 0.01 with median 0.01, 99th percentile 0.12: 0.98 is 0.88 / 0.014826
    far."""
    row = changed(compared, CPU, QUIET, [0.2, 0.99, 0.98]).row(0, named=True)
    assert (row["service"], row["pod"], row["node"], row["metric"]) == ("shelf", "shelf-0", "n1", CPU)
    assert (row["resource"], row["fault_type"], row["is_node"]) == ("CPU", "cpu", False)
    assert (row["n"], row["base_n"], row["value"], row["level"], row["base_p50"]) == (3, 10, 0.98, 0.98, 0.10)
    assert row["z"] == pytest.approx(0.88 / 0.014826)
    assert row["saturated"] is True


@pytest.mark.parametrize("now", [[0.1, 1.0, 0.1], [0.1, 1.0], [1.0, 0.1, 0.1, 0.1]])
def test_one_high_sample_happens_at_random(compared: Compared, now: list[float]) -> None:
    assert changed(compared, CPU, QUIET, now).is_empty()


def test_one_sample_in_all_shows_nothing(compared: Compared) -> None:
    assert changed(compared, CPU, QUIET, [1.0]).is_empty()


def test_a_short_baseline_has_no_spread(compared: Compared) -> None:
    assert changed(compared, CPU, QUIET[:4], [1.0, 1.0]).is_empty()
    assert changed(compared, CPU, QUIET[:5], [1.0, 1.0]).height == 1


def test_a_service_that_always_runs_full_is_not_saturated_by_it(compared: Compared) -> None:
    busy = [0.80, 0.85, 0.9, 0.82, 0.88, 0.92, 0.86]
    assert changed(compared, CPU, busy, [0.95, 0.96]).is_empty()


@pytest.mark.parametrize(
    ("metric", "quiet", "now", "level"),
    [
        ("CpuUsageRate(%)", [1.0, 1.2, 0.9, 1.1, 1.0], [97.0, 98.0], 0.97),
        ("CPU_util_pct", [9.0, 10.0, 11.0, 10.0, 9.0], [97.0, 98.0], 0.97),
        ("CPUUtilization", [9.0, 10.0, 11.0, 10.0, 9.0], [97.0, 98.0], 0.97),
        (CPU, QUIET, [0.97, 0.98], 0.97),
    ],
)
def test_percent_and_ratio_are_told_apart(
    compared: Compared, metric: str, quiet: list[float], now: list[float], level: float
) -> None:
    """By the name, else by values above 1.5."""
    row = changed(compared, metric, quiet, now).row(0, named=True)
    assert row["level"] == pytest.approx(level)
    assert row["saturated"] is True


def test_less_than_a_percent_is_not_taken_for_nearly_all(compared: Compared) -> None:
    """0.95 % of the CPU, 300 times the usual, is nothing."""
    assert changed(compared, "CpuUsageRate(%)", [0.003] * 6, [0.95, 0.96]).is_empty()


@pytest.mark.parametrize(("level", "rows"), [(0.36, 1), (0.30, 0)])
def test_below_its_limit_a_share_counts_from_a_third_and_far_away(
    compared: Compared, level: float, rows: int
) -> None:
    table = changed(compared, CPU, [0.01] * 10, [level, level, level])
    assert table.height == rows
    assert not table["saturated"].any()


def test_an_amount_counts_when_it_is_far_and_out_of_range(compared: Compared) -> None:
    row = changed(compared, "k8s.pod.memory.usage", [100, 101, 99, 100, 100], [400, 500]).row(0, named=True)
    assert (row["resource"], row["level"], row["saturated"], row["value"]) == ("memory", None, False, 400)
    assert row["z"] == pytest.approx(300 / 5)


def test_an_amount_that_was_there_before_is_no_news(compared: Compared) -> None:
    """The baseline has two samples as high: a nightly job."""
    quiet = [*[100.0] * 200, 500.0, 500.0]
    assert changed(compared, "container.disk.io", quiet, [450, 450]).is_empty()


def test_a_series_that_falls_to_nothing_is_no_evidence(compared: Compared) -> None:
    """The floor of 5 % keeps a fall within z = -20: who gets less to do uses less."""
    assert changed(compared, "k8s.pod.cpu.usage", [1000.0] * 6, [0, 0, 0]).is_empty()


def test_a_series_that_may_be_negative_can_fall(compared: Compared) -> None:
    """From 100 to -820, below its range by nine times its size: 920 / (1 % of 820) away."""
    row = changed(compared, "balance", [100.0] * 6, [-900, -820, 100]).row(0, named=True)
    assert (row["value"], row["z"]) == (-820, pytest.approx(-920 / 8.2))
    assert changed(compared, "balance", [100.0] * 6, [-900, -780, 100]).is_empty()


def test_a_series_of_unknown_meaning_counts_too(compared: Compared) -> None:
    row = changed(compared, "queue_depth", [10, 11, 9, 10, 10], [500, 600]).row(0, named=True)
    assert (row["resource"], row["fault_type"]) == (None, None)
    assert (row["level"], row["saturated"], row["is_pool"]) == (None, False, False)


@pytest.mark.parametrize(("now", "rows"), [([60, 60], 0), ([99, 100], 0), ([101, 101], 1)])
def test_a_series_of_unknown_meaning_has_to_leave_its_range_tenfold(
    compared: Compared, now: list[float], rows: int
) -> None:
    """System calls of an idle pod rise sixfold with nothing wrong; ten was the second largest sample."""
    assert changed(compared, "SyscallWrite", [10, 10, 10, 10, 10], now).height == rows


@pytest.mark.parametrize(
    "metric", ["http.server.request.duration", "PodWorkload(Ops)", "NetworkReceiveBytes"]
)
def test_what_follows_from_the_requests_is_never_a_cause(compared: Compared, metric: str) -> None:
    assert changed(compared, metric, [10, 11, 9, 10, 10], [500, 600]).is_empty()


def test_a_running_total_is_compared_by_its_rate(compared: Compared) -> None:
    """60 a minute before, 6000 a minute now: 1 and 100 a second, z = 99 / (1 % of 100)."""
    quiet = samples("container.disk.io", [60 * k for k in range(10)], cumulative=True)
    now = samples("container.disk.io", [6000 * k for k in range(4)], cumulative=True)
    row = compare_series(*compared(quiet, now)).row(0, named=True)
    assert (row["value"], row["base_p50"], row["z"]) == pytest.approx((100, 1, 99))


def test_a_series_of_a_machine_is_told_as_one(compared: Compared) -> None:
    row = changed(compared, "system.cpu.utilization{state=user}", QUIET, [0.98, 0.99]).row(0, named=True)
    assert (row["is_node"], row["saturated"]) == (True, True)


def test_a_new_pod_has_nothing_to_be_compared_with(compared: Compared) -> None:
    table = compare_series(*compared(samples(CPU, QUIET), samples(CPU, [0.98, 0.99], pod="shelf-1")))
    assert table.is_empty()


@pytest.mark.parametrize("side", [0, 1])
def test_without_metrics_on_a_side_nothing_changed(compared: Compared, side: int) -> None:
    sides = [samples(CPU, QUIET), samples(CPU, [0.98, 0.99])]
    sides[side] = Telemetry()
    assert compare_series(*compared(*sides)).is_empty()


GIB = 2.0**30


def test_memory_near_the_limit_of_its_container_saturates(compared: Compared) -> None:
    """0.3 GiB of 1 GiB before, without spread: 0.97 is 0.67 / (5 % of 0.3) away."""
    metric = "container_memory_working_set_bytes{container=shop,namespace=x}"
    limit = {"container_spec_memory_limit_bytes{container=shop,namespace=x}": GIB}
    row = against(compared, metric, [0.3 * GIB] * 8, [0.5 * GIB, 0.98 * GIB, 0.97 * GIB], limit).row(
        0, named=True
    )
    assert (row["metric"], row["resource"], row["fault_type"]) == (metric, "memory", "memory")
    assert (row["value"], row["level"], row["base_p50"]) == pytest.approx((0.97, 0.97, 0.3))
    assert row["z"] == pytest.approx(0.67 / 0.015)
    assert (row["saturated"], row["of"], row["is_pool"]) == (True, "its limit", False)


def test_cores_used_are_a_share_of_the_quota(compared: Compared) -> None:
    """3 s a minute are 0.05 cores of half a core: 10 %; 29.4 s a minute are 98 %."""
    usage, quota = (
        "container_cpu_usage_seconds_total{container=shop}",
        "container_spec_cpu_quota{container=shop}",
    )
    quiet = exported({quota: [50_000] * 9}, {usage: [3] * 8})
    now = exported({quota: [50_000] * 4}, {usage: [29.4] * 3})
    row = compare_series(*compared(quiet, now)).row(0, named=True)
    assert (row["level"], row["base_p50"]) == pytest.approx((0.98, 0.1))
    assert (row["resource"], row["saturated"]) == ("CPU", True)


@pytest.mark.parametrize(("throttled", "level"), [(180, 0.3), (150, 0.25), (144, None)])
def test_a_quarter_of_the_periods_throttled_saturates(
    compared: Compared, throttled: float, level: float | None
) -> None:
    """600 CFS periods of 100 ms a minute, none throttled before; less than a quarter is told, but weaker."""
    names = (
        "container_cpu_cfs_periods_total{container=a}",
        "container_cpu_cfs_throttled_periods_total{container=a}",
    )
    quiet, now = ([600] * 8, [0] * 8), ([600] * 3, [throttled] * 3)
    table = counted(compared, dict(zip(names, quiet, strict=True)), dict(zip(names, now, strict=True)))
    row = table.row(0, named=True)
    assert (row["resource"], row["fault_type"], row["of"]) == ("CPU throttling", "cpu", "its CPU periods")
    assert row["saturated"] is (level is not None)
    assert row["level"] == pytest.approx(level or 0.24)


@pytest.mark.parametrize("share", [0.05, 0.09])
def test_a_little_throttling_is_no_evidence(compared: Compared, share: float) -> None:
    """Below five twelfths of a quarter, from none before."""
    names = ("container_cpu_cfs_periods_total", "container_cpu_cfs_throttled_periods_total")
    quiet, now = ([600] * 8, [0] * 8), ([600] * 3, [600 * share] * 3)
    table = counted(compared, dict(zip(names, quiet, strict=True)), dict(zip(names, now, strict=True)))
    assert table.is_empty()


def test_a_service_that_is_always_throttled_is_not_throttled_by_a_fault(compared: Compared) -> None:
    names = ("container_cpu_cfs_periods_total", "container_cpu_cfs_throttled_periods_total")
    quiet, now = ([600] * 8, [180, 200, 160, 190, 170, 185, 175, 180]), ([600] * 3, [230] * 3)
    table = counted(compared, dict(zip(names, quiet, strict=True)), dict(zip(names, now, strict=True)))
    assert table.is_empty()


def test_throttling_of_a_pod_that_hardly_runs_means_nothing(compared: Compared) -> None:
    """59 periods a minute, all of them throttled: less than one in ten seconds of each hundred."""
    names = ("container_cpu_cfs_periods_total", "container_cpu_cfs_throttled_periods_total")
    quiet, now = ([59] * 8, [0] * 8), ([59] * 3, [59] * 3)
    table = counted(compared, dict(zip(names, quiet, strict=True)), dict(zip(names, now, strict=True)))
    assert table.is_empty()


def test_a_heap_near_its_maximum_saturates(compared: Compared) -> None:
    """Areas are told apart: young generations have no maximum, and the metaspace is far from its own."""
    old, eden = "{area=heap,id=G1 Old Gen}", "{area=heap,id=G1 Eden Space}"
    used, most = "jvm_memory_used_bytes", "jvm_memory_max_bytes"
    quiet = exported(
        {used + old: [200.0] * 8, most + old: [1000] * 8, used + eden: [90] * 8, most + eden: [-1] * 8}, {}
    )
    now = exported(
        {used + old: [960, 950], most + old: [1000] * 2, used + eden: [95] * 2, most + eden: [-1] * 2}, {}
    )
    table = compare_series(*compared(quiet, now))
    assert table["metric"].to_list() == [used + old]
    assert table.select("level", "z", "saturated").row(0) == (pytest.approx(0.95), pytest.approx(75), True)


def test_a_quarter_of_the_time_in_garbage_collection_saturates(compared: Compared) -> None:
    """18 of 60 s against 0.6 of 60 s: 30 % and 1 %."""
    metric = "jvm_gc_pause_seconds_sum{action=end of major GC}"
    row = counted(compared, {metric: [0.6] * 8}, {metric: [18] * 3}).row(0, named=True)
    assert (row["level"], row["base_p50"]) == pytest.approx((0.3, 0.01))
    assert (row["resource"], row["of"], row["saturated"]) == ("garbage collection", "the time", True)


def test_a_pool_without_a_free_connection_saturates_and_so_does_its_queue(compared: Compared) -> None:
    """All of 10 in use, usually 2; twelve wait, usually nobody."""
    names = [f"hikaricp_connections_{name}{{pool=main}}" for name in ("active", "max", "pending")]
    quiet = exported(dict(zip(names, ([2.0] * 8, [10.0] * 8, [0.0] * 8), strict=True)), {})
    now = exported(dict(zip(names, ([10.0] * 3, [10.0] * 3, [12.0, 14.0, 3.0]), strict=True)), {})
    table = compare_series(*compared(quiet, now))
    assert table.select("metric", "level", "value", "saturated", "is_pool").rows() == [
        (names[0], 1.0, 1.0, True, True),
        (names[2], None, 12.0, True, True),
    ]


def test_a_queue_that_is_always_there_is_not_told(compared: Compared) -> None:
    metric = "db.client.connection.pending_requests"
    assert changed(compared, metric, [2, 1, 3, 2, 0, 2], [3, 4, 3]).is_empty()


def test_connections_in_use_without_a_maximum_follow_from_the_requests(compared: Compared) -> None:
    assert changed(compared, "hikaricp_connections_active", [1] * 8, [50] * 3).is_empty()


@pytest.mark.parametrize(("busy_s", "saturated"), [(57, True), (30, False)])
def test_a_busy_disk_of_a_machine_saturates(compared: Compared, busy_s: float, saturated: bool) -> None:
    """57 of 60 s at work are 95 % of the time, half of it is half; 1 % before."""
    metric = "node_disk_io_time_seconds_total{device=sda}"
    row = counted(compared, {metric: [0.6] * 8}, {metric: [busy_s] * 3}).row(0, named=True)
    assert row["level"] == pytest.approx(busy_s / 60)
    assert (row["resource"], row["is_node"], row["of"]) == ("disk", True, "the time")
    assert row["saturated"] is saturated


def test_a_disk_that_takes_longer_for_each_operation_changed(compared: Compared) -> None:
    """0.6 s for 600 reads a minute, 1 ms each; 30 s for 600, 50 ms each: 49 / (1 % of 50) away."""
    names = ("node_disk_read_time_seconds_total{device=sda}", "node_disk_reads_completed_total{device=sda}")
    quiet, now = ([0.6] * 8, [600] * 8), ([30] * 3, [600] * 3)
    table = counted(compared, dict(zip(names, quiet, strict=True)), dict(zip(names, now, strict=True)))
    row = table.row(0, named=True)
    assert (row["value"], row["base_p50"], row["z"]) == pytest.approx((0.05, 0.001, 98))
    assert (row["level"], row["saturated"], table.height) == (None, False, 1)


def test_a_disk_that_stays_fast_is_no_evidence(compared: Compared) -> None:
    """From 0.1 to 4 ms for each read: forty times as long, but nobody feels it."""
    names = ("node_disk_read_time_seconds_total", "node_disk_reads_completed_total")
    quiet, now = ([0.06] * 8, [600] * 8), ([2.4] * 3, [600] * 3)
    table = counted(compared, dict(zip(names, quiet, strict=True)), dict(zip(names, now, strict=True)))
    assert table.is_empty()


def test_a_disk_that_fills_up_saturates(compared: Compared) -> None:
    """60 of 100 free before, 5 now: 40 % and 95 % used."""
    metric = "node_filesystem_avail_bytes{device=/dev/sda1,mountpoint=/}"
    limit = {"node_filesystem_size_bytes{device=/dev/sda1,mountpoint=/}": 100}
    row = against(compared, metric, [60] * 8, [5, 5, 4], limit).row(0, named=True)
    assert (row["level"], row["base_p50"], row["saturated"]) == (
        pytest.approx(0.95),
        pytest.approx(0.4),
        True,
    )
    assert row["fault_type"] == "disk_io"


def test_a_machine_whose_processors_are_all_busy_saturates(compared: Compared) -> None:
    """Idle for 6 s and 3 s of 60: busy for 92.5 % of the time of both; one alone makes 55 %."""
    names = [f"node_cpu_seconds_total{{cpu={k},mode=idle}}" for k in (0, 1)]
    quiet = {name: [54.0] * 8 for name in names}
    both = counted(compared, quiet, {names[0]: [6] * 3, names[1]: [3] * 3}).row(0, named=True)
    assert both["metric"] == "node_cpu_seconds_total{mode=idle}"
    assert (both["level"], both["base_p50"]) == pytest.approx((0.925, 0.1))
    assert (both["saturated"], both["is_node"]) == (True, True)
    one = counted(compared, quiet, {names[0]: [0] * 3, names[1]: [54] * 3}).row(0, named=True)
    assert (one["level"], one["saturated"]) == (pytest.approx(0.55), False)


@pytest.mark.parametrize(("lost", "rows"), [(0.02, 1), (0.003, 0)])
def test_lost_packets_are_a_share_of_all_packets(compared: Compared, lost: float, rows: int) -> None:
    """6,000 packets a minute, none lost before; from one in a hundred on it hurts."""
    names = [
        f"container_network_{name}_total{{interface=eth0}}"
        for name in ("receive_packets", "receive_packets_dropped")
    ]
    quiet, now = ([6000] * 8, [0] * 8), ([6000] * 3, [6000 * lost] * 3)
    table = counted(compared, dict(zip(names, quiet, strict=True)), dict(zip(names, now, strict=True)))
    assert table.height == rows
    assert table["level"].to_list() == pytest.approx([lost] * rows)
    assert table["fault_type"].to_list() == ["network_loss"] * rows


@pytest.mark.parametrize(("errors", "rows"), [(30, 0), (120, 1)])
def test_lost_packets_of_unknown_many_count_from_one_a_second(
    compared: Compared, errors: float, rows: int
) -> None:
    metric = "k8s.pod.network.errors{direction=receive}"
    assert counted(compared, {metric: [0] * 8}, {metric: [errors] * 3}).height == rows


def test_one_kill_for_want_of_memory_is_enough(compared: Compared) -> None:
    """A second largest sample would hide it: one in three minutes, 1 / 180 a second."""
    metric = "container_oom_events_total{container=shop}"
    row = counted(compared, {metric: [0] * 8}, {metric: [0, 1, 0]}).row(0, named=True)
    assert (row["value"], row["saturated"]) == (pytest.approx(1 / 180), True)
    assert (row["resource"], row["fault_type"]) == ("out-of-memory kills", "memory")


@pytest.mark.parametrize(
    ("quiet", "now", "rows"),
    [([0] * 8, [0, 1, 0], 1), ([0] * 7 + [1], [0, 1, 0], 1), ([1, 0, 0, 1, 0, 0, 1, 0], [0, 1, 0], 0)],
)
def test_a_restart_counts_where_restarts_are_rare(
    compared: Compared, quiet: list[float], now: list[float], rows: int
) -> None:
    metric = "kube_pod_container_status_restarts_total{container=shop}"
    table = counted(compared, {metric: quiet}, {metric: now})
    assert table.height == rows
    assert not table["saturated"].any()


def test_a_total_of_restarts_that_rises_tells_one(compared: Compared) -> None:
    """The cluster receiver gives the total itself: three times so far, then a fourth."""
    assert changed(compared, "k8s.container.restarts", [3] * 8, [3, 4, 4]).height == 1
    assert changed(compared, "k8s.container.restarts", [3] * 8, [3, 3, 3]).is_empty()


def test_a_limit_that_was_lowered_saturates_what_is_used(compared: Compared) -> None:
    """0.4 GiB as ever: of 2 GiB before, of 0.42 GiB now."""
    usage, limit = "k8s.pod.memory.working_set", "k8s.container.memory_limit"
    quiet = exported({usage: [0.4 * GIB] * 8, limit: [2 * GIB] * 8}, {})
    now = exported({usage: [0.4 * GIB] * 3, limit: [0.42 * GIB] * 3}, {})
    table = compare_series(*compared(quiet, now))
    assert table["metric"].to_list() == [usage]
    assert table.select("level", "base_p50", "saturated").row(0) == pytest.approx((0.4 / 0.42, 0.2, True))


@pytest.mark.parametrize(
    ("metric", "limit"),
    [
        ("container_memory_working_set_bytes", "container_spec_memory_limit_bytes"),
        ("hikaricp_connections_active", "hikaricp_connections_max"),
        ("k8s.pod.cpu.usage", "k8s.container.cpu_limit"),
    ],
)
def test_what_always_runs_at_four_fifths_is_not_told(compared: Compared, metric: str, limit: str) -> None:
    quiet = [0.75, 0.8, 0.85, 0.78, 0.82, 0.79, 0.84, 0.77]
    assert against(compared, metric, quiet, [0.85, 0.88, 0.9], {limit: 1.0}).is_empty()


def test_one_odd_sample_of_a_share_is_not_told(compared: Compared) -> None:
    limit = {"k8s.container.cpu_limit": 1.0}
    assert against(compared, "k8s.pod.cpu.usage", [0.1] * 8, [0.1, 1.0, 0.1], limit).is_empty()
    assert against(compared, "k8s.pod.cpu.usage", [0.1] * 8, [1.0, 1.0], limit).height == 1


@pytest.mark.parametrize(
    ("metric", "quiet", "now"),
    [
        ("CpuUsage(m)", 0.01, 27),
        ("k8s.pod.cpu.usage", 0.00001, 0.027),
        ("k8s.pod.cpu_request_utilization", 0.0001, 0.27),
    ],
)
def test_ratios_on_idle_pods_mean_nothing(compared: Compared, metric: str, quiet: float, now: float) -> None:
    """Without a known limit too, less than a third of a core is nothing; a third of it is."""
    assert changed(compared, metric, [quiet] * 8, [now] * 3).is_empty()
    assert changed(compared, metric, [quiet] * 8, [20 * now] * 3).height == 1


def test_a_share_of_a_limit_that_stays_low_is_not_told_as_an_amount(compared: Compared) -> None:
    """Ten times as much memory as ever, but 3 % of what the pod may use."""
    limit = {"container_spec_memory_limit_bytes": 10 * GIB}
    metric = "container_memory_working_set_bytes"
    assert against(compared, metric, [0.03 * GIB] * 8, [0.3 * GIB] * 3, limit).is_empty()
    assert changed(compared, metric, [0.03 * GIB] * 8, [0.3 * GIB] * 3).height == 1


def test_limits_themselves_are_no_evidence(compared: Compared) -> None:
    assert changed(compared, "container_spec_memory_limit_bytes", [GIB] * 8, [50 * GIB] * 3).is_empty()
