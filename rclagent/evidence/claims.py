"""Read each observation as the doing of a service: weights by family, for fusion.

Legs are read by the ownership search, together; everything else by where it was seen:

- a log line or local step: the service that logged;
- a call that vanished or appeared: the caller, at half weight, since it may just be asked differently; the
  callee where a pod of it is gone;
- a break point: the callee that became the last call, or that gave no answer, at half weight, since
  the caller may break after it as well; without a callee, or where errors start in the caller, the
  caller;
- an error: the service where it starts; a call that fails: the callee that owes the answer, be it a
  service, a database or another peer without spans;
- silence: the callee that no longer answers.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from typing import Final, NamedTuple

import polars as pl

from rclagent.evidence.changes import HALF, weight
from rclagent.evidence.fusion import lost_share
from rclagent.evidence.ownership import STEADY, STORES_LATE, STORES_SLOW, VARYING, Owner, find_owners

LEAST_LOSS: Final = 0.05
"""An owner of less than this share of the lost time is not named."""
NAMED_CHANGE: Final = 0.3
"""Weight of a known resource that changed far without reaching its limit."""
ANONYMOUS_CHANGE: Final = 0.15
"""Weight of a series of unknown meaning that changed far."""

P95_Z: Final = 1.645
"""A normal distribution's 95th percentile, in standard deviations above the median."""

Weights = dict[str, dict[str, float]]
"""Service to evidence id to weight in 0..1."""


def charge_legs(legs: pl.DataFrame, unrecorded: pl.DataFrame | None = None) -> pl.DataFrame:
    """Each leg at each service that may own it, as the ownership search reads it.

    Args:
        legs: rclagent.evidence.legs.compare_legs, with ``evidence_id`` (null unless slow).
        unrecorded: Calls without a span of their own (rclagent.evidence.legs.unrecorded_calls).

    Returns:
        ``leg_id``, ``evidence_id``, ``service``, ``place``, ``n``, ``slow``, ``steady``, ``mostly``,
        ``lost_ms``.
    """
    parts = (
        legs.filter(pl.col("leg") != "gap")
        .with_row_index("leg_id")
        .with_columns(pl.col("leg_id").cast(pl.Int64))
    )
    rise = pl.max_horizontal(pl.col("p50_ms") - pl.col("base_p50_ms"), "excess_ms")
    parts = parts.with_columns(pl.when("slow").then(rise * pl.col("n")).otherwise(0.0).alias("lost_ms"))
    late = pl.col("excess_ms") * pl.col("n") / pl.col("over")
    is_half = pl.col("leg").is_in(["request", "response"])
    scatter = pl.when(is_half).then(pl.col("over_std_ms") / late).otherwise(_added_scatter(late))
    between = (scatter >= STEADY) & (scatter < VARYING)
    steady = pl.when(~between.fill_null(False)).then((scatter < STEADY).fill_null(False))
    parts = parts.with_columns(steady.alias("steady"), (2 * pl.col("over") > pl.col("n")).alias("mostly"))
    rest = ("n", "slow", "steady", "mostly", "lost_ms")
    inside, calls = parts.filter(pl.col("caller") == ""), parts.filter(pl.col("caller") != "")
    sides = [(calls, "callee", "in_"), (calls, "caller", "out_"), (inside, "callee", "")]
    if unrecorded is not None:
        waits = inside.filter(pl.col("leg") == "self").join(
            unrecorded.rename({"service": "callee", "callee": "called"}), on=["callee", "operation"]
        )
        sides.append((waits.with_columns(pl.lit("wait").alias("leg")), "called", "in_"))
    return pl.concat(
        table.select(
            "leg_id",
            "evidence_id",
            pl.col(end).alias("service"),
            (prefix + pl.col("leg")).alias("place"),
            *rest,
        )
        for table, end, prefix in sides
    )


def _added_scatter(late: pl.Expr) -> pl.Expr:
    """Scatter of what made a leg late that holds somebody's work, as a share of how late that made it.

    Work takes varying times by itself, so its usual variance is taken off. Of its usual values 5 %
    are above the limit; among the late ones they look like a scatter that is none, so with their share w

        mean = (1 - w) late,  variance = (1 - w) own + w (1 - w) late^2

    Args:
        late: Mean of the values above the limit, less the limit.
    """
    surely = ((pl.col("over") - 0.05 * pl.col("n")) / 0.95).clip(1.0)
    usual = (1 - surely / pl.col("over")).clip(0.0, 0.95)
    lateness = late / (1 - usual)
    variance = (pl.col("over_std_ms") ** 2 - usual * (1 - usual) * lateness**2) / (1 - usual)
    tail = pl.col("base_p95_ms") - pl.col("base_p50_ms")
    own = pl.min_horizontal("base_std_ms", tail / P95_Z)
    return (variance - own**2).clip(0).sqrt() / (lateness + tail)


class LegClaims(NamedTuple):
    """Slow legs read as the doing of services."""

    weights: Weights
    """Share of the time lost x precision of the mechanism x how much all of it is felt, at most 1."""
    owners: list[Owner]
    """Best first; then peers that may own the same legs as well."""
    lost: dict[str, float]
    """Service to the time lost that it owns, in units of what users feel
    (rclagent.evidence.fusion.lost_share)."""


def claim_legs(
    legs: pl.DataFrame,
    request_ms: float,
    strained: Mapping[str, bool] | None = None,
    unrecorded: pl.DataFrame | None = None,
) -> LegClaims:
    """Owners of the slow legs, and how much of the lost time each leg of theirs is.

    Where nothing tells a service from the peer that it waits for, the peer has half the weight of the
    service.

    Args:
        legs: rclagent.evidence.legs.compare_legs, with ``evidence_id``.
        request_ms: Time that all requests of the window took together.
        strained: Whether the own resources of a service deviate; services of which none were seen are left
            out.
        unrecorded: Calls without a span of their own (rclagent.evidence.legs.unrecorded_calls).
    """
    seen = strained or {}
    if unrecorded is not None:
        # What its own resources explain needs no callee.
        held_up = [service for service, deviates in seen.items() if deviates]
        unrecorded = unrecorded.filter(~pl.col("service").is_in(held_up))
    places = charge_legs(legs, unrecorded)
    owners = find_owners(places, LEAST_LOSS, [service for service, deviates in seen.items() if not deviates])
    lost = places.filter("slow").unique("leg_id")
    total = float(lost["lost_ms"].sum())
    weights: Weights = defaultdict(dict)
    if not total:
        return LegClaims(weights, [], {})
    felt = lost_share(total, request_ms)
    by_leg = {
        leg: (evidence, ms)
        for leg, evidence, ms in lost.select("leg_id", "evidence_id", "lost_ms").iter_rows()
    }
    rivals: list[Owner] = []
    owned: dict[str, float] = defaultdict(float)
    for owner in owners:
        owned[owner.service] += lost_share(owner.weight, request_ms)
        for leg in owner.legs:
            evidence, ms = by_leg[leg]
            weights[owner.service][evidence] = ms / total * owner.precision * min(1.0, felt)
        if owner.signature in (STORES_LATE, STORES_SLOW) and not seen.get(owner.service):
            for peer, legs_of in _peers(places, owner).items():
                rivals.append(replace(owner, service=peer, legs=tuple(legs_of)))
                for leg in legs_of:
                    evidence, ms = by_leg[leg]
                    weights[peer][evidence] = weights[owner.service][evidence] * HALF
                    owned[peer] += lost_share(ms, request_ms) * HALF
    return LegClaims(weights, [*owners, *rivals], dict(owned))


def _peers(places: pl.DataFrame, owner: Owner) -> dict[str, list[int]]:
    """Peers that an owner waits for, with those of its legs."""
    waits = places.filter((pl.col("place") == "in_store") & pl.col("leg_id").is_in(list(owner.legs)))
    legs = waits.sort("service", "leg_id").group_by("service", maintain_order=True).agg("leg_id")
    return dict(legs.iter_rows())


def claim_code(
    logs: pl.DataFrame, calls: pl.DataFrame, breaks: pl.DataFrame, errors: pl.DataFrame, silence: pl.DataFrame
) -> tuple[Weights, dict[str, float]]:
    """Weights of changed behaviour, |change| x min(1, |z| / 10), and who ends requests itself.

    Args:
        logs: rclagent.evidence.logs.compare_templates, with ``evidence_id``; so the others.
        calls: rclagent.evidence.errors.unheard_calls.
        breaks: rclagent.evidence.calls.compare_breaks.
        errors: rclagent.evidence.errors.owed_errors.
        silence: rclagent.evidence.errors.compare_attempts.
    """
    weights: Weights = defaultdict(dict)
    breakers: dict[str, float] = defaultdict(float)
    strength = weight(pl.col("z"), pl.col("change"))
    for service, evidence, value in logs.select("service", "evidence_id", strength).iter_rows():
        weights[service][evidence] = value
    for service, callee, unheard, evidence, value in calls.select(
        "service", "callee", "unheard", "evidence_id", strength
    ).iter_rows():
        weights[callee if unheard else service][evidence] = value if unheard else value * HALF
    # Whoever asks and gets no answer ends the request, but does not break it.
    owed = pl.concat(
        [
            table.select("service", "callee", strength.alias("owed"))
            for table in (errors, silence, calls.filter("unheard"))
        ]
    )
    unanswered = dict(owed.drop_nulls().sort("owed", "callee").select("service", "callee").iter_rows())
    # A service in which errors start breaks its requests itself, whomever it called last.
    failing = set(errors.filter(pl.col("callee").is_null())["service"])
    for service, callee, evidence, value in breaks.select(
        "service", "callee", "evidence_id", strength
    ).iter_rows():
        callee = "" if service in failing else unanswered.get(service, callee)
        if callee:
            weights[callee][evidence] = value * HALF
        else:
            weights[service][evidence] = value
            breakers[service] = max(breakers[service], value)
    for service, callee, evidence, value in errors.select(
        "service", "callee", "evidence_id", strength
    ).iter_rows():
        weights[callee or service][evidence] = value
    for callee, evidence, value in silence.select("callee", "evidence_id", strength).iter_rows():
        weights[callee][evidence] = value
    return weights, dict(breakers)


def claim_resources(series: pl.DataFrame) -> Weights:
    """Weights of resources: 1 at a limit; less for known and for anonymous series that changed far."""
    # A full pool weighs like a change: a slow callee fills the pools of its callers.
    full = pl.col("saturated") & ~pl.col("is_pool")
    weight = (
        pl.when(full).then(1.0).when(pl.col("resource").is_not_null()).then(NAMED_CHANGE).otherwise(ANONYMOUS_CHANGE)
    )  # fmt: skip
    weights: Weights = defaultdict(dict)
    # A series of a whole machine speaks for everyone on it, so for nobody in particular.
    of_pods = series.filter(~pl.col("is_node") & (pl.col("service") != ""))
    for service, evidence, value in of_pods.select("service", "evidence_id", weight).iter_rows():
        weights[service][evidence] = value
    return weights
