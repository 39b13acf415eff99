"""Deploys put other instances in the place of a service's, and give them its requests."""

from __future__ import annotations

from math import inf

import numpy as np
import pytest

from rclagent.errors import InputError
from rclagent.testing import Deploy, Entry, Operation, Service, System
from rclagent.testing.draws import Draws, IntArray
from rclagent.testing.fleet import build_fleet
from rclagent.testing.template import build_template

SYSTEM = System(
    (Service("a", (Operation("get"),), pods=2), Service("b", (Operation("get"),))), (Entry("a", "get"),)
)


def handled(*deploys: Deploy) -> IntArray:
    """Who handles four requests at 0, 50, 100 and 150 s; pods 0, 1, 0, 1 would, the alarm is at 100 s."""
    template = build_template(SYSTEM, SYSTEM.entries[0])
    draws = Draws(
        arrival_s=np.array([0.0, 50.0, 100.0, 150.0]),
        own={},
        request={},
        response={},
        query={},
        taken={},
        pod={0: np.array([0, 1, 0, 1])},
        cut={},
    )
    build_fleet(SYSTEM, deploys, 100.0).assign(template, draws, np.random.default_rng(0))
    return draws.pod[0]


def test_without_deploys_the_fleet_is_the_system() -> None:
    """From the start on and for ever."""
    fleet = build_fleet(SYSTEM, (), 100.0)
    assert fleet.pods == SYSTEM.pods()
    assert fleet.since_s.tolist() == [0, 0, 0]
    assert fleet.until_s.tolist() == [inf, inf, inf]
    assert handled().tolist() == [0, 1, 0, 1]


def test_as_many_new_instances_take_over_one_by_one() -> None:
    """The requests from that moment on go to the successor of the pod that they would have gone to."""
    deploy = Deploy("a", -50, "2")
    fleet = build_fleet(SYSTEM, (deploy,), 100.0)
    assert handled(deploy).tolist() == [0, 3, 2, 3]
    assert [pod.version for pod in fleet.pods] == ["1.0.0", "1.0.0", "1.0.0", "2", "2"]
    assert len({pod.name for pod in fleet.pods}) == 5
    assert fleet.since_s.tolist() == [0, 0, 0, 50, 50]
    assert fleet.until_s.tolist() == [50, 50, inf, inf, inf]
    assert fleet.like.tolist() == [0, 1, 2, 0, 1]


def test_one_deploy_may_follow_another() -> None:
    """Whatever order they are given in."""
    deploys = (Deploy("a", 50, "3"), Deploy("a", -50, "2"))
    assert handled(*deploys).tolist() == [0, 3, 2, 5]
    assert build_fleet(SYSTEM, deploys, 100.0).until_s.tolist() == [50, 50, inf, 150, 150, inf, inf]


def test_a_deploy_may_change_the_number_of_instances() -> None:
    """To one: it gets everything; to five: each of them takes the place of one of the two."""
    assert handled(Deploy("a", 0, "2", pods=1)).tolist() == [0, 1, 2, 2]
    fleet = build_fleet(SYSTEM, (Deploy("a", 0, "2", pods=5),), 100.0)
    assert fleet.like[3:].tolist() == [0, 1, 0, 1, 0]
    late = handled(Deploy("a", -100, "2", pods=5))
    assert ((late >= 2) & (late < 7)).all()


@pytest.mark.parametrize("deploy", [Deploy("nobody", 0, "2"), Deploy("a", 0, "2", pods=0)])
def test_a_deploy_that_cannot_be_is_refused(deploy: Deploy) -> None:
    """Of a service that does not exist, or of nothing."""
    with pytest.raises(InputError):
        build_fleet(SYSTEM, (deploy,), 100.0)
