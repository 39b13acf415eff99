"""Resource metrics of pods and nodes as columns, from the load that each instance carried."""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from rclagent.core.evidence import FaultType
from rclagent.core.metric import METRIC_SCHEMA
from rclagent.core.window import NS_PER_S
from rclagent.testing.draws import BoolArray, FloatArray, IntArray
from rclagent.testing.faults import Fault
from rclagent.testing.spec import IncidentSpec

CPU: Final = "k8s.pod.cpu_limit_utilization"
MEMORY: Final = "k8s.pod.memory_limit_utilization"
DISK: Final = "container.disk.io{disk.io.direction=write}"

_MEMORY_LIMIT: Final = 512 * 2**20  # bytes
_MEMORY_FILLS_S: Final = 90.0  # from the start of a memory fault until the limit is reached
_REQUEST_BYTES: Final = (1_400.0, 5_200.0)  # received, sent
_DISK_BYTES: Final = 900.0  # written a request
_IDLE_DISK_BYTES: Final = 400.0  # written a second
_STRESSED_DISK_BYTES: Final = 80e6  # written a second under a disk fault


def metric_table(spec: IncidentSpec, handled: IntArray, rng: np.random.Generator) -> pl.DataFrame:
    """Samples of all series over the whole time of the data, columns of METRIC_SCHEMA.

    Args:
        spec: What is generated.
        handled: Requests that each instance of the fleet handled in each second, shape (pods, seconds).
        rng: Where noise and sampling moments come from.

    Returns:
        CPU, memory, network, disk and request counts of each pod; CPU, memory and disk of each node.
    """
    fleet = spec.fleet
    times_s = _sampling_times(spec, rng)
    total = np.concatenate([np.zeros((len(fleet.pods), 1)), np.cumsum(handled, axis=1)], axis=1)
    # By the whole second: a finer count would promise more than a scrape gives.
    requests = np.take_along_axis(total, np.minimum(times_s.astype(np.int64), handled.shape[1]), axis=1)
    since_s = np.maximum(np.diff(times_s, axis=1, prepend=0.0), 1.0)
    load = np.diff(requests, axis=1, prepend=0.0) / since_s / _usual(spec, total)[:, None]
    cpu = _cpu(spec, load, times_s, rng)
    memory = _memory(spec, times_s, rng)
    age_s = np.maximum(times_s - fleet.since_s[:, None], 0.0)
    written = _DISK_BYTES * requests + _IDLE_DISK_BYTES * age_s + _disk_stress(spec, times_s)
    columns: list[tuple[str, str, bool, FloatArray]] = [
        (CPU, "1", False, cpu),
        (MEMORY, "1", False, memory),
        ("k8s.pod.memory.usage", "By", False, np.rint(memory * _MEMORY_LIMIT)),
        (
            "k8s.pod.network.io{direction=receive}",
            "By",
            True,
            np.rint(_REQUEST_BYTES[0] * requests + 60 * age_s),
        ),
        (
            "k8s.pod.network.io{direction=transmit}",
            "By",
            True,
            np.rint(_REQUEST_BYTES[1] * requests + 90 * age_s),
        ),
        (DISK, "By", True, np.rint(written)),
        ("http.server.request.count", "{request}", True, requests.astype(np.float64)),
    ]
    up = _up(spec, times_s)
    series = [_pod_rows(spec, times_s, up, column) for column in columns]
    return pl.concat([*series, *_node_rows(spec, times_s, cpu, memory, rng)]).sort(
        "time_ns", "service", "pod", "node", "metric"
    )


def _sampling_times(spec: IncidentSpec, rng: np.random.Generator) -> FloatArray:
    """Seconds after the start of the data, shape (pods, samples); each pod has a moment of its own."""
    count = int(spec.length_s // spec.metric_interval_s)
    phase = rng.uniform(0, spec.metric_interval_s, len(spec.system.pods()))
    times: FloatArray = phase[:, None] + spec.metric_interval_s * np.arange(count)
    return times[spec.fleet.like]


def _usual(spec: IncidentSpec, total: FloatArray) -> FloatArray:
    """Requests a second that each pod's CPU is laid out for, shape (pods,).

    What is usual comes from before the alarm: a fault must not change the quiet samples. An instance
    that a deploy brings needs for a request what those needed whose place it takes.
    """
    fleet = spec.fleet
    before = total[:, int(spec.baseline_s)]
    usual = np.maximum(before, 1.0) / spec.baseline_s
    for service, (first, *later) in fleet.crews.items():
        if later:
            mine = fleet.of(service)
            usual[mine] = max(before[mine].sum(), 1.0) / spec.baseline_s / first.count
    return usual


def _cpu(spec: IncidentSpec, load: FloatArray, times_s: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Share of the CPU limit: idle work, and work in proportion to the load as a multiple of the usual."""
    like = spec.fleet.like  # of what chance decides, a new instance has what that had whose place it takes
    shape = (len(spec.system.pods()), times_s.shape[1])
    busy = rng.uniform(0.04, 0.25, (shape[0], 1))[like]
    cpu = (0.015 + busy * load) * rng.lognormal(0, 0.06, shape)[like]
    # Now and then a sample is high for no reason: a scheduled job, a compiler, a neighbour.
    peak = rng.random(shape) < 0.01
    cpu = np.where(peak[like], cpu + rng.uniform(0.2, 0.4, shape)[like], cpu)
    stressed = rng.uniform(0.97, 1.0, shape)[like]
    for fault, hit in _faults(spec, FaultType.CPU):
        part = _part_under(spec, fault, times_s) * hit
        cpu = (1 - part) * cpu + part * stressed
    for fault, hit in _faults(spec, FaultType.MEMORY):
        cpu = cpu + 0.25 * _part_under(spec, fault, times_s) * hit  # garbage collection
    limited: FloatArray = np.minimum(cpu, 1.0)
    return limited


def _memory(spec: IncidentSpec, times_s: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Share of the memory limit: a level of its own, with slow noise; under a fault it fills up."""
    like = spec.fleet.like
    shape = (len(spec.system.pods()), times_s.shape[1])
    level = rng.uniform(0.3, 0.6, (shape[0], 1)) + np.cumsum(rng.normal(0, 0.0015, shape), axis=1)
    memory = (level + rng.normal(0, 0.002, shape))[like]
    for fault, hit in _faults(spec, FaultType.MEMORY):
        filled = np.clip((times_s - spec.inject_s(fault)) / _MEMORY_FILLS_S, 0, 1) * hit
        memory = memory + filled * (rng.uniform(0.97, 0.995, shape)[like] - memory)
    limited: FloatArray = np.clip(memory, 0.01, 1.0)
    return limited


def _disk_stress(spec: IncidentSpec, times_s: FloatArray) -> FloatArray:
    """Bytes that faults have written so far."""
    written = np.zeros(times_s.shape)
    for fault, hit in _faults(spec, FaultType.DISK_IO):
        written += _STRESSED_DISK_BYTES * np.maximum(times_s - spec.inject_s(fault), 0) * hit
    return written


def _up(spec: IncidentSpec, times_s: FloatArray) -> BoolArray:
    """Which samples there are: an instance has none before it starts, nor after it is ended or crashes."""
    up = _runs(spec, times_s)
    for fault, hit in _faults(spec, FaultType.CRASH):
        up &= (times_s < spec.inject_s(fault)) | ~hit
    return up


def _runs(spec: IncidentSpec, times_s: FloatArray) -> BoolArray:
    fleet = spec.fleet
    runs: BoolArray = (times_s >= fleet.since_s[:, None]) & (times_s < fleet.until_s[:, None])
    return runs


def _faults(spec: IncidentSpec, kind: FaultType) -> list[tuple[Fault, BoolArray]]:
    """Faults of a kind, each with which pods it hits, shape (pods, 1)."""
    places = np.arange(len(spec.fleet.pods))
    return [
        (fault, np.isin(places, fault.hit_places(spec.fleet, spec.inject_s(fault)))[:, None])
        for fault in spec.faults
        if fault.fault_type is kind
    ]


def _part_under(spec: IncidentSpec, fault: Fault, times_s: FloatArray) -> FloatArray:
    """Which part of the interval before each sample lies after the start of the fault."""
    part: FloatArray = np.clip((times_s - spec.inject_s(fault)) / spec.metric_interval_s, 0, 1)
    return part


def _pod_rows(
    spec: IncidentSpec, times_s: FloatArray, up: BoolArray, column: tuple[str, str, bool, FloatArray]
) -> pl.DataFrame:
    metric, unit, cumulative, values = column
    pods = spec.fleet.pods
    place = np.nonzero(up)[0]
    return _rows(
        spec,
        times_s[up],
        values[up],
        (metric, unit, cumulative),
        service=pl.Series([pod.service for pod in pods]).gather(place),
        pod=pl.Series([pod.name for pod in pods]).gather(place),
        node=pl.Series([pod.node for pod in pods]).gather(place),
    )


def _node_rows(
    spec: IncidentSpec, times_s: FloatArray, cpu: FloatArray, memory: FloatArray, rng: np.random.Generator
) -> list[pl.DataFrame]:
    """Each node carries its pods; its disk is busy to the limit while one of them is under a disk fault."""
    pods = spec.fleet.pods
    runs = _runs(spec, times_s)
    rows = []
    for node in spec.system.nodes:
        here = np.array([pod.node == node for pod in pods])
        if not here.any():
            continue
        moments = times_s[here][:1]
        shape = moments.shape
        busy = (0.02 + 0.01 * rng.random(shape)) * spec.metric_interval_s
        for fault, hit in _faults(spec, FaultType.DISK_IO):
            if (hit[:, 0] & here).any():
                busy = busy + 0.95 * spec.metric_interval_s * _part_under(spec, fault, moments)
        series = [
            (
                "system.cpu.utilization",
                "1",
                False,
                0.08 + 0.25 * _mean(cpu, runs, here) + rng.normal(0, 0.004, shape),
            ),
            ("system.memory.utilization", "1", False, 0.3 + 0.4 * _mean(memory, runs, here)[None, :]),
            ("system.disk.io_time{system.device=sda}", "s", True, np.cumsum(busy, axis=1)),
        ]
        for metric, unit, cumulative, values in series:
            nobody = pl.repeat(None, shape[1], dtype=pl.String(), eager=True)
            rows.append(
                _rows(
                    spec,
                    moments[0],
                    values[0],
                    (metric, unit, cumulative),
                    service=nobody,
                    pod=nobody,
                    node=pl.repeat(node, shape[1], eager=True),
                )
            )
    return rows


def _mean(values: FloatArray, runs: BoolArray, here: BoolArray) -> FloatArray:
    """Mean over the instances on a node that run, shape (samples,); 0 where none does."""
    mean: FloatArray = (values * runs)[here].sum(axis=0) / np.maximum(runs[here].sum(axis=0), 1)
    return mean


def _rows(
    spec: IncidentSpec,
    times_s: FloatArray,
    values: FloatArray,
    kind: tuple[str, str, bool],
    **names: pl.Series,
) -> pl.DataFrame:
    metric, unit, cumulative = kind
    count = len(times_s)
    frame = pl.DataFrame(
        {
            # Whole milliseconds, as collectors write them.
            "time_ns": spec.start_ns + np.rint(times_s * 1e3).astype(np.int64) * (NS_PER_S // 1000),
            **names,
            "metric": pl.repeat(metric, count, eager=True),
            "value": values,
            "unit": pl.repeat(unit, count, eager=True),
            "cumulative": pl.repeat(cumulative, count, dtype=pl.Boolean(), eager=True),
        }
    )
    return frame.select(pl.col(name).cast(kind_) for name, kind_ in METRIC_SCHEMA.items())
