"""What a request does inside one service: the steps between its entry and its end.

The entry of a request into a service is the span whose parent lies elsewhere
(``entry_row``). Its steps are the calls to other services made below it, and the
spans of its own service.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rclagent.telemetry.coded_spans import CodedSpans
from rclagent.telemetry.codes import BoolArray, IntArray, distinct


@dataclass(frozen=True, slots=True)
class Steps:
    """Steps of requests in order of span, all arrays of shape (steps,)."""

    request: IntArray
    """Place of the entry of the request that took the step."""
    span: IntArray
    """Place of the span of the step: one of the same service, or the entry of the service called."""
    start_ns: IntArray
    """On the caller's clock where a span of the caller stands for the call."""

    def where(self, kept: BoolArray) -> Steps:
        """Some of the steps."""
        return Steps(self.request[kept], self.span[kept], self.start_ns[kept])


def steps_of(spans: CodedSpans, callee: IntArray) -> Steps:
    """Steps of each request through a service.

    Args:
        spans: Whole traces.
        callee: rclagent.telemetry.legs.callees of the same.
    """
    span = np.flatnonzero(spans.parent >= 0)
    above = spans.parent[span]
    enters = spans.entry[span] == span
    # A call is placed by the span that made it, for the callee's own start is on another clock; but a span
    # that does more than call says nothing of the order of its calls.
    by_caller = enters & (callee[above] >= 0)
    return Steps(
        request=spans.entry[np.where(enters, above, span)],
        span=span,
        start_ns=spans.start_ns[np.where(by_caller, above, span)],
    )


def last_calls(spans: CodedSpans, steps: Steps) -> Steps:
    """Of each request the call to another service that started last, or those that started together.

    Of calls that start together each is last: which of them ends last is a matter of time, not of code.
    """
    service = spans.names.service
    calls = steps.where(service[steps.span] != service[steps.request])
    latest = np.full(spans.size, np.iinfo(np.int64).min)
    np.maximum.at(latest, calls.request, calls.start_ns)
    return calls.where(calls.start_ns == latest[calls.request])


def calls_made(spans: CodedSpans, steps: Steps) -> IntArray:
    """Pairs of a request and an operation that it called, each once, in order (call_pairs)."""
    return distinct(call_pairs(spans, steps.request, spans.names.operation[steps.span]))


def calls_made_last(spans: CodedSpans, last: Steps) -> IntArray:
    """Pairs of a request and the operation that it called last, or none; each once, in order."""
    silent = spans.enters.copy()
    silent[last.request] = False
    nobody = np.flatnonzero(silent)
    pairs = call_pairs(spans, last.request, spans.names.operation[last.span])
    none = np.full(nobody.size, spans.names.operations.height)
    return distinct(np.concatenate([pairs, call_pairs(spans, nobody, none)]))


def call_pairs(spans: CodedSpans, request: IntArray, call: IntArray) -> IntArray:
    """One number for a request and what it called: an operation, or none, coded as one more."""
    return request * (spans.names.operations.height + 1) + call
