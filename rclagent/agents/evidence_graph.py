"""The Global Evidence Graph: all evidence and all agents on the service graph, nothing left out.

Root-level reports are deep but lossy: on the way up each agent names one suspect. This graph is
the other view: wide and lossless. Edges, by relation:

    shows          agent    -> evidence   the agent's spans show it
    owned_by       evidence -> service    a claim holds the service responsible, with its weight
    calls          service  -> service    caller to callee, as in the service graph
    same_instance  agent, service -> pod  whatever points at one pod runs in the same instance
    same_node      pod, service -> node   whatever points at one node runs on the same machine
    works_for      agent    -> service    the service whose spans the agent looked after
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import NamedTuple, TypeAlias

import networkx as nx

from rclagent.agents.investigation import TraceInvestigation
from rclagent.core.diagnosis import AgentResult
from rclagent.core.evidence import Component
from rclagent.core.names import VIRTUAL_ROOT
from rclagent.core.report import AgentReport
from rclagent.core.span import Span
from rclagent.evidence.findings import Findings
from rclagent.topology.trace_graph import TraceGraph


class NodeKind(StrEnum):
    """What a node stands for."""

    SERVICE = "service"
    POD = "pod"
    NODE = "node"
    AGENT = "agent"
    EVIDENCE = "evidence"


class Relation(StrEnum):
    """What an edge says; the key of the edge."""

    SHOWS = "shows"
    OWNED_BY = "owned_by"
    CALLS = "calls"
    SAME_INSTANCE = "same_instance"
    SAME_NODE = "same_node"
    WORKS_FOR = "works_for"


class GraphNode(NamedTuple):
    """A node: names of different kinds may coincide."""

    kind: NodeKind
    """What it stands for."""
    name: str
    """Service, pod or machine name, agent id or evidence id."""


_Graph: TypeAlias = "nx.MultiDiGraph[GraphNode]"


class EvidenceGraph:
    """The Global Evidence Graph of one incident, built once and then only asked."""

    def __init__(
        self,
        findings: Findings,
        investigations: Sequence[TraceInvestigation],
        service_graph: nx.DiGraph[str],
    ) -> None:
        self.graph: _Graph = nx.MultiDiGraph()
        """Nodes are GraphNode with ``evidence`` or ``result`` as attribute; edge keys are Relation."""
        self._add_services(findings.services, service_graph)
        self._add_evidence(findings)
        for investigation in investigations:
            for place in _places(investigation.trace):
                self._add_place(place)
            for result in investigation.results:
                self._add_agent(result)

    def explained_by(self, service: str) -> tuple[str, ...]:
        """Evidence that a service is held responsible for, in order of id."""
        return _names(self._sources(GraphNode(NodeKind.SERVICE, service), Relation.OWNED_BY))

    def shown_in(self, service: str) -> frozenset[str]:
        """Traces in which an agent's spans show evidence that a service is held responsible for."""
        owned = self._sources(GraphNode(NodeKind.SERVICE, service), Relation.OWNED_BY)
        agents = {agent for evidence in owned for agent in self._sources(evidence, Relation.SHOWS)}
        return frozenset(self.graph.nodes[agent]["result"].trace_id for agent in agents)

    def downstream(self, service: str) -> frozenset[str]:
        """Services that a service calls, directly or through others; itself excluded."""
        found: set[GraphNode] = set()
        ahead = [GraphNode(NodeKind.SERVICE, service)]
        while ahead:
            fresh = self._targets(ahead.pop(), Relation.CALLS) - found
            found |= fresh
            ahead.extend(fresh)
        return frozenset(_names(found)) - {service}

    def neighbours(self, service: str) -> dict[Relation, tuple[str, ...]]:
        """Other services that call or are called by a service, or share a pod or a machine with it."""
        here = GraphNode(NodeKind.SERVICE, service)
        pods = self._targets(here, Relation.SAME_INSTANCE)
        machines = {host for place in {here, *pods} for host in self._targets(place, Relation.SAME_NODE)}
        residents = {place for host in machines for place in self._sources(host, Relation.SAME_NODE)}
        found = {
            Relation.CALLS: self._targets(here, Relation.CALLS) | self._sources(here, Relation.CALLS),
            Relation.SAME_INSTANCE: self._inhabitants(pods),
            Relation.SAME_NODE: self._inhabitants(residents),
        }
        return {relation: _names(nodes - {here}) for relation, nodes in found.items()}

    def unexplained(self) -> tuple[str, ...]:
        """Evidence that no service is held responsible for, in order of id."""
        evidence = [node for node in self.graph if node.kind is NodeKind.EVIDENCE]
        return _names(node for node in evidence if not self._targets(node, Relation.OWNED_BY))

    def _add_services(self, services: Iterable[str], service_graph: nx.DiGraph[str]) -> None:
        self.graph.add_nodes_from(GraphNode(NodeKind.SERVICE, name) for name in services)
        for name, attributes in service_graph.nodes(data=True):
            service = GraphNode(NodeKind.SERVICE, name)
            self.graph.add_node(service)
            for pod in attributes.get("pods", ()):
                self._link(service, Relation.SAME_INSTANCE, GraphNode(NodeKind.POD, pod))
        for caller, callee, attributes in service_graph.edges(data=True):
            self.graph.add_edge(
                GraphNode(NodeKind.SERVICE, caller),
                GraphNode(NodeKind.SERVICE, callee),
                key=Relation.CALLS,
                **attributes,
            )

    def _add_evidence(self, findings: Findings) -> None:
        for evidence_id, evidence in findings.evidence.items():
            node = GraphNode(NodeKind.EVIDENCE, evidence_id)
            self.graph.add_node(node, evidence=evidence)
            self._add_place(evidence.component)
            for claim in findings.claims.get(evidence_id, ()):
                self._add_place(claim.component)
                owner = GraphNode(NodeKind.SERVICE, claim.component.service)
                self.graph.add_edge(node, owner, key=Relation.OWNED_BY, weight=claim.weight)

    def _add_place(self, place: Component) -> None:
        service = GraphNode(NodeKind.SERVICE, place.service)
        self.graph.add_node(service)
        pod = None if place.pod is None else GraphNode(NodeKind.POD, place.pod)
        if pod is not None:
            self._link(service, Relation.SAME_INSTANCE, pod)
        if place.node is not None:
            self._link(pod or service, Relation.SAME_NODE, GraphNode(NodeKind.NODE, place.node))

    def _add_agent(self, result: AgentResult) -> None:
        agent = GraphNode(NodeKind.AGENT, result.agent_id)
        self.graph.add_node(agent, result=result)
        if result.service != VIRTUAL_ROOT:
            self._link(agent, Relation.WORKS_FOR, GraphNode(NodeKind.SERVICE, result.service))
        if isinstance(result, AgentReport):
            if result.pod is not None:
                self._link(agent, Relation.SAME_INSTANCE, GraphNode(NodeKind.POD, result.pod))
            for evidence_id in result.own_evidence:
                evidence = GraphNode(NodeKind.EVIDENCE, evidence_id)
                if evidence in self.graph:  # A reasoner may cite what nobody measured: that is no evidence.
                    self._link(agent, Relation.SHOWS, evidence)

    def _link(self, source: GraphNode, relation: Relation, target: GraphNode) -> None:
        self.graph.add_edge(source, target, key=relation)

    def _targets(self, node: GraphNode, relation: Relation) -> set[GraphNode]:
        if node not in self.graph:
            return set()
        return {to for to, keys in self.graph.succ[node].items() if relation in keys}

    def _sources(self, node: GraphNode, relation: Relation) -> set[GraphNode]:
        if node not in self.graph:
            return set()
        return {of for of, keys in self.graph.pred[node].items() if relation in keys}

    def _inhabitants(self, places: Iterable[GraphNode]) -> set[GraphNode]:
        """The services among the places, and those that run in the pods among them."""
        near = {of for place in places for of in {place, *self._sources(place, Relation.SAME_INSTANCE)}}
        return {node for node in near if node.kind is NodeKind.SERVICE}


def _names(nodes: Iterable[GraphNode]) -> tuple[str, ...]:
    return tuple(sorted(node.name for node in nodes))


def _places(trace: TraceGraph) -> set[Component]:
    spans: list[Span | None] = [attributes["span"] for attributes in trace.graph.nodes.values()]
    return {
        Component(service=span.service, pod=span.pod, node=span.node) for span in spans if span is not None
    }
