"""Chooses the representative anomalous traces that the agents walk, and what each stands for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt
import polars as pl

from rclagent.core.evidence import Channel
from rclagent.evidence.findings import Findings

Reals: TypeAlias = npt.NDArray[np.float64]
Places: TypeAlias = npt.NDArray[np.int64]

TRACE_LIMIT: Final = 8
"""Traces walked by default; beyond it further ones rarely show anything new."""


def select_traces(findings: Findings, limit: int = TRACE_LIMIT) -> tuple[str, ...]:
    """Trace ids to walk, the most telling first.

    A greedy weighted cover: each pick is the trace that shows the most of what no earlier pick
    showed. What an observation counts is its strongest claim; between equals, observations that
    nobody is held responsible for decide (by strength), then the larger excess, then the trace
    id. Alarming traces, those that show an observation of the entry channel, come before all
    others, which are taken only for what no alarming one shows. Where there is no alarm, or
    while there are alarming traces, the cover starts anew once a pick would add nothing, so that
    what many requests show is seen more than once.

    Args:
        findings: Its witnesses say which trace shows what.
        limit: At most this many.

    Returns:
        At most ``limit`` ids; empty where there are no witnesses.
    """
    shown = _Shown.of(findings)
    chosen = _cover(shown, np.flatnonzero(shown.alarming), limit, [])
    chosen += _cover(shown, np.flatnonzero(~shown.alarming), limit - len(chosen), chosen)
    return tuple(shown.trace_ids[place] for place in chosen)


def represented(findings: Findings, trace_ids: Sequence[str]) -> dict[str, int]:
    """How many alarming traces each of the given traces stands for.

    Every alarming trace (every anomalous one, where none is alarming) is charged to the given
    trace whose observations are most like its own: by strength, what both show over what either
    shows. Between equals the earlier of the given traces is charged. A given trace that is not
    alarming stands for none.
    """
    shown = _Shown.of(findings)
    place_of = {trace_id: place for place, trace_id in enumerate(shown.trace_ids)}
    voters = shown.alarming if shown.alarming.any() else np.ones_like(shown.alarming)
    chosen = [place_of[trace_id] for trace_id in trace_ids if trace_id in place_of]
    chosen = [place for place in chosen if voters[place]]
    counts = dict.fromkeys(trace_ids, 0)
    if chosen:
        likeness = np.stack([_likeness(shown, place) for place in chosen])
        nearest = likeness.argmax(axis=0)
        charged = voters & (likeness.max(axis=0) > 0)
        for rank, place in enumerate(chosen):
            counts[shown.trace_ids[place]] = int(np.count_nonzero(charged & (nearest == rank)))
    return counts


@dataclass(frozen=True, slots=True)
class _Shown:
    """Which trace shows which observation, as parallel arrays in order of (trace, evidence)."""

    trace_ids: list[str]
    trace: Places
    """Place of the trace, for each pair of trace and observation."""
    evidence: Places
    """Place of the observation, for each pair."""
    claimed: Reals
    """Strongest claim on each observation."""
    strength: Reals
    """z score of each observation."""
    excess_ms: Reals
    """Largest excess within each trace."""
    alarming: npt.NDArray[np.bool_]
    """Whether each trace shows an observation of the entry channel."""

    @staticmethod
    def of(findings: Findings) -> _Shown:
        known = list(findings.evidence)
        pairs = (
            findings.witnesses.filter(pl.col("evidence_id").is_in(known))
            .group_by("trace_id", "evidence_id")
            .agg(pl.col("excess_ms").max())
            .drop_nulls(["trace_id"])
            .sort("trace_id", "evidence_id")
        )
        traces = pairs.group_by("trace_id", maintain_order=True).agg(pl.col("excess_ms").max().fill_null(0.0))
        claims = [findings.claims.get(evidence_id, ()) for evidence_id in known]
        at_entry = np.array([findings.evidence[key].channel is Channel.ENTRY for key in known], dtype=bool)
        trace = pairs["trace_id"].rle_id().cast(pl.Int64).to_numpy()
        evidence = _places(pairs["evidence_id"], known)
        alarming = np.zeros(traces.height, dtype=bool)
        alarming[trace[at_entry[evidence]]] = True
        return _Shown(
            trace_ids=traces["trace_id"].to_list(),
            trace=trace,
            evidence=evidence,
            claimed=np.array([max((claim.weight for claim in held), default=0.0) for held in claims]),
            strength=np.array([findings.evidence[evidence_id].strength for evidence_id in known]),
            excess_ms=traces["excess_ms"].to_numpy(),
            alarming=alarming,
        )

    def per_trace(self, value: Reals) -> Reals:
        """Sum over the observations of each trace of a value that each observation has."""
        sums = np.bincount(self.trace, weights=value[self.evidence], minlength=len(self.trace_ids))
        # Rounded: evidence is summed in order of id, and the last digits must not tell what the ids are.
        return np.asarray(np.round(sums, 9), dtype=np.float64)

    def observations(self, place: int) -> Places:
        """Observations of one trace."""
        start, end = np.searchsorted(self.trace, [place, place + 1])
        return self.evidence[start:end]


def _places(ids: pl.Series, known: Sequence[str]) -> Places:
    places: Mapping[str, int] = {key: place for place, key in enumerate(known)}
    if not places:
        return np.zeros(0, dtype=np.int64)
    return ids.replace_strict(places, return_dtype=pl.Int64).to_numpy()


def _cover(shown: _Shown, pool: Places, limit: int, earlier: Sequence[int]) -> list[int]:
    """Greedy picks from the pool, after those made earlier from another one."""
    unclaimed_strength = np.where(shown.claimed > 0, 0.0, shown.strength)
    chosen: list[int] = []
    left = np.ones(len(shown.claimed))
    for place in earlier:
        left[shown.observations(place)] = 0.0
    while len(pool) and len(chosen) < limit:
        claimed = shown.per_trace(shown.claimed * left)[pool]
        unclaimed = shown.per_trace(unclaimed_strength * left)[pool]
        # Places are in order of trace id, which decides last.
        best = int(np.lexsort((pool, -shown.excess_ms[pool], -unclaimed, -claimed))[0])
        if claimed[best] <= 0 and unclaimed[best] <= 0 and not left.all():
            if earlier:
                break
            left[:] = 1.0
            continue
        chosen.append(int(pool[best]))
        left[shown.observations(int(pool[best]))] = 0.0
        pool = np.delete(pool, best)
    return chosen


def _likeness(shown: _Shown, place: int) -> Reals:
    """Weighted Jaccard index of every trace with one of them, 0..1."""
    member = np.zeros(len(shown.strength))
    member[shown.observations(place)] = 1.0
    whole = shown.per_trace(shown.strength)
    both = shown.per_trace(shown.strength * member)
    either = whole + whole[place] - both
    likeness = np.zeros_like(both)
    np.divide(both, either, out=likeness, where=either > 0)
    return np.asarray(np.round(likeness, 9), dtype=np.float64)
