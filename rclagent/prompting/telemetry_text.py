"""Text of telemetry as a model may see it: one bounded line, or a note where it addresses its reader.

Log lines, names and metrics come from the systems under diagnosis, and from whoever can make these write a
line. That such text is data is told to the model, but not every model obeys. So what is plainly written to
steer a model is not shown; the figures of the observation stay. It is a net, and not the last one: whatever
a model says counts only by the evidence that it cites (rclagent.agents.trust).
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

MAX_CHARACTERS: Final = 200
"""Longest text shown in one place; what is longer says how much was cut."""
WITHHELD: Final = "(withheld: it reads as written to a model)"
"""Stands for a text that is not shown."""

_STEERING: Final = re.compile(
    r"\b(?:ignore|disregard|forget|override)\b.{0,40}\b(?:instruction|prompt|rule|above|previous|prior|earlier)"
    r"|\b(?:new|system|developer|hidden)\s+(?:instruction|prompt)"
    r"|\byou\s+(?:are|must|should|will|have\s+to)\b.{0,60}\b(?:answer|report|respond|reply|conclude|assistant"
    r"|agent|model|diagnos)"
    r"|\b(?:respond|reply|answer|report|conclude|output)\b.{0,40}\b(?:root\s*cause|confidence|json|only)\b"
    r"|\broot\s*cause\b.{0,20}(?:\bis\b|\bare\b|[:=])"
    r"|\bconfidence\b\W{0,6}(?:of\s+|is\s+)?[01]?[.,]?\d"
    r"|</?\s*(?:tool_call|tool_response|think|system|assistant|user|data)\b|<\|"
    r"|\[/?INST\]|<<SYS>>|✿|^\W*(?:system|assistant)\s*:"
    r"|\"(?:claims|stance|citations|explanation|tool_calls|arguments)\"\s*:",
    re.IGNORECASE | re.DOTALL,
)
# Control, format (direction overrides, zero width), surrogate, private and unassigned characters, separators.
_HIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def shown_text(text: str, limit: int = MAX_CHARACTERS) -> str:
    """One line of a text, cut to a length, without hidden characters; a note where it addresses its reader.

    Args:
        text: Any text from telemetry.
        limit: Characters kept; the result says how many more there were.
    """
    # Compatibility forms (full width letters, say) are read by models as the letters that they resemble.
    looked_at = _visible(unicodedata.normalize("NFKC", text))
    if _STEERING.search(looked_at):
        return WITHHELD
    flat = _visible(text)
    cut = len(flat) - limit
    return f"{flat[:limit]}... ({cut} more characters)" if cut > 0 else flat


def _visible(text: str) -> str:
    line = " ".join(text.split())
    if line.isascii() and line.isprintable():
        return line
    return "".join(letter for letter in line if unicodedata.category(letter) not in _HIDDEN)
