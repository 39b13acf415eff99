"""The evidence step: all channels over the whole incident, fused to candidates."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Final

import networkx as nx
import polars as pl

from rclagent.core.baseline import LEG_KEYS, Baseline
from rclagent.core.diagnosis import RuledOut
from rclagent.core.evidence import Channel, Evidence, EvidenceKind, Idea
from rclagent.core.incident import Incident
from rclagent.evidence.calls import compare_breaks, compare_calls, own_breaks
from rclagent.evidence.chance import Chance, temper
from rclagent.evidence.claims import Weights, claim_code, claim_legs, claim_resources
from rclagent.evidence.deploys import find_changes
from rclagent.evidence.dominance import dominant_legs
from rclagent.evidence.entry import compare_entries
from rclagent.evidence.errors import (
    compare_attempts,
    compare_errors,
    owed_errors,
    unheard_calls,
    vanished_pods,
)
from rclagent.evidence.fault_types import name_fault
from rclagent.evidence.findings import Candidate, Claim, Entry, Findings
from rclagent.evidence.fusion import Suspicion, fuse
from rclagent.evidence.legs import compare_legs, peer_calls, unrecorded_calls, whole_calls
from rclagent.evidence.logs import compare_templates, silent_services
from rclagent.evidence.observations import (
    Row,
    break_evidence,
    by_id,
    call_evidence,
    entry_evidence,
    error_evidence,
    figure,
    leg_evidence,
    observe,
    series_evidence,
    silence_evidence,
    template_evidence,
)
from rclagent.evidence.ownership import Owner
from rclagent.evidence.placement import place
from rclagent.evidence.resources import compare_series
from rclagent.evidence.statistics import Z_GATE
from rclagent.evidence.witnesses import Observed, exhibits, with_references, witnesses

MOSTLY_EXPLAINED: Final = 0.5
"""A component of whose change at least this share is explained by another is ruled out."""


def collect_evidence(incident: Incident, without: Collection[Channel | Idea] = ()) -> Findings:
    """Measure an incident with every channel, and fuse what they see.

    Args:
        incident: Telemetry, window and baseline. Without a baseline only what needs none is
            measured: which legs make up the time of the requests.
        without: Channels and rules to leave out, to see what each contributes.

    Returns:
        Observations, their owners, candidates best first, and who shows what.
    """
    if incident.baseline is None:
        return replace(dominant_legs(incident.store, incident.window), changes=find_changes(incident))
    store, window, baseline = incident.store, incident.window, incident.baseline
    legs = compare_legs(store, window, baseline)
    legs = legs.clear() if Channel.LEGS in without else legs
    legs = whole_calls(legs) if Idea.HALVES in without else legs
    entries = compare_entries(store, window, baseline)
    observed, evidence = _observe(incident, legs, entries, baseline, without)
    shown = exhibits(store, window, baseline, observed)
    seen = witnesses(shown)
    evidence = with_references(evidence, seen)

    requests = store.entries([window])
    request_ms = float((requests["n"] * requests["mean_ms"]).sum())
    all_legs = legs.join(observed.legs.select(*LEG_KEYS, "evidence_id"), on=list(LEG_KEYS), how="left")
    # Where only slow legs are looked at, none speaks against a mechanism.
    all_legs = all_legs.filter("slow") if Idea.NEGATIVES in without else all_legs
    resources = claim_resources(observed.series)
    seen_resources = {} if Channel.RESOURCES in without else _strained(incident, baseline, resources)
    timing = claim_legs(all_legs, request_ms, seen_resources, unrecorded_calls(baseline))
    breaks = own_breaks(observed.breaks, observed.calls, observed.legs, baseline)
    code, breakers = claim_code(observed.logs, observed.calls, breaks, observed.errors, observed.silence)
    services = _service_calls(incident, baseline)
    one_witness = Idea.ONE_WITNESS not in without
    measured = fuse(timing.weights, code, resources, breakers, services, one_witness=one_witness)
    chance = Chance.of(baseline.quiet)
    suspicions = {
        service: item
        if Idea.CHANCE in without
        else temper(item, evidence, chance, timing.lost.get(service, 0.0))
        for service, item in measured.items()
    }

    candidates = _candidates(incident, suspicions, timing.owners, observed, evidence, shown)
    components = store.components([window])
    return Findings(
        evidence=evidence,
        claims=_claims(candidates, suspicions),
        candidates=candidates,
        ruled_out=_ruled_out(measured),
        entries=_entries(entries),
        witnesses=seen,
        services=tuple(
            pl.concat([components["service"], baseline.components["service"]]).unique().sort().to_list()
        ),
        changes=find_changes(incident),
        sees_failures=_sees_failures(incident, baseline),
        missing=_missing(incident, baseline),
    )


def _observe(
    incident: Incident,
    legs: pl.DataFrame,
    entries: pl.DataFrame,
    baseline: Baseline,
    without: Collection[Channel | Idea],
) -> tuple[Observed, dict[str, Evidence]]:
    store, window = incident.store, incident.window
    calls = unheard_calls(compare_calls(store, window, baseline), store, window, baseline)
    errors = owed_errors(compare_errors(store, window, baseline), calls)
    breaks, led = compare_breaks(store, window, baseline), Idea.LEADS not in without
    breaks = breaks.clear() if Idea.BREAK_POINTS in without else breaks
    deviating = entries.filter(pl.max_horizontal("slow_z", "failed_z") > Z_GATE)
    slow = legs.filter(pl.col("slow") & (pl.col("leg") != "gap"))
    measured: dict[str, tuple[Channel, pl.DataFrame, Callable[[Row], Evidence]]] = {
        "legs": (Channel.LEGS, slow, leg_evidence),
        "logs": (Channel.LOGS, compare_templates(store, window, baseline, led=led), template_evidence),
        "calls": (Channel.CALLS, calls, call_evidence),
        "breaks": (Channel.CALLS, breaks, break_evidence),
        "errors": (Channel.ERRORS, errors, error_evidence),
        "silence": (Channel.ERRORS, compare_attempts(store, window, baseline), silence_evidence),
        "series": (Channel.RESOURCES, compare_series(store, window, baseline), series_evidence),
        "entries": (Channel.ENTRY, deviating, entry_evidence),
    }
    found = {
        name: observe(table.clear() if channel in without else table, make)
        for name, (channel, table, make) in measured.items()
    }
    observed = Observed(**{name: table for name, (table, _) in found.items()})
    return observed, by_id(items for _, items in found.values())


def _service_calls(incident: Incident, baseline: Baseline) -> nx.DiGraph[str]:
    """Who calls whom, in the incident or before; peers without spans included."""
    graph: nx.DiGraph[str] = nx.DiGraph()
    calls = [
        table.select("service", "callee")
        for table in (baseline.calls, incident.store.calls([incident.window]), peer_calls(baseline.legs))
    ]
    edges = pl.concat(calls).filter(pl.col("callee") != pl.col("service"))
    graph.add_edges_from(edges.unique().sort("service", "callee").iter_rows())
    return graph


def _strained(incident: Incident, baseline: Baseline, resources: Weights) -> dict[str, bool]:
    """Whether the resources of a service deviate; services without metrics on both sides are left out."""
    seen, known = (
        set(table.filter((pl.col("metrics") > 0) & (pl.col("service") != ""))["service"])
        for table in (incident.store.components([incident.window]), baseline.components)
    )
    return {service: service in resources for service in sorted(seen & known)}


def _candidates(
    incident: Incident,
    suspicions: Mapping[str, Suspicion],
    owners: Sequence[Owner],
    observed: Observed,
    evidence: Mapping[str, Evidence],
    shown: pl.DataFrame,
) -> tuple[Candidate, ...]:
    components = incident.store.components([incident.window])
    ends = pl.DataFrame(
        [(item.id, item.component.service, item.peer) for item in evidence.values()],
        schema={"evidence_id": pl.String, "callee": pl.String, "caller": pl.String},
        orient="row",
    )
    placed = shown.join(ends, on="evidence_id", how="inner")
    gone = (
        vanished_pods(incident.store, incident.window, incident.baseline)
        if incident.baseline
        else pl.DataFrame()
    )
    found = []
    for service, suspicion in suspicions.items():
        if suspicion.score <= 0:
            continue
        ids = tuple(sorted(suspicion.weights, key=lambda name: (-suspicion.weights[name], name)))
        silent = any(evidence[name].kind is EvidenceKind.SILENCE for name in ids)
        named = [
            pod
            for name in ids
            if evidence[name].kind is EvidenceKind.SATURATION and (pod := evidence[name].component.pod)
        ]
        if silent and gone.height:
            named = gone.filter(pl.col("service") == service)["pod"].to_list() + named
        mine = [owner for owner in owners if owner.service == service]
        found.append(
            Candidate(
                component=place(service, ids, placed, components, named),
                fault_type=name_fault(suspicion, mine, observed.legs, evidence),
                score=suspicion.score,
                evidence=ids,
                chance=figure(suspicion.chance),
            )
        )
    # Equal scores are ordered by what does not depend on names where possible.
    return tuple(sorted(found, key=lambda item: (-item.score, -len(item.evidence), item.component.service)))


def _claims(
    candidates: Sequence[Candidate], suspicions: Mapping[str, Suspicion]
) -> dict[str, tuple[Claim, ...]]:
    claims: dict[str, list[Claim]] = {}
    for candidate in candidates:
        for name, weight in suspicions[candidate.component.service].weights.items():
            if weight > 0:
                claims.setdefault(name, []).append(Claim(candidate.component, candidate.fault_type, weight))
    return {
        name: tuple(sorted(items, key=lambda claim: (-claim.weight, claim.component.service)))
        for name, items in sorted(claims.items())
    }


def _ruled_out(suspicions: Mapping[str, Suspicion]) -> tuple[RuledOut, ...]:
    return tuple(
        RuledOut(
            service=service,
            reason=f"its changes follow from those of {suspicion.explained_by}",
            evidence=tuple(sorted(suspicion.weights, key=lambda name: (-suspicion.weights[name], name))),
        )
        for service, suspicion in suspicions.items()
        if suspicion.explained_by
        and suspicion.code_left <= (1 - MOSTLY_EXPLAINED) * suspicion.code
        and suspicion.code_left >= suspicion.timing + suspicion.resources
    )


def _entries(table: pl.DataFrame) -> tuple[Entry, ...]:
    return tuple(
        Entry(
            service=row["service"],
            operation=row["operation"],
            requests=row["n"],
            affected=min(row["n"], row["over"] + row["failed"]),
            strength=max(0.0, row["slow_z"], row["failed_z"]),
        )
        for row in table.iter_rows(named=True)
    )


def _missing(incident: Incident, baseline: Baseline) -> tuple[str, ...]:
    silent = silent_services(incident.store, incident.window, baseline)
    return tuple(
        f"The logs of {service} are gone while its spans go on: their collection broke, so they tell nothing."
        for service in silent
    )


def _sees_failures(incident: Incident, baseline: Baseline) -> bool:
    logs = min(incident.store.counts([incident.window])["logs"], baseline.counts["logs"])
    return logs > 0 or not incident.store.errors([incident.window]).is_empty()
