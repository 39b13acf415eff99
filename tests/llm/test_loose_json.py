"""JSON as models write it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rclagent.llm.loose_json import fenced, objects_in, read_value, without_thoughts

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (' {"a": 1} ', {"a": 1}),
        ("{'a': 'it''s'}", {"a": "its"}),
        ("{'a': None, 'b': (1, 2), 'c': True,}", {"a": None, "b": [1, 2], "c": True}),
        ('{"a": "two\nlines"}', {"a": "two\nlines"}),
        ("{'a': '\\d'}", {"a": "\\d"}),
        ('{"a": NaN}', None),
        ('{"a": 1e999}', None),
        ("{'a': 1e999}", None),
        ("{'a': __import__('os')}", None),
        ("{'a': b'bytes'}", None),
        ("{1, 2}", None),
        ("nothing", None),
        ("", None),
    ],
)
def test_values_are_read_as_json_or_as_literals(text: str, value: Any) -> None:
    """Nothing is ever called, and numbers are finite."""
    assert read_value(text) == value


def test_objects_are_found_in_prose_in_order() -> None:
    """Outer ones only, whatever stands between them."""
    text = 'First {"a": {"b": 1}} {oops} then {"c": [2]}; a { and a }.'
    assert objects_in(text) == [{"a": {"b": 1}}, {"c": [2]}]


def test_fenced_blocks_are_found_even_unfinished() -> None:
    """With and without a language."""
    assert fenced("x\n```json\n1\n```\ny ``` z\n```\n2") == ["1\n", "2"]


def test_thoughts_are_left_out() -> None:
    """Closed, never closed, and closed but never opened, as some servers send them."""
    assert without_thoughts("<think>a</think>b<think>c</think>d") == "bd"
    assert without_thoughts("b<think>c") == "b"
    assert without_thoughts("a</think>b") == "b"
    assert without_thoughts("plain") == "plain"


@given(values)
def test_json_is_read_as_it_is(value: Any) -> None:
    """Any value, but for null, which is none."""
    assert read_value(json.dumps(value)) == value


@given(st.dictionaries(st.text(), values), st.text(alphabet=st.characters(exclude_characters="{")))
def test_an_object_is_found_behind_any_prose(value: dict[str, Any], prose: str) -> None:
    """Unless the prose has braces of its own."""
    assert objects_in(prose + json.dumps(value) + " and so on") == [value]


@given(st.text(alphabet=st.sampled_from("{}[]\"'`:,\\ \nab1-eE<>/think") | st.characters(), max_size=200))
def test_no_text_raises(text: str) -> None:
    """Whatever it is."""
    read_value(text)
    objects_in(text)
    fenced(text)
    without_thoughts(text)


@pytest.mark.parametrize(
    "text",
    [
        '{"a":' * 60_000,
        "{" * 200_000,
        "[" * 100_000,
        "-" * 19_000 + "1",
        "```\n" * 50_000,
        "<think>" * 20_000,
    ],
)
def test_hostile_texts_come_to_an_end(text: str) -> None:
    """Deep nesting in particular: neither the stack nor the time runs out."""
    read_value(text)
    fenced(text)
    without_thoughts(text)
    assert objects_in(text) == []
