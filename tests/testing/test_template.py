"""A call tree has a place for every span that a request can make."""

from __future__ import annotations

from rclagent.testing import Call, Entry, External, Operation, Publish, Query, Service, System
from rclagent.testing.template import ServerSlot, Template, build_template


def template(*steps: tuple[Call | Query | External | Publish, ...]) -> Template:
    """Of service a, whose steps may ask b; b asks an external service, twice if need be."""
    ask = External("pay.example", "POST", retries=1)
    system = System(
        (Service("a", (Operation("get", steps=steps),)), Service("b", (Operation("get", steps=((ask,),)),))),
        (Entry("a", "get"),),
    )
    return build_template(system, system.entries[0])


def test_each_attempt_has_places_of_its_own_for_all_that_it_causes() -> None:
    """a; two attempts with b below each; two attempts of b below each of those."""
    slots = template(
        (Call("b", "get", retries=1),),
    ).slots
    assert [slot.service for slot in slots] == ["a", "a", "b", "a", "b", "b", "b", "b", "b"]


def test_a_place_knows_the_repeated_attempt_that_it_belongs_to() -> None:
    """The innermost one; what happens at the first attempt belongs to none."""
    tree = template(
        (Call("b", "get", retries=1),),
    )
    first, again = tree.calls
    assert (first.retry, again.retry) == (None, again.index)
    servers = {slot.caller: slot.retry for slot in tree.servers}
    assert servers == {None: None, first.index: None, again.index: again.index}
    below = {(slot.owner, slot.repeats): slot.retry for slot in tree.queries}
    assert below[first.callee, False] is None
    assert below[again.callee, False] == again.index
    assert all(slot.retry == slot.index for slot in tree.queries if slot.repeats)


def test_a_message_is_handled_by_a_consumer() -> None:
    """A call is not."""
    tree = template((Publish("news", "b", "get"), Call("b", "get")))
    consumers = {slot.index: slot.consumer for slot in tree.slots if isinstance(slot, ServerSlot)}
    assert consumers == {0: False, tree.messages[0].callee: True, tree.calls[0].callee: False}
