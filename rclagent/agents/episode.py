"""The steps of recursion of thought, which a graph definition strings together.

    think -> look -> think -> ... -> force -> settle

A single agent descends one trace: each of its replies holds one call, of a tool that looks (search_traces,
search_fluctuating_metrics) or of print_results, which ends the episode. After DEPTH turns, after two replies
in a row without a call, or when the budget has calls for the answer only, print_results alone is offered.

Source: recursion of thought of ThinkFL (arXiv 2504.18776), in the protocol of its published models: tools and
calls are text, results are messages of the role ``tool`` without an id.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, TypeAlias

from rclagent.agents.named_causes import NamedCauses, Places, read_causes
from rclagent.agents.span_records import as_table, span_record
from rclagent.agents.trace_tools import PRINT_RESULTS, TRACE_TOOLS, TraceTools, offered
from rclagent.errors import ModelError
from rclagent.llm import Budget, ChatModel, Message, Reply, Role, ToolCall, read_tool_calls, write_tool_call
from rclagent.llm.turns import in_turns
from rclagent.prompting import load_prompt

VERSION: Final = "v1"
"""Of the prompts."""
DEPTH: Final = 10
"""Turns before the answer is forced (D_max of the paper)."""
FORCED_TURNS: Final = 2
"""Requests for a forced answer."""
SILENT_TURNS: Final = 2
"""Replies in a row without a call, after which the answer is forced."""
MAX_SAID: Final = 2_000
"""Characters of a reply that the model is shown again."""
_NAMES: Final = tuple(tool.name for tool in TRACE_TOOLS)
_NO_CALL: Final = "No call was found in this reply. Insert exactly one call."
_NO_CAUSES: Final = "print_results needs a list of root_causes, each with a node, a service or a pod."
_LAST: Final = "No turns are left. Insert one call of print_results, and no other."


class Next(StrEnum):
    """Where an episode goes on."""

    THINK = "think"
    LOOK = "look"
    FORCE = "force"
    SETTLE = "settle"


@dataclass(frozen=True, slots=True)
class Episode:
    """An episode under way."""

    model: ChatModel
    """Asked."""
    budget: Budget
    """What pays for it."""
    tools: TraceTools
    """Answers its calls."""
    places: Places
    """What can be named."""
    messages: tuple[Message, ...]
    """The conversation so far."""
    on_turn: Callable[[int], None]
    """Hears how many turns were taken."""
    turns: int = 0
    """Turns taken before the answer is forced."""
    forced: int = 0
    """Requests for a forced answer."""
    silent: int = 0
    """Last replies in a row without a call that can be used."""
    call: ToolCall | None = None
    """What the model wants to look at next."""
    looked_at: tuple[str, ...] = ()
    """Ids of the observations that the spans and metrics it was shown bear, in the order of showing."""
    named: NamedCauses | None = None
    """The answer; None before it, and where there is none."""
    failure: ModelError | None = None
    """What the model failed with."""


Descend: TypeAlias = Callable[[Episode], Coroutine[None, None, Episode]]
"""Leads an episode to its end."""


def start(
    model: ChatModel, budget: Budget, tools: TraceTools, places: Places, on_turn: Callable[[int], None]
) -> Episode:
    """An episode that begins at the top of a trace."""
    first = tools.first
    return Episode(
        model=model,
        budget=budget,
        tools=tools,
        places=places,
        messages=opening(tools),
        on_turn=on_turn,
        looked_at=tools.shown_by(first.span_id),
    )


def opening(tools: TraceTools) -> tuple[Message, ...]:
    """The messages that an episode begins with."""
    task = load_prompt(f"recursion_of_thought_task_{VERSION}")
    return (
        Message(Role.SYSTEM, _rules(offered(TRACE_TOOLS))),
        Message(Role.USER, task.render({"table": as_table(span_record(tools.first))})),
    )


async def think(episode: Episode) -> Episode:
    """The model's turn."""
    taken = await _take_turn(replace(episode, turns=episode.turns + 1), episode.messages)
    episode.on_turn(taken.turns)
    return taken


def after_turn(episode: Episode) -> Next:
    """Where the model's turn leads."""
    if episode.failure is not None or episode.named is not None:
        return Next.SETTLE
    if episode.forced:
        return Next.FORCE if episode.forced < FORCED_TURNS else Next.SETTLE
    return Next.LOOK if episode.call is not None else _onwards(episode)


def look(episode: Episode) -> Episode:
    """What the model wanted to see."""
    if episode.call is None:
        raise ValueError("no call to answer")
    shown = episode.tools.answer(episode.call)
    return replace(
        episode,
        messages=(*episode.messages, Message(Role.TOOL, shown.text)),
        looked_at=tuple(dict.fromkeys([*episode.looked_at, *shown.evidence])),
        call=None,
    )


def after_looking(episode: Episode) -> Next:
    """Whether there is another turn."""
    return _onwards(episode)


async def force(episode: Episode) -> Episode:
    """One request for the answer, and nothing else."""
    rules = Message(Role.SYSTEM, _rules(offered([PRINT_RESULTS])))
    messages = (rules, *episode.messages[1:], Message(Role.USER, _LAST))
    return await _take_turn(replace(episode, forced=episode.forced + 1), messages)


def _onwards(episode: Episode) -> Next:
    spent = episode.turns >= DEPTH or episode.silent >= SILENT_TURNS
    # A turn is of no use without another for the answer.
    return Next.FORCE if spent or episode.budget.left.calls < 2 else Next.THINK


async def _take_turn(episode: Episode, messages: tuple[Message, ...]) -> Episode:
    try:
        reply = await episode.model.complete(in_turns(messages))
    except ModelError as error:
        return replace(episode, failure=error)
    # Whatever else a reply calls is not done.
    called = next(iter(reply.tool_calls or read_tool_calls(reply.text, _NAMES)), None)
    said = (*episode.messages, _said(reply, called))
    if called is None:
        return _unheard(episode, said, _NO_CALL)
    if called.name != PRINT_RESULTS.name:
        if episode.forced:
            return _unheard(episode, said, _LAST)
        return replace(episode, messages=said, silent=0, call=called)
    named = read_causes(called.arguments.get("root_causes"), episode.places)
    if named is None:
        return _unheard(episode, said, _NO_CAUSES)
    return replace(episode, messages=said, named=named)


def _unheard(episode: Episode, said: tuple[Message, ...], why: str) -> Episode:
    return replace(episode, messages=(*said, Message(Role.USER, why)), silent=episode.silent + 1)


def _said(reply: Reply, called: ToolCall | None) -> Message:
    text = reply.text[:MAX_SAID]
    if called is not None and (reply.tool_calls or len(reply.text) > MAX_SAID):
        text = f"{text}\n{write_tool_call(called)}".lstrip()
    return Message(Role.ASSISTANT, text or "(nothing)")


def _rules(tools: str) -> str:
    return load_prompt(f"recursion_of_thought_{VERSION}").render({"tools": tools})
