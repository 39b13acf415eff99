"""Log templates: the constant part of a message, by masking alone.

Masking looks at one line at a time, so the same line has the same template today and in
a profile saved last week; nothing is learned, nothing depends on order. Where a line names
the place in the code that wrote it (``OrderService#365``, ``cart.py:71``), the place is
part of the template.
"""

from __future__ import annotations

from typing import Final

import polars as pl

TEMPLATE_CHARS: Final = 160
"""A template is cut here: what tells statements apart stands at their beginning."""

_PLACE: Final = (
    r"([A-Za-z_$][\w$]*(?:[.\/][\w$]+)*(?:#\d+|\.(?:py|java|kt|scala|go|js|ts|rb|cs|cc|cpp|rs|php):\d+))"
)
_LEADING_TIME: Final = (
    r"^\s*\[?(?:\d{4}[-/]\d\d[-/]\d\d[T ])?\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?\]?\s*"
)
_VARIABLE: Final = (
    r'"[^"]*"'  # quoted text
    r"|'[^']*'"
    r"|=\s*[^\s,;(){}\[\]=]+"  # the value of key=value
    r"|[^\s,;:=(){}\[\]<>|\"'：]*\d[^\s,;=(){}\[\]<>|\"']*"  # any word with a digit
)
_REPEATED: Final = r"<\*>(?:[\s,;:.|-]*<\*>)+"
"""A list of variable parts is one variable part: its length varies with the request."""


def template_of(body: pl.Expr) -> pl.Expr:
    """Template of each message: its place in the code, then the message with variable parts masked.

    Args:
        body: Messages (String).

    Returns:
        Expression of type String, at most TEMPLATE_CHARS characters; ``<*>`` stands for a
        variable part.
    """
    line = body.str.replace(_LEADING_TIME, "")
    place = line.str.slice(0, 200).str.extract(_PLACE, 1).fill_null("")
    masked = line.str.slice(0, 400).str.replace_all(_VARIABLE, "<*>").str.replace_all(_REPEATED, "<*>")
    text = pl.concat_str([place, masked.str.strip_chars()], separator=" ").str.strip_chars()
    return text.str.slice(0, TEMPLATE_CHARS)
