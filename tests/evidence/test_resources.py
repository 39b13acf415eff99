"""Series that saturate or changed for good: how far, how full, and what is no evidence."""

from __future__ import annotations

from collections.abc import Callable, Sequence

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


def samples(
    metric: str, values: Sequence[float], pod: str = "shelf-0", cumulative: bool = False
) -> Telemetry:
    """A series of one pod, a sample a minute."""
    times = range(0, 60 * len(values), 60)
    points = [
        MetricPoint(START_NS + time * NS_PER_S, metric, value, "shelf", pod, "n1", cumulative=cumulative)
        for time, value in zip(times, values, strict=True)
    ]
    return Telemetry(metrics=metrics_to_frame(points))


def changed(compared: Compared, metric: str, quiet: Sequence[float], now: Sequence[float]) -> pl.DataFrame:
    """What the channel says of one series."""
    return compare_series(*compared(samples(metric, quiet), samples(metric, now)))


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
    """From 100 to -80: the second smallest sample is 180 / 5 below."""
    row = changed(compared, "balance", [100.0] * 6, [-90, -80, 100]).row(0, named=True)
    assert (row["value"], row["z"]) == (-80, pytest.approx(-36))


def test_a_series_of_unknown_meaning_counts_too(compared: Compared) -> None:
    row = changed(compared, "queue_depth", [10, 11, 9, 10, 10], [500, 600]).row(0, named=True)
    assert (row["resource"], row["fault_type"]) == (None, None)


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
