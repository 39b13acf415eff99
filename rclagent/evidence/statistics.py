"""The few statistics that every channel shares, as column expressions."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, lgamma, log, log1p
from typing import Final

import polars as pl

Z_GATE: Final = 3.0
"""A deviation counts from three standard deviations: one in 740 by chance, one-sided."""


def share_z(
    hits: pl.Expr, n: pl.Expr, base_hits: pl.Expr, base_n: pl.Expr, spread: pl.Expr | float = 0.0
) -> pl.Expr:
    """Distance of an incident share from its baseline share, in standard errors.

    z = (p1 - p0) / sqrt(p (1 - p) (1/n1 + 1/n0) + spread^2) with the pooled share
    p = (k1 + k0 + 1/2) / (n1 + n0 + 1); the halves keep it finite where nothing or everything hits.

    Args:
        hits: Count inside the incident, 0..n.
        n: Trials inside the incident.
        base_hits: Count in the baseline, 0..base_n.
        base_n: Trials in the baseline.
        spread: Scatter of the share between quiet times beyond chance (rclagent.telemetry.shares).

    Returns:
        Dimensionless; 0 where either side has no trials.

    Source: two-proportion z test with Jeffreys' halves.
    """
    pooled = (hits + base_hits + 0.5) / (n + base_n + 1)
    scatter = (pooled * (1 - pooled) * (1 / n + 1 / base_n) + spread**2).sqrt()
    z = (hits / n - base_hits / base_n) / scatter
    return pl.when((n > 0) & (base_n > 0)).then(z).otherwise(0.0)


def exceedance_z(over: pl.Expr, n: pl.Expr, base_n: pl.Expr, spread: pl.Expr | float = 0.0) -> pl.Expr:
    """Distance of the share of values above the baseline's 95th percentile from what chance lets expect.

    z = (k/n - q) / sqrt(q (1 - q) (1/n + 1/m) + spread^2) with q = max(5 %, 1/(m + 1)): the percentile was
    estimated
    from m values; of few values it is their maximum, which a further one exceeds with
    probability 1/(m + 1).

    Args:
        over: Incident values above the baseline's 95th percentile.
        n: Incident values.
        base_n: Baseline values, m.
        spread: Scatter of that share between quiet times beyond chance.

    Returns:
        Dimensionless; 0 where either side has no values.
    """
    expected = pl.max_horizontal(pl.lit(0.05), 1 / (base_n + 1))
    scatter = (expected * (1 - expected) * (1 / n + 1 / base_n) + spread**2).sqrt()
    return pl.when((n > 0) & (base_n > 0)).then((over / n - expected) / scatter).otherwise(0.0)


def rate_z(hits: pl.Expr, n: pl.Expr, base_hits: pl.Expr, base_n: pl.Expr) -> pl.Expr:
    """Distance of an incident rate from its baseline rate, in standard errors, for counts that may exceed n.

    z = (k1/n1 - k0/n0) / sqrt(r (1/n1 + 1/n0)) with the pooled rate r = (k1 + k0 + 1/2) / (n1 + n0).

    Returns:
        Dimensionless; 0 where either side has no trials.

    Source: comparison of two Poisson rates, normal approximation.
    """
    pooled = (hits + base_hits + 0.5) / (n + base_n)
    z = (hits / n - base_hits / base_n) / (pooled * (1 / n + 1 / base_n)).sqrt()
    return pl.when((n > 0) & (base_n > 0)).then(z).otherwise(0.0)


def binomial_tail(hits: int, n: int, share: float) -> float:
    """Probability of at least so many hits by chance: sum over i >= hits of C(n, i) p^i (1 - p)^(n - i).

    Exact where the normal approximation is far off: 6 of 20 against 5 % have z = 5.1, which would be one
    in five million, but come about once in 3,000 times.

    Args:
        hits: Hits, 0..n.
        n: Trials.
        share: Chance p of a hit, strictly between 0 and 1.
    """
    log_ways = lgamma(n + 1)
    odds, rest = log(share), log1p(-share)
    total = 0.0
    for i in range(hits, n + 1):
        term = exp(log_ways - lgamma(i + 1) - lgamma(n - i + 1) + i * odds + (n - i) * rest)
        total += term
        # Beyond the mean the terms only fall.
        if i > n * share and term <= total * 1e-18:
            break
    return min(1.0, total)


def discoveries(tails: Sequence[float], tested: int, rate: float) -> list[bool]:
    """Which of many small probabilities hold up when so many were looked at.

    The largest k with p(k) <= rate k / tested is found; the k smallest hold, so that of all that hold a
    share of at most ``rate`` is chance.

    Args:
        tails: Probabilities of those that passed other gates; the rest count as 1.
        tested: How many were looked at, at least as many.
        rate: False discovery rate, 0..1.

    Source: Benjamini and Hochberg, Controlling the False Discovery Rate (JRSS B, 1995).
    """
    ordered = sorted(tails)
    limit = max((p for rank, p in enumerate(ordered, start=1) if p <= rate * rank / tested), default=-1.0)
    return [p <= limit for p in tails]
