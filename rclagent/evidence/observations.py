"""Rows of the channels as Evidence: figures, words and a stable id."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import polars as pl

from rclagent.core.evidence import Channel, Component, Evidence, EvidenceKind, evidence_id

Row = Mapping[str, Any]

LEG_KINDS: Final = {
    "request": EvidenceKind.REQUEST_LEG,
    "response": EvidenceKind.RESPONSE_LEG,
    "message": EvidenceKind.REQUEST_LEG,
}
"""What a slow leg is evidence of; the others are time spent by one service."""


def figure(value: float) -> float:
    """A number with six significant digits: sums over many rows differ in the last digits between
    machines."""
    return float(f"{value:.6g}")


def figures(row: Row, **names: str) -> dict[str, float]:
    """Chosen columns of a row under the given names."""
    return {name: figure(row[column]) for name, column in names.items() if row[column] is not None}


def observe(table: pl.DataFrame, make: Callable[[Row], Evidence]) -> tuple[pl.DataFrame, list[Evidence]]:
    """Evidence of each row, and the table with the column ``evidence_id``."""
    evidence = [make(row) for row in table.iter_rows(named=True)]
    ids = pl.Series("evidence_id", [item.id for item in evidence], dtype=pl.String)
    return table.with_columns(ids), evidence


def leg_evidence(row: Row) -> Evidence:
    """A slow leg."""
    kind = LEG_KINDS.get(row["leg"], EvidenceKind.SELF_LEG)
    caller, callee, operation = row["caller"] or None, row["callee"], row["operation"]
    typical = row["p50_ms"] - row["base_p50_ms"] > 0.5 * (row["mean_ms"] - row["base_mean_ms"])
    name, now, before = (
        ("median", "p50_ms", "base_p50_ms") if typical else ("mean", "mean_ms", "base_mean_ms")
    )
    rise = row[now] - row[before]
    waited_for = f"{callee} ({operation})" if caller else operation
    # The halves of a call are read on two clocks: only how much later they became means anything.
    what = {
        "request": f"requests from {caller} reach {callee} ({operation}) {ms(rise)} later than usual",
        "response": f"responses of {callee} ({operation}) reach {caller} {ms(rise)} later than usual",
        "message": f"messages from {caller} reach {callee} ({operation}) {ms(rise)} later than usual",
        "store": (f"{caller or callee} waits {ms(row[now])} for {waited_for} instead of {ms(row[before])}"),
        "self": f"{callee} spends {ms(row[now])} itself in {operation} instead of {ms(row[before])}",
    }[row["leg"]]
    return Evidence(
        id=evidence_id("legs", row["leg"], caller, callee, operation),
        channel=Channel.LEGS,
        kind=kind,
        component=Component(service=callee),
        operation=operation,
        peer=caller,
        subject=row["leg"],
        strength=figure(row["z"]),
        incident=figures(row, n="n", p50_ms="p50_ms", mean_ms="mean_ms", share_over_p95="share"),
        baseline=figures(row, n="base_n", p50_ms="base_p50_ms", mean_ms="base_mean_ms", p95_ms="base_p95_ms"),
        statement=f"{what} ({name}; {row['over']} of {row['n']} above the usual 95th percentile)",
    )


def template_evidence(row: Row) -> Evidence:
    """A log line that vanished or appeared."""
    gone = row["change"] < 0
    where = f" during {row['operation']}" if row["operation"] else " for each request"
    where += f" after «{row['lead']}»" if row["lead"] else ""
    line = f"{row['severity']} line" if row["severity"] else "line"
    verb = "no longer writes" if gone else "now writes"
    return Evidence(
        id=evidence_id("logs", row["service"], row["operation"], row["severity"], row["template"]),
        channel=Channel.LOGS,
        kind=EvidenceKind.LOG_VANISHED if gone else EvidenceKind.LOG_APPEARED,
        component=Component(service=row["service"]),
        operation=row["operation"] or None,
        subject=row["template"],
        severity=row["severity"] or None,
        strength=figure(abs(row["z"])),
        incident=figures(row, n="n", hits="hits"),
        baseline=figures(row, n="base_n", hits="base_hits"),
        statement=(f"{row['service']} {verb} the {line} «{row['template']}»{where}: {counts(row)}"),
    )


def call_evidence(row: Row) -> Evidence:
    """A call that vanished or appeared."""
    gone = row["change"] < 0
    local = row["callee"] == row["service"]
    target = row["call"] if local else f"{row['callee']} ({row['call']})"
    verb = ("no longer " if gone else "now ") + (
        "runs" if local else "reaches" if row["unheard"] else "calls"
    )
    return Evidence(
        id=evidence_id("calls", row["service"], row["operation"], row["callee"], row["call"]),
        channel=Channel.CALLS,
        kind=_call_kind(row),
        component=Component(service=row["service"]),
        operation=row["operation"],
        peer=row["callee"],
        subject=row["call"],
        strength=figure(abs(row["z"])),
        incident=figures(row, n="n", hits="hits"),
        baseline=figures(row, n="base_n", hits="base_hits"),
        statement=f"{row['service']} {verb} {target} during {row['operation']}: {counts(row)}",
    )


def _call_kind(row: Row) -> EvidenceKind:
    if row["unheard"]:
        return EvidenceKind.SILENCE
    return EvidenceKind.CALL_VANISHED if row["change"] < 0 else EvidenceKind.CALL_APPEARED


def break_evidence(row: Row) -> Evidence:
    """A call after which requests end, or requests that end without any call."""
    last = (
        f"end with the call to {row['callee']} ({row['call']})"
        if row["callee"]
        else "end without calling anyone"
    )
    return Evidence(
        id=evidence_id("breaks", row["service"], row["operation"], row["callee"], row["call"]),
        channel=Channel.CALLS,
        kind=EvidenceKind.BREAK_POINT,
        component=Component(service=row["service"]),
        operation=row["operation"],
        peer=row["callee"] or None,
        subject=row["call"] or None,
        strength=figure(row["z"]),
        incident=figures(row, n="n", hits="hits"),
        baseline=figures(row, n="base_n", hits="base_hits"),
        statement=f"requests of {row['service']} ({row['operation']}) {last}: {counts(row)}",
    )


def error_evidence(row: Row) -> Evidence:
    """An operation at which errors start, or a call that fails."""
    service, operation, callee = row["service"], row["operation"], row["callee"]
    what = (
        f"calls of {service} ({operation}) to {callee} fail"
        if callee
        else f"errors start in {service} ({operation})"
    )
    return Evidence(
        id=evidence_id("errors", service, operation, *_named(row["peer"])),
        channel=Channel.ERRORS,
        kind=EvidenceKind.ERROR_RATE,
        component=Component(service=service),
        operation=operation,
        peer=callee,
        strength=figure(row["z"]),
        incident=figures(row, n="n", hits="hits", unanswered="unanswered"),
        baseline=figures(row, n="base_n", hits="base_hits"),
        statement=f"{what}: {counts(row)}",
    )


def silence_evidence(row: Row) -> Evidence:
    """Calls that nobody answers any more."""
    return Evidence(
        id=evidence_id("silence", row["service"], row["operation"], row["callee"], *_named(row["peer"])),
        channel=Channel.ERRORS,
        kind=EvidenceKind.SILENCE,
        component=Component(service=row["service"]),
        operation=row["operation"],
        peer=row["callee"],
        strength=figure(row["z"]),
        incident=figures(row, n="n", hits="hits"),
        baseline=figures(row, n="base_n", hits="base_hits"),
        statement=(
            f"calls of {row['service']} ({row['operation']}) get no answer, above all those to "
            f"{row['callee']}: {counts(row)}"
        ),
    )


def series_evidence(row: Row) -> Evidence:
    """A metric that saturated or changed."""
    name = row["pod"] or row["node"] or row["service"]
    what = row["resource"] or row["metric"]
    if row["level"] is not None:
        level, before = (
            f"{row['level']:.0%} of {row['of']}",
            f"usual {row['base_p50'] * row['level'] / row['value']:.1%}",
        )
    else:
        level, before = f"{row['value']:.4g}", f"usual {row['base_p50']:.4g}"
    return Evidence(
        id=evidence_id("resources", row["service"], row["pod"], row["node"], row["metric"]),
        channel=Channel.RESOURCES,
        kind=EvidenceKind.SATURATION if row["saturated"] else EvidenceKind.METRIC_CHANGE,
        component=Component(service=row["service"], pod=row["pod"] or None, node=row["node"] or None),
        subject=row["metric"],
        strength=figure(abs(row["z"])),
        incident=figures(row, n="n", value="value", level="level"),
        baseline=figures(row, n="base_n", p50="base_p50", p99="base_p99"),
        statement=f"{what} of {name} is at {level} ({before}; {row['metric']})",
    )


def entry_evidence(row: Row) -> Evidence:
    """An entry at which users feel the incident."""
    slow = row["slow_z"] >= row["failed_z"]
    name = f"{row['service']} ({row['operation']})"
    statement = (
        f"{row['over']} of {row['n']} requests to {name} take longer than the usual 95th percentile "
        f"of {ms(row['base_p95_ms'])}"
        if slow
        else f"{row['failed']} of {row['n']} requests to {name} fail; "
        f"usually {row['base_failed']} of {row['base_n']}"
    )
    return Evidence(
        id=evidence_id("entry", row["service"], row["operation"]),
        channel=Channel.ENTRY,
        kind=EvidenceKind.ENTRY_SLOW if slow else EvidenceKind.ENTRY_FAILING,
        component=Component(service=row["service"]),
        operation=row["operation"],
        strength=figure(max(row["slow_z"], row["failed_z"])),
        incident=figures(row, n="n", over="over", failed="failed", p50_ms="p50_ms", p95_ms="p95_ms"),
        baseline=figures(row, n="base_n", failed="base_failed", p50_ms="base_p50_ms", p95_ms="base_p95_ms"),
        statement=statement,
    )


def _named(peer: str) -> tuple[str, ...]:
    """A peer as part of an id: calls that name none keep theirs."""
    return (peer,) if peer else ()


def counts(row: Row) -> str:
    """``11 of 12 against 3 of 63 before``."""
    return f"{row['hits']} of {row['n']} against {row['base_hits']} of {row['base_n']} before"


def ms(value: float) -> str:
    """A time in words: three significant digits below a second, seconds above ten."""
    if abs(value) >= 10_000:
        return f"{value / 1000:.1f} s"
    return f"{value:.3g} ms" if abs(value) < 999.5 else f"{value:.0f} ms"


def by_id(groups: Iterable[list[Evidence]]) -> dict[str, Evidence]:
    """All evidence in order of id."""
    return {
        item.id: item for item in sorted((item for group in groups for item in group), key=lambda e: e.id)
    }
