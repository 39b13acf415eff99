"""Services of records that name only their pod."""

from __future__ import annotations

import pytest

from rclagent.core.log import LogRecord, logs_to_frame
from rclagent.core.metric import MetricPoint, metrics_to_frame
from rclagent.core.span import Span, spans_to_frame
from rclagent.core.telemetry import Telemetry
from rclagent.telemetry.pod_services import name_services


def span(service: str, pod: str | None) -> Span:
    return Span("t", "s", None, service, "op", 1, 2, pod=pod)


def named(spans: list[Span], service: str | None, pod: str | None) -> str | None:
    """Service that a sample of this service and pod ends up with."""
    points = metrics_to_frame([MetricPoint(1, "m", 1.0, service, pod)])
    name: str | None = name_services(Telemetry(spans=spans_to_frame(spans), metrics=points)).metrics[
        "service"
    ][0]
    return name


def test_the_spans_of_a_pod_say_whose_it_is() -> None:
    spans = [span("cart", "p"), span("cart", "p"), span("unknown_service", "p"), span("other", None)]
    assert named(spans, None, "p") == "cart"
    assert named(spans, "cart-deployment", "p") == "cart"


def test_a_pod_that_two_services_share_says_nothing() -> None:
    assert named([span("a", "p"), span("b", "p")], "c", "p") == "c"


@pytest.mark.parametrize(
    ("pod", "service"),
    [
        ("cart-7d9f8b6c5d-x2x4z", "cart"),
        ("redis-cart-0", "redis-cart"),
        ("node-exporter-x2x4z", "node-exporter"),
        ("my-redis", "my-redis"),
        ("cart", "cart"),
        (None, None),
    ],
)
def test_without_spans_the_service_is_the_pods_name_less_what_kubernetes_adds(
    pod: str | None, service: str | None
) -> None:
    assert named([], None, pod) == service


def test_log_lines_of_an_unknown_service_are_named_too() -> None:
    logs = logs_to_frame(
        [LogRecord(1, "unknown_service", "x", pod="p"), LogRecord(1, "unknown_service", "x")]
    )
    telemetry = name_services(Telemetry(spans=spans_to_frame([span("cart", "p")]), logs=logs))
    assert telemetry.logs["service"].to_list() == ["cart", "unknown_service"]
