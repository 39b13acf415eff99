"""Errors channel: operations at which errors start more often, and components gone silent.

An error is credited where it starts: to the failed span without a failed child. The share of spans
of an operation at which errors start is compared with the baseline; it counts from z > 3, three
errors and a rise of 2 % of the spans: an error is discrete, so a few that were never there
before say more than a slow tail.

Where that span is a call, whoever was called owes the answer: the service that usually gives it, else the
peer that the span names, be it a database, an external service or a topic. That the caller tried again and
was answered then changes nothing about it.

A callee is *silent* when calls to it are tried and no span of it answers, more often than before.
A service that is merely not called any more is not silent: its callers changed.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from rclagent.core.baseline import Baseline
from rclagent.core.store import TelemetryStore
from rclagent.core.window import Window
from rclagent.evidence.changes import changed
from rclagent.evidence.revisions import replaced_pods
from rclagent.evidence.statistics import Z_GATE, share_z

CALL: Final = ("service", "operation", "peer")
"""Key of a call: who makes it by what, and whom it names."""
MIN_ERRORS: Final = 3
"""One or two errors happen at random."""
MIN_RISE: Final = 0.02
"""Rise of the error share that users notice."""
EXPECTED_SPANS: Final = 10.0
"""Spans to be expected of a pod before none at all means that it is gone: chance of none is e^-10 = 0.005
%."""


def compare_errors(store: TelemetryStore, window: Window, baseline: Baseline) -> pl.DataFrame:
    """Operations at which errors start more often.

    Returns:
        CALL, ``callee`` (who owes the answer; null where the service itself fails), ``n``, ``hits`` (errors
        that start there), ``unanswered`` (of these, calls without a span of the callee, and messages),
        ``base_n``, ``base_hits``, ``change``, ``z``, in order of key. An operation not seen before
        is compared with the errors of its whole service.
    """
    before = baseline.errors.select(*CALL, pl.col("n").alias("base_n"), pl.col("deepest").alias("base_hits"))
    service = before.group_by("service").agg(
        pl.col("base_n").sum().alias("service_n"), pl.col("base_hits").sum().alias("service_hits")
    )
    both = (
        store.errors([window])
        .rename({"deepest": "hits"})
        .join(before, on=CALL, how="left")
        .join(service, on="service", how="left")
        .with_columns(pl.coalesce("base_n", "service_n"), pl.coalesce("base_hits", "service_hits"))
        .filter(pl.col("base_n").is_not_null())
    )
    missed = missing_callees(store.attempts([window]), baseline.attempts)
    usual = _usual_callees(baseline.attempts).rename({"callee": "usual"})
    named = pl.when(pl.col("peer") != "").then("peer")
    callee = pl.when(pl.col("outgoing") > 0).then(pl.coalesce("callee", "usual", named)).otherwise(named)
    figures = ("n", "hits", "unanswered", "base_n", "base_hits", "change", "z")
    return (
        more_errors(both)
        .join(missed, on=CALL, how="left")
        .join(usual, on=CALL, how="left")
        .select(*CALL, callee.alias("callee"), *figures)
        .sort(CALL)
    )


def more_errors(both: pl.DataFrame) -> pl.DataFrame:
    """Of two sides of errors (``n``, ``hits``, ``base_n``, ``base_hits``) those that became more, with
    ``change`` and ``z``."""
    change = pl.col("hits") / pl.col("n") - pl.col("base_hits") / pl.col("base_n")
    z = share_z(pl.col("hits"), pl.col("n"), pl.col("base_hits"), pl.col("base_n"))
    return both.with_columns(change.alias("change"), z.alias("z")).filter(
        (pl.col("z") > Z_GATE) & (pl.col("hits") >= MIN_ERRORS) & (pl.col("change") >= MIN_RISE)
    )


def compare_attempts(store: TelemetryStore, window: Window, baseline: Baseline) -> pl.DataFrame:
    """Calls that are answered less often than before, and who fails to answer.

    Returns:
        CALL, ``callee``, ``n``, ``hits`` (unanswered), ``base_n``, ``base_hits``, ``change``, ``z``, in order
        of key.
    """
    now, before = _answers(store.attempts([window])), _answers(baseline.attempts)
    both = now.join(before.rename({"n": "base_n", "hits": "base_hits"}), on=CALL, how="inner")
    change = pl.col("hits") / pl.col("n") - pl.col("base_hits") / pl.col("base_n")
    z = share_z(pl.col("hits"), pl.col("n"), pl.col("base_hits"), pl.col("base_n"))
    missed = missing_callees(store.attempts([window]), baseline.attempts)
    return (
        both.with_columns(change.alias("change"), z.alias("z"))
        .filter(
            (pl.col("change") > 0) & changed(pl.col("z"), pl.col("change")) & (pl.col("hits") >= MIN_ERRORS)
        )
        .join(missed, on=CALL, how="inner")
        .select(*CALL, "callee", "n", "hits", "base_n", "base_hits", "change", "z")
        .sort(CALL)
    )


def missing_callees(now: pl.DataFrame, before: pl.DataFrame) -> pl.DataFrame:
    """Who should have answered the calls that nobody answered.

    Each unanswered call is charged to the callees that usually answer at its place in the same request,
    by their baseline shares: the name of a calling span (``GET``) may stand for many callees.

    Args:
        now: ATTEMPT_SCHEMA of the window.
        before: ATTEMPT_SCHEMA of the baseline.

    Returns:
        CALL, ``callee``: the one that is charged most, where there is one.
    """
    place = [*CALL, "request", "place"]
    usual = before.filter(pl.col("callee") != "").with_columns(
        (pl.col("hits") / pl.col("hits").sum().over(place)).alias("share")
    )
    return (
        now.filter(pl.col("callee") == "")
        .select(*place, pl.col("hits").alias("unanswered"))
        .join(usual, on=place, how="inner")
        .group_by(*CALL, "callee")
        .agg((pl.col("unanswered") * pl.col("share")).sum().alias("charged"))
        .pipe(_most, "charged")
    )


def _usual_callees(before: pl.DataFrame) -> pl.DataFrame:
    """CALL and the ``callee`` that answered most often, where anyone did."""
    answered = before.filter(pl.col("callee") != "")
    return answered.group_by(*CALL, "callee").agg(pl.col("hits").sum()).pipe(_most, "hits")


def _most(callees: pl.DataFrame, figure: str) -> pl.DataFrame:
    """CALL and the ``callee`` with the largest figure."""
    falling = callees.sort(*CALL, figure, "callee", descending=[*(False for _ in CALL), True, False])
    return falling.unique(CALL, keep="first", maintain_order=True).select(*CALL, "callee")


def unheard_calls(
    calls: pl.DataFrame, store: TelemetryStore, window: Window, baseline: Baseline
) -> pl.DataFrame:
    """Calls that changed (rclagent.evidence.calls.compare_calls), with ``unheard``: the callee lost a pod, so
    that they vanish for want of someone to take them."""
    gone = gone_services(store, window, baseline)
    return calls.with_columns(((pl.col("change") < 0) & pl.col("callee").is_in(gone)).alias("unheard"))


def owed_errors(errors: pl.DataFrame, calls: pl.DataFrame) -> pl.DataFrame:
    """Errors (compare_errors), those of requests whose calls go unheard owed by the callee.

    Where callers record no calls, a request that nobody answers fails at the caller, and the call is
    missing.

    Args:
        errors: compare_errors.
        calls: unheard_calls.
    """
    unheard = (
        calls.filter("unheard")
        .sort("service", "operation", "change", "callee")
        .unique(["service", "operation"], keep="first", maintain_order=True)
        .select("service", "operation", pl.col("callee").alias("owing"))
    )
    owes = pl.col("callee").is_null() & pl.col("owing").is_not_null()
    return (
        errors.join(unheard, on=["service", "operation"], how="left", maintain_order="left")
        .with_columns(
            pl.coalesce("callee", "owing").alias("callee"),
            pl.when(owes).then("hits").otherwise("unanswered").alias("unanswered"),
        )
        .drop("owing")
    )


def gone_services(store: TelemetryStore, window: Window, baseline: Baseline) -> list[str]:
    """Services of which a pod is gone: no span of it, while its siblings send some, or while no log line and
    no metric of it is there either, though there used to be. Else it may only not be called any more."""
    keys = ["service", "pod"]
    gone = vanished_pods(store, window, baseline)
    now = store.components([window])
    at_work = now.filter(pl.col("spans") > 0)["service"].unique()
    speaks = (pl.col("logs") > 0) | (pl.col("metrics") > 0)
    spoke = baseline.components.filter(speaks).select(keys)
    mute = gone.join(spoke, on=keys, how="semi").join(now.filter(speaks), on=keys, how="anti")
    sure = pl.concat([gone.filter(pl.col("service").is_in(at_work.implode())), mute])
    return sure["service"].unique().sort().to_list()


def _answers(attempts: pl.DataFrame) -> pl.DataFrame:
    """Calls tried ``n`` and unanswered ``hits`` of each call that is ever answered."""
    return (
        attempts.group_by(CALL)
        .agg(
            pl.col("hits").sum().alias("n"),
            pl.col("hits").filter(pl.col("callee") == "").sum().alias("unanswered"),
        )
        .select(*CALL, "n", pl.col("unanswered").alias("hits"))
    )


def vanished_pods(store: TelemetryStore, window: Window, baseline: Baseline) -> pl.DataFrame:
    """Pods that sent spans in the baseline, should have sent at least EXPECTED_SPANS, and sent none.

    A pod whose service has a pod that the baseline does not know was replaced: a deploy. So was one whose
    place another took before the baseline ended.

    Returns:
        ``service``, ``pod``, ``expected`` (spans), in order of key.
    """
    now = store.components([window]).filter(pl.col("spans") > 0)
    before = baseline.components.filter((pl.col("spans") > 0) & (pl.col("pod") != ""))
    total, base_total = now["spans"].sum(), baseline.components["spans"].sum()
    keys = ["service", "pod"]
    replaced = now.join(before, on=keys, how="anti").filter(pl.col("pod") != "")["service"].unique()
    if not base_total:
        return before.select(*keys, pl.lit(0.0).alias("expected")).clear()
    return (
        before.join(now, on=keys, how="anti")
        .join(replaced_pods(baseline.revisions), on=keys, how="anti")
        .group_by(keys)
        .agg((pl.col("spans").sum() * total / base_total).alias("expected"))
        .filter((pl.col("expected") >= EXPECTED_SPANS) & ~pl.col("service").is_in(replaced.implode()))
        .sort(keys)
    )
