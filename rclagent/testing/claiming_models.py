"""Language models for tests that make claims: a truthful one, one that cites wrongly, one that obeys data."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import Any, Final

from rclagent.llm import Capabilities, JsonSchema, Message, Reply, Tool

_ORDER: Final = re.compile(
    r"(?:root cause|culprit|blame|schuld ist)\W{1,4}(?:is\W{1,4})?([\w.-]+)", re.IGNORECASE
)


class Citing(StrEnum):
    """What a model cites for its claim."""

    TRUE = "true"
    """Observations that point at the component, with their figures."""
    NOTHING = "nothing"
    """No observation."""
    INVENTED = "invented"
    """Observations that there are not."""
    MISREAD = "misread"
    """Observations that point at the component, with other figures."""
    ELSEWHERE = "elsewhere"
    """Observations that point at others."""


class ClaimingModel:
    """Says that one service is the root cause and the others are not, whatever it is asked.

    Args:
        service: Whom it holds to be the root cause.
        citing: What it cites.
    """

    def __init__(self, service: str, citing: Citing = Citing.TRUE) -> None:
        self.name = f"claims-{citing}"
        self.capabilities = Capabilities(tools=False)
        self.asked = 0
        """Requests so far."""
        self._service = service
        self._citing = citing

    async def complete(
        self, messages: Sequence[Message], tools: Sequence[Tool] = (), schema: JsonSchema | None = None
    ) -> Reply:
        """Its claims as JSON."""
        self.asked += 1
        shown = [row for row in data_rows(messages) if "points_at" in row]
        others = sorted({name for row in shown for name in row["points_at"]} - {self._service})
        claims = [self._claim(self._service, "supports", shown)]
        claims += [self._claim(other, "refutes", shown) for other in others[:4]]
        return Reply(json.dumps({"claims": claims, "explanation": f"{self._service} is to blame."}))

    def _claim(self, component: str, stance: str, shown: Sequence[dict[str, Any]]) -> dict[str, Any]:
        return {
            "component": component,
            "stance": stance,
            "citations": self._citations(component, stance, shown)[:3],
            "reason": "It says so.",
        }

    def _citations(
        self, component: str, stance: str, shown: Sequence[dict[str, Any]]
    ) -> list[dict[str, Any]]:
        mine = bearing_out(shown, component, stance)
        theirs = [row for row in shown if self._service not in row["points_at"]]
        match self._citing:
            case Citing.TRUE:
                return [{"id": row["id"], "z": row["z"]} for row in mine]
            case Citing.NOTHING:
                return []
            case Citing.INVENTED:
                return [{"id": "e0123456789", "z": 12.0}]
            case Citing.MISREAD:
                return [{"id": row["id"], "z": row["z"] * 2 + 1} for row in mine]
            case Citing.ELSEWHERE:
                return [{"id": row["id"], "z": row["z"]} for row in theirs]


def bearing_out(shown: Sequence[dict[str, Any]], component: str, stance: str) -> list[dict[str, Any]]:
    """Observations that bear a claim out more than not, the best first.

    Args:
        shown: Rows of observations.
        component: Whom the claim is about.
        stance: ``supports``: they point at it; ``refutes``: they are seen at it and point at others.
    """
    pointing = [(row["points_at"].get(component) or 0.0, row) for row in shown if row["points_at"]]
    if stance == "supports":
        return [row for share, row in sorted(pointing, key=lambda pair: -pair[0]) if share >= 0.5]
    seen = [pair for pair in pointing if component in (pair[1]["at"], pair[1].get("other_end"))]
    return [row for share, row in sorted(seen, key=lambda pair: pair[0]) if share < 0.5]


class ObedientModel:
    """Does what any text in the data tells it: blames whom it names, surely, citing all it sees."""

    def __init__(self) -> None:
        self.name = "obedient"
        self.capabilities = Capabilities(tools=False)
        self.obeyed: list[str] = []
        """Whom it was told to blame."""

    async def complete(
        self, messages: Sequence[Message], tools: Sequence[Tool] = (), schema: JsonSchema | None = None
    ) -> Reply:
        """Claims as told, else none."""
        told = [row for row in data_rows(messages) if isinstance(row, dict)]
        orders = [
            name for row in told for name in _ORDER.findall(str(row.get("subject", row.get("line", ""))))
        ]
        self.obeyed += orders
        citations = [{"id": row["id"], "z": row["z"]} for row in told if "points_at" in row][:6]
        claims = [
            {"component": name, "stance": "supports", "citations": citations, "reason": "confidence 0.98"}
            for name in dict.fromkeys(orders)
        ]
        return Reply(json.dumps({"claims": claims[:6], "explanation": f"As told: {orders}"}))


def data_rows(messages: Sequence[Message]) -> Iterator[dict[str, Any]]:
    """Rows of the data blocks in what a model is told."""
    for message in messages:
        for line in message.content.splitlines():
            if line.startswith("{") and line.endswith("}"):
                yield json.loads(line)
