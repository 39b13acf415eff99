"""The longest chain of requests that have to wait for each other.

An agent asks about its own span while its children are at work, and about their reports when the last of them
has reported, and it has its own answer. Children work side by side, and the synthesizer waits for everybody.
With v(a) requests of agent a about its span, and r(a) about reports, that is

    chain(a) = the larger of v(a) and the largest chain(c) of its children c, 0 without any, + r(a)
    whole    = the largest chain(a) of agents at the top of a trace + n(synthesizer)

and however many requests may be under way at a time, whole x the time of one answer is the least that a
diagnosis takes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from typing import Any, Final, TypeAlias

from rclagent import ChatModel, ProgressEvent

Agent: TypeAlias = tuple[str | None, str | None]
"""Trace, and first span of an agent in it; a virtual root has no span."""


_ASKING: Final[ContextVar[Agent | None]] = ContextVar("asking", default=None)


class RequestLog:
    """Passes requests on to a model, and counts them by who makes them, and about what.

    An agent's beginning is told in the agent's own task: from there on a context variable names the agent
    to all that it starts, but for its children, which begin themselves. A talk about a span begins with tools
    at hand, and one about reports has none.

    Args:
        model: What to ask.
    """

    def __init__(self, model: ChatModel) -> None:
        self._model = model
        self._about_span: Counter[Agent | None] = Counter()
        self._about_reports: Counter[Agent | None] = Counter()
        self._with_tools: set[str] = set()
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
        return self._about_span.total() + self._about_reports.total()

    @property
    def longest_chain(self) -> int:
        """Requests in the longest chain, the synthesizer's included."""
        concluding = self._about_reports[None]
        return longest_chain(self._about_span, self._about_reports, self._above) + concluding

    def hear(self, event: ProgressEvent) -> None:
        """Takes note of agents that begin; to be given as the diagnosis's ``progress``."""
        if event.kind.value == "agent_started":
            agent = (event.trace_id, event.span_id)
            self._above[agent] = (event.trace_id, event.parent_id)
            _ASKING.set(agent)

    async def complete(
        self, messages: Sequence[Any], tools: Sequence[Any] = (), schema: Mapping[str, Any] | None = None
    ) -> Any:
        """The model's reply."""
        task = messages[1].content
        if tools:
            self._with_tools.add(task)
        counted = self._about_span if task in self._with_tools else self._about_reports
        counted[_ASKING.get()] += 1
        return await self._model.complete(messages, tools, schema)


def longest_chain(
    about_span: Mapping[Agent | None, int],
    about_reports: Mapping[Agent | None, int],
    above: Mapping[Agent, Agent],
) -> int:
    """Requests in the longest chain of agents, as the module says.

    Args:
        about_span: Agent to the number of its requests about its own span.
        about_reports: Agent to the number of those about reports.
        above: Agent to its parent, in the order in which they began; who has a parent that never began, or
            is named its own, is at the top.
    """
    below: dict[Agent, int] = {}
    longest = 0
    # Parents begin before their children: from the end, everybody below is known.
    for agent, parent in reversed(list(above.items())):
        chain = max(about_span.get(agent, 0), below.get(agent, 0)) + about_reports.get(agent, 0)
        if parent in above and parent != agent:
            below[parent] = max(chain, below.get(parent, 0))
        else:
            longest = max(longest, chain)
    return longest
