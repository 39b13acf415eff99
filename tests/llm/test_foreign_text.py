"""Text of others in our messages."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rclagent.llm.foreign_text import MAX_LENGTH, one_line


def test_it_is_one_line_without_control_characters_and_full_stop() -> None:
    """Escape sequences and direction overrides show as question marks."""
    assert one_line("a\n\n b\x1b[0m\u202e.") == "a b?[0m?"


@given(st.text(max_size=2 * MAX_LENGTH))
def test_any_text_becomes_printable_and_short(text: str) -> None:
    """Whatever it is."""
    shown = one_line(text)
    assert shown.isprintable()
    assert len(shown) <= MAX_LENGTH + len(" ...")


def test_what_was_cut_is_shown() -> None:
    """By three dots."""
    assert one_line("a" * (MAX_LENGTH + 1)) == "a" * MAX_LENGTH + " ..."
