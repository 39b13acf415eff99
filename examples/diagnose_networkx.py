"""Diagnose traces that are networkx graphs already: ``python examples/diagnose_networkx.py``.

Edges go from caller to callee. A node is a span: any id, with ``service``, ``operation``, ``start_ns`` and
``end_ns`` (or ``duration_ns``); ``kind``, ``pod``, ``node``, ``error`` and more help where you have them.
"""

from __future__ import annotations

import asyncio
import random

import networkx as nx

from rclagent import diagnose_graph

MS = 1_000_000
START_NS = 1_715_677_200_000_000_000


def trace(number: int, prices_ms: float) -> nx.DiGraph[str]:
    """One request: shop asks cart, cart asks prices, which takes that long."""
    start = START_NS + number * 1000 * MS
    spans = {"shop": (0, prices_ms + 40), "cart": (5, prices_ms + 30), "prices": (15, prices_ms + 15)}
    graph: nx.DiGraph[str] = nx.DiGraph(trace_id=f"request-{number}")
    for name, (begin, end) in spans.items():
        times = {"start_ns": start + begin * MS, "end_ns": start + round(end * MS)}
        graph.add_node(name, service=name, operation=f"GET /{name}", **times)
    nx.add_path(graph, spans)
    return graph


async def main() -> None:
    chance = random.Random(1)
    quiet = [trace(number, chance.uniform(20, 30)) for number in range(60)]
    now = [trace(number, chance.uniform(220, 260)) for number in range(100, 130)]
    diagnosis = await diagnose_graph(now, baseline=quiet)
    print(diagnosis.verdict.value)
    print(diagnosis.summary)
    path = diagnosis.root_causes[0].propagation_path
    if path is not None:
        print(" -> ".join(path.services), "(verified)" if path.verified else "(unverified)")


if __name__ == "__main__":
    asyncio.run(main())
