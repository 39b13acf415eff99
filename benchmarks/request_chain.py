"""The longest chain of requests that have to wait for each other.

An agent's requests follow one another: those about its own span, then, when the last of its children has
reported, those about the reports. Children work side by side, and the synthesizer waits for everybody. With
n(a) requests of agent a that is

    chain(a) = n(a) + the largest chain(c) of its children c, 0 without any
    whole    = the largest chain(a) of agents at the top of a trace + n(synthesizer)

and however many requests may be under way at a time, whole x the time of one answer is the least that a
diagnosis takes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any, Final, TypeAlias

from rclagent import ChatModel, ProgressEvent

Agent: TypeAlias = tuple[str | None, str | None]
"""Trace, and first span of an agent in it; a virtual root has no span."""

_ASKING: Final[ContextVar[Agent | None]] = ContextVar("asking", default=None)


class RequestLog:
    """Passes requests on to a model, and counts them by who makes them.

    An agent's beginning is told in the agent's own task: from there on a context variable names the agent
    to all that it starts, but for its children, which begin themselves.

    Args:
        model: What to ask.
    """

    def __init__(self, model: ChatModel) -> None:
        self._model = model
        self._requests: Counter[Agent | None] = Counter()
        self._above: dict[Agent, Agent] = {}

    @property
    def name(self) -> str:
        """Name of the model."""
        return self._model.name

    @property
    def capabilities(self) -> Any:
        """What the model can do."""
        return self._model.capabilities

    @property
    def requests(self) -> int:
        """Requests so far."""
        return self._requests.total()

    @property
    def longest_chain(self) -> int:
        """Requests in the longest chain, the synthesizer's included."""
        return longest_chain(self._requests, self._above) + self._requests[None]

    def hear(self, event: ProgressEvent) -> None:
        """Takes note of agents that begin; to be given as the diagnosis's ``progress``."""
        if event.kind.value == "agent_started":
            agent = (event.trace_id, event.span_id)
            self._above[agent] = (event.trace_id, event.parent_id)
            _ASKING.set(agent)

    async def complete(self, *request: Any, **options: Any) -> Any:
        """The model's reply."""
        self._requests[_ASKING.get()] += 1
        return await self._model.complete(*request, **options)


def longest_chain(requests: Mapping[Agent | None, int], above: Mapping[Agent, Agent]) -> int:
    """Requests in the longest chain of agents, as the module says.

    Args:
        requests: Agent to the number of its requests.
        above: Agent to its parent, in the order in which they began; who has a parent that never began, or
            is named its own, is at the top.
    """
    below: dict[Agent, int] = {}
    longest = 0
    # Parents begin before their children: from the end, everybody below is known.
    for agent, parent in reversed(list(above.items())):
        chain = requests.get(agent, 0) + below.get(agent, 0)
        if parent in above and parent != agent:
            below[parent] = max(chain, below.get(parent, 0))
        else:
            longest = max(longest, chain)
    return longest
