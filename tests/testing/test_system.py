"""Simulated systems are sound, and random ones reach every service."""

from __future__ import annotations

import pytest

from rclagent.errors import InputError
from rclagent.testing import (
    Call,
    Entry,
    IncidentSpec,
    Operation,
    Publish,
    Query,
    Service,
    System,
    generate,
    random_system,
    shop,
)
from rclagent.testing.template import build_template


def test_the_shop_is_of_moderate_size() -> None:
    """Services with one to three pods, on a few nodes."""
    system = shop()
    assert len(system.services) == 14
    assert {service.pods for service in system.services} == {1, 2, 3}
    assert len({pod.node for pod in system.pods()}) == 4


def test_pod_names_lead_back_to_their_service() -> None:
    """Less their last two parts, as in Kubernetes; and they never change."""
    for pod in shop().pods():
        assert pod.name.rsplit("-", 2)[0] == pod.service
    assert shop().pods() == shop().pods()
    assert len({pod.name for pod in shop().pods()}) == len(shop().pods())


@pytest.mark.parametrize("services", [2, 3, 17, 60])
def test_a_random_system_has_its_size_and_no_dead_service(services: int) -> None:
    """Every service is in the call tree of an entry."""
    system = random_system(services, seed=1)
    reached = {slot.service for entry in system.entries for slot in build_template(system, entry).slots}
    assert len(system.services) == len(reached) == services


def test_a_random_system_is_reproducible() -> None:
    """By size and seed."""
    assert random_system(20, seed=1) == random_system(20, seed=1)
    assert random_system(20, seed=1) != random_system(20, seed=2)


def test_a_random_system_generates() -> None:
    """Spans of all its services."""
    incident = generate(IncidentSpec(system=random_system(30), requests_per_s=1, baseline_s=300))
    assert incident.baseline.spans["service"].n_unique() == 30


@pytest.mark.parametrize(("services", "seed"), [(1, 0), (5, -1)])
def test_a_random_system_that_cannot_be_is_refused(services: int, seed: int) -> None:
    """One service calls nobody."""
    with pytest.raises(InputError):
        random_system(services, seed)


def test_calls_to_nowhere_are_refused() -> None:
    """By callee and by entry."""
    lonely = Service("a", (Operation("get", steps=((Call("b", "get"),),)),))
    with pytest.raises(InputError, match="'get' of 'b'"):
        System((lonely,), (Entry("a", "get"),))
    with pytest.raises(InputError, match="'put' of 'a'"):
        System((Service("a", (Operation("get"),)),), (Entry("a", "put"),))


def test_calls_in_a_circle_are_refused() -> None:
    """They would never end."""
    services = tuple(
        Service(name, (Operation("get", steps=((Call(other, "get"),),)),)) for name, other in ("ab", "ba")
    )
    with pytest.raises(InputError, match="cycle"):
        System(services, (Entry("a", "get"),))


def test_messages_in_a_circle_are_refused() -> None:
    """Each would cause the next."""
    services = tuple(
        Service(name, (Operation("get", steps=((Publish("news", other, "get"),),)),))
        for name, other in ("ab", "ba")
    )
    with pytest.raises(InputError, match="cycle"):
        System(services, (Entry("a", "get"),))


def test_a_database_must_not_share_the_name_of_a_service() -> None:
    """A fault there would be at one or the other."""
    with pytest.raises(InputError, match="share the name 'a'"):
        System((Service("a", (Operation("get", steps=((Query("a", "SELECT"),),)),)),), (Entry("a", "get"),))
