"""A recording answers in place of the model; nothing leaves the machine."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from copy import copy
from dataclasses import replace

from rclagent.errors import InputError, PermanentModelError, UnsupportedFeature
from rclagent.llm.chat_model import JsonSchema, Message, Reply, Tool
from rclagent.llm.recording import Recording, Request


class ReplayModel:
    """Ends each call as the recording says, errors included.

    A request that was made several times ends each time as it did then, and like the last time from there on.

    Args:
        recording: What was recorded.
        name: Model to stand in for; the only one of the recording where that is clear.

    Raises:
        InputError: The recording holds no call of that model.
    """

    def __init__(self, recording: Recording, name: str | None = None) -> None:
        names = sorted(recording.models)
        if name is None and len(names) == 1:
            name = names[0]
        if name is None or name not in recording.models:
            held = ", ".join(map(repr, names)) or "none"
            raise InputError(f"The recording holds calls of these models: {held}.", "Name one with --model.")
        self.name = name
        self.capabilities = recording.models[name]
        self._outcomes = recording.outcomes
        self._asked: Counter[str] = Counter()

    async def complete(
        self, messages: Sequence[Message], tools: Sequence[Tool] = (), schema: JsonSchema | None = None
    ) -> Reply:
        """The recorded reply.

        Raises:
            ModelError: The recorded error; permanent where the request was never made.
        """
        key = Request(self.name, self.capabilities, messages, tools, schema).key
        outcomes = self._outcomes.get(key)
        if not outcomes:
            raise PermanentModelError(
                f"The recording holds no answer of the model {self.name!r} to this request.",
                "Replay with the telemetry, the options and the version that were recorded, or record anew.",
            )
        outcome = outcomes[min(self._asked[key], len(outcomes) - 1)]
        self._asked[key] += 1
        if isinstance(outcome, Reply):
            return outcome
        if isinstance(outcome, UnsupportedFeature):
            self.capabilities = replace(self.capabilities, **{outcome.feature: False})
        raise copy(outcome)  # raising adds to an error, and this one is raised again
