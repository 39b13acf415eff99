"""What OTLP's fields and attributes mean for us, in JSON and protobuf: place, status, peer, series."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from rclagent.core import names
from rclagent.core.span import SpanKind
from rclagent.core.window import NS_PER_S
from rclagent.telemetry.bounds import MAX_TIME_NS

Scalar = str | int | float | bool | None
"""A value that JSON writes in several ways: 64-bit numbers as strings, enumerations by name or number."""

EXCEPTION_EVENT: Final = "exception"
"""Name of the span events that record exceptions."""

_WORKLOADS: Final = ("k8s.deployment.name", "k8s.statefulset.name", "k8s.daemonset.name")
CONTAINER: Final = "k8s.container.name"
"""Name of a container within its pod."""
_CONTAINERS: Final = (CONTAINER, "container.name")
_PODS: Final = (names.K8S_POD_NAME, names.SERVICE_INSTANCE_ID, "container.name", "container.id")
_STATUS: Final = (
    names.ERROR_TYPE,
    names.HTTP_STATUS_CODE,
    names.HTTP_STATUS_CODE_OLD,
    names.RPC_GRPC_STATUS_CODE,
)
_PEERS: Final = (
    names.SERVICE_PEER_NAME,
    names.PEER_SERVICE,
    names.DB_SYSTEM_NAME,
    names.DB_SYSTEM,
    names.SERVER_ADDRESS,
    "net.peer.name",
    names.MESSAGING_SYSTEM,
)
SPAN_KEYS: Final = frozenset(_STATUS + _PEERS)
"""Span attributes that are read."""

_POD_LABELS: Final = (names.K8S_POD_NAME, "pod", "pod_name", "kubernetes_pod_name")
_NODE_LABELS: Final = (names.K8S_NODE_NAME, "node", "kubernetes_node")
_SERVICE_LABELS: Final = (names.SERVICE_NAME, "service_name")
_SCRAPE_LABELS: Final = ("service", "job")

_KIND_ORDER: Final = (
    SpanKind.UNKNOWN,
    SpanKind.INTERNAL,
    SpanKind.SERVER,
    SpanKind.CLIENT,
    SpanKind.PRODUCER,
    SpanKind.CONSUMER,
)
_KINDS: Final[dict[Scalar, str]] = {
    key: kind.value
    for number, kind in enumerate(_KIND_ORDER)
    for key in (number, str(number), f"SPAN_KIND_{kind.name}", kind.name, kind.value)
}
_ERROR_CODES: Final[frozenset[Scalar]] = frozenset({2, "2", "STATUS_CODE_ERROR", "ERROR"})
_DELTA_CODES: Final[frozenset[Scalar]] = frozenset({1, "1", "AGGREGATION_TEMPORALITY_DELTA"})
_CUMULATIVE_CODES: Final[frozenset[Scalar]] = frozenset({2, "2", "AGGREGATION_TEMPORALITY_CUMULATIVE"})


@dataclass(frozen=True, slots=True)
class Place:
    """Where telemetry comes from, by its resource."""

    service: str | None
    """Service; None where neither it nor its workload is named."""
    pod: str | None
    """Instance."""
    node: str | None
    """Machine."""
    version: str | None
    """Version of the service."""
    container: str | None = None
    """Container of the pod, where the resource is one of several."""


def place_of(resource: Mapping[str, str]) -> Place:
    """Service, instance and machine of a resource, by the OpenTelemetry conventions.

    Args:
        resource: Its attributes as text.
    """
    pod = _first(resource, _PODS)
    service = resource.get(names.SERVICE_NAME) or _first(resource, _WORKLOADS)
    if service is None and names.K8S_POD_NAME not in resource:
        service = _first(resource, _CONTAINERS)
    node = resource.get(names.K8S_NODE_NAME) or None
    host = resource.get(names.HOST_NAME) or None
    if node is None and host != pod:  # inside Kubernetes the host name is the pod's
        node = host
    version = resource.get(names.SERVICE_VERSION) or None
    return Place(service, pod, node, version, resource.get(CONTAINER) or None)


def series_of(
    place: Place, metric: str, labels: Mapping[str, str]
) -> tuple[str | None, str | None, str | None, str]:
    """Service, pod, node and series name of a data point.

    A label that names a pod is about that pod, not about the exporter that the resource
    describes; its service is then left open, to be found by the pod.

    Args:
        place: Of the resource.
        metric: Metric name.
        labels: Attributes of the data point as text.
    """
    used = {}
    service, pod, node = place.service, place.pod, place.node
    for keys, slot in ((_POD_LABELS, "pod"), (_NODE_LABELS, "node"), (_SERVICE_LABELS, "service")):
        key = next((key for key in keys if labels.get(key)), None)
        if key is not None:
            used[slot] = key
    if "node" in used:
        node = labels[used["node"]]
    if "pod" in used and labels[used["pod"]] != pod:
        service, pod = None, labels[used["pod"]]
    if "service" in used:
        service = labels[used["service"]]
    if service is None and pod is None:
        service = _first(labels, _SCRAPE_LABELS)
    # Containers of one pod are series of their own.
    own = {CONTAINER: place.container, **labels} if place.container else labels
    rest = sorted(f"{key}={value}" for key, value in own.items() if key not in used.values())
    return service, pod, node, f"{metric}{{{','.join(rest)}}}" if rest else metric


def kind_of(kind: Scalar) -> str:
    """SpanKind value of OTLP's number or name."""
    return _KINDS.get(kind, SpanKind.UNKNOWN.value)


def is_error(code: Scalar) -> bool:
    """Whether a status code means error; unset and ok do not."""
    return code in _ERROR_CODES


def is_delta(temporality: Scalar, monotonic: bool) -> bool:
    """Whether a sum counts what came in each interval."""
    return monotonic and temporality in _DELTA_CODES


def per_second(value: float | None, start: Scalar, time_ns: int) -> float | None:
    """What came in an interval as a rate; as it is where the interval is unknown, for then all are alike.

    Args:
        value: What came.
        start: Start of the interval, as the point tells it.
        time_ns: Its end.
    """
    start_ns = time_of(start)
    if value is None or not 0 < start_ns < time_ns:
        return value
    return value / ((time_ns - start_ns) / NS_PER_S)


def is_cumulative(temporality: Scalar, monotonic: bool) -> bool:
    """Whether a sum is a running total."""
    return monotonic and temporality in _CUMULATIVE_CODES


def status_of(attributes: Mapping[str, str]) -> str | None:
    """Error type or status code that a span names."""
    return _first(attributes, _STATUS)


def peer_of(kind: str, attributes: Mapping[str, str]) -> str | None:
    """Remote side that a client or producer span names; a server's own address is no peer."""
    if kind not in (SpanKind.CLIENT, SpanKind.PRODUCER):
        return None
    return _first(attributes, _PEERS)


def time_of(value: Scalar) -> int:
    """Nanoseconds of a time written as number or text; 0 where it is unusable."""
    try:
        time = int(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return 0
    return time if 0 < time <= MAX_TIME_NS else 0


def number_of(value: Scalar) -> float | None:
    """A number written as number or text; None where it is neither."""
    try:
        return None if value is None else float(value)
    except (ValueError, OverflowError):
        return None


def exception_text(attributes: Mapping[str, str]) -> str:
    """``type: message`` of an exception event."""
    parts = (attributes.get(names.EXCEPTION_TYPE), attributes.get(names.EXCEPTION_MESSAGE))
    return ": ".join(part for part in parts if part)


def _first(attributes: Mapping[str, str], keys: tuple[str, ...]) -> str | None:
    for key in keys:
        value = attributes.get(key)
        if value:
            return value
    return None
