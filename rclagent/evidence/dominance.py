"""Without a baseline: where the requests spend their time.

Nothing can be called slow when nobody knows what is usual. What remains is which leg makes up most
of the time of the requests: share = time in the leg / time of all requests. That ranks components
for a first look; it never proves a fault.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from rclagent.core.baseline import LEG_KEYS
from rclagent.core.evidence import (
    Channel,
    Component,
    Evidence,
    EvidenceKind,
    FaultType,
    SpanReference,
    evidence_id,
)
from rclagent.core.store import TelemetryStore
from rclagent.core.window import Window
from rclagent.evidence.findings import Candidate, Claim, Entry, Findings
from rclagent.evidence.observations import Row, figure, ms
from rclagent.evidence.placement import place

LEAST_SHARE: Final = 0.1
"""Legs below a tenth of the time of all requests are not named."""

_NO_WITNESSES: Final = pl.DataFrame(
    schema={
        "trace_id": pl.String,
        "span_id": pl.String,
        "evidence_id": pl.String,
        "excess_ms": pl.Float64,
        "start_ns": pl.Int64,
    }
)
_NO_EXHIBITS: Final = pl.DataFrame(
    schema={
        "evidence_id": pl.String,
        "callee": pl.String,
        "caller": pl.String,
        "pod": pl.String,
        "caller_pod": pl.String,
        "odd": pl.Boolean,
    }
)


def dominant_legs(store: TelemetryStore, window: Window) -> Findings:
    """Findings of an incident without a baseline: the legs that most time is spent in.

    Of a call, a late request is charged to the caller that sends it and a late response to the callee:
    each sends its packets late (rclagent.evidence.ownership).
    """
    entries = store.entries([window])
    total = float((entries["n"] * entries["mean_ms"]).sum())
    clocks = store.clocks([window])
    # No request waits while a message lies in a queue.
    legs = store.legs([window], clocks=clocks).filter(~pl.col("leg").is_in(["gap", "message"]))
    share = pl.col("n") * pl.col("mean_ms") / total if total else pl.lit(0.0)
    dominant = legs.with_columns(share.alias("share")).filter(pl.col("share") >= LEAST_SHARE)
    values = store.leg_values([window], dominant.select(*LEG_KEYS), clocks)
    seen: dict[str, Evidence] = {}
    weights: dict[str, dict[str, float]] = {}
    shown: list[pl.DataFrame] = []
    for row in dominant.iter_rows(named=True):
        keys = [pl.col(name) == row[name] for name in LEG_KEYS]
        spans = values.filter(*keys).sort("ms", "trace_id", "span_id", descending=[True, False, False])
        item = _evidence(row, spans)
        seen[item.id] = item
        owner = row["caller"] if row["leg"] == "request" else row["callee"]
        weights.setdefault(owner, {})[item.id] = figure(row["share"])
        shown.append(
            spans.select(
                "trace_id",
                "span_id",
                pl.lit(item.id).alias("evidence_id"),
                pl.col("ms").alias("excess_ms"),
                "start_ns",
            )
        )
    components = store.components([window])
    candidates = tuple(
        Candidate(
            component=place(service, tuple(items), _NO_EXHIBITS, components, ()),
            fault_type=FaultType.UNKNOWN,
            score=figure(sum(items.values())),
            evidence=tuple(sorted(items, key=lambda name: (-items[name], name))),
        )
        for service, items in sorted(weights.items(), key=lambda pair: (-sum(pair[1].values()), pair[0]))
    )
    return Findings(
        evidence=dict(sorted(seen.items())),
        claims={
            name: (Claim(candidate.component, FaultType.UNKNOWN, weights[candidate.component.service][name]),)
            for candidate in candidates
            for name in candidate.evidence
        },
        candidates=candidates,
        ruled_out=(),
        entries=tuple(
            Entry(row["service"], row["operation"], row["n"], row["failed"], 0.0)
            for row in entries.sort("n", "service", "operation", descending=[True, False, False]).iter_rows(
                named=True
            )
        ),
        witnesses=pl.concat(shown).sort("trace_id", "span_id", "evidence_id") if shown else _NO_WITNESSES,
        services=tuple(components["service"].unique().sort().to_list()),
        missing=("There is no baseline: nothing could be compared with what is usual.",),
    )


def _evidence(row: Row, spans: pl.DataFrame) -> Evidence:
    spent = {
        "request": f"until requests from {row['caller']} reach {row['callee']}",
        "response": f"until responses of {row['callee']} reach {row['caller']}",
        "store": f"in {row['caller']} waiting for {row['callee']}"
        if row["caller"]
        else f"waiting in {row['callee']}",
        "self": f"in {row['callee']} itself",
    }[row["leg"]]
    kinds = {"request": EvidenceKind.REQUEST_LEG, "response": EvidenceKind.RESPONSE_LEG}
    return Evidence(
        id=evidence_id("dominance", *(row[name] for name in LEG_KEYS)),
        channel=Channel.LEGS,
        kind=kinds.get(row["leg"], EvidenceKind.SELF_LEG),
        component=Component(service=row["callee"]),
        operation=row["operation"],
        peer=row["caller"] or None,
        subject=row["leg"],
        strength=0.0,
        incident={"n": float(row["n"]), "mean_ms": figure(row["mean_ms"]), "share": figure(row["share"])},
        statement=(
            f"{row['share']:.0%} of the time of all requests is spent {spent} ({row['operation']}; "
            f"{ms(row['mean_ms'])} each, {row['n']} times); what is usual is not known"
        ),
        references=tuple(
            SpanReference(trace_id=trace_id, span_id=span_id)
            for trace_id, span_id in spans.select("trace_id", "span_id").head(20).iter_rows()
        ),
    )
