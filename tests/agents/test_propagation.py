"""Propagation paths: found along the calls, and checked step by step."""

from __future__ import annotations

from typing import TYPE_CHECKING

import networkx as nx
import pytest

from rclagent.agents import TraceInvestigation, investigate_all
from rclagent.agents.deviations import find_deviations
from rclagent.agents.propagation import propagation_path
from rclagent.core.diagnosis import PropagationPath
from rclagent.core.window import NS_PER_S, Window
from rclagent.telemetry.frame_store import FrameStore
from rclagent.testing.builder import written
from rclagent.testing.spec import START_NS

if TYPE_CHECKING:
    from tests.agents.conftest import Drawn, Measured

SHOP = """
    front: GET /     0..100  trace=t id=a
        cart: GET /cart     10..90  id=b
            stock: GET /stock     20..80  id=c
"""


def calls(*edges: str) -> nx.DiGraph[str]:
    """A service graph of edges such as ``front>cart``."""
    graph: nx.DiGraph[str] = nx.DiGraph()
    for edge in edges:
        caller, callee = edge.split(">")
        graph.add_edge(caller, callee, calls=10, errors=0)
    return graph


async def walk(measured: Measured, drawn: Drawn, text: str = SHOP) -> tuple[TraceInvestigation, ...]:
    """The investigations of the written traces."""
    return await investigate_all(drawn.traces(text), measured.findings(), measured.reasoner())


def path_of(
    source: str,
    measured: Measured,
    investigations: tuple[TraceInvestigation, ...],
    graph: nx.DiGraph[str],
    text: str = SHOP,
    window_s: int = 180,
) -> PropagationPath:
    """The path, which there is when an entry is known."""
    findings = measured.findings()
    deviations = find_deviations(findings, investigations, FrameStore(written(text)))
    window = Window(START_NS, START_NS + window_s * NS_PER_S)
    path = propagation_path(source, findings, investigations, graph, deviations, window)
    assert path is not None
    return path


@pytest.fixture
def slow_stock(measured: Measured) -> Measured:
    """Stock is slow, and cart and front feel it."""
    measured.enter("front")
    measured.observe("e1", "stock", owner="stock", weight=2)
    measured.observe("e2", "cart")
    measured.witness("e1", "t", "c")
    measured.witness("e2", "t", "b")
    measured.observe("e3", "front")
    measured.witness("e3", "t", "a")
    return measured


async def test_a_path_whose_every_step_holds_is_verified(slow_stock: Measured, drawn: Drawn) -> None:
    """From the cause to the entry, each call seen, each caller deviating, in order."""
    path = path_of("stock", slow_stock, await walk(slow_stock, drawn), calls("front>cart", "cart>stock"))
    assert path.services == ("stock", "cart", "front")
    assert path.verified and path.problem is None
    assert all(hop.edge_exists and hop.deviates and hop.in_order for hop in path.hops)


async def test_the_way_of_the_agents_is_preferred_to_a_short_cut(slow_stock: Measured, drawn: Drawn) -> None:
    """Front may call stock directly, but these requests went through cart."""
    graph = calls("front>cart", "cart>stock", "front>stock")
    path = path_of("stock", slow_stock, await walk(slow_stock, drawn), graph)
    assert path.services == ("stock", "cart", "front")


async def test_without_walked_traces_the_shortest_chain_of_callers_is_tried(slow_stock: Measured) -> None:
    """It passes the same checks."""
    path = path_of("stock", slow_stock, (), calls("front>cart", "cart>stock", "front>mail", "mail>stock"))
    assert path.services == ("stock", "cart", "front")
    assert path.verified


async def test_a_cause_that_no_request_shows_has_no_verified_path(measured: Measured) -> None:
    """A saturated CPU alone does not say when it began to be felt."""
    measured.enter("front")
    measured.observe("cpu", "cart", owner="cart")
    path = path_of("cart", measured, (), calls("front>cart"))
    assert (path.services, path.verified) == (("cart", "front"), False)
    assert path.problem == "No request shows when cart began to deviate."


async def test_a_call_that_was_never_seen_is_no_verified_step(slow_stock: Measured, drawn: Drawn) -> None:
    """The agents went through cart, the service graph knows no call from cart to stock."""
    path = path_of("stock", slow_stock, await walk(slow_stock, drawn), calls("front>cart"))
    assert not path.verified
    assert path.problem == "No call from cart to stock was seen."


async def test_a_caller_that_is_as_usual_breaks_the_path(measured: Measured, drawn: Drawn) -> None:
    """Trouble does not jump over a healthy service."""
    measured.enter("front")
    measured.observe("e1", "stock", owner="stock")
    measured.witness("e1", "t", "c")
    path = path_of("stock", measured, await walk(measured, drawn), calls("front>cart", "cart>stock"))
    assert not path.verified
    assert path.problem == "Neither cart nor its call to stock deviates from the baseline."


async def test_a_service_that_waits_for_a_slow_callee_deviates(measured: Measured, drawn: Drawn) -> None:
    """Cart and front have no slow leg of their own, yet they are late by the time that stock lost."""
    measured.enter("front")
    measured.observe("e1", "stock", owner="stock")
    measured.witness("e1", "t", "c", excess_ms=50)
    path = path_of("stock", measured, await walk(measured, drawn), calls("front>cart", "cart>stock"))
    assert path.verified


async def test_a_service_that_does_not_wait_is_not_late(measured: Measured, drawn: Drawn) -> None:
    """Cart ended before the slow call of stock did: nobody above felt it."""
    text = """
        front: GET /  0..100  trace=t id=a
            cart: GET /cart  10..30  id=b
                stock: GET /stock  20..80  id=c
    """
    measured.enter("front")
    measured.observe("e1", "stock", owner="stock")
    measured.witness("e1", "t", "c", excess_ms=50)
    path = path_of(
        "stock", measured, await walk(measured, drawn, text), calls("front>cart", "cart>stock"), text
    )
    assert path.problem == "Neither cart nor its call to stock deviates from the baseline."


async def test_a_slow_call_between_two_services_counts_for_its_step(measured: Measured, drawn: Drawn) -> None:
    """A late response of stock to cart is a deviation of that very call."""
    measured.enter("front")
    measured.observe("e1", "stock", owner="stock", peer="cart")
    measured.observe("e2", "cart", peer="front")
    measured.witness("e1", "t", "c")
    measured.witness("e2", "t", "b")
    path = path_of("stock", measured, await walk(measured, drawn), calls("front>cart", "cart>stock"))
    assert path.verified


TWICE = """
    front: GET /  0..100  trace=early id=a1
        cart: GET /cart  10..90  id=b1
            stock: GET /stock  20..80  id=c1

    front: GET /  120000..120100  trace=late id=a2
        cart: GET /cart  120010..120090  id=b2
            stock: GET /stock  120020..120080  id=c2
"""
"""The same request twice, two minutes apart."""


async def test_a_cause_that_comes_after_its_effect_is_not_verified(measured: Measured, drawn: Drawn) -> None:
    """Cart deviated two minutes before stock did; at a coarser resolution that is no order at all."""
    measured.enter("front")
    measured.observe("e1", "stock", owner="stock", weight=2)
    measured.observe("e2", "cart")
    measured.observe("e3", "front")
    for trace_id, number, at_s in (("early", 1, 0), ("late", 2, 120)):
        measured.witness("e2", trace_id, f"b{number}", at_s=at_s)
        measured.witness("e3", trace_id, f"a{number}", at_s=at_s)
    measured.witness("e1", "late", "c2", at_s=120)
    graph = calls("front>cart", "cart>stock")
    investigations = await walk(measured, drawn, TWICE)
    path = path_of("stock", measured, investigations, graph, TWICE)
    assert not path.verified
    assert path.problem == "stock began to deviate after cart, which calls it."
    assert path_of("stock", measured, investigations, graph, TWICE, window_s=7200).verified


async def test_a_host_whose_clock_is_off_does_not_turn_the_order_around(
    measured: Measured, drawn: Drawn
) -> None:
    """The spans of stock are stamped an hour late, in both requests: the order is that of requests."""
    measured.enter("front")
    measured.observe("e1", "stock", owner="stock", weight=2)
    measured.observe("e2", "cart", peer="front")
    for trace_id, number, at_s in (("early", 1, 0), ("late", 2, 120)):
        measured.witness("e2", trace_id, f"b{number}", at_s=at_s)
        measured.witness("e1", trace_id, f"c{number}", at_s=at_s + 3600)
    graph = calls("front>cart", "cart>stock")
    assert path_of("stock", measured, await walk(measured, drawn, TWICE), graph, TWICE).verified


async def test_a_cause_at_the_entry_has_a_path_of_one_name(measured: Measured) -> None:
    """There is no step to check."""
    measured.enter("front")
    assert path_of("front", measured, (), calls("front>cart")) == PropagationPath(
        services=("front",), verified=True
    )


async def test_a_cause_that_no_entry_reaches_has_no_verified_path(measured: Measured) -> None:
    """It is said, not made up."""
    measured.enter("front")
    path = path_of("island", measured, (), calls("front>cart"))
    assert (path.services, path.verified) == (("island", "front"), False)
    assert path.problem == "No chain of calls from front to island was seen."


async def test_the_path_runs_to_the_most_affected_entry_that_is_reached(measured: Measured) -> None:
    """The worst entry never calls stock; the second one does."""
    measured.enter("mobile")
    measured.enter("front")
    path = path_of("stock", measured, (), calls("front>stock", "mobile>mail"))
    assert path.services == ("stock", "front")


def test_without_a_known_entry_there_is_no_path(measured: Measured) -> None:
    """Metrics alone name no entry."""
    findings = measured.findings()
    deviations = find_deviations(findings, (), FrameStore(written(SHOP)))
    assert propagation_path("cart", findings, (), calls(), deviations, Window(0, 1)) is None
