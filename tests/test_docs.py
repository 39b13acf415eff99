"""What the documents take from the code is current."""

from __future__ import annotations

import json
import re
import runpy
from pathlib import Path

import pytest

from rclagent.core.diagnosis import Diagnosis

ROOT = Path(__file__).resolve().parent.parent
RENDER = runpy.run_path(str(ROOT / "docs" / "render.py"))


def test_the_published_schema_is_that_of_the_code() -> None:
    written = (ROOT / "docs" / "diagnosis.schema.json").read_text(encoding="utf-8")
    assert written == RENDER["schema"](), "run `make docs`"


def test_every_field_of_the_schema_is_described() -> None:
    schema = json.loads(RENDER["schema"]())
    bare = [
        f"{name}.{field}"
        for name, definition in {"Diagnosis": schema, **schema["$defs"]}.items()
        for field, content in definition.get("properties", {}).items()
        if "description" not in content and "const" not in content
    ]
    assert bare == []


def test_the_schema_covers_every_top_level_field() -> None:
    assert set(json.loads(RENDER["schema"]())["properties"]) == set(Diagnosis.model_fields)


@pytest.mark.parametrize("path", sorted((ROOT / "docs" / "adr").glob("*.md")), ids=lambda path: path.stem)
def test_decision_records_have_their_three_parts(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert re.fullmatch(r"\d{4}-[a-z0-9-]+", path.stem)
    assert text.startswith(f"# {int(path.stem[:4])}. ")
    assert [part in text for part in ("**Context.**", "**Choice.**", "**Consequence.**")] == [True] * 3
