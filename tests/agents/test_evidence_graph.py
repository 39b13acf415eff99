"""The Global Evidence Graph: nothing is lost, and edges answer what a cause explains."""

from __future__ import annotations

from typing import TYPE_CHECKING

import networkx as nx

from rclagent.agents import EvidenceGraph, investigate
from rclagent.agents.evidence_graph import GraphNode, NodeKind, Relation
from rclagent.core.evidence import Channel

if TYPE_CHECKING:
    from tests.agents.conftest import Drawn, Measured

SHOP = """
    front: GET /     0..100  trace=t id=a node=n1
        cart: GET /cart     10..90  id=b node=n2
            stock: GET /stock     20..80  id=c node=n2
"""


async def shop_graph(measured: Measured, drawn: Drawn) -> EvidenceGraph:
    """Stock owns what it shows and what cart shows; front shows what nobody owns."""
    measured.observe("e1", "stock", owner="stock")
    measured.observe("e2", "cart", owner="stock")
    measured.observe("e3", "front", channel=Channel.ENTRY)
    measured.observe("e4", "offstage", owner="offstage", channel=Channel.RESOURCES)
    for evidence_id, span_id in (("e1", "c"), ("e2", "b"), ("e3", "a")):
        measured.witness(evidence_id, "t", span_id)
    findings = measured.findings()
    investigation = await investigate(drawn.trace(SHOP), findings, measured.reasoner())
    services = nx.DiGraph([("front", "cart"), ("cart", "stock"), ("stock", "cart")])
    return EvidenceGraph(findings, [investigation], services)


async def test_all_evidence_and_all_agents_are_in_it(measured: Measured, drawn: Drawn) -> None:
    """Evidence that no walked trace shows is there, too."""
    graph = (await shop_graph(measured, drawn)).graph
    evidence = {node.name for node in graph if node.kind is NodeKind.EVIDENCE}
    agents = {node.name for node in graph if node.kind is NodeKind.AGENT}
    assert evidence == {"e1", "e2", "e3", "e4"}
    assert agents == {"t/a", "t/b", "t/c"}
    shown = {(agent.name, seen.name) for agent, seen, key in graph.edges(keys=True) if key is Relation.SHOWS}
    assert shown == {("t/a", "e3"), ("t/b", "e2"), ("t/c", "e1")}


async def test_it_says_what_a_service_explains_and_where_that_was_shown(
    measured: Measured, drawn: Drawn
) -> None:
    """By the claims, not by where it was seen."""
    graph = await shop_graph(measured, drawn)
    assert graph.explained_by("stock") == ("e1", "e2")
    assert graph.shown_in("stock") == {"t"}
    assert (graph.explained_by("offstage"), graph.shown_in("offstage")) == (("e4",), frozenset())
    assert graph.explained_by("never heard of") == ()
    assert graph.unexplained() == ("e3",)


async def test_calls_lead_downstream_even_in_circles(measured: Measured, drawn: Drawn) -> None:
    """Cart and stock call each other."""
    graph = await shop_graph(measured, drawn)
    assert graph.downstream("front") == {"cart", "stock"}
    assert graph.downstream("cart") == {"stock"}


async def test_neighbours_share_a_machine_or_a_call(measured: Measured, drawn: Drawn) -> None:
    """Places come from the spans of the walked traces."""
    graph = await shop_graph(measured, drawn)
    assert graph.neighbours("stock") == {
        Relation.CALLS: ("cart",),
        Relation.SAME_INSTANCE: (),
        Relation.SAME_NODE: ("cart",),
    }


async def test_what_a_reasoner_invents_is_no_evidence(measured: Measured, drawn: Drawn) -> None:
    """An agent's citation of an unknown id adds no node."""
    measured.observe("e1", "stock", owner="stock")
    measured.witness("e1", "t", "c")
    found = await investigate(drawn.trace(SHOP), measured.findings(), measured.reasoner())
    measured.evidence.clear()
    graph = EvidenceGraph(measured.findings(), [found], nx.DiGraph()).graph
    assert not [node for node in graph if node == GraphNode(NodeKind.EVIDENCE, "e1")]
