"""From service to pod and node: the instance at which the trouble is."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from rclagent.core.evidence import Component
from rclagent.evidence.statistics import Z_GATE, share_z


def place(
    service: str,
    evidence: Sequence[str],
    observed_at: pl.DataFrame,
    components: pl.DataFrame,
    pods: Sequence[str],
) -> Component:
    """The component as precisely as the data allow.

    A pod is named when resources or silence name it, when it is the only one of its service, or
    when it stands out: its share of odd spans is at least twice that of its siblings, with z > 3. Where
    resources name all of several pods, the service is at fault.

    Args:
        service: At fault.
        evidence: Ids of what speaks for it.
        observed_at: rclagent.evidence.witnesses.exhibits, with ``callee`` (service where the span ran)
            and ``caller`` (service that called).
        components: ``service``, ``pod``, ``node`` seen in the incident (empty where unknown).
        pods: Pods that resources or silence name, most telling first.
    """
    own = components.filter((pl.col("service") == service) & (pl.col("pod") != ""))
    names = own["pod"].unique().sort().to_list()
    if len(names) > 1 and set(names) <= set(pods):
        pod = None
    else:
        pod = (
            pods[0] if pods else names[0] if len(names) == 1 else _outstanding(service, evidence, observed_at)
        )
    nodes = (
        own.filter((pl.col("pod") == pod) & (pl.col("node") != ""))["node"].unique().sort().to_list()
        if pod
        else []
    )
    return Component(service=service, pod=pod, node=nodes[0] if len(nodes) == 1 else None)


def _outstanding(service: str, evidence: Sequence[str], observed_at: pl.DataFrame) -> str | None:
    shown = observed_at.filter(pl.col("evidence_id").is_in(list(evidence)))
    sides = [
        shown.filter(pl.col("caller") == service).select(pl.col("caller_pod").alias("pod"), "odd"),
        shown.filter((pl.col("callee") == service) & (pl.col("caller").fill_null("") != service)).select(
            "pod", "odd"
        ),
    ]
    by_pod = (
        pl.concat(sides)
        .filter(pl.col("pod").is_not_null())
        .group_by("pod")
        .agg(pl.len().alias("n"), pl.col("odd").sum().alias("hits"))
        .with_columns((pl.col("n", "hits").sum() - pl.col("n", "hits")).name.prefix("rest_"))
    )
    z = share_z(pl.col("hits"), pl.col("n"), pl.col("rest_hits"), pl.col("rest_n"))
    twice = pl.col("hits") * pl.col("rest_n") >= 2 * pl.col("rest_hits") * pl.col("n")
    standing_out = (
        by_pod.with_columns(z.alias("z"))
        .filter((pl.col("z") > Z_GATE) & twice)
        .sort("z", "pod", descending=[True, False])
    )
    return str(standing_out["pod"][0]) if standing_out.height else None
