"""The sentences of a diagnosis; text from telemetry goes in as it is and is escaped where rendered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rclagent.core.diagnosis import RootCause
from rclagent.core.evidence import Evidence, FaultType

FAULT_NAMES: Final = {
    FaultType.NETWORK_DELAY: "network delay",
    FaultType.NETWORK_LOSS: "network loss",
    FaultType.CPU: "shortage of CPU",
    FaultType.MEMORY: "shortage of memory",
    FaultType.DISK_IO: "slow storage",
    FaultType.EXCEPTION: "an exception in its code",
    FaultType.WRONG_RESULT: "a wrong result of its code",
    FaultType.CRASH: "a crash",
    FaultType.UNKNOWN: "a fault of unknown kind",
}
"""Each kind of fault in words, to follow a service's name and a colon."""


def cause_sentence(service: str, pod: str | None, fault_type: FaultType, proof: Sequence[Evidence]) -> str:
    """What is wrong where, and the figures that say so, from one or two channels."""
    place = service if pod is None else f"{service} (pod {pod})"
    statements = [evidence.statement.rstrip(". ") for evidence in _telling(proof)]
    return f"{place}: {FAULT_NAMES[fault_type]}" + "".join(f"; {statement}" for statement in statements) + "."


def fault_sentence(causes: Sequence[RootCause]) -> str:
    """The verdict in one sentence: the first cause, and who else comes close."""
    rivals = [cause.service for cause in causes[1:] if cause.score >= causes[0].score / 2]
    also = f" Also suspect: {', '.join(rivals[:3])}." if rivals else ""
    return f"Most likely at fault is {causes[0].summary}{also}"


def healthy_sentence(incident_traces: int, baseline_traces: int) -> str:
    """Nothing stands out, and enough was seen to say so."""
    return (
        f"Nothing stands out: {incident_traces} requests of the incident window are as usual, "
        f"judged by {baseline_traces} of the baseline."
    )


def _telling(proof: Sequence[Evidence]) -> list[Evidence]:
    """At most two: the first, and the first of another channel."""
    others = [evidence for evidence in proof if evidence.channel is not proof[0].channel]
    return [*proof[:1], *others[:1]]
