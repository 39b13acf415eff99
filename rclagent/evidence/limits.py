"""Series as shares of their limits, where another series of the same pod, pool or device tells the limit.

    share = usage / limit,    or    1 - rest / limit    where what is left is measured

The divisor is the second largest sample of the limit in the window and its median in the baseline: limits
seldom change, and counts that serve as divisors (packets, CPU periods) then never make a share of the window
too large, or one of the baseline too small.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Final

import polars as pl

from rclagent.evidence.metric_bounds import ATTRIBUTES, BOUNDS, CONTAINER
from rclagent.evidence.metric_names import bare_name

KEYS: Final = ("service", "pod", "node", "metric")
UNLIMITED: Final = 2.0**60
"""Limits from here on (an exbibyte) say that there is none; so do zero and less."""
NO_SHARE: Final = 1.5
"""No more than this of a limit can be in use; more says that the two do not belong together, or that a
running total was not marked as one."""
CFS_PERIOD_US: Final = 100_000.0
"""Period of the Linux scheduler's CPU quota where none is told."""

_QUALIFIED: Final = (
    "db_client_connections_usage",
    "db_client_connection_count",
    "system_memory_usage",
    "system_cpu_time",
    "node_cpu",
    "kube_pod_container_resource_limits",
)
"""Metrics that are different things by their state, mode or resource: then it is part of the plain name."""
_QUALIFIER: Final = r"(?:^|,)(?:[\w.]*[._])?(?:state|mode|resource)=([^,]*)"
_CONTAINERS: Final = (
    r"(?:^|,)(?:k8s[._]container[._]name|container(?:[._]name)?)=([^,]*)",
    r"(?:^|,)name=([^,]*)",
)
_UNITS: Final = r"(_bytes|_seconds|_cores)?(_total)?$"
_QUOTA: Final = "container_spec_cpu_quota"
_PERIOD: Final = "container_spec_cpu_period"

_BOUNDS: Final = pl.DataFrame(
    [
        {"plain": usage}
        | {name: value for name, value in asdict(bound).items() if name not in ("usages", "limits")}
        for bound in BOUNDS
        for usage in bound.usages.split()
    ],
    infer_schema_length=None,
)
_PAIRS: Final = pl.DataFrame(
    [
        {"plain": usage, "limit_name": limit, "of": bound.of}
        for bound in BOUNDS
        for usage in bound.usages.split()
        for limit in bound.limits.split()
    ]
)
_LIMIT_NAMES: Final = sorted({*_PAIRS["limit_name"], _PERIOD})
_OF_SHARES: Final = sorted({*_PAIRS.drop_nulls("of")["limit_name"], _PERIOD})
_KNOWN: Final = sorted({*_LIMIT_NAMES, *_BOUNDS["plain"], *_QUALIFIED})
_OF: Final = ("place", "limit_name", "by")


def named(series: pl.DataFrame) -> pl.DataFrame:
    """The series that bounds know, by plain name.

    Args:
        series: Any table with ``metric``.

    Returns:
        Its columns, ``plain`` (without dots, capitals, units and ``_total``, with the state that makes it
        another metric) and ``attributes`` (``key=value``, separated by commas); only series that have a
        limit or tell one.
    """
    plain = bare_name(pl.col("metric")).str.replace(_UNITS, "").str.replace_all(".", "_", literal=True)
    rows = series.with_columns(plain.alias("plain")).filter(pl.col("plain").is_in(_KNOWN))
    inner = pl.col("metric").str.to_lowercase().str.extract(r"(?s)\{(.*)\}").fill_null("")
    attributes = inner.str.replace_all(r'["\s]', "").str.replace_all(";", ",", literal=True)
    state = pl.col("attributes").str.extract(_QUALIFIER).fill_null("")
    is_qualified = pl.col("plain").is_in(_QUALIFIED) & (state != "")
    return rows.with_columns(attributes.alias("attributes")).with_columns(
        pl.when(is_qualified).then(pl.col("plain") + "_" + state).otherwise("plain").alias("plain")
    )


def bounded(series: pl.DataFrame) -> pl.DataFrame:
    """The same series, each with what is known of its bound by its name.

    Args:
        series: Any table with ``metric``.

    Returns:
        Its columns, and those of rclagent.evidence.metric_bounds.Bound (null where there is none);
        ``is_limit``: all that it tells is what others are shares of.
    """
    known = (
        named(series.select("metric").unique())
        .join(_BOUNDS, on="plain", how="left")
        .with_columns(pl.col("plain").is_in(_OF_SHARES).alias("is_limit"))
        .drop("plain", "attributes")
    )
    return series.join(known, on="metric", how="left", maintain_order="left").with_columns(
        pl.col("is_limit").fill_null(False)
    )


def limits_of(series: pl.DataFrame, figure: str) -> pl.DataFrame:
    """The tightest limit known of each series.

    Containers and pools are told apart by their attributes. What a limit says of a whole pod holds for
    each part of it, and the limits of all parts together for the whole.

    Args:
        series: SERIES_SCHEMA.
        figure: Column that is taken of the limits.

    Returns:
        ``service``, ``pod``, ``node``, ``metric``, ``limit``; only series with one.
    """
    rows = named(series).with_columns(_place().alias("place"))
    usages = rows.join(_PAIRS.drop("of"), on="plain", how="inner").join(
        _BOUNDS.select("plain", "by"), on="plain"
    )
    known = _known_limits(rows, figure)
    whole = known.filter(pl.col("part") == "").select(*_OF, pl.col("limit").alias("of_all"))
    return (
        usages.with_columns(_part().alias("part"))
        .join(pl.concat([known, _sums(known)]), on=[*_OF, "part"], how="left")
        .join(whole, on=list(_OF), how="left")
        .with_columns(pl.coalesce("limit", "of_all").alias("limit"))
        .drop_nulls("limit")
        .group_by(KEYS)
        .agg(pl.col("limit").min())
        .sort(KEYS)
    )


def in_shares(both: pl.DataFrame) -> pl.DataFrame:
    """Turn the figures of series with a known limit into shares of it.

    Args:
        both: Series of the window and of the baseline (``base_``) side by side, with the columns of
            ``bounded``, and ``limit`` and ``base_limit`` where known.

    Returns:
        The same columns, and ``is_part`` (Boolean): the figures are shares now. Series of which next to
        nothing happens (rclagent.evidence.metric_bounds.Bound.least_limit) are left out.
    """
    now = pl.coalesce("constant", "limit", "base_limit")
    before = pl.coalesce("constant", "base_limit", "limit")

    def share(used: str, rest: str, limit: pl.Expr) -> pl.Expr:
        """``rest``: the figure that is smallest where the share is largest."""
        return pl.when("left").then(1 - pl.col(rest) / limit).otherwise(pl.col(used) / limit)

    shares = {
        "mean": share("mean", "mean", now),
        "low": share("low", "high", now),
        "high": share("high", "low", now),
        "base_p50": share("base_p50", "base_p50", before),
        "base_mad": pl.col("base_mad") / before,
        "base_p99": share("base_p99", "base_low", before),
        "base_low": share("base_low", "base_high", before),
        "base_high": share("base_high", "base_low", before),
    }
    is_share = pl.col("of").is_not_null()
    possible = pl.max_horizontal(shares["high"], shares["base_high"]) <= NO_SHARE
    known = (now.is_not_null() & (possible | ~is_share)).fill_null(False)
    return both.filter(~(pl.col("limit") < pl.col("least_limit")).fill_null(False)).with_columns(
        (known & is_share).alias("is_part"),
        *(pl.when(known).then(value).otherwise(pl.col(name)).alias(name) for name, value in shares.items()),
    )


def _known_limits(rows: pl.DataFrame, figure: str) -> pl.DataFrame:
    """Limits by ``place``, ``limit_name``, ``by``, and ``part``: empty where they are of the whole."""
    periods = (
        rows.filter(pl.col("plain") == _PERIOD)
        .group_by("place", "attributes")
        .agg(pl.col(figure).max().alias("period"))
    )
    limits = (
        rows.filter(pl.col("plain").is_in(_LIMIT_NAMES))
        .join(periods, on=["place", "attributes"], how="left")
        .with_columns(
            pl.when(pl.col("plain") == _QUOTA)
            .then(pl.col(figure) / pl.col("period").fill_null(CFS_PERIOD_US))
            .otherwise(pl.col(figure))
            .alias("limit")
        )
        .with_columns(
            pl.when((pl.col("limit") > 0) & (pl.col("limit") < UNLIMITED)).then("limit").alias("limit")
        )
    )
    ways = pl.DataFrame({"by": [ATTRIBUTES, CONTAINER]})
    return (
        limits.join(ways, how="cross")
        .with_columns(_part().alias("part"))
        .group_by("place", pl.col("plain").alias("limit_name"), "by", "part")
        .agg(pl.col("limit").max())
    )


def _sums(known: pl.DataFrame) -> pl.DataFrame:
    """Limits of the whole where only parts have one; none where a part has none."""
    return (
        known.group_by(_OF)
        .agg(pl.col("part").min(), pl.col("limit").sort().sum(), pl.col("limit").has_nulls().alias("open"))
        .filter((pl.col("part") != "") & ~pl.col("open"))
        .select(*_OF, pl.lit("").alias("part"), "limit")
    )


def _place() -> pl.Expr:
    """The pod; the service or machine of series that name none: exporters differ in what else they name."""
    return (
        pl.when(pl.col("pod") != "")
        .then("pod " + pl.col("pod"))
        .when(pl.col("service") != "")
        .then("service " + pl.col("service"))
        .otherwise("node " + pl.col("node"))
    )


def _part() -> pl.Expr:
    """Which part of its place a series is of, by the column ``by``."""
    attributes = pl.col("attributes")
    others = attributes.str.split(",").list.eval(
        pl.element().filter(~pl.element().str.contains(_QUALIFIER)).sort()
    )
    container = pl.coalesce(*(attributes.str.extract(pattern) for pattern in _CONTAINERS), pl.lit(""))
    return pl.when(pl.col("by") == CONTAINER).then(container).otherwise(others.list.join(","))
