"""Times as a person would write them."""

from __future__ import annotations

from datetime import UTC, datetime

from rclagent.core.window import NS_PER_S


def utc(time_ns: int) -> str:
    """A Unix time in nanoseconds as date and time in UTC, with milliseconds where there are any."""
    seconds, rest = divmod(time_ns, NS_PER_S)
    try:
        moment = datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):  # beyond the calendar or the platform's range
        return f"{time_ns} ns after 1970-01-01 UTC"
    fraction = f".{rest // 1_000_000:03d}" if rest else ""
    return f"{moment:%Y-%m-%d %H:%M:%S}{fraction} UTC"
