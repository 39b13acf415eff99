"""Writes results: whole or not at all into a file, and without complaint into a pipe that closes."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from rclagent.errors import InputError


def check_target(target: Path | None, option: str = "--out") -> None:
    """Fails before the work starts where the result could not be written after it.

    Args:
        target: File to write.
        option: What names it.

    Raises:
        InputError: The target is a folder, or lies in none.
    """
    if target is None:
        return
    if target.is_dir():
        raise InputError(f"{option} {str(target)!r} is a folder.", "Name a file.")
    if not target.parent.is_dir():
        raise InputError(
            f"{option} {str(target)!r}: there is no folder {str(target.parent)!r}.", "Create it first."
        )


def emit(text: str, target: Path | None, *, utf8: bool = False) -> None:
    """Writes a result to a file, or to stdout where none is named.

    Args:
        text: The result, complete with its last line break.
        target: File to replace.
        utf8: Write UTF-8 even where the terminal states another encoding: JSON is always UTF-8.

    Raises:
        InputError: The file cannot be written.
    """
    if target is None:
        encoding = "utf-8" if utf8 else sys.stdout.encoding or "utf-8"
        _print(text.encode(encoding, errors="backslashreplace"))
    else:
        write_file(text.encode("utf-8", errors="backslashreplace"), target)


def write_file(content: bytes, target: Path) -> None:
    """Replaces a file in one step: whoever reads it sees the old content or the new, never half.

    Raises:
        InputError: The file cannot be written.
    """
    place = target.resolve()  # a link stays a link
    part = place.with_name(f".{place.name}.{os.getpid()}.part")
    try:
        if place.exists() and not place.is_file():  # a device or pipe has no content to keep
            place.write_bytes(content)
            return
        try:
            part.write_bytes(content)
            part.replace(place)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise InputError(
            f"{str(target)!r} cannot be written: {error.strerror or error}.", "Name another file with --out."
        ) from error


def _print(content: bytes) -> None:
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        # `rclagent ... | head` has read enough. What is still buffered must not fail at exit again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
