"""Kind of fault, from which evidence speaks for a component.

A saturated resource names its kind. Slow legs name the mechanism of their owner: late packets,
starved of CPU, slow work, slow store. Packets that are *lost* are sent again after a timer, so
only some values are late, by very different times. Changed behaviour: silence is a crash; a
normal line replaced by another of the same operation is a wrong result (the code took another
branch); a line that vanishes with nothing in its place, errors, and requests that end early are an
exception.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

import polars as pl

from rclagent.core.evidence import Evidence, EvidenceKind, FaultType
from rclagent.evidence.fusion import Suspicion
from rclagent.evidence.metric_names import fault_type_of
from rclagent.evidence.ownership import Owner

LOSS_SHARE: Final = 0.5
"""Lost packets delay only some calls; a delay holds up nearly all."""
LOSS_SCATTER: Final = 0.5
"""Standard deviation over mean of the late times: retransmission timers double, a delay is constant."""
MOSTLY: Final = 0.5
"""Share of failed calls without any answer from which nobody was there."""
UNANSWERED: Final = 0.25
"""Calls without an answer mean a crash where they are at least a quarter as telling as what callers make
of them."""
EXCEPTION_TEXT: Final = r"(?i)exception|traceback|stack ?trace|panic:|\bat [\w.$]+\("
"""What lines say that an exception was thrown: names of exception classes, stack traces, panics."""


def name_fault(
    suspicion: Suspicion, owners: Sequence[Owner], legs: pl.DataFrame, evidence: Mapping[str, Evidence]
) -> FaultType:
    """Most likely kind of fault of one service.

    Args:
        suspicion: What speaks for it.
        owners: Its mechanisms from the ownership search, best first.
        legs: Slow legs with ``evidence_id``, ``n``, ``over``, ``excess_ms``, ``over_std_ms``.
        evidence: All observations.
    """
    mine = [evidence[name] for name in suspicion.weights if suspicion.weights[name] > 0]
    full = [item for item in mine if item.kind is EvidenceKind.SATURATION]
    # A full pool names no kind of fault: what holds its connections does.
    saturated = [item for item in full if _resource(item) is not FaultType.UNKNOWN]
    if saturated:
        return _resource(max(saturated, key=lambda item: (item.strength, item.id)))
    if owners and suspicion.timing >= suspicion.code_left:
        kind = _mechanism(owners[0], legs, suspicion)
        if kind is not FaultType.UNKNOWN:
            return kind
    elif suspicion.code_left > 0:
        return _behaviour(mine, suspicion)
    changes = [item for item in mine if item.kind is EvidenceKind.METRIC_CHANGE]
    return (
        _resource(max(changes, key=lambda item: (item.strength, item.id))) if changes else FaultType.UNKNOWN
    )


def _resource(item: Evidence) -> FaultType:
    return fault_type_of(item.subject or "")


def _mechanism(owner: Owner, legs: pl.DataFrame, suspicion: Suspicion) -> FaultType:
    kind, places = owner.signature.fault_type, owner.signature.predicts
    if kind not in (FaultType.NETWORK_DELAY, FaultType.DISK_IO) and "in_message" not in places:
        return kind
    # Late replies are one packet each; a late request may stand for a whole handshake.
    told = {"in_response": "response", "out_request": "request", "in_message": "message", "in_wait": "self"}
    leg = next((leg for place, leg in told.items() if place in places), "store")
    late = legs.filter(pl.col("evidence_id").is_in(list(suspicion.weights)) & (pl.col("leg") == leg))
    if late.is_empty():
        return kind
    over, n = int(late["over"].sum()), int(late["n"].sum())
    late_ms = float((late["excess_ms"] * late["n"]).sum())
    scatter_ms = float((late["over_std_ms"] * late["over"]).sum())
    return FaultType.NETWORK_LOSS if over < LOSS_SHARE * n and scatter_ms > LOSS_SCATTER * late_ms else kind


def _behaviour(mine: Sequence[Evidence], suspicion: Suspicion) -> FaultType:
    strongest = max(mine, key=lambda item: (suspicion.weights[item.id], item.id))
    most = suspicion.weights[strongest.id]
    if any(_unanswered(item) and suspicion.weights[item.id] >= UNANSWERED * most for item in mine):
        return FaultType.CRASH
    vanished = {
        (item.component.service, item.operation) for item in mine if item.kind is EvidenceKind.LOG_VANISHED
    }
    appeared = {
        (item.component.service, item.operation) for item in mine if item.kind is EvidenceKind.LOG_APPEARED
    }
    if any(item.kind is EvidenceKind.ERROR_RATE or _tells_of_exception(item) for item in mine):
        return FaultType.EXCEPTION
    if vanished & appeared:
        return FaultType.WRONG_RESULT
    # A call that vanishes, too, says as much of the same requests, and less of why.
    broken = max(
        (suspicion.weights[item.id] for item in mine if item.kind is EvidenceKind.BREAK_POINT), default=0
    )
    if vanished or broken >= most:
        return FaultType.EXCEPTION
    return FaultType.WRONG_RESULT if appeared else FaultType.UNKNOWN


def _unanswered(item: Evidence) -> bool:
    """Calls that get no answer, or errors that mostly are such calls (their peer is who owes the answer)."""
    hits = item.incident.get("hits", 0.0)
    fails = item.kind is EvidenceKind.ERROR_RATE and item.peer is not None
    return item.kind is EvidenceKind.SILENCE or (
        fails and item.incident.get("unanswered", hits) >= MOSTLY * hits
    )


def _tells_of_exception(item: Evidence) -> bool:
    return (
        item.kind is EvidenceKind.LOG_APPEARED and re.search(EXCEPTION_TEXT, item.subject or "") is not None
    )
