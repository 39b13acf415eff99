"""What a model is asked to answer: claims that cite evidence, and an explanation."""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, Field

from rclagent.core.report import Stance

MAX_CLAIMS: Final = 6
"""Claims of one answer."""
MAX_CITATIONS: Final = 6
"""Citations of one claim."""
MAX_NAME: Final = 200
"""Characters of a name."""
MAX_REASON: Final = 300
"""Characters of a reason; what is longer is cut."""
MAX_EXPLANATION: Final = 1_500
"""Characters of an explanation; what is longer is cut."""


def _cut(limit: int) -> BeforeValidator:
    def cut(value: Any) -> Any:
        return value[:limit] if isinstance(value, str) else value

    return BeforeValidator(cut)


class Citation(BaseModel):
    """An observation that bears a claim out."""

    id: str = Field(max_length=40, description="id of the observation")
    z: float = Field(description="its z, copied as it stands")


class Assertion(BaseModel):
    """A claim about one component."""

    component: str = Field(max_length=MAX_NAME, description="exact name of the component")
    stance: Stance = Field(description="supports that it is the root cause, or refutes it")
    citations: list[Citation] = Field(max_length=MAX_CITATIONS)
    reason: Annotated[str, _cut(MAX_REASON)] = Field(default="", max_length=MAX_REASON)


class Judgement(BaseModel):
    """Answer of an agent."""

    claims: list[Assertion] = Field(max_length=MAX_CLAIMS)


class Conclusion(BaseModel):
    """Answer of the synthesizer."""

    claims: list[Assertion] = Field(max_length=MAX_CLAIMS)
    explanation: Annotated[str, _cut(MAX_EXPLANATION)] = Field(default="", max_length=MAX_EXPLANATION)
