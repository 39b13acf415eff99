"""Who owns slow legs: precision, score, mechanisms, and several owners one after the other."""

from __future__ import annotations

import polars as pl
import pytest

from rclagent.core.evidence import FaultType
from rclagent.evidence.ownership import Owner, find_owners

Leg = tuple[dict[str, str], int, float, bool | None, bool]

SHAPE = {
    "leg_id": pl.Int64,
    "service": pl.String,
    "place": pl.String,
    "n": pl.Int64,
    "slow": pl.Boolean,
    "steady": pl.Boolean,
    "mostly": pl.Boolean,
    "lost_ms": pl.Float64,
}


def leg(
    lost_ms: float = 0.0, n: int = 10, steady: bool | None = True, mostly: bool = True, **places: str
) -> Leg:
    """A leg at each service that it may be charged to; slow where time was lost in it, in most calls."""
    return places, n, lost_ms, steady, mostly


def owners_of(*legs: Leg, least: float = 0.05, quiet: tuple[str, ...] = ()) -> list[Owner]:
    """The search over some legs."""
    return find_owners(table(*legs), least, quiet)


def table(*legs: Leg) -> pl.DataFrame:
    """The legs as the search reads them."""
    rows = [
        (number, service, place, n, lost_ms > 0, steady, mostly, lost_ms)
        for number, (places, n, lost_ms, steady, mostly) in enumerate(legs)
        for service, place in places.items()
    ]
    return pl.DataFrame(rows, schema=SHAPE, orient="row")


def named(owners: list[Owner]) -> list[tuple[str, FaultType]]:
    """Services and kinds of fault."""
    return [(owner.service, owner.signature.fault_type) for owner in owners]


def request(
    lost_ms: float = 0.0, n: int = 10, steady: bool | None = True, by: str = "counter", of: str = "shelf"
) -> Leg:
    """The request leg of a call."""
    return leg(lost_ms, n, steady, True, **{of: "in_request", by: "out_request"})


def response(
    lost_ms: float = 0.0, n: int = 10, steady: bool | None = True, by: str = "counter", of: str = "shelf"
) -> Leg:
    """The response leg of a call."""
    return leg(lost_ms, n, steady, True, **{of: "in_response", by: "out_response"})


def own(service: str, lost_ms: float = 0.0, n: int = 10, steady: bool | None = True) -> Leg:
    """The self leg of an operation."""
    return leg(lost_ms, n, steady, True, **{service: "self"})


def wait(lost_ms: float = 0.0, steady: bool | None = True, by: str = "shelf", of: str = "shelf-db") -> Leg:
    """A wait for a peer that sends no spans."""
    return leg(lost_ms, 10, steady, True, **{of: "in_store", by: "out_store"})


def test_nothing_slow_has_no_owner() -> None:
    assert owners_of(request(), response(), own("shelf")) == []


def test_no_legs_have_no_owner() -> None:
    assert owners_of() == []


def test_late_responses_are_the_network_of_the_callee() -> None:
    """All that is predicted is slow: the score is the time lost."""
    (owner,) = owners_of(request(), response(1000), own("counter"), own("shelf"))
    assert (owner.service, owner.signature.name) == ("shelf", "replies late")
    assert owner.signature.fault_type is FaultType.NETWORK_DELAY
    assert (owner.weight, owner.precision, owner.score, owner.legs) == (1000, 1.0, 1000, (1,))


def test_what_is_predicted_and_not_slow_counts_against_by_its_calls() -> None:
    """Of 40 calls 30 are late: 600 ms x 30 / 40."""
    (owner,) = owners_of(response(600, n=30), response(n=10), own("counter"))
    assert (owner.weight, owner.precision, owner.score) == (600, 0.75, 450)


def test_late_requests_on_new_connections_belong_to_the_same_delay() -> None:
    """They are explained, and their absence would not count against it."""
    (owner,) = owners_of(request(300), response(1000), own("counter"), own("shelf"))
    assert (owner.service, owner.weight, owner.precision) == ("shelf", 1300, 1.0)


def test_late_requests_to_everyone_are_the_network_of_the_caller() -> None:
    (owner,) = owners_of(
        *(request(500, of=callee) for callee in ("shelf", "till")),
        *(response(of=callee) for callee in ("shelf", "till")),
        *(own(service) for service in ("counter", "shelf", "till")),
    )
    assert (owner.service, owner.signature.name, owner.weight) == ("counter", "sends late", 1000)


def test_requests_late_by_varying_times_slow_work_and_late_answers_are_the_cpu() -> None:
    (owner,) = owners_of(
        request(600, steady=False),
        own("shelf", 500, steady=False),
        response(800, by="shelf", of="till", steady=False),
        response(),
        own("counter"),
        own("till"),
        request(by="shelf", of="till"),
    )
    assert (owner.service, owner.signature.fault_type) == ("shelf", FaultType.CPU)
    assert (owner.weight, owner.precision) == (1900, 1.0)


def test_requests_late_by_a_constant_are_not_the_cpu_of_the_callee() -> None:
    owners = owners_of(request(600, steady=True), own("shelf"), own("counter"), response())
    assert named(owners) == [("counter", FaultType.NETWORK_DELAY)]


def test_late_times_that_scatter_a_little_may_be_constant_or_not() -> None:
    """They fit a delay of packets as well as turns on the CPU."""
    delayed = owners_of(own("shelf", 700, steady=None), request(), response())
    starved = owners_of(
        request(600, steady=None), own("shelf", 500), response(800, by="shelf", of="till"), own("counter")
    )
    assert named(delayed) == [("shelf", FaultType.NETWORK_DELAY)]
    assert named(starved) == [("shelf", FaultType.CPU)]


@pytest.mark.parametrize(
    ("place", "steady", "fault_type"),
    [
        ("self", True, FaultType.NETWORK_DELAY),
        ("self", False, FaultType.UNKNOWN),
        ("store", True, FaultType.NETWORK_DELAY),
        ("store", False, FaultType.DISK_IO),
    ],
)
def test_a_service_slow_in_itself(place: str, steady: bool, fault_type: FaultType) -> None:
    """A constant wait is that of packets to a database; a varying one is its own work, or the store's."""
    owners = owners_of(leg(700, steady=steady, shelf=place), request(), response())
    assert named(owners) == [("shelf", fault_type)]


@pytest.mark.parametrize(
    ("steady", "fault_type"), [(True, FaultType.NETWORK_DELAY), (False, FaultType.UNKNOWN)]
)
def test_slow_work_where_no_calls_are_recorded_is_not_held_for_the_cpu(
    steady: bool, fault_type: FaultType
) -> None:
    """Spans of servers only: the halves of calls that starving would delay are not there to speak for it."""
    assert named(owners_of(own("shelf", 700, steady=steady), own("counter"))) == [("shelf", fault_type)]


def test_several_causes_come_out_of_one_search_with_legs_of_their_own() -> None:
    owners = owners_of(
        response(1000),
        response(400, by="counter", of="till"),
        own("letters", 200, steady=False),
        own("counter"),
        own("shelf"),
        own("till"),
    )
    assert [(owner.service, owner.weight) for owner in owners] == [
        ("shelf", 1000),
        ("till", 400),
        ("letters", 200),
    ]
    assert [owner.legs for owner in owners] == [(0,), (1,), (2,)]


def test_an_owner_of_too_little_is_not_named() -> None:
    """40 of 1040 ms are less than 5 %."""
    legs = (response(1000), own("letters", 40, steady=False), own("counter"))
    assert [owner.service for owner in owners_of(*legs)] == ["shelf"]
    assert [owner.service for owner in owners_of(*legs, least=0.01)] == ["shelf", "letters"]


def test_the_order_of_the_lines_does_not_matter() -> None:
    legs = [response(1000), request(200), own("shelf", 300, steady=False), own("counter"), own("till", 300)]
    lines = table(*legs)
    assert find_owners(lines, 0.05) == find_owners(lines.reverse(), 0.05)


def test_one_slow_operation_of_a_busy_service_is_slow_work_of_that_service() -> None:
    """10 of 1010 calls: those of other operations do not speak against work inside the service."""
    (owner,) = owners_of(own("shelf", 500, n=10, steady=False), own("shelf", n=1000))
    assert (owner.service, owner.signature.name, owner.precision) == ("shelf", "slow work", 1.0)


def test_a_peer_that_is_late_whoever_asks_it_answers_late() -> None:
    """Each of its callers explains its own wait only; the peer both: 600 + 400."""
    varying = owners_of(wait(600, steady=False), wait(400, steady=False, by="till"), own("shelf"))
    constant = owners_of(wait(600), wait(400, by="till"), own("shelf"))
    assert named(varying) == [("shelf-db", FaultType.DISK_IO)]
    assert named(constant) == [("shelf-db", FaultType.NETWORK_DELAY)]
    assert [owner.score for owner in (*varying, *constant)] == [1000, 1000]


@pytest.mark.parametrize(("quiet", "service"), [((), "shelf"), (("shelf",), "shelf-db")])
def test_varying_waits_of_one_service_are_its_own_unless_its_resources_are_as_usual(
    quiet: tuple[str, ...], service: str
) -> None:
    owners = owners_of(wait(600, steady=False), own("shelf"), response(), quiet=quiet)
    assert named(owners) == [(service, FaultType.DISK_IO)]


@pytest.mark.parametrize(("reply_ms", "service", "weight"), [(0.0, "shelf-db", 600), (300.0, "shelf", 900)])
def test_constant_waits_of_one_service_are_its_own_where_its_replies_are_late_too(
    reply_ms: float, service: str, weight: float
) -> None:
    (owner,) = owners_of(wait(600), response(reply_ms), own("shelf"))
    assert (owner.service, owner.signature.fault_type) == (service, FaultType.NETWORK_DELAY)
    assert (owner.weight, owner.precision) == (weight, 1.0)


@pytest.mark.parametrize(
    ("places", "service"),
    [({"counter": "self", "shelf": "in_wait"}, "shelf"), ({"counter": "self"}, "counter")],
)
def test_a_caller_late_only_where_it_calls_without_recording_it_is_kept_waiting(
    places: dict[str, str], service: str
) -> None:
    """Both explain it all, and a callee goes before its caller; without a call it is the caller's."""
    assert named(owners_of(leg(500, 10, True, True, **places), own("shelf"))) == [
        (service, FaultType.NETWORK_DELAY)
    ]


@pytest.mark.parametrize(("mostly", "fault_type"), [(True, FaultType.CPU), (False, FaultType.NETWORK_LOSS)])
def test_work_and_unrecorded_calls_late_now_and_then_are_lost_packets(
    mostly: bool, fault_type: FaultType
) -> None:
    """Whoever starves is late in most calls: 500 + 300 in either case."""
    (owner,) = owners_of(
        leg(500, steady=False, mostly=mostly, counter="self", shelf="in_wait"),
        leg(300, steady=False, mostly=mostly, shelf="self"),
    )
    assert (owner.service, owner.signature.fault_type, owner.weight) == ("shelf", fault_type, 800)


@pytest.mark.parametrize(
    ("steady", "mostly", "fault_type"),
    [(True, True, FaultType.NETWORK_DELAY), (False, True, FaultType.CPU), (False, False, FaultType.UNKNOWN)],
)
def test_messages_that_lie_longer_are_the_doing_of_the_consumer_before_that_of_the_topic(
    steady: bool, mostly: bool, fault_type: FaultType
) -> None:
    """Fetched a constant time late; or taken up by one that starves, in most cases; or that lags behind."""
    message = leg(500, 10, steady, mostly, letters="in_message", orders="out_message")
    (owner,) = owners_of(message, own("letters", 100))
    assert (owner.service, owner.signature.fault_type, owner.weight) == ("letters", fault_type, 600)


def test_messages_late_at_all_consumers_are_handed_out_late() -> None:
    """500 + 400 of one topic, which each consumer explains in part."""
    (owner,) = owners_of(
        leg(500, steady=False, letters="in_message", orders="out_message"),
        leg(400, steady=False, ledger="in_message", orders="out_message"),
    )
    assert (owner.service, owner.signature.name, owner.weight) == ("orders", "hands out late", 900)
