"""Root causes that a model names without evidence."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rclagent.agents.named_causes import MOST_NAMED, NamedCauses, Places, read_causes
from rclagent.core.evidence import Component

PLACES = Places.of(
    [
        Component(service="cart", pod="cart-0", node="n1"),
        Component(service="cart", pod="cart-1", node="n2"),
        Component(service="stock", pod="stock-0", node="n1"),
    ]
)
NAMES = ["cart", "cart-0", "cart-1", "stock", "stock-0", "n1", "n2"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from(NAMES),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["service", "pod", "node", "reason"]), inner, max_size=3)
    ),
    max_leaves=12,
)


@pytest.mark.parametrize(
    "value",
    [
        [{"pod": "cart-0"}, {"service": "stock"}],
        [{"node": "n1", "service": "cart", "pod": "cart-0"}, {"service": "stock", "reason": "late"}],
        '[{"pod": "cart-0"}, {"service": "stock"}]',
        "[{'pod': 'cart-0'}, {'service': 'stock'}]",
        ["cart-0", "stock"],
        [{"service": "cart-0"}, {"pod": " stock "}],
    ],
)
def test_causes_are_read_in_all_the_ways_in_which_they_are_written(value: object) -> None:
    """The most precise known name counts, at whatever level it stands."""
    named = read_causes(value, PLACES)
    assert named == NamedCauses(places=(("pod", "cart-0"), ("service", "stock")))


def test_one_object_is_a_list_of_one() -> None:
    """Small models forget the brackets."""
    assert read_causes({"service": "cart"}, PLACES) == NamedCauses(places=(("service", "cart"),))


def test_what_is_invented_or_repeated_is_counted() -> None:
    """By hand: two invented, one repeated, and one of each level kept."""
    told = [{"service": "cart"}, {"service": "nobody"}, {"pod": "cart-0"}, {"service": "cart"}, {}]
    named = read_causes(told, PLACES)
    assert named == NamedCauses(places=(("service", "cart"), ("pod", "cart-0")), invented=2, repeated=1)


@pytest.mark.parametrize("value", [None, 3, [], "", "cart is it", {}.keys()])
def test_what_is_no_list_is_no_answer(value: object) -> None:
    """The model is asked again."""
    assert read_causes(value, PLACES) is None


def test_services_are_those_of_the_places_each_once() -> None:
    """A node of several services means none of them; one of a single service means it."""
    named = NamedCauses(places=(("node", "n1"), ("node", "n2"), ("pod", "stock-0"), ("service", "cart")))
    assert named.services(PLACES) == ("cart", "stock")


@given(JSON)
def test_nothing_that_does_not_exist_is_ever_named(value: object) -> None:
    """Whatever comes, no name comes through twice, and each exists."""
    named = read_causes(value, PLACES)
    if named is not None:
        assert all(name in PLACES.services[level] for level, name in named.places)
        assert len(named.places) == len(set(named.places))
        assert len(named.places) + named.invented + named.repeated <= MOST_NAMED
