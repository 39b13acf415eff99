"""Text of servers and models, made fit for a message of ours."""

from __future__ import annotations

from typing import Final

MAX_LENGTH: Final = 300
"""Characters kept."""


def one_line(text: str) -> str:
    """The text on one line, cut to a length, without what could steer a terminal and without a full stop."""
    line = " ".join(text.split())
    shown = "".join(character if character.isprintable() else "?" for character in line[:MAX_LENGTH])
    return f"{shown} ..." if len(line) > MAX_LENGTH else shown.rstrip(".")
