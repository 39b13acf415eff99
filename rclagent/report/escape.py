"""Telemetry text made harmless where it is shown: terminals and Markdown.

Names, templates and messages come from the systems under diagnosis and may hold
anything: escape sequences, direction overrides, line breaks, markup.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

MAX_CHARACTERS: Final = 400
"""Longest text shown in one place; what is longer ends in an ellipsis with the number of characters cut."""
MAX_NAME: Final = 120
"""Longest name shown within a sentence."""

# Control, format (direction overrides, zero width), surrogate, private and unassigned characters, separators.
_UNSAFE_CATEGORIES: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_MARKDOWN_PUNCTUATION: Final = re.compile(r"([\\`*_\[\]~|])")
# Sites turn these into links, mentions, references and formulas even when each character is escaped.
_AUTOLINKED: Final = re.compile(r"\S*(?:://|@|\bwww\.|\bmailto:|#\d|\$)\S*", re.IGNORECASE)
_BLOCK_START: Final = re.compile(r"^(\d{1,9}[.)]|[-+#=])")


def plain(text: str, limit: int = MAX_CHARACTERS) -> str:
    r"""One line of printable text: white space becomes a space, other unsafe characters show as ``\u202e``.

    Args:
        text: Any text from telemetry.
        limit: Characters kept; the result says how many more there were.
    """
    flat = " ".join(text.split())
    cut = len(flat) - limit
    if cut > 0:
        flat = flat[:limit]
    shown = flat if flat.isascii() and flat.isprintable() else "".join(map(_visible, flat))
    return f"{shown}… ({cut} more characters)" if cut > 0 else shown


def markdown(text: str, limit: int = MAX_CHARACTERS) -> str:
    """One line of Markdown that renders as the text itself, wherever in a line or table cell it stands."""
    line = plain(text, limit)
    parts: list[str] = []
    end = 0
    for match in _AUTOLINKED.finditer(line):
        parts += [_escape(line[end : match.start()]), code(match.group())]
        end = match.end()
    parts.append(_escape(line[end:]))
    return _BLOCK_START.sub(_escape_first, "".join(parts))


def code(text: str, limit: int = MAX_CHARACTERS) -> str:
    r"""The text as a Markdown code span that no backtick in it can leave.

    A pipe is written ``\|``, because a table ends its cell at a bare one even inside a code span;
    outside tables the backslash shows.
    """
    line = plain(text, limit).replace("|", r"\|")
    if not line:
        return ""
    longest = max((len(run) for run in re.findall(r"`+", line)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{pad}{line}{pad}{fence}"


def _visible(character: str) -> str:
    if unicodedata.category(character) not in _UNSAFE_CATEGORIES:
        return character
    point = ord(character)
    if point <= 0xFF:
        return f"\\x{point:02x}"
    return f"\\u{point:04x}" if point <= 0xFFFF else f"\\U{point:08x}"


def _escape(text: str) -> str:
    escaped = _MARKDOWN_PUNCTUATION.sub(r"\\\1", text)
    return escaped.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _escape_first(match: re.Match[str]) -> str:
    start = match.group(1)
    return f"{start[:-1]}\\{start[-1]}"
