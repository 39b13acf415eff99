"""Finds graph definitions by name, the built-in ones and those of other packages alike."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from functools import cache
from importlib.metadata import entry_points
from typing import Any, Final, Protocol, TypeAlias

from rclagent.agents import Steps
from rclagent.errors import InputError

GROUP: Final = "rclagent.graphs"
"""Entry point group; each entry is a function from Steps to a compiled graph."""
AGENT_GROUP: Final = "rclagent.agent_graphs"
"""Entry point group; each entry is a function without arguments to a compiled graph of one agent."""


class IncidentGraph(Protocol):
    """A compiled graph: takes ``{"incident": Incident}``, gives ``{"diagnosis": Diagnosis}``."""

    async def ainvoke(self, input: Any, /) -> Mapping[str, Any]:
        """Runs the graph to its end."""

    def astream(self, input: Any, /, *, stream_mode: Any) -> AsyncIterator[Any]:
        """Runs the graph and yields what happens, as LangGraph's stream modes say."""


class AgentGraph(Protocol):
    """A compiled graph: of a ``talk`` it gives the ``answer``, of an ``episode`` its end."""

    async def ainvoke(self, input: Any, /) -> Mapping[str, Any]:
        """Runs the graph to its end."""


GraphBuilder: TypeAlias = Callable[[Steps], IncidentGraph]
"""What an entry point of the group names."""


def load_graph(name: str) -> GraphBuilder:
    """The builder of a graph.

    Args:
        name: Its entry point in the group ``rclagent.graphs``.

    Raises:
        InputError: No such graph is installed; names those that are.
    """
    builder: GraphBuilder = _load(GROUP, name)
    return builder


@cache
def load_agent_graph(name: str) -> AgentGraph:
    """The graph of one agent that asks a model, built once.

    Args:
        name: Its entry point in the group ``rclagent.agent_graphs``.

    Raises:
        InputError: No such graph is installed; names those that are.
    """
    graph: AgentGraph = _load(AGENT_GROUP, name)()
    return graph


def _load(group: str, name: str) -> Any:
    known = {entry.name: entry for entry in entry_points(group=group)}
    if name not in known:
        names = ", ".join(sorted(known)) or "none: reinstall rclagent with `pip install -e .`"
        raise InputError(f"There is no graph {name!r}.", f"Installed graphs: {names}.")
    return known[name].load()
