"""Meaning of OTLP's attributes."""

from __future__ import annotations

import pytest

from rclagent.telemetry import otlp
from rclagent.telemetry.otlp import Place, kind_of, peer_of, place_of, series_of, time_of


@pytest.mark.parametrize(
    ("resource", "place"),
    [
        ({"service.name": "a", "k8s.pod.name": "p", "service.instance.id": "i"}, ("a", "p", None)),
        ({"service.name": "a", "service.instance.id": "i", "host.name": "h"}, ("a", "i", "h")),
        ({"service.name": "a", "k8s.pod.name": "p", "host.name": "p"}, ("a", "p", None)),
        ({"service.name": "a", "k8s.node.name": "n", "host.name": "p"}, ("a", None, "n")),
        ({"k8s.deployment.name": "d", "k8s.pod.name": "p", "k8s.container.name": "proxy"}, ("d", "p", None)),
        ({"k8s.pod.name": "p", "k8s.container.name": "proxy"}, (None, "p", None)),
        ({"container.name": "cart", "container.id": "abc"}, ("cart", "cart", None)),
        ({"host.name": "vm-1"}, (None, None, "vm-1")),
        ({"service.name": ""}, (None, None, None)),
    ],
)
def test_a_resource_names_service_instance_and_machine(
    resource: dict[str, str], place: tuple[str | None, str | None, str | None]
) -> None:
    found = place_of(resource)
    assert (found.service, found.pod, found.node) == place


EXPORTER = Place("cadvisor", "10.0.0.1:8080", None, None)


@pytest.mark.parametrize(
    ("place", "labels", "series"),
    [
        (EXPORTER, {"pod": "cart-1", "container": "app"}, (None, "cart-1", None, "m{container=app}")),
        (EXPORTER, {"pod": "cart-1", "node": "n", "service_name": "cart"}, ("cart", "cart-1", "n", "m")),
        (EXPORTER, {"mode": "user", "cpu": "0"}, ("cadvisor", "10.0.0.1:8080", None, "m{cpu=0,mode=user}")),
        (Place("cart", "cart-1", "n", None), {"pod": "cart-1"}, ("cart", "cart-1", "n", "m")),
        (Place(None, None, "n", None), {"job": "node"}, ("node", None, "n", "m{job=node}")),
        (Place(None, None, "n", None), {}, (None, None, "n", "m")),
    ],
)
def test_labels_say_whose_series_it_is(
    place: Place, labels: dict[str, str], series: tuple[str | None, str | None, str | None, str]
) -> None:
    assert series_of(place, "m", labels) == series


def test_only_calling_spans_have_a_peer_and_the_logical_name_goes_before_the_address() -> None:
    attributes = {"server.address": "10.0.0.1", "db.system.name": "mysql", "messaging.system": "kafka"}
    assert peer_of("client", attributes) == "mysql"
    assert peer_of("producer", {"messaging.system": "kafka"}) == "kafka"
    assert peer_of("server", attributes) is None


def test_kinds_are_known_by_number_and_name() -> None:
    assert [kind_of(kind) for kind in (0, 1, 2, "3", "SPAN_KIND_PRODUCER", "consumer", 9, None, "odd")] == [
        "unknown", "internal", "server", "client", "producer", "consumer", "unknown", "unknown", "unknown",
    ]  # fmt: skip


def test_a_time_beyond_64_bits_is_unusable() -> None:
    assert [time_of(time) for time in (2**63 - 1, str(2**63), -1, "", None, 1e400)] == [
        2**63 - 1,
        0,
        0,
        0,
        0,
        0,
    ]


def test_what_came_in_an_interval_is_a_rate() -> None:
    """30 in a minute are half a one a second; of an unknown interval they stay 30."""
    minute = 60 * 10**9
    assert otlp.per_second(30.0, str(minute), 2 * minute) == 0.5
    assert otlp.per_second(30.0, None, minute) == 30
    assert otlp.per_second(30.0, minute, minute) == 30
    assert otlp.is_delta("AGGREGATION_TEMPORALITY_DELTA", True)
    assert not otlp.is_delta(1, False)


def test_containers_of_a_pod_are_series_of_their_own() -> None:
    resource = {"k8s.pod.name": "cart-1", "k8s.container.name": "proxy", "service.name": "cart"}
    assert series_of(place_of(resource), "m", {"x": "1"})[3] == "m{k8s.container.name=proxy,x=1}"
