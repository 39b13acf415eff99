"""Severity of log lines: one vocabulary for names, numbers, and lines that carry their level inside."""

from __future__ import annotations

from typing import Final

import polars as pl

_NAMES: Final = {
    **dict.fromkeys(("TRACE", "FINEST", "FINER", "VERBOSE", "10"), "TRACE"),
    **dict.fromkeys(("DEBUG", "FINE", "DBG", "20"), "DEBUG"),
    **dict.fromkeys(("INFO", "INFORMATION", "INFORMATIONAL", "NOTICE", "CONFIG", "INF", "30"), "INFO"),
    **dict.fromkeys(("WARN", "WARNING", "WRN", "40"), "WARN"),
    **dict.fromkeys(("ERROR", "ERR", "SEVERE", "50"), "ERROR"),
    **dict.fromkeys(("FATAL", "CRITICAL", "CRIT", "ALERT", "EMERG", "PANIC", "FTL", "60"), "FATAL"),
}
"""Spellings of common loggers (numbers: pino, bunyan) to the short names of OpenTelemetry."""
_LEVELS: Final = ("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")
_LEVELS_PER_NAME: Final = 4

_WORD: Final = r"\b(TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|SEVERE|FATAL|CRITICAL|PANIC)\b"
_BRACKETED: Final = r"\[(trace|debug|info|notice|warn|warning|error|crit|alert|emerg)\]"
_KEYS: Final = r"(?:severity|level|lvl|loglevel|log\.level)"
_FIELD: Final = rf"""(?i:(?:^|["'\s,{{\[(]){_KEYS}["']?\s*[:=]\s*["']?([a-z]+|[1-6]0)\b)"""
_FIRST: Final = f"{_WORD}|{_BRACKETED}|{_FIELD}"
_FIRST_WITHIN: Final = 120
"""A level stands near the start of a line; further on the word is part of the message."""


def severity_of_name(name: pl.Expr) -> pl.Expr:
    """Short upper case name of a level; an unknown name only in upper case, null stays null.

    Args:
        name: Level as a source spells it (String).
    """
    upper = name.str.strip_chars().str.to_uppercase().replace("", None)
    # INFO2, ERROR3: OpenTelemetry numbers the steps within a level.
    return upper.str.replace(r"^(TRACE|DEBUG|INFO|WARN|ERROR|FATAL)[2-4]$", "$1").replace(_NAMES)


def severity_of_number(number: int) -> str | None:
    """Short name of an OpenTelemetry severity number, 1 to 24; None outside."""
    if not 1 <= number <= len(_LEVELS) * _LEVELS_PER_NAME:
        return None
    return _LEVELS[(number - 1) // _LEVELS_PER_NAME]


def severity_of_body(body: pl.Expr) -> pl.Expr:
    """Level that a line itself names, as a field (``level=info``) or as a word near its start; else null.

    Args:
        body: Messages (String).
    """
    groups = body.str.slice(0, _FIRST_WITHIN).str.extract_groups(_FIRST).struct
    first = _known(pl.coalesce(groups.field("1"), groups.field("2"), groups.field("3")))
    # A JSON line may quote anything near its start: there its own field is the better witness.
    is_json = body.str.starts_with("{")
    field = _known(pl.when(is_json | first.is_null()).then(body).str.extract(_FIELD, 1))
    return pl.coalesce(pl.when(is_json).then(field), first, field)


def _known(name: pl.Expr) -> pl.Expr:
    level = severity_of_name(name)
    return pl.when(level.is_in(_LEVELS)).then(level)
