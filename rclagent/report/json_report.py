"""A diagnosis as JSON, whose schema stands in docs/diagnosis.schema.json, or an explanation of one."""

from __future__ import annotations

from rclagent.core.diagnosis import Diagnosis
from rclagent.report.explanation import Explanation


def render_json(answer: Diagnosis | Explanation) -> str:
    """The whole answer, indented, with a closing line break; equal answers give equal bytes."""
    return answer.model_dump_json(indent=2) + "\n"
