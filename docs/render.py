"""Writes what the documents take from the code: the JSON schema of a diagnosis, and the README's demo."""

from __future__ import annotations

import ast
import inspect
import json
import os
import re
import subprocess
import sys
import tempfile
from itertools import pairwise
from pathlib import Path
from textwrap import dedent
from typing import Any, Final

from rclagent.core import coverage, diagnosis, evidence, incident, report
from rclagent.core.diagnosis import Diagnosis

ROOT: Final = Path(__file__).resolve().parent.parent
SCHEMA: Final = ROOT / "docs" / "diagnosis.schema.json"
README: Final = ROOT / "README.md"
DEMO: Final = re.compile(r"(?<=<!-- demo:start -->\n)```console\n(.*?)```\n(?=<!-- demo:end -->)", re.DOTALL)
"""The block whose commands are run and whose output is shown."""
MODEL_VARIABLES: Final = ("RCLAGENT_MODEL", "LLM_", "OPENAI_")
"""What the names of variables begin with that lead to a model."""


def schema() -> str:
    """JSON schema of what ``rclagent diagnose -o json`` prints, with a description of every field."""
    content: dict[str, Any] = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Diagnosis.model_json_schema(mode="serialization"),
    }
    classes = {
        name: kind
        for module in (diagnosis, coverage, evidence, incident, report)
        for name, kind in vars(module).items()
        if inspect.isclass(kind) and kind.__module__ == module.__name__
    }
    for name, definition in {"Diagnosis": content, **content["$defs"]}.items():
        for field, text in _attribute_docstrings(classes[name]).items():
            if field in definition.get("properties", {}):
                definition["properties"][field]["description"] = text
    return json.dumps(content, indent=2) + "\n"


def demo(readme: str) -> str:
    """The README with the real output of its demo below each command."""
    block = DEMO.search(readme)
    if block is None:
        raise SystemExit("README.md has no block between the demo's markers.")
    commands = [line for line in block.group(1).splitlines() if line.startswith("$ ")]
    with tempfile.TemporaryDirectory() as place:
        shown = [f"{command}\n{run(command.removeprefix('$ '), Path(place))}" for command in commands]
    return readme[: block.start(1)] + "".join(shown) + readme[block.end(1) :]


def environment() -> dict[str, str]:
    """Variables for what is run: with this environment's programs, and without a developer's own model."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(MODEL_VARIABLES)}
    return {**kept, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}


def run(command: str, place: Path) -> str:
    """Output of a command of the README, run in a folder.

    Raises:
        SystemExit: It fails.
    """
    done = subprocess.run(command, shell=True, cwd=place, env=environment(), capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{command} ended with {done.returncode}: {done.stderr}")
    return done.stdout


def _attribute_docstrings(kind: type) -> dict[str, str]:
    """The string below each field of a class, by field."""
    body = ast.parse(dedent(inspect.getsource(kind))).body[0]
    statements = body.body if isinstance(body, ast.ClassDef) else []
    found = {}
    for field, text in pairwise(statements):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(text, ast.Expr)
            and isinstance(text.value, ast.Constant)
        ):
            found[field.target.id] = inspect.cleandoc(str(text.value.value)).replace("``", "")
    return found


if __name__ == "__main__":
    SCHEMA.write_text(schema(), encoding="utf-8")
    README.write_text(demo(README.read_text(encoding="utf-8")), encoding="utf-8")
