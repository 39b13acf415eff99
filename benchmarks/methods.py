"""Methods by name: RCLAgent, chance, the rules of thumb, and plug-ins.

A method takes a CaseView and returns services with a score (more is worse) and a kind of fault
or None. Services that it leaves out share the last place.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import partial
from importlib import import_module
from math import isfinite
from typing import Final

from benchmarks import rules
from benchmarks.cases import CaseView
from benchmarks.ranking import Ranked
from rclagent import Channel, Diagnosis, Idea, Incident, InputError, diagnose_sync, incident_from_telemetry

Method = Callable[[CaseView], Sequence[Ranked]]
"""What a plug-in implements."""


def incident_of(case: CaseView) -> Incident:
    """A case as RCLAgent is given it, with a baseline learned from what precedes it."""
    seen = sum(table.height for table in (case.baseline.spans, case.baseline.logs, case.baseline.metrics))
    return incident_from_telemetry(
        case.telemetry,
        alarm_ns=case.alarm_ns,
        window=case.window,
        # The first fault of a day may have nothing before it: an incident without a baseline.
        baseline_windows=(case.baseline_windows or None) if seen else None,
        baseline_telemetry=case.baseline if seen else None,
    )


def diagnose_case(case: CaseView, without: Collection[Channel | Idea] = ()) -> Diagnosis:
    """RCLAgent's whole answer, without any model; ``without`` leaves channels and rules out."""
    return diagnose_sync(incident_of(case), without=without)


def rclagent(case: CaseView, without: Collection[Channel | Idea] = ()) -> list[Ranked]:
    """RCLAgent's root causes with its scores."""
    return ranking(diagnose_case(case, without))


def ranking(diagnosis: Diagnosis) -> list[Ranked]:
    """The root causes of an answer with their scores."""
    return [(cause.service, cause.score, cause.fault_type.value) for cause in diagnosis.root_causes]


def random(case: CaseView) -> list[Ranked]:
    """Names nobody: every candidate shares the first place, so that chance comes out exactly."""
    return []


ABLATED: Final = (Channel.LEGS, Channel.LOGS, Channel.CALLS, Channel.RESOURCES, Channel.ERRORS)
"""Channels that own evidence; each makes a method alone, and one of all others."""
METHODS: Final[dict[str, Method]] = {
    "rclagent": rclagent,
    "random": random,
    "gap-to-callee": rules.gap_to_callee,
    "gap-to-caller": rules.gap_to_caller,
    "own-time": rules.own_time,
    "whole-duration": rules.whole_duration,
    "deepest-anomalous": rules.deepest_anomalous,
    "cpu-else-gap": rules.cpu_else_gap,
    **{f"only-{channel.value}": partial(rclagent, without=set(Channel) - {channel}) for channel in ABLATED},
    **{f"without-{part.value}": partial(rclagent, without={part}) for part in (*ABLATED, *Idea)},
}
"""Methods that ship with the benchmarks."""


def find_method(name: str) -> Method:
    """A method by its name, or a plug-in by ``module:object``.

    Raises:
        InputError: There is no such method, module or object.
    """
    if name in METHODS:
        return METHODS[name]
    module, _, attribute = name.partition(":")
    if not attribute:
        raise InputError(f"Unknown method {name!r}.", f"Choose from {', '.join(METHODS)}, or module:object.")
    try:
        found = getattr(import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise InputError(
            f"Method {name!r} cannot be loaded: {error}.",
            "Write it as module:object, with the module on PYTHONPATH.",
        ) from None
    if not callable(found):
        raise InputError(f"Method {name!r} is not callable.", "Name a function of one CaseView.")
    plug_in: Method = found
    return plug_in


def answer(method: Method, case: CaseView) -> list[Ranked]:
    """The method's ranking, checked.

    Raises:
        ValueError: An entry is not (service, finite score, kind of fault or None).
    """
    checked = []
    for entry in method(case):
        service, score, kind = entry
        if not isinstance(service, str) or not isinstance(kind, str | None) or not isfinite(score):
            raise ValueError(f"The method answered {entry!r}, not (service, finite score, kind or None).")
        checked.append((service, float(score), kind))
    return checked
