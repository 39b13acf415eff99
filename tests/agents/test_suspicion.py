"""Weighing claims: which observations add, and which are one witness."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rclagent.agents.suspicion import weigh
from rclagent.core.evidence import Channel, FaultType

if TYPE_CHECKING:
    from tests.agents.conftest import Measured


def test_families_add_and_a_family_of_requests_counts_once(measured: Measured) -> None:
    """The example of the docstring, worked by hand: 2 + 3 + 4 + 5 = 14."""
    measured.observe("leg-1", "cart", owner="cart", weight=2)
    measured.observe("leg-2", "cart", owner="cart", weight=3)
    measured.observe("cpu-1", "cart", owner="cart", weight=4, channel=Channel.RESOURCES)
    measured.observe("cpu-2", "cart", owner="cart", weight=1, channel=Channel.RESOURCES)
    measured.observe("log", "cart", owner="cart", weight=5, channel=Channel.LOGS)
    measured.observe("call", "cart", owner="cart", weight=1, channel=Channel.CALLS)
    (suspicion,) = weigh(measured.findings(), {"cart": measured.evidence})
    assert suspicion.weight == 14
    assert suspicion.evidence == ("log", "cpu-1", "leg-2", "leg-1", "call", "cpu-2")


def test_evidence_named_twice_counts_once(measured: Measured) -> None:
    """Two children that saw the same observation do not double it."""
    measured.observe("e1", "cart", owner="cart", weight=2)
    (suspicion,) = weigh(measured.findings(), {"cart": ["e1", "e1"]})
    assert suspicion.weight == 2


def test_a_citation_without_a_claim_counts_nothing(measured: Measured) -> None:
    """Invented ids, and real ones that point elsewhere, make nobody suspect."""
    measured.observe("e1", "cart", owner="cart")
    assert weigh(measured.findings(), {"stock": ["e1"], "cart": ["invented"]}) == []


def test_the_place_and_the_kind_that_most_weight_names_are_suspected(measured: Measured) -> None:
    """Pod and fault type come from the claims."""
    measured.observe("e1", "cart", owner="cart", weight=1, pod="cart-0", fault_type=FaultType.NETWORK_DELAY)
    measured.observe("e2", "cart", owner="cart", weight=3, pod="cart-1", fault_type=FaultType.CPU)
    (suspicion,) = weigh(measured.findings(), {"cart": ["e1", "e2"]})
    assert (suspicion.component.pod, suspicion.fault_type) == ("cart-1", FaultType.CPU)
