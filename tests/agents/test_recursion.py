"""What names count that a model gives without citing evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rclagent.agents.named_causes import NamedCauses, Places
from rclagent.agents.recursion import borne_out
from rclagent.agents.trust import UNCITED
from rclagent.core.evidence import Component
from rclagent.core.report import Stance

if TYPE_CHECKING:
    from tests.agents.conftest import Measured

PLACES = Places.of([Component(service="cart", pod="cart-0"), Component(service="stock")])


def named(*services: str) -> NamedCauses:
    """Services in this order."""
    return NamedCauses(places=tuple(("service", service) for service in services))


def test_a_name_counts_by_its_place_and_what_was_seen_of_it(measured: Measured) -> None:
    """By hand: each observation points at its owner alone, so the first has 1 and the second 1/2."""
    measured.observe("e1", "cart", owner="cart")
    measured.observe("e2", "stock", owner="stock")
    checked = borne_out(named("stock", "cart"), ["e1", "e2"], PLACES, measured.findings())
    assert [(claim.service, claim.stance, claim.evidence, claim.credit) for claim in checked.claims] == [
        ("stock", Stance.SUPPORTS, ("e2",), 1.0),
        ("cart", Stance.SUPPORTS, ("e1",), 0.5),
    ]


def test_a_name_that_nothing_seen_points_at_counts_nothing(measured: Measured) -> None:
    """Cart's observation exists, but the episode never came by; and it takes no place from stock."""
    measured.observe("e1", "cart", owner="cart")
    measured.observe("e2", "stock", owner="stock")
    checked = borne_out(named("cart", "stock"), ["e2"], PLACES, measured.findings())
    assert [(claim.service, claim.credit) for claim in checked.claims] == [("stock", 0.5)]
    assert checked.dropped == {UNCITED: 1}


def test_a_pod_stands_for_its_service(measured: Measured) -> None:
    """Named on two levels it still counts once."""
    measured.observe("e1", "cart", owner="cart")
    both = NamedCauses(places=(("pod", "cart-0"), ("service", "cart")))
    checked = borne_out(both, ["e1"], PLACES, measured.findings())
    assert [(claim.service, claim.credit) for claim in checked.claims] == [("cart", 1.0)]
