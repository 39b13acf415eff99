"""Hostile telemetry text stays text."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from rclagent.report.escape import MAX_CHARACTERS, code, markdown, plain

HOSTILE = (
    "\x1b[31mred\x1b[0m",
    "\x1b]8;;https://evil.example\x07click\x1b]8;;\x07",
    "line one\nline two\r\nline three\u2028four",
    "right-to-left \u202egnp.exe and \u2066isolate",
    "zero\u200bwidth\ufeff",
    "c1 \x9b31m",
    "\ud800 lone surrogate",
    "tag \U000e0041",
)
MARKUP = (
    "**bold** __x__ ~~y~~",
    "[link](https://evil.example) ![image](x)",
    "<script>alert(1)</script> <!-- -->",
    "a | b || c",
    "`code` ``two`` and `",
    "# heading",
    "- item",
    "1. item",
    "> quote",
    "&lt; &#60;",
    "https://evil.example www.evil.example a@evil.example @team #12 $x$",
    "[^1]: note",
    "\\*already\\* \\",
    "--- === ***",
    "https://evil.example/`|`",
)
any_text = st.text(max_size=80) | st.text("<>[]()`*_|#&@:/\\~!$-+1. \n\x1bw", max_size=60)


@pytest.mark.parametrize("text", HOSTILE)
def test_plain_text_holds_no_character_that_acts_on_a_terminal(text: str) -> None:
    assert plain(text).isprintable()


@given(any_text)
def test_plain_text_is_one_printable_line_whatever_comes_in(text: str) -> None:
    shown = plain(text)
    assert "\n" not in shown
    assert all(unicodedata.category(c) not in {"Cc", "Cf", "Cs", "Zl", "Zp"} for c in shown)
    shown.encode()


@given(any_text)
def test_plain_text_is_not_changed_by_a_second_pass(text: str) -> None:
    once = plain(text, limit=10_000)
    assert plain(once, limit=10_000) == once


def test_ordinary_text_is_left_alone() -> None:
    assert plain("GET /cart – 502 ms, größer als 1.3 ms") == "GET /cart – 502 ms, größer als 1.3 ms"


def test_a_cut_says_how_much_is_missing() -> None:
    assert plain("x" * (MAX_CHARACTERS + 7)) == "x" * MAX_CHARACTERS + "… (7 more characters)"


def rendered(source: str) -> list[Token]:
    """Inline tokens of a Markdown source, after checking that it is a single paragraph."""
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(source)
    assert [token.type for token in tokens] in (["paragraph_open", "inline", "paragraph_close"], [])
    return [child for token in tokens for child in token.children or []]


def shown_by(tokens: list[Token]) -> str:
    """The characters that a reader sees."""
    return "".join(token.content for token in tokens)


@pytest.mark.parametrize("text", (*HOSTILE, *MARKUP))
def test_markdown_renders_as_the_text_itself(text: str) -> None:
    tokens = rendered(markdown(text))
    assert {token.type for token in tokens} <= {"text", "text_special", "code_inline"}
    assert shown_by(tokens).replace("\\|", "|") == plain(text)


@given(any_text)
def test_markdown_never_becomes_markup(text: str) -> None:
    tokens = rendered(markdown(text))
    assert {token.type for token in tokens} <= {"text", "text_special", "code_inline"}


@given(any_text)
def test_what_sites_would_link_stands_in_code(text: str) -> None:
    open_text = "".join(
        " " if token.type == "code_inline" else token.content for token in rendered(markdown(text))
    )
    assert not re.search(r"://|@|\bwww\.|#\d|\$", open_text, re.IGNORECASE)


@given(any_text)
def test_a_table_cell_keeps_its_text_to_itself(text: str) -> None:
    table = f"| a | b |\n| --- | --- |\n| {markdown(text)} | {code(text)} |\n"
    tokens = MarkdownIt("commonmark").enable("table").parse(table)
    cells = [token for token in tokens if token.type == "td_open"]
    assert len(cells) == 2
    assert tokens[-1].type == "table_close"


@given(any_text)
def test_code_shows_the_text_itself(text: str) -> None:
    source = code(text)
    tokens = rendered(f"a {source} b")
    expected = plain(text).replace("|", "\\|")
    assert [token.content for token in tokens if token.type == "code_inline"] == [expected][: bool(expected)]
