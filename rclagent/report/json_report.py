"""A diagnosis as JSON; its schema stands in docs/diagnosis.schema.json."""

from __future__ import annotations

from rclagent.core.diagnosis import Diagnosis


def render_json(diagnosis: Diagnosis) -> str:
    """The whole diagnosis, indented, with a closing line break; equal diagnoses give equal bytes."""
    return diagnosis.model_dump_json(indent=2) + "\n"
