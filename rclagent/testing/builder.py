"""Write small incidents by hand: a line a span, indented under its parent.

::

    written('''
        counter: GET /items   0..120
            counter: GET item   5..110  client peer=shelf
                shelf: GET item   10..105  error status=500 pod=shelf-1
                    | 20 ERROR no price for item 7
    ''')

A blank line starts the next trace. Times are in ms after ``start_ns``.
"""

from __future__ import annotations

import re
from textwrap import dedent
from typing import Final

import polars as pl

from rclagent.core.log import LOG_SCHEMA, LogRecord, logs_to_frame
from rclagent.core.span import SPAN_SCHEMA, Span, SpanKind, spans_to_frame
from rclagent.core.telemetry import Telemetry
from rclagent.core.window import NS_PER_MS, NS_PER_S
from rclagent.errors import InputError
from rclagent.testing.spec import START_NS

_TIME: Final = r"-?\d+(?:\.\d+)?"
_SPAN: Final = re.compile(
    rf"(?P<service>[^:|]+):\s+(?P<operation>.+?)\s+(?P<start>{_TIME})\.\.(?P<end>{_TIME})(?P<words>(?:\s+\S+)*)$"
)
_LOG: Final = re.compile(rf"\|\s*(?P<at>{_TIME})\s+(?P<severity>[A-Z]+)\s+(?P<body>.+)$")
_KINDS: Final = {kind.value for kind in SpanKind}
_FIELDS: Final = {"pod", "node", "status", "peer", "version", "id", "trace"}


def written(text: str, *, start_ns: int = START_NS) -> Telemetry:
    """Telemetry of a text with a line a span.

    Args:
        text: ``service: operation start..end`` and then, in any order, the kind (``server`` where
            none stands), ``error``, and ``pod``, ``node``, ``status``, ``peer``, ``version``, ``id`` (span)
            or ``trace`` with ``=`` and a value; the pod is ``service-0`` where none stands. A line
            ``| time LEVEL message`` under a span is one of its log lines.
        start_ns: Time 0 of the text, Unix epoch.

    Returns:
        Spans and logs in the order of the text; ids are numbers in hexadecimal, counted from 1.

    Raises:
        InputError: A line is neither a span nor a log line.
    """
    spans: list[Span] = []
    logs: list[LogRecord] = []
    above: list[tuple[int, Span]] = []
    trace = 0
    for line in dedent(text).splitlines():
        if not line.strip():
            above = []
            continue
        depth = len(line) - len(line.lstrip())
        above = [(level, span) for level, span in above if level < depth]
        parent = above[-1][1] if above else None
        if line.lstrip().startswith("|"):
            logs.append(_log(line, parent, start_ns))
            continue
        trace += not above
        span = _span(line, parent, trace, len(spans) + 1, start_ns)
        spans.append(span)
        above.append((depth, span))
    return Telemetry(spans=spans_to_frame(spans), logs=logs_to_frame(logs))


def repeated(telemetry: Telemetry, times: int, every_s: float = 1.0) -> Telemetry:
    """The same traces and logs again and again, each time later and with trace ids of their own.

    Args:
        telemetry: What to repeat, with the ids that ``written`` gives.
        times: How often, the first included.
        every_s: Time from one to the next.
    """
    turns = pl.DataFrame({"turn": range(times)}, schema={"turn": pl.Int64()})
    later = pl.col("turn") * round(every_s * NS_PER_S)
    number = pl.col("turn").cast(pl.String).str.zfill(8)
    trace = (number + pl.col("trace_id").str.slice(8)).alias("trace_id")
    spans = turns.join(telemetry.spans, how="cross").with_columns(
        trace, pl.col("start_ns") + later, pl.col("end_ns") + later
    )
    logs = turns.join(telemetry.logs, how="cross").with_columns(trace, pl.col("time_ns") + later)
    return Telemetry(
        spans=spans.select(*SPAN_SCHEMA), logs=logs.select(*LOG_SCHEMA), metrics=telemetry.metrics
    )


def _span(line: str, parent: Span | None, trace: int, number: int, start_ns: int) -> Span:
    match = _SPAN.fullmatch(line.strip())
    words = match["words"].split() if match else []
    fields = dict(word.split("=", 1) for word in words if "=" in word)
    flags = [word for word in words if "=" not in word]
    unknown = [flag for flag in flags if flag not in _KINDS | {"error"}] + sorted(fields.keys() - _FIELDS)
    if match is None or unknown:
        raise InputError(
            f"The line {line.strip()!r} is no span.",
            "Write 'service: operation start..end' and then a kind, 'error' or pod=, node=, status=, peer=.",
        )
    service = match["service"].strip()
    return Span(
        trace_id=fields.get("trace", parent.trace_id if parent else f"{trace:032x}"),
        span_id=fields.get("id", f"{number:016x}"),
        parent_id=parent.span_id if parent else None,
        service=service,
        operation=match["operation"],
        start_ns=start_ns + round(float(match["start"]) * NS_PER_MS),
        end_ns=start_ns + round(float(match["end"]) * NS_PER_MS),
        kind=SpanKind(next((flag for flag in flags if flag in _KINDS), SpanKind.SERVER)),
        pod=fields.get("pod", f"{service}-0"),
        node=fields.get("node"),
        error="error" in flags,
        status=fields.get("status"),
        peer=fields.get("peer"),
        version=fields.get("version"),
    )


def _log(line: str, span: Span | None, start_ns: int) -> LogRecord:
    match = _LOG.fullmatch(line.strip())
    if match is None or span is None:
        raise InputError(
            f"The line {line.strip()!r} is no log line of a span.",
            "Write '| time LEVEL message' and indent it under a span.",
        )
    return LogRecord(
        time_ns=start_ns + round(float(match["at"]) * NS_PER_MS),
        service=span.service,
        body=match["body"],
        severity=match["severity"],
        pod=span.pod,
        node=span.node,
        trace_id=span.trace_id,
        span_id=span.span_id,
    )
