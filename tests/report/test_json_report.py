"""The JSON report."""

from __future__ import annotations

import json

from rclagent.core.diagnosis import Diagnosis
from rclagent.report import render_json


def test_the_json_becomes_the_same_diagnosis_again(fault: Diagnosis) -> None:
    assert Diagnosis.model_validate_json(render_json(fault)) == fault


def test_equal_diagnoses_give_equal_bytes(fault: Diagnosis) -> None:
    again = Diagnosis.model_validate(fault.model_dump())
    assert render_json(again).encode() == render_json(fault).encode()


def test_the_json_ends_in_a_line_break_and_states_its_version(fault: Diagnosis) -> None:
    text = render_json(fault)
    assert text.endswith("}\n")
    assert json.loads(text)["schema_version"] == "1.2"
