"""A language model for tests that looks informed and knows nothing: the control for any real one."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import asdict
from hashlib import blake2b
from typing import Any

from rclagent.llm import Capabilities, JsonSchema, Message, Reply, Tool
from rclagent.testing.claiming_models import bearing_out, data_rows


class RandomCitingModel:
    """Supports or refutes a component at random, with true citations that bear the claim out.

    A model is worth something only where it does better than this one. It says the same to the same request.

    Args:
        seed: Another seed, other claims.
    """

    def __init__(self, seed: int = 0) -> None:
        self.name = "random-citer"
        self.capabilities = Capabilities(tools=False)
        self.asked = 0
        """Requests so far."""
        self._seed = seed

    async def complete(
        self, messages: Sequence[Message], tools: Sequence[Tool] = (), schema: JsonSchema | None = None
    ) -> Reply:
        """One claim about a component that an observation points at, none where nothing is shown."""
        self.asked += 1
        chance = self._chance(messages)
        shown = [row for row in data_rows(messages) if "points_at" in row]
        names = sorted({name for row in shown for name in row["points_at"]})
        claims = [self._claim(chance.choice(names), shown, chance)] if names else []
        return Reply(json.dumps({"claims": claims, "explanation": "Chance says so."}))

    def _claim(self, component: str, shown: Sequence[dict[str, Any]], chance: random.Random) -> Any:
        # Of a component that no observation refutes only support can be borne out.
        stances = [stance for stance in ("refutes", "supports") if bearing_out(shown, component, stance)]
        stance = chance.choice(stances or ["supports"])
        rows = bearing_out(shown, component, stance)
        cited = chance.sample(rows, chance.randint(min(1, len(rows)), min(3, len(rows))))
        return {
            "component": component,
            "stance": stance,
            "citations": [{"id": row["id"], "z": row["z"]} for row in cited],
            "reason": "Chance says so.",
        }

    def _chance(self, messages: Sequence[Message]) -> random.Random:
        told = json.dumps([self._seed, *map(asdict, messages)], sort_keys=True)
        return random.Random(blake2b(told.encode(), digest_size=8).digest())
