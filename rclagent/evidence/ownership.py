"""Who owns the slow legs: a search over (service, kind of fault).

Each hypothesis predicts which legs of a service are slow; what it predicts and is *not* slow
counts against it:

    score = weight explained x share of the predicted calls whose leg is indeed slow

The weight of a leg is the time lost in it: calls times rise, in ms. The best hypothesis is
taken, the legs that it explains are removed, and the search goes on, so several causes come out
of one search. Signatures: delayed packets, their variant that spares the service's own replies,
CPU contention, slow work inside the service; and late answers of a peer that sends no spans, such as a
database, whoever asks it.

A wait that one service alone has for a peer that nobody else asks may be the doing of either. Late by a
constant time it is the service's where all its packets are late, replies included. Late by varying times it
is the service's unless its own resources were seen and are as usual. Between equals the service is named.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

import polars as pl

from rclagent.core.evidence import FaultType
from rclagent.evidence.observations import figure


@dataclass(frozen=True, slots=True)
class Signature:
    """Which legs of a service a kind of fault makes slow.

    Places: ``in_request``, ``in_response``, ``in_message`` (the side of the callers), ``out_request``,
    ``out_response``, ``out_message`` (the side of the callees), ``self``, ``store``; where a wait for a store
    names whom it waits for, ``out_store`` on the side of the service and ``in_store`` on that of the peer;
    ``in_wait``, own time of callers that record no calls, so that it holds both halves of these.
    """

    name: str
    """Short name of the mechanism."""
    fault_type: FaultType
    """Kind of fault."""
    predicts: frozenset[str]
    """Places that must be slow."""
    allows: frozenset[str] = frozenset()
    """Places that may be slow; explained, but not counted against when they are not."""
    steady: frozenset[str] = frozenset()
    """Of these, places that are late by a constant time if by this mechanism."""
    varying: frozenset[str] = frozenset()
    """Of these, places that are late by a varying time if by this mechanism."""
    mostly: frozenset[str] = frozenset()
    """Of these, places that are late in most calls if by this mechanism."""
    seldom: frozenset[str] = frozenset()
    """Of these, places that are late in fewer calls if by this mechanism."""

    def unfit(self) -> pl.Expr:
        """Whether the lateness of a leg is not this mechanism's."""
        place, steady = pl.col("place"), pl.col("steady")
        return (
            (place.is_in(list(self.steady)) & ~steady.fill_null(True))
            | (place.is_in(list(self.varying)) & steady.fill_null(False))
            | (place.is_in(list(self.mostly)) & ~pl.col("mostly"))
            | (place.is_in(list(self.seldom)) & pl.col("mostly"))
        )


def _places(*names: str) -> frozenset[str]:
    return frozenset(names)


STORES_LATE: Final = Signature(
    "waits a constant time for its peers",
    FaultType.NETWORK_DELAY,
    _places("out_store", "in_response", "in_message"),
    steady=_places("out_store"),
)
STORES_SLOW: Final = Signature(
    "slow peers", FaultType.DISK_IO, _places("out_store"), varying=_places("out_store")
)
KEEPS_WAITING: Final = Signature(
    "keeps callers waiting", FaultType.NETWORK_DELAY, _places("in_wait"), _places("self"), _places("self")
)
SELDOM_WAITING: Final = Signature(
    "keeps callers waiting now and then",
    FaultType.NETWORK_LOSS,
    _places("in_wait"),
    _places("self"),
    seldom=_places("in_wait", "self"),
)
SIGNATURES: Final = (
    Signature(
        "replies late",
        FaultType.NETWORK_DELAY,
        _places("in_response"),
        _places("in_request", "in_message", "out_store"),
    ),
    Signature(
        "sends late",
        FaultType.NETWORK_DELAY,
        _places("out_request"),
        _places("store", "out_store", "self"),
        _places("self"),
    ),
    Signature(
        "replies and sends late",
        FaultType.NETWORK_DELAY,
        _places("in_response", "out_request"),
        _places("in_request", "in_message", "store", "out_store", "self"),
        _places("self"),
    ),
    Signature(
        "fetches late",
        FaultType.NETWORK_DELAY,
        _places("in_message"),
        _places("in_request", "self", "store", "out_store"),
        _places("in_message", "self"),
    ),
    Signature(
        "waits a constant time",
        FaultType.NETWORK_DELAY,
        _places("self"),
        _places("store", "out_store"),
        _places("self"),
    ),
    Signature(
        "waits a constant time for its store",
        FaultType.NETWORK_DELAY,
        _places("store"),
        steady=_places("store"),
    ),
    STORES_LATE,
    KEEPS_WAITING,
    SELDOM_WAITING,
    Signature("slow work", FaultType.UNKNOWN, _places("self"), _places("store", "out_store")),
    Signature(
        "starved of CPU",
        FaultType.CPU,
        _places("in_request", "out_response", "self"),
        _places("in_message", "in_wait", "store", "out_store"),
        varying=_places("in_request", "in_message"),
        mostly=_places("in_message", "in_wait"),
    ),
    Signature("slow store", FaultType.DISK_IO, _places("store")),
    STORES_SLOW,
    Signature("lags behind", FaultType.UNKNOWN, _places("in_message"), _places("self", "store", "out_store")),
    Signature(
        "answers a constant time late",
        FaultType.NETWORK_DELAY,
        _places("in_store"),
        _places("out_message"),
        _places("in_store"),
    ),
    Signature("answers late", FaultType.DISK_IO, _places("in_store"), _places("out_message")),
    Signature("hands out late", FaultType.UNKNOWN, _places("out_message")),
)
"""Measured on injected faults. A delay of packets is constant, and so is the wait of a service whose
packets to a database are late; a process that waits for its turn on the CPU takes its requests at any
point of the quota period, so requests reach it by varying times late. Of equal scores the first counts: legs
that nobody records, as those of calls without a span of the caller, do not speak for the CPU."""

OWN_PLACES: Final = _places("self", "store", "out_store")
"""Places inside a service, or where it waits for others of which not all may be slow."""
PEER_PLACES: Final = _places("in_store", "out_message")
"""Places of whoever sends no spans."""
STEADY: Final = 0.15
"""Late values whose standard deviation is below this share of their mean are late by a constant: delayed
packets measured 0.004 to 0.08."""
VARYING: Final = 0.25
"""From here on they are late by a varying time, as turns on the CPU are; between the two lie waits for
several delayed packets, and chance in few values: they may be either."""


@dataclass(frozen=True, slots=True)
class Owner:
    """A service and mechanism that explain slow legs."""

    service: str
    """Held responsible."""
    signature: Signature
    """Mechanism."""
    score: float
    """Weight explained times precision, in ms."""
    weight: float
    """Time lost that it explains, in ms."""
    precision: float
    """Share of the predicted calls whose leg is slow, 0..1."""
    legs: tuple[int, ...]
    """Positions of the legs explained, in the table searched."""


def find_owners(places: pl.DataFrame, least: float, quiet: Collection[str] = ()) -> list[Owner]:
    """Owners of the slow legs, best first.

    Args:
        places: One line for each (leg, service it may be charged to): ``leg_id`` (position of the
            leg), ``service``, ``place``, ``n``, ``slow``, ``steady`` (late by a constant
            time; null where it may be), ``mostly`` (most calls are late), ``lost_ms`` (time lost; 0
            unless slow).
        least: Owners that explain less than this share of all time lost are not named.
        quiet: Services whose own resources were seen and are as usual.

    Returns:
        Owners with disjoint legs.
    """
    total = float(places.filter("slow").unique("leg_id")["lost_ms"].sum())
    owners: list[Owner] = []
    explained: set[int] = set()
    while True:
        best = _best_owner(places, explained, quiet)
        if best is None or best.weight < least * total:
            return owners
        owners.append(best)
        explained.update(best.legs)


def _best_owner(places: pl.DataFrame, explained: set[int], quiet: Collection[str]) -> Owner | None:
    found: list[Owner] = []
    for signature in SIGNATURES:
        place = pl.col("place")
        fits = places.with_columns((pl.col("slow") & ~signature.unfit()).alias("fits"))
        hit = _precision(fits.filter(place.is_in(list(signature.predicts))), signature)
        open_legs = fits.filter(pl.col("fits") & ~pl.col("leg_id").is_in(list(explained)))
        gain = (
            open_legs.filter(place.is_in(list(signature.predicts | signature.allows)))
            .group_by("service")
            .agg(pl.col("lost_ms").sum().alias("weight"), "leg_id")
        )
        table = gain.join(hit, on="service", how="inner").filter(pl.col("precision") > 0)
        if signature is STORES_SLOW:
            table = table.filter(~pl.col("service").is_in(list(quiet)))
        for service, weight, legs, precision in table.select(
            "service", "weight", "leg_id", "precision"
        ).iter_rows():
            found.append(
                Owner(
                    service,
                    signature,
                    figure(weight * precision),
                    weight,
                    precision,
                    tuple(sorted(set(legs))),
                )
            )
    return max(found, key=_order, default=None)


def _order(owner: Owner) -> tuple[float, float, int, str]:
    """Of equals a service goes before a peer that shows nothing of itself; and a callee before its caller
    that is late where it calls it, and nowhere else."""
    peer = owner.signature.predicts <= PEER_PLACES
    return (
        owner.score,
        owner.precision,
        (owner.signature in (KEEPS_WAITING, SELDOM_WAITING)) - peer,
        owner.service,
    )


def _precision(predicted: pl.DataFrame, signature: Signature) -> pl.DataFrame:
    """Share of what a mechanism predicts to be slow that is slow, by ``service``, counted in calls.

    A fault of the network or the CPU meets all calls of a service, so a leg that is not slow counts
    against it. Work inside a service may be slow in one operation alone, so only slow ones count. Calls of a
    slow leg that are not late count as well: one replica of three may be at fault, one packet of five lost.
    """
    if signature.predicts <= OWN_PLACES:
        predicted = predicted.filter("slow")
    fitting = (pl.col("n").filter("fits").sum() / pl.col("n").sum()).alias("precision")
    return predicted.group_by("service").agg(fitting)
