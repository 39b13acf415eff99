"""Lines of JSON that are written down as they come, so that a command that was killed goes on from there."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rclagent import InputError


class Journal:
    """A file with a header line that says what was asked for, and a line for each part that is done.

    Args:
        path: Written at each line; continued where it is there; None keeps nothing.
        header: What is asked for.

    Raises:
        InputError: The file was begun for something else, or is no such file.
    """

    def __init__(self, path: Path | None, header: Mapping[str, Any]) -> None:
        self.lines: list[dict[str, Any]] = []
        """Parts that are done."""
        self._path = path
        if path is None:
            return
        if path.exists():
            drop_unfinished_line(path)
        if path.exists() and path.stat().st_size:
            found, *self.lines = _read(path)
            if found != json.loads(json.dumps(header)):
                raise InputError(
                    f"{path} was begun for something else, or by other code.", "Name another, or delete it."
                )
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(header) + "\n", encoding="utf-8")

    def add(self, line: Mapping[str, Any]) -> None:
        """A part is done."""
        self.lines.append(dict(line))
        if self._path is not None:
            with self._path.open("a", encoding="utf-8") as file:
                append_line(file.fileno(), json.dumps(line) + "\n")


def drop_unfinished_line(path: Path) -> None:
    """A kill may cut the last line; that part is done again."""
    content = path.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    if whole != content:
        os.truncate(path, len(whole))


def append_line(file: int, line: str) -> None:
    """Writes a line, whole, before anything else is done."""
    os.write(file, line.encode())
    os.fsync(file)


def _read(path: Path) -> list[dict[str, Any]]:
    try:
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be continued: {error}.", "Name another, or delete it.") from None
