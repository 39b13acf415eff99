"""The public names of the library."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import rclagent

PACKAGES = [module.name for module in pkgutil.walk_packages(rclagent.__path__, "rclagent.") if module.ispkg]


def test_public_names_are_sorted_and_exist() -> None:
    assert rclagent.__all__ == sorted(rclagent.__all__)
    assert all(getattr(rclagent, name) is not None for name in rclagent.__all__)


def test_what_type_checkers_see_is_what_is_exported() -> None:
    tree = ast.parse(Path(rclagent.__file__).read_text(encoding="utf-8"))
    seen = {
        alias.asname or alias.name
        for block in tree.body
        if isinstance(block, ast.If)
        for statement in block.body
        if isinstance(statement, ast.ImportFrom)
        for alias in statement.names
    }
    assert seen == set(rclagent.__all__) - {"__version__"}


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        rclagent.nonsense  # noqa: B018


@pytest.mark.parametrize("package", PACKAGES)
def test_each_package_exports_what_it_says(package: str) -> None:
    module = importlib.import_module(package)
    names = getattr(module, "__all__", [])
    assert names == sorted(names)
    assert [name for name in names if not hasattr(module, name)] == []


def test_the_version_is_told_without_loading_the_heavy_libraries() -> None:
    script = (
        "import sys; from rclagent.cli.entry_point import run; run(['version']);"
        "print(sorted({'polars', 'networkx', 'langgraph', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [f"rclagent {rclagent.__version__}", "[]"]
