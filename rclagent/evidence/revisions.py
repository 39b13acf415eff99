"""Revisions over time: which versions and pods of each service ran when, in the baseline and since."""

from __future__ import annotations

import polars as pl

from rclagent.core.incident import Incident
from rclagent.core.window import Window
from rclagent.evidence.rollouts import Member, Seam, rollouts


def history(incident: Incident) -> tuple[pl.DataFrame, dict[str, Seam]]:
    """What ran up to the end of the incident.

    The incident's own telemetry is looked at as far as it goes back, be it in the window or not: between a
    baseline and the alarm is when most is deployed. The baseline tells what ran earlier; one that goes on
    after the incident tells nothing of that.

    Returns:
        REVISION_SCHEMA, with a row of each recording where there are two; and where these meet, by the
        services that are in both.
    """
    extent = incident.store.extent()
    since_ns = incident.window.end_ns if extent is None else extent.start_ns
    known = None if incident.baseline is None else incident.baseline.revisions
    if known is None or known.is_empty():
        return _since(since_ns, incident), {}
    first_ns, last_ns = known.select(pl.col("first_ns").min(), pl.col("last_ns").max()).row(0)
    if since_ns <= first_ns or last_ns >= incident.window.end_ns:
        return _since(since_ns, incident), {}
    return _joined(known, _since(max(since_ns, last_ns + 1), incident))


def visits_of(revisions: pl.DataFrame) -> dict[str, int]:
    """Visits of each service."""
    return dict(revisions.group_by("service").agg(pl.col("n").sum()).iter_rows())


def members_of(revisions: pl.DataFrame, column: str) -> dict[str, list[Member]]:
    """Members of each service that has several, in order of name.

    Args:
        revisions: REVISION_SCHEMA; a key may have several rows.
        column: ``version`` or ``pod``: what the members are.
    """
    keys = ["service", column]
    table = (
        revisions.filter(pl.col(column) != "")
        .group_by(keys)
        .agg(
            pl.col("n").sum(),
            pl.col("first_ns").min(),
            pl.col("last_ns").max(),
            pl.col("before").min(),
            pl.col("after").min(),
        )
        .filter(pl.len().over("service") > 1)
        .sort(keys)
    )
    members: dict[str, list[Member]] = {}
    for service, *figures in table.iter_rows():
        members.setdefault(service, []).append(Member(*figures))
    return members


def replaced_pods(revisions: pl.DataFrame) -> pl.DataFrame:
    """Pods whose place others took: no span is due of them any more.

    Args:
        revisions: REVISION_SCHEMA.

    Returns:
        ``service``, ``pod``, in order of key.
    """
    visits = visits_of(revisions)
    replaced = {
        (service, name)
        for service, members in members_of(revisions, "pod").items()
        for rollout in rollouts(members, visits[service])
        if rollout.after - rollout.before
        for name in rollout.before - rollout.after
    }
    return pl.DataFrame(sorted(replaced), schema={"service": pl.String, "pod": pl.String}, orient="row")


def _since(start_ns: int, incident: Incident) -> pl.DataFrame:
    """What the incident's own telemetry saw from then on."""
    end_ns = incident.window.end_ns
    return incident.store.revisions([Window(min(start_ns, end_ns), end_ns)])


def _joined(known: pl.DataFrame, later: pl.DataFrame) -> tuple[pl.DataFrame, dict[str, Seam]]:
    """Two recordings, one after the other: visits of either count before or after those of the other."""
    one, other = (
        table.group_by("service").agg(
            pl.col("n").sum().alias("visits"), pl.col("first_ns").min(), pl.col("last_ns").max()
        )
        for table in (known, later)
    )
    rows = pl.concat(
        [
            known.join(other.select("service", "visits"), on="service", how="left").with_columns(
                pl.col("after") + pl.col("visits").fill_null(0)
            ),
            later.join(one.select("service", "visits"), on="service", how="left").with_columns(
                pl.col("before") + pl.col("visits").fill_null(0)
            ),
        ]
    )
    meeting = one.join(other, on="service", how="inner", suffix="_later")
    seams = meeting.select("service", "visits", "last_ns", "first_ns_later")
    return rows.select(known.columns), {service: Seam(*figures) for service, *figures in seams.iter_rows()}
