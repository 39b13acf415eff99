"""The weakest delay that is found: recall@1 against the strength of a network delay.

A service of a generated system answers late by ``k`` times the usual scatter of its answers
(benchmarks.site). Every strength is injected into the same incidents, and every method is given the same
records.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from benchmarks import rules
from benchmarks.cases import CaseView
from benchmarks.generated import case_view
from benchmarks.methods import Method, diagnose_case, ranking
from benchmarks.plot import Line, share_plot
from benchmarks.ranking import Ranked, recall_at, ties
from benchmarks.site import REQUESTS_PER_MIN, Site, choose_site
from benchmarks.statistics import wilson
from benchmarks.tables import CHANCE
from rclagent import FaultType
from rclagent.testing import Fault, IncidentSpec, generate

NAME: Final = "weakest"
"""Kind of the result file."""
STRENGTHS: Final = (0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 10.0, 20.0, 50.0)
"""Delays in standard deviations of the response leg into the service."""
ENOUGH: Final = 0.9
"""Recall@1 from which on a delay counts as found."""
OWN: Final = "rclagent"
"""Name of our method."""
RULES: Final[Mapping[str, Method]] = {
    "whole-duration": rules.whole_duration,
    "deepest-anomalous": rules.deepest_anomalous,
}
"""Rules of thumb that see durations."""

_BASELINE_S: Final = 1800.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was said of one incident."""

    strength: float
    """Delay in standard deviations."""
    delay_ms: float
    """The same in milliseconds."""
    recall: dict[str, float]
    """Method -> expected recall@1."""
    verdict: str
    """RCLAgent's verdict."""


def judge_delays(
    count: int,
    seed: int = 0,
    strengths: Sequence[float] = STRENGTHS,
    tell: Callable[[str], None] = lambda line: None,
) -> Iterator[Outcome]:
    """Injects every strength into ``count`` incidents, the numbers from ``seed`` on."""
    for number in range(seed, seed + count):
        site = choose_site(number)
        for strength in strengths:
            outcome = _judge(site, strength)
            tell(f"{site.service} late by {strength:g} standard deviations: {outcome.verdict}")
            yield outcome


def summary(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Figures over all incidents, as JSON."""
    strengths = sorted({outcome.strength for outcome in outcomes})
    steps = [_step([outcome for outcome in outcomes if outcome.strength == at]) for at in strengths]
    methods = list(outcomes[0].recall)
    return {
        "dataset": NAME,
        "requests_per_min": REQUESTS_PER_MIN,
        "enough": ENOUGH,
        "strengths": steps,
        "weakest": {method: weakest(steps, method) for method in methods},
    }


def weakest(steps: Sequence[Mapping[str, Any]], method: str) -> float | None:
    """Smallest strength from which on recall@1 is ENOUGH or more; None where it is not at the largest."""
    found = None
    for step in reversed(steps):
        if step["recall@1"][method] < ENOUGH:
            break
        found = step["strength"]
    return found


def headline(content: Mapping[str, Any]) -> str:
    """The summary in one sentence."""
    found = ", ".join(
        f"{method}: {'none' if at is None else f'{at:g}'}" for method, at in content["weakest"].items()
    )
    return (
        f"Weakest delay from which on recall@1 is {content['enough']:g} or more, in standard deviations of "
        f"the leg, {content['requests_per_min']:g} requests a minute: {found}."
    )


def rows(content: Mapping[str, Any]) -> list[list[str]]:
    """Recall@1 of every method by strength; the first row is the head."""
    methods = list(content["weakest"])
    head = ["delay / std", "delay, ms", "incidents", *methods, f"{OWN} 95 %", "judged a fault"]
    return [head, *(_row(step, methods) for step in content["strengths"])]


def picture(content: Mapping[str, Any]) -> str:
    """Recall@1 against strength, as SVG."""
    steps = content["strengths"]
    lines = [
        Line(method, tuple((step["strength"], step["recall@1"][method]) for step in steps))
        for method in content["weakest"]
    ]
    return share_plot(
        lines,
        title="recall@1 against the strength of a network delay, by method",
        y_label="recall@1",
        x_label="delay, in standard deviations of the response leg into the service",
        level=content["enough"],
    )


def _judge(site: Site, strength: float) -> Outcome:
    delay_ms = strength * site.std_ms
    spec = IncidentSpec(
        seed=site.number,
        system=site.system,
        faults=(Fault(FaultType.NETWORK_DELAY, site.service, magnitude=delay_ms),),
        requests_per_s=site.requests_per_s,
        baseline_s=_BASELINE_S,
    )
    case = case_view(f"{site.number} x{strength:g}", generate(spec))
    diagnosis = diagnose_case(case)
    answers = {OWN: ranking(diagnosis), **{name: rule(case) for name, rule in RULES.items()}, CHANCE: []}
    recall = {name: _recall(answer, case, site.service) for name, answer in answers.items()}
    return Outcome(strength, delay_ms, recall, diagnosis.verdict.value)


def _recall(answer: Sequence[Ranked], case: CaseView, service: str) -> float:
    return recall_at(1, ties(answer, case.services), [service])


def _step(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    n = len(outcomes)
    recall = {
        method: sum(outcome.recall[method] for outcome in outcomes) / n for method in outcomes[0].recall
    }
    return {
        "strength": outcomes[0].strength,
        "delay_ms": sum(outcome.delay_ms for outcome in outcomes) / n,
        "n": n,
        "recall@1": recall,
        "intervals": {OWN: list(wilson(recall[OWN] * n, n))},
        "judged_fault": sum(outcome.verdict == "fault" for outcome in outcomes) / n,
    }


def _row(step: Mapping[str, Any], methods: Sequence[str]) -> list[str]:
    low, high = step["intervals"][OWN]
    return [
        f"{step['strength']:g}",
        f"{step['delay_ms']:.2f}",
        str(step["n"]),
        *(f"{step['recall@1'][method]:.2f}" for method in methods),
        f"{low:.2f}-{high:.2f}",
        f"{step['judged_fault']:.2f}",
    ]
