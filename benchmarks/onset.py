"""Unknown alarm: how far the onset that is found lies from the injection.

An incident is given with some minutes before it, and nobody says when the alarm went off. The *delay*
is the onset found less the injection: negative where it is early. One that is more than EARLY_S early
was found for no reason, or shows that the label is late: before some labelled faults their effect is there
for half a minute to a minute. In quiet telemetry every onset is false.

Generated incidents are searched twice, with a baseline of its own and with nothing but the recording
itself. A recording without fault lists is quiet, and is cut as for ``quiet``. ShapleyIQ's incidents have
nothing before the alarm, so that they only tell whether an onset is found. Traces alone are read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from math import ceil
from pathlib import Path
from random import Random
from typing import Any, Final

from benchmarks.cases import CaseView
from benchmarks.datasets import load_dataset
from benchmarks.generated import QUIET_LOAD, varied_system
from benchmarks.nezha import day_folders
from benchmarks.protocol import MARGIN_S, NS_PER_S, cut, recorded
from benchmarks.quiet import quiet_cases
from benchmarks.statistics import wilson
from benchmarks.tables import share
from rclagent import FaultType, InputError, Telemetry, Window, incident_from_telemetry
from rclagent.testing import Deploy, Fault, IncidentSpec, generate

NAME: Final = "onset"
"""Kind of the result file."""
EARLY_S: Final = 30.0
"""An onset that is earlier by more than this counts as false."""
LEAD_S: Final = 300.0
"""Given before the alarm, seconds; less where less was recorded without a break."""
RATES: Final = (0.5, 2.0, 8.0)
"""Requests a second of generated incidents."""
HEALTHY_EVERY: Final = 5
"""Every fifth generated incident has a deploy and no fault."""
ALL: Final = "all"
"""Name of the group of all incidents of a source."""
HEADINGS: Final = ("data", "incidents", "faults", "found", "95 %", "median s", "90 % s", "early", "quiet")
"""Columns of the table: onsets found, distance from the injection, share of those too early, onsets found in
quiet telemetry."""

_TYPES: Final = tuple(kind for kind in FaultType if kind is not FaultType.UNKNOWN)
_TRACES: Final = ("traces",)
_TRIES: Final = 8
_FURTHER: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Search:
    """What was found in one recording."""

    data: str
    """Where it comes from."""
    groups: tuple[str, ...]
    """Groups that it counts in, beside all."""
    injected: bool
    """Whether there is a fault in it."""
    delay_s: float | None
    """Onset less injection, or less the start of a quiet window; None where no onset was found."""


def search_generated(count: int, seed: int = 0) -> Iterator[Search]:
    """Searches generated incidents, the numbers from ``seed`` on, with a baseline and without."""
    for number in range(seed, seed + count):
        spec = incident_spec(number)
        made = generate(spec)
        kinds = [fault.fault_type.value for fault in spec.faults]
        groups = (f"{spec.requests_per_s:g} requests/s", *kinds)
        for data, baseline in (("generated", made.baseline), ("generated, no baseline", None)):
            delay_s = _delay_s(made.incident, baseline, made.alarm_ns)
            yield Search(data, groups, bool(spec.faults), delay_s)


def incident_spec(number: int) -> IncidentSpec:
    """An incident with two to four minutes before it, all drawn from its number; under changing load."""
    chance = Random(number)
    system = varied_system(number, 15)
    services = sorted(service.name for service in system.services)
    healthy = number % HEALTHY_EVERY == 0
    for _ in range(_TRIES):
        fault = Fault(_TYPES[number % len(_TYPES)], chance.choice(services))
        deploy = Deploy(chance.choice(services), chance.uniform(-60.0, 60.0), "9.9.9")
        try:
            return IncidentSpec(
                seed=number,
                system=system,
                faults=() if healthy else (fault,),
                deploys=(deploy,) if healthy else (),
                logs=False,
                metrics=False,
                requests_per_s=RATES[number // len(_TYPES) % len(RATES)],
                baseline_s=900.0,
                lead_s=chance.uniform(120.0, 240.0),
                load_drift=0.3,
                incident_load=chance.choice((1.0, QUIET_LOAD)),
            )
        except InputError:
            continue  # Not every service can show every fault: one without a database has no slow disk.
    return incident_spec(number + _FURTHER)


def search_data(data: Path, limit: int | None = None) -> Iterator[Search]:
    """Searches every case of a data set.

    Args:
        data: A folder in the layout of ShapleyIQ or of Nezha; of these one without fault lists is quiet.
        limit: Only the first cases, of each day where there are faults.

    Raises:
        InputError: The folder is neither, or a quiet recording is too short.
    """
    name = data.resolve().name
    if (data / "labels.json").is_file():
        for labelled in load_dataset("shapleyiq", data, modalities=_TRACES).cases[:limit]:
            yield search_case(name, labelled.load(), injected=True)
        return
    days = day_folders(data, None)
    if not any(any(day.glob("*-fault_list.json")) for day in days):
        for case in islice(quiet_cases(data, modalities=_TRACES), limit):
            yield search_case(name, case, injected=False)
        return
    for day in days:
        for labelled in load_dataset("nezha", data, day=day.name, modalities=_TRACES).cases[:limit]:
            yield search_case(f"{name} {day.name}", labelled.load(), injected=True)


def search_case(data: str, case: CaseView, *, injected: bool) -> Search:
    """Searches a case together with what was recorded right before it."""
    lead = _lead(case)
    telemetry, baseline = case.telemetry, case.baseline
    if lead is not None:
        telemetry = Telemetry.concat([cut(baseline, [lead]), telemetry])
        baseline = cut(baseline, Window(0, 2**63 - 1).minus([lead]))
    known = baseline if baseline.spans.height else None
    return Search(data, (), injected, _delay_s(telemetry, known, case.alarm_ns))


def summary(searches: Sequence[Search]) -> dict[str, Any]:
    """Figures of each source, of all its incidents and by group, as JSON."""
    sets = []
    for data in dict.fromkeys(search.data for search in searches):
        mine = [search for search in searches if search.data == data]
        sets.append(_figures(data, ALL, mine))
        for group in sorted({group for search in mine for group in search.groups}):
            sets.append(_figures(data, group, [search for search in mine if group in search.groups]))
    return {"dataset": NAME, "early_s": EARLY_S, "sets": sets}


def rows(content: Mapping[str, Any]) -> list[list[str]]:
    """A row a source and group; the first row is the head."""
    return [list(HEADINGS), *map(_row, content["sets"])]


def _lead(case: CaseView) -> Window | None:
    """The last LEAD_S before the alarm, as far as they were recorded without a break."""
    if not case.baseline_windows:
        return None
    runs = [run for run in recorded(case.baseline) if run.start_ns < case.alarm_ns]
    if not runs or case.alarm_ns - runs[-1].end_ns > MARGIN_S * NS_PER_S:
        return None
    return Window(max(runs[-1].start_ns, case.alarm_ns - round(LEAD_S * NS_PER_S)), case.alarm_ns)


def _delay_s(telemetry: Telemetry, baseline: Telemetry | None, at_ns: int) -> float | None:
    incident = incident_from_telemetry(telemetry, baseline_telemetry=baseline)
    return (incident.alarm_ns - at_ns) / NS_PER_S if incident.alarm.value == "found" else None


def _figures(data: str, group: str, searches: Sequence[Search]) -> dict[str, Any]:
    faulty = [search for search in searches if search.injected]
    quiet = [search for search in searches if not search.injected]
    delays = [search.delay_s for search in faulty if search.delay_s is not None]
    distances = sorted(map(abs, delays))
    return {
        "data": data,
        "group": group,
        "n": len(faulty),
        "found": len(delays),
        "intervals": {"found": list(wilson(len(delays), len(faulty)))},
        "median_s": _quantile(distances, 0.5),
        "p90_s": _quantile(distances, 0.9),
        "early": sum(delay < -EARLY_S for delay in delays),
        "n_quiet": len(quiet),
        "found_in_quiet": sum(search.delay_s is not None for search in quiet),
    }


def _quantile(ordered: Sequence[float], portion: float) -> float | None:
    """Smallest value that so many are no larger than; None where there is none."""
    return round(ordered[ceil(portion * len(ordered)) - 1], 3) if ordered else None


def _row(part: Mapping[str, Any]) -> list[str]:
    n, found = part["n"], part["found"]
    low, high = part["intervals"]["found"]
    return [
        part["data"],
        part["group"],
        str(n),
        share(found / n if n else None),
        f"{low:.2f}-{high:.2f}" if n else "-",
        *("-" if part[name] is None else f"{part[name]:.1f}" for name in ("median_s", "p90_s")),
        share(part["early"] / found if found else None),
        f"{part['found_in_quiet']} of {part['n_quiet']}" if part["n_quiet"] else "-",
    ]
