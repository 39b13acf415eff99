"""Generate incidents: traces, logs and metrics of a simulated system, with the truth about its faults.

Each entry's call tree is laid out once; the legs of many requests are then drawn as
matrices, faults change them, and times follow from the tree. Chance has one stream for
the system and one for its faults, so that a healthy and a faulty incident of the same
seed differ in nothing but what the faults did.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from rclagent.core.evidence import FaultType
from rclagent.core.log import LOG_SCHEMA
from rclagent.core.metric import METRIC_SCHEMA
from rclagent.core.span import SPAN_SCHEMA
from rclagent.core.telemetry import Telemetry
from rclagent.core.window import NS_PER_S
from rclagent.testing.clocks import clock_errors
from rclagent.testing.draws import Draws, FloatArray, IntArray, draw
from rclagent.testing.fault_models import apply_fault
from rclagent.testing.hits import hit
from rclagent.testing.log_table import log_table
from rclagent.testing.metric_table import metric_table
from rclagent.testing.span_table import Block, hex_ids, span_table
from rclagent.testing.spec import IncidentSpec
from rclagent.testing.template import ServerSlot, Template, build_template
from rclagent.testing.timing import run

_BLOCK_CELLS: Final = 1_000_000  # slots times requests held as matrices at once: about 100 MB
_DAY_S: Final = 86_400.0
_LOAD_SLOWS: Final = 0.1  # how much of a change of load shows in the services' own time

# Streams of chance; a new one goes to the end, so that others keep their values.
_ARRIVALS, _REQUESTS, _FAULTS, _PAUSES, _LINES, _METRICS, _CLOCKS, _RETRIES, _DEPLOYS = range(9)


@dataclass(frozen=True, slots=True)
class Truth:
    """What was injected."""

    services: tuple[str, ...]
    """Services, databases, external services or topics at fault, in the order of the spec's faults; empty
    where healthy."""
    pods: tuple[str | None, ...]
    """Instance of each fault; None where all instances of a service with several are at fault, and where
    there is none."""
    fault_types: tuple[FaultType, ...]
    """Kind of each fault."""
    inject_ns: int | None
    """Start of the first fault, Unix epoch; None where healthy."""

    @property
    def fault_type(self) -> FaultType | None:
        """Kind of the first fault; None where healthy."""
        return self.fault_types[0] if self.fault_types else None


@dataclass(frozen=True, slots=True)
class GeneratedIncident:
    """An incident made to order."""

    baseline: Telemetry
    """Before the alarm, less the lead."""
    incident: Telemetry
    """The lead and everything from the alarm on."""
    truth: Truth
    """What was injected."""
    alarm_ns: int
    """When the alarm goes off, Unix epoch."""


def generate(spec: IncidentSpec) -> GeneratedIncident:
    """Generate an incident; equal specs give equal tables, row for row.

    Requests belong to the baseline or the incident as a whole, by their arrival; so do
    their log lines.
    """
    split_s = spec.baseline_s - spec.lead_s
    handled = np.zeros((len(spec.fleet.pods), int(np.ceil(spec.length_s))), dtype=np.int64)
    parts: list[list[Telemetry]] = [[], []]
    for number, template, arrival_s in _blocks(spec, split_s):
        block = _play(spec, template, arrival_s, number)
        handled += _handled(block, arrival_s, handled.shape[1])
        parts[int(arrival_s[0] >= split_s)].append(_tables(spec, block, number))
    metrics = (
        metric_table(spec, handled, _rng(spec, _METRICS))
        if spec.metrics
        else pl.DataFrame(schema=METRIC_SCHEMA)
    )
    early = pl.col("time_ns") < spec.start_ns + round(split_s * NS_PER_S)
    return GeneratedIncident(
        baseline=_joined(parts[0], metrics.filter(early)),
        incident=_joined(parts[1], metrics.filter(~early)),
        truth=_truth(spec),
        alarm_ns=spec.alarm_ns,
    )


def _rng(spec: IncidentSpec, stream: int, *place: int) -> np.random.Generator:
    return np.random.default_rng([spec.seed, stream, *place])


def _blocks(spec: IncidentSpec, split_s: float) -> Iterator[tuple[int, Template, FloatArray]]:
    """Number, call tree and arrivals of each block: seconds, all before or all after the split, not empty."""
    arrival_s, entry = _arrivals(spec)
    number = 0
    for place, template in enumerate(build_template(spec.system, entry) for entry in spec.system.entries):
        mine = arrival_s[entry == place]
        rows = max(1, _BLOCK_CELLS // len(template.slots))
        for half in (mine[mine < split_s], mine[mine >= split_s]):
            for begin in range(0, len(half), rows):
                yield number, template, half[begin : begin + rows]
                number += 1


def _arrivals(spec: IncidentSpec) -> tuple[FloatArray, IntArray]:
    """When each request comes, in order, and at which entry: a Poisson process with a daily swing."""
    rng = _rng(spec, _ARRIVALS)
    grid = np.linspace(0, spec.length_s, int(np.ceil(spec.length_s)) + 1)
    grid = np.unique(np.append(grid, spec.baseline_s))
    expected = np.concatenate([[0.0], np.cumsum(_load(spec, (grid[1:] + grid[:-1]) / 2) * np.diff(grid))])
    expected *= spec.requests_per_s
    count = rng.poisson(expected[-1])
    arrival_s = np.interp(np.sort(rng.uniform(0, expected[-1], count)), expected, grid)
    weights = np.array([entry.weight for entry in spec.system.entries])
    return arrival_s, rng.choice(len(weights), size=count, p=weights / weights.sum())


def _load(spec: IncidentSpec, time_s: FloatArray) -> FloatArray:
    """Arrival rate at some moments, as a multiple of the usual."""
    swing = 1 + spec.load_drift * np.sin(2 * np.pi * (time_s / _DAY_S + spec.seed % 24 / 24))
    return swing * np.where(time_s >= spec.baseline_s, spec.incident_load, 1.0)


def _play(spec: IncidentSpec, template: Template, arrival_s: FloatArray, number: int) -> Block:
    rng = _rng(spec, _REQUESTS, number)
    slowness = 1 + _LOAD_SLOWS * (_load(spec, arrival_s) - 1)
    draws = draw(spec.system, template, arrival_s, slowness, spec.error_share, rng)
    trace_ids, span_ids = (
        hex_ids(len(arrival_s), 16, rng),
        hex_ids(len(arrival_s) * len(template.slots), 8, rng),
    )
    spec.fleet.assign(template, draws, _rng(spec, _DEPLOYS, number))
    for place, fault in enumerate(spec.faults):
        chance = _rng(spec, _FAULTS, place, number)
        repeated = _rng(spec, _RETRIES, place, number)
        pauses = (spec.seed, _PAUSES, place)
        met = hit(fault, spec.inject_s(fault), spec.fleet, template, draws, (chance, repeated), pauses)
        apply_fault(met, template, draws, chance)
    played = run(template, draws)
    arrival_ns = spec.start_ns + np.rint(arrival_s * NS_PER_S).astype(np.int64)
    pod = _pods(spec, template, draws)
    skew_ns = _skew(spec, pod, arrival_s)
    return Block(played, draws.wrong, arrival_ns, spec.fleet.pods, pod, skew_ns, trace_ids, span_ids)


def _pods(spec: IncidentSpec, template: Template, draws: Draws) -> IntArray:
    """Which of all pods runs each span, shape (slots, n); a caller's spans are on the caller's pod."""
    pod = np.empty((len(template.slots), len(draws.arrival_s)), dtype=np.int64)
    for slot in template.slots:
        if isinstance(slot, ServerSlot):
            pod[slot.index] = spec.fleet.of(slot.service)[draws.pod[slot.index]]
        else:
            pod[slot.index] = pod[slot.owner]
    return pod


def _skew(spec: IncidentSpec, pod: IntArray, arrival_s: FloatArray) -> IntArray:
    """How far the clock of each span's machine is off, shape (slots, n), ns."""
    errors = clock_errors(spec, arrival_s, _rng(spec, _CLOCKS))
    node = np.array([spec.system.nodes.index(each.node) for each in spec.fleet.pods])[pod]
    skew: IntArray = errors[node, np.arange(len(arrival_s))]
    return skew


def _handled(block: Block, arrival_s: FloatArray, seconds: int) -> IntArray:
    """Requests that each pod handled in each second, shape (pods, seconds)."""
    servers = [slot.index for slot in block.run.template.servers]
    alive = block.run.alive[servers]
    second = np.broadcast_to(arrival_s.astype(np.int64), alive.shape)[alive]
    counts = np.bincount(block.pod[servers][alive] * seconds + second, minlength=len(block.pods) * seconds)
    return counts.reshape(len(block.pods), seconds)


def _tables(spec: IncidentSpec, block: Block, number: int) -> Telemetry:
    spans = (
        span_table(block, kinds=spec.kinds, statuses=spec.statuses, client_spans=spec.client_spans)
        if spec.traces
        else pl.DataFrame(schema=SPAN_SCHEMA)
    )
    logs = (
        log_table(block, _rng(spec, _LINES, number), ids=spec.log_ids)
        if spec.logs
        else pl.DataFrame(schema=LOG_SCHEMA)
    )
    return Telemetry(spans=spans, logs=logs)


def _joined(parts: list[Telemetry], metrics: pl.DataFrame) -> Telemetry:
    joined = Telemetry.concat(parts)
    return Telemetry(spans=joined.spans, logs=joined.logs, metrics=metrics)


def _truth(spec: IncidentSpec) -> Truth:
    inject_s = [spec.inject_s(fault) for fault in spec.faults]
    places = [fault.hit_places(spec.fleet, at_s) for fault, at_s in zip(spec.faults, inject_s, strict=True)]
    return Truth(
        services=tuple(fault.service for fault in spec.faults),
        pods=tuple(spec.fleet.pods[each[0]].name if len(each) == 1 else None for each in places),
        fault_types=tuple(fault.fault_type for fault in spec.faults),
        inject_ns=spec.start_ns + round(min(inject_s) * NS_PER_S) if inject_s else None,
    )
