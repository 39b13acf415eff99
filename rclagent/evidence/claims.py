"""Read each observation as the doing of a service: weights by family, for fusion.

Legs are read by the ownership search, together; everything else by where it was seen:

- a log line or local step: the service that logged;
- a call that vanished or appeared: the caller, at half weight, since it may just be asked differently;
- a break point: the callee that became the last call, or that gave no answer, at half weight, since
  the caller may break after it as well; without a callee, or where errors start in the caller, the
  caller;
- an error: the service where it starts; a call that nobody answered: the callee that is no
  longer reached;
- silence: the callee that no longer answers.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Final, NamedTuple

import polars as pl

from rclagent.evidence.changes import HALF, weight
from rclagent.evidence.fusion import lost_share
from rclagent.evidence.ownership import STEADY, VARYING, Owner, find_owners

LEAST_LOSS: Final = 0.05
"""An owner of less than this share of the lost time is not named."""
NAMED_CHANGE: Final = 0.3
"""Weight of a known resource that changed far without reaching its limit."""
ANONYMOUS_CHANGE: Final = 0.15
"""Weight of a series of unknown meaning that changed far."""

Weights = dict[str, dict[str, float]]
"""Service to evidence id to weight in 0..1."""


def charge_legs(legs: pl.DataFrame) -> pl.DataFrame:
    """Each leg at each service that may own it, as the ownership search reads it.

    Args:
        legs: rclagent.evidence.legs.compare_legs, with ``evidence_id`` (null unless slow).

    Returns:
        ``leg_id``, ``evidence_id``, ``service``, ``place``, ``n``, ``slow``, ``steady``, ``lost_ms``.
    """
    parts = (
        legs.filter(pl.col("leg") != "gap")
        .with_row_index("leg_id")
        .with_columns(pl.col("leg_id").cast(pl.Int64))
    )
    rise = pl.max_horizontal(pl.col("p50_ms") - pl.col("base_p50_ms"), "excess_ms")
    parts = parts.with_columns(pl.when("slow").then(rise * pl.col("n")).otherwise(0.0).alias("lost_ms"))
    late = pl.col("excess_ms") * pl.col("n") / pl.col("over")
    scatter = pl.col("over_std_ms") / late
    between = (scatter >= STEADY) & (scatter < VARYING)
    steady = pl.when(~between.fill_null(False)).then((scatter < STEADY).fill_null(False))
    parts = parts.with_columns(steady.alias("steady"))
    rest = ("n", "slow", "steady", "lost_ms")
    inside = parts.filter(pl.col("leg").is_in(["self", "store"]))
    calls = parts.filter(pl.col("leg").is_in(["request", "response"]))
    sides = [(calls, "callee", "in_"), (calls, "caller", "out_"), (inside, "callee", "")]
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


class LegClaims(NamedTuple):
    """Slow legs read as the doing of services."""

    weights: Weights
    """Share of the time lost x precision of the mechanism x how much all of it is felt, at most 1."""
    owners: list[Owner]
    """Best first."""
    lost: dict[str, float]
    """Service to the time lost that it owns, in units of what users feel
    (rclagent.evidence.fusion.lost_share)."""


def claim_legs(legs: pl.DataFrame, request_ms: float) -> LegClaims:
    """Owners of the slow legs, and how much of the lost time each leg of theirs is.

    Args:
        legs: rclagent.evidence.legs.compare_legs, with ``evidence_id``.
        request_ms: Time that all requests of the window took together.
    """
    places = charge_legs(legs)
    owners = find_owners(places, LEAST_LOSS)
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
    owned: dict[str, float] = defaultdict(float)
    for owner in owners:
        owned[owner.service] += lost_share(owner.weight, request_ms)
        for leg in owner.legs:
            evidence, ms = by_leg[leg]
            weights[owner.service][evidence] = ms / total * owner.precision * min(1.0, felt)
    return LegClaims(weights, owners, dict(owned))


def claim_code(
    logs: pl.DataFrame, calls: pl.DataFrame, breaks: pl.DataFrame, errors: pl.DataFrame, silence: pl.DataFrame
) -> tuple[Weights, dict[str, float]]:
    """Weights of changed behaviour, |change| x min(1, |z| / 10), and who ends requests itself.

    Args:
        logs: rclagent.evidence.logs.compare_templates, with ``evidence_id``; so the others.
        calls: rclagent.evidence.calls.compare_calls.
        breaks: rclagent.evidence.calls.compare_breaks.
        errors: rclagent.evidence.errors.compare_errors, with ``callee`` (null unless calls go unanswered).
        silence: rclagent.evidence.errors.compare_attempts.
    """
    weights: Weights = defaultdict(dict)
    breakers: dict[str, float] = defaultdict(float)
    strength = weight(pl.col("z"), pl.col("change"))
    for service, evidence, value in logs.select("service", "evidence_id", strength).iter_rows():
        weights[service][evidence] = value
    for service, evidence, value in calls.select("service", "evidence_id", strength * HALF).iter_rows():
        weights[service][evidence] = value
    # Whoever asks and gets no answer ends the request, but does not break it.
    unanswered = dict(
        pl.concat([table.select("service", "callee") for table in (errors, silence)]).drop_nulls().iter_rows()
    )
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
