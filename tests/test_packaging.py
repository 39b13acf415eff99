"""What an installation holds."""

from __future__ import annotations

import tomllib
from importlib.metadata import entry_points
from importlib.resources import files
from pathlib import Path
from typing import Any

import rclagent

ROOT = Path(__file__).resolve().parent.parent


def project() -> dict[str, Any]:
    """The content of pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_every_package_is_installed() -> None:
    library = {
        str(init.parent.relative_to(ROOT)).replace("/", ".") for init in ROOT.glob("rclagent/**/__init__.py")
    }
    mapped = {
        f"rclagent.{folder}" for folder in ("graphs", "prompts") if (ROOT / folder / "__init__.py").exists()
    }
    assert set(project()["tool"]["setuptools"]["packages"]) == library | mapped


def test_every_folder_with_modules_is_a_package() -> None:
    folders = {module.parent for place in ("rclagent", "graphs") for module in ROOT.glob(f"{place}/**/*.py")}
    assert [str(folder) for folder in folders if not (folder / "__init__.py").exists()] == []


def test_graphs_and_prompts_are_installed_under_our_own_name() -> None:
    assert files("rclagent.graphs").joinpath("__init__.py").is_file()
    assert files("rclagent.prompts").joinpath("__init__.py").is_file()


def test_the_built_in_graph_is_found_by_name() -> None:
    assert callable(entry_points(group="rclagent.graphs")["parallel"].load())


def test_the_types_are_published() -> None:
    assert files("rclagent").joinpath("py.typed").is_file()


def test_the_version_is_written_once() -> None:
    assert project()["project"]["dynamic"] == ["version"]
    assert f"## [{rclagent.__version__}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
