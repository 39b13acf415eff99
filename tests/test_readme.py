"""What the README tells people to run works, and prints what it shows."""

from __future__ import annotations

import os
import re
import runpy
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
CONSOLE = re.findall(r"^```console\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
RENDER = runpy.run_path(str(ROOT / "docs" / "render.py"))
PYTHON = re.findall(r"^```python\n(.*?)^```", README, re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder in which the README's commands have been run, in its order."""
    folder = tmp_path_factory.mktemp("readme")
    run: Callable[[str, Path], str] = RENDER["run"]
    for block in CONSOLE:
        commands = [line.removeprefix("$ ") for line in block.splitlines() if line.startswith("$ ")]
        output = [f"$ {command}\n{run(command, folder)}" for command in commands]
        (folder / f"shown-{len(list(folder.glob('shown-*')))}").write_text("".join(output), encoding="utf-8")
    return folder


def python(code: str, place: Path) -> subprocess.CompletedProcess[str]:
    """What a block of Python of the README does there."""
    return subprocess.run(
        [sys.executable, "-c", code], cwd=place, env=RENDER["environment"](), capture_output=True, text=True
    )


def test_no_command_meets_the_model_of_whoever_runs_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Documents show what everybody gets."""
    for name in ("RCLAGENT_MODEL", "OPENAI_API_KEY", "OPENAI_BASE_URL", "LLM_API_URL"):
        monkeypatch.setenv(name, "mine")
    names = [line.partition("=")[0] for line in RENDER["run"]("env", tmp_path).splitlines()]
    assert "PATH" in names
    assert [name for name in names if name.startswith(("RCLAGENT", "OPENAI", "LLM"))] == []


def test_every_command_runs(place: Path) -> None:
    assert len(list(place.glob("shown-*"))) == len(CONSOLE) == 4


def test_the_demo_prints_what_the_readme_shows(place: Path) -> None:
    assert (place / "shown-0").read_text(encoding="utf-8") == CONSOLE[0], "run `make docs`"


def test_the_reports_are_written(place: Path) -> None:
    assert (place / "report.md").read_text(encoding="utf-8").startswith("## ")
    assert (place / "report.json").read_text(encoding="utf-8").startswith("{")


def test_the_python_example_runs(place: Path) -> None:
    done = python(PYTHON[0], place)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("fault ")


def test_the_plan_for_a_model_asks_nobody(place: Path) -> None:
    shown = (place / "shown-3").read_text(encoding="utf-8")
    assert shown.count("Nothing was asked.") == 2


def test_the_model_of_ones_own_is_asked_and_believed_nothing(place: Path) -> None:
    done = python(PYTHON[1], place)
    assert (done.returncode, done.stderr) == (0, "")
    service, calls = done.stdout.split()
    assert service == "pricing"
    assert 0 < int(calls) <= 20


def test_the_demo_target_runs_the_commands_shown() -> None:
    make = shutil.which("make")
    if make is None:
        pytest.skip("make is not installed")
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MAKE")}
    done = subprocess.run(
        [make, "--dry-run", "--old-file=.venv/.installed", "demo"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    shown = [line.removeprefix("$ ") for line in CONSOLE[0].splitlines() if line.startswith("$ ")]
    planned = done.stdout.replace(".venv/bin/", "").splitlines()
    assert [line for line in planned if line in shown] == shown


@pytest.mark.parametrize("target", re.findall(r"^make ([a-z]+)", README, re.MULTILINE))
def test_every_target_named_exists(target: str) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(rf"^{target}:.*## ", makefile, re.MULTILINE)


def test_every_file_linked_exists() -> None:
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", README) if "://" not in link]
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []
