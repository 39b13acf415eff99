"""The bakery has what the shop lacks."""

from __future__ import annotations

import polars as pl

from rclagent.testing import GeneratedIncident, bakery


def test_the_bakery_is_small() -> None:
    """Eight services on three machines."""
    assert len(bakery().services) == 8
    assert len(bakery().pods()) == 14
    assert len({pod.node for pod in bakery().pods()}) == 3


def test_who_records_no_spans_is_known_as_a_peer(baked: GeneratedIncident) -> None:
    """Databases, external services and topics; they are the peers of spans and never their service."""
    peers = {
        "main-db",
        "oven-db",
        "courier-db",
        "cardhouse.example",
        "maps.example",
        "placed-orders",
        "baked-orders",
        "mails",
        "trail",
    }
    spans = baked.baseline.spans
    services = {service.name for service in bakery().services}
    assert bakery().peers == peers
    assert set(spans["service"]) == services
    assert set(spans["peer"].drop_nulls()) - services == peers


def test_services_share_a_database(baked: GeneratedIncident) -> None:
    """Three of them."""
    asking = baked.baseline.spans.filter(pl.col("peer") == "main-db")
    assert sorted(set(asking["service"])) == ["audit", "menu", "orders"]
