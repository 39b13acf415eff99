"""Templates: the same statement has one template, whatever it says this time; different ones differ."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rclagent.telemetry.templates import TEMPLATE_CHARS, template_of

finite = st.floats(allow_nan=False, allow_infinity=False)


def templates_of(lines: list[str]) -> list[str]:
    """Template of each line."""
    return (
        pl.DataFrame({"body": lines}, schema={"body": pl.String})
        .select(template_of(pl.col("body")))["body"]
        .to_list()
    )


@pytest.mark.parametrize(
    ("line", "template"),
    [
        ("cart emptied", "cart emptied"),
        ("order 4711 of 3 items accepted in 12.5 ms", "order <*> of <*> items accepted in <*> ms"),
        ("session 5ae62da0-f3c1 checked", "session <*> checked"),
        ("order:17 booked", "order:<*> booked"),
        ("user=alice logged in", "user<*> logged in"),
        ("price = 5.0, total = 7", "price <*>, total <*>"),
        ("found \"red shoes\" for 'alice'", "found <*> for <*>"),
        ("[10:11:12] order 5", "order <*>"),
        ("2024-05-14 09:00:00.123 level of item 7", "level of item <*>"),
        ("2024-05-14T09:00:00Z level of item 7", "level of item <*>"),
        ("leaves at 10:11:12 today", "leaves at <*> today"),
        ("空 5 件", "空 <*> 件"),
        ("", ""),
        ("   ", ""),
    ],
)
def test_variable_parts_are_masked(line: str, template: str) -> None:
    """Numbers, words with digits, quoted text, values of keys; a leading time is left out."""
    assert templates_of([line]) == [template]


@pytest.mark.parametrize(
    "lines",
    [
        ["ids: 1", "ids: 1, 2, 3", "ids: 7, 8, 9, 10, 11"],
        ["free: 10.0.0.1; 10.0.0.2", "free: 10.0.0.9"],
    ],
)
def test_a_list_is_one_variable_part_however_long(lines: list[str]) -> None:
    assert len(set(templates_of(lines))) == 1


@pytest.mark.parametrize(
    ("line", "place"),
    [
        ("OrderService#365 [create] order id = 5", "OrderService#365 "),
        ("adding item 7 (cart.py:71)", "cart.py:71 "),
        ("com.shop.Price.find(Price.java:42) no price", "Price.java:42 "),
        ("pkg/server/main.go:118 served 5", "pkg/server/main.go:118 "),
    ],
)
def test_the_place_in_the_code_opens_the_template(line: str, place: str) -> None:
    """It tells statements of one wording apart, so its line number stays."""
    assert templates_of([line])[0].startswith(place)


def test_statements_of_one_wording_at_two_places_differ() -> None:
    assert len(set(templates_of(["cart.py:71 adding item 5", "cart.py:93 adding item 5"]))) == 2


def test_a_class_of_exception_stays_readable() -> None:
    assert "IllegalStateException" in templates_of(["java.lang.IllegalStateException: no price for 7"])[0]


def test_a_line_that_is_not_there_has_no_template() -> None:
    lines = pl.DataFrame({"body": ["cart emptied", None]}, schema={"body": pl.String})
    assert lines.select(template_of(pl.col("body")))["body"].to_list() == ["cart emptied", None]


def test_no_lines_have_no_templates() -> None:
    assert templates_of([]) == []


@given(st.lists(st.tuples(st.integers(), finite), min_size=2, max_size=6))
def test_a_statement_has_one_template_whatever_numbers_it_prints(prints: list[tuple[int, float]]) -> None:
    lines = [f"order {number} costs {price} for member m{abs(number)}" for number, price in prints]
    assert len(set(templates_of(lines))) == 1


@given(st.lists(st.text(max_size=700), min_size=1, max_size=5))
def test_any_text_has_a_bounded_template_that_depends_on_nothing_else(lines: list[str]) -> None:
    """The same in any company and order: a template of last week's profile is today's."""
    together = templates_of(lines)
    assert together == [templates_of([line])[0] for line in lines]
    assert all(len(template) <= TEMPLATE_CHARS for template in together)
