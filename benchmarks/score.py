"""Figures of a run: every fault counts, a failed one as a miss, and chance stands beside."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Final

from benchmarks.cases import FAMILIES, Truth
from benchmarks.ranking import Ranked, family_hit, first_hit, recall_at, reciprocal_rank, ties, type_hit
from benchmarks.runs import CaseResult, Run
from benchmarks.statistics import wilson

ALL: Final = "all"
"""Name of all data sets together."""


@dataclass(frozen=True, slots=True)
class Tally:
    """Sums over faults; tallies of different faults add up."""

    n: int = 0
    """Faults."""
    recall_1: float = 0.0
    """Shares of the causes at rank 1."""
    recall_3: float = 0.0
    """Shares of the causes within the first 3."""
    recall_5: float = 0.0
    """Shares of the causes within the first 5."""
    first_hits: float = 0.0
    """Probabilities that rank 1 is a cause."""
    reciprocal_ranks: float = 0.0
    """One over the expected rank of the first cause."""
    typed: float = 0.0
    """Faults whose rank 1 is a cause, where the method names kinds of fault."""
    types_right: float = 0.0
    """Of these, with the right kind."""
    in_family: float = 0.0
    """Of ``typed``, with a label that has a family."""
    families_right: float = 0.0
    """Of these, with the right family."""

    def __add__(self, other: Tally) -> Tally:
        return Tally(*(getattr(self, part.name) + getattr(other, part.name) for part in fields(self)))

    def figures(self) -> dict[str, float | None]:
        """Means over the faults, by the names that the JSON uses."""
        n = max(self.n, 1)
        return {
            "recall@1": self.recall_1 / n,
            "recall@3": self.recall_3 / n,
            "recall@5": self.recall_5 / n,
            "first_hit@1": self.first_hits / n,
            "mrr": self.reciprocal_ranks / n,
            "fault_type_accuracy": self.types_right / self.typed if self.typed else None,
        }

    @property
    def family_accuracy(self) -> float | None:
        """Share of ``in_family`` whose family is named right; None without any."""
        return self.families_right / self.in_family if self.in_family else None


@dataclass(frozen=True, slots=True)
class Score:
    """Figures of one method on one data set, or on all together."""

    dataset: str
    """Kind of data set."""
    data: str
    """Name of its folder."""
    day: str | None
    """Day, where one was asked for."""
    method: str
    """Name of the method."""
    tally: Tally
    """Sums over all faults."""
    chance: Tally
    """The same for a uniform random order of the same candidates."""
    by_fault_type: dict[str, Tally]
    """Kind of fault -> sums; kinds of several causes are joined by ``+``."""
    seconds: float
    """Sum over the faults, each from load to answer."""
    slowest_s: float
    """The slowest fault."""
    peak_rss_mb: float
    """Largest resident memory of the process, MiB."""
    misses: tuple[dict[str, Any], ...] = ()
    """Faults whose rank 1 is not surely a cause: ``case``, ``causes``, ``first`` (the tie at rank 1,
    at most five), ``mean_rank`` of the first cause (None where it is in no place)."""
    failed: tuple[dict[str, str], ...] = ()
    """Faults that gave no ranking: ``case``, ``error``; they are misses too."""
    run: dict[str, Any] = field(default_factory=dict)
    """Options of the run: ``modalities``, ``window_s``, ``limit``, ``version``, ``code``, ``date``."""

    @property
    def label(self) -> str:
        """Data set and day as a table shows them."""
        return self.data if self.day is None else f"{self.data} {self.day}"

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval of first_hit@1."""
        return wilson(self.tally.first_hits, self.tally.n)

    def to_json(self) -> dict[str, Any]:
        """The published keys first, then what else there is to know."""
        low, high = self.interval
        chance = {key: value for key, value in self.chance.figures().items() if "accuracy" not in key}
        return {
            "dataset": self.dataset,
            "method": self.method,
            "n_faults": self.tally.n,
            **self.tally.figures(),
            "by_fault_type": {
                kind: {"n_faults": part.n, **part.figures(), **_shares_of(part)}
                for kind, part in self.by_fault_type.items()
            },
            "seconds_per_fault": self.seconds / max(self.tally.n, 1),
            "peak_rss_mb": self.peak_rss_mb,
            "data": self.data,
            "day": self.day,
            **_shares_of(self.tally),
            "seconds_max": self.slowest_s,
            "chance": chance,
            "intervals": {"first_hit@1": [low, high]},
            "misses": list(self.misses),
            "failed": list(self.failed),
            "run": self.run,
        }

    @staticmethod
    def from_json(values: dict[str, Any]) -> Score:
        """The score that to_json wrote, up to rounding."""
        n = values["n_faults"]
        kinds = {kind: _tally(part, part["n_faults"]) for kind, part in values["by_fault_type"].items()}
        return Score(
            dataset=values["dataset"],
            data=values["data"],
            day=values["day"],
            method=values["method"],
            tally=_tally(values, n),
            chance=_tally(values["chance"], n),
            by_fault_type=kinds,
            seconds=values["seconds_per_fault"] * n,
            slowest_s=values["seconds_max"],
            peak_rss_mb=values["peak_rss_mb"],
            misses=tuple(values["misses"]),
            failed=tuple(values["failed"]),
            run=values["run"],
        )


def score_run(run: Run) -> Score:
    """Figures of one run."""
    header, results = run.header, run.results
    types = any(kind is not None for result in results for _, _, kind in result.ranking)
    tallies = [_tally_result(result, types) for result in results]
    kinds = ["+".join(dict.fromkeys(cause.fault_type for cause in result.truth.causes)) for result in results]
    pairs = list(zip(kinds, tallies, strict=True))
    return Score(
        dataset=header.dataset,
        data=header.data,
        day=header.day,
        method=header.method,
        tally=_sum(tallies),
        chance=_sum(_tally_case(result.truth, (), result.candidates, False) for result in results),
        by_fault_type={kind: _sum(t for k, t in pairs if k == kind) for kind in sorted(set(kinds))},
        seconds=sum(result.seconds for result in results),
        slowest_s=max((result.seconds for result in results), default=0.0),
        peak_rss_mb=max((result.peak_rss_mb for result in results), default=0.0),
        misses=tuple(_miss(r) for r, t in zip(results, tallies, strict=True) if t.first_hits < 1),
        failed=tuple({"case": r.case, "error": r.error} for r in results if r.error is not None),
        run={
            "modalities": list(header.modalities),
            "window_s": header.window_s,
            "limit": header.limit,
            "version": header.version,
            "code": header.code,
            "date": header.date,
        },
    )


def together(scores: Sequence[Score]) -> list[Score]:
    """One score a method over all its data sets, every fault with the same weight."""
    methods = dict.fromkeys(score.method for score in scores)
    return [_pooled([score for score in scores if score.method == method]) for method in methods]


def _pooled(scores: Sequence[Score]) -> Score:
    kinds = sorted({kind for score in scores for kind in score.by_fault_type})
    return Score(
        dataset=ALL,
        data=ALL,
        day=None,
        method=scores[0].method,
        tally=_sum(score.tally for score in scores),
        chance=_sum(score.chance for score in scores),
        by_fault_type={kind: _sum(s.by_fault_type.get(kind, Tally()) for s in scores) for kind in kinds},
        seconds=sum(score.seconds for score in scores),
        slowest_s=max(score.slowest_s for score in scores),
        peak_rss_mb=max(score.peak_rss_mb for score in scores),
        misses=tuple(miss for score in scores for miss in score.misses),
        failed=tuple(case for score in scores for case in score.failed),
        run={"sets": [score.label for score in scores]},
    )


def _shares_of(tally: Tally) -> dict[str, float | None]:
    """What the accuracies of kind and family are shares of, and the latter."""
    return {
        "n_typed": tally.typed,
        "family_accuracy": tally.family_accuracy,
        "n_in_family": tally.in_family,
    }


def _tally_result(result: CaseResult, types: bool) -> Tally:
    # A failed case named nobody, yet it earns none of what naming nobody would: it is a miss.
    if result.error is not None:
        return Tally(n=1)
    return _tally_case(result.truth, result.ranking, result.candidates, types)


def _tally_case(truth: Truth, ranking: Sequence[Ranked], candidates: Sequence[str], types: bool) -> Tally:
    places = ties(ranking, candidates)
    causes = truth.services
    recall_1, recall_3, recall_5 = (recall_at(k, places, causes) for k in (1, 3, 5))
    labelled = [cause for cause in truth.causes if cause.fault_type in FAMILIES]
    return Tally(
        n=1,
        recall_1=recall_1,
        recall_3=recall_3,
        recall_5=recall_5,
        first_hits=first_hit(places, causes),
        reciprocal_ranks=reciprocal_rank(places, causes),
        typed=first_hit(places, causes) if types else 0.0,
        types_right=type_hit(places, ranking, truth.causes),
        in_family=first_hit(places, [cause.service for cause in labelled]) if types else 0.0,
        families_right=family_hit(places, ranking, truth.causes),
    )


def _miss(result: CaseResult) -> dict[str, Any]:
    places = [] if result.error is not None else ties(result.ranking, result.candidates)
    found = reciprocal_rank(places, result.truth.services)
    return {
        "case": result.case,
        "causes": [[cause.service, cause.fault_type] for cause in result.truth.causes],
        "first": list(places[0][:5]) if places else [],
        "mean_rank": round(1 / found, 2) if found else None,
    }


def _sum(tallies: Iterable[Tally]) -> Tally:
    return sum(tallies, Tally())


def _tally(values: dict[str, Any], n: int) -> Tally:
    """Sums back from means; figures that are absent count as none."""
    typed, in_family = values.get("n_typed", 0.0), values.get("n_in_family", 0.0)
    return Tally(
        n=n,
        recall_1=values["recall@1"] * n,
        recall_3=values["recall@3"] * n,
        recall_5=values["recall@5"] * n,
        first_hits=values["first_hit@1"] * n,
        reciprocal_ranks=values["mrr"] * n,
        typed=typed,
        types_right=(values.get("fault_type_accuracy") or 0) * typed,
        in_family=in_family,
        families_right=(values.get("family_accuracy") or 0) * in_family,
    )
