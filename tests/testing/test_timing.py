"""A call tree of three services, worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from rclagent.testing import Call, Entry, Operation, Publish, Query, Service, System
from rclagent.testing.draws import NEVER, BoolArray, Draws
from rclagent.testing.template import Template, build_template
from rclagent.testing.timing import HANDLING_MS, Run, run

# Slots: 0 a, 1 a->b, 2 b, 3 a->c, 4 c, 5 a's query, 6 b's query.
A, A_TO_B, B, A_TO_C, C, A_QUERY, B_QUERY = range(7)


@pytest.fixture
def template() -> Template:
    """Service a calls b and c side by side, then asks its database; b asks its own."""
    b_query, a_query = Query("b-db", "SELECT"), Query("a-db", "UPDATE")
    system = System(
        services=(
            Service("a", (Operation("get", steps=((Call("b", "get"), Call("c", "get")), (a_query,))),)),
            Service("b", (Operation("get", steps=((b_query,),)),)),
            Service("c", (Operation("get"),)),
        ),
        entries=(Entry("a", "get"),),
    )
    return build_template(system, system.entries[0])


@pytest.fixture
def draws() -> Draws:
    """One request: b answers after 1 + (2 + 4 + 3) + 1 = 11 ms, c after 0.5 + 5 + 0.5 = 6 ms."""

    def ms(*values: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        return np.array(values)

    return Draws(
        arrival_s=ms(0),
        own={A: np.array([[10.0], [20.0], [30.0]]), B: np.array([[2.0], [3.0]]), C: np.array([[5.0]])},
        request={A_TO_B: ms(1), A_TO_C: ms(0.5)},
        response={A_TO_B: ms(1), A_TO_C: ms(0.5)},
        query={A_QUERY: ms(7), B_QUERY: ms(4)},
        taken={},
        pod={slot: np.array([0]) for slot in (A, B, C)},
        cut={},
    )


def times(played: Run) -> dict[int, tuple[float, float]]:
    """Start and end in ms of the spans that exist, by slot."""
    return {
        slot: (float(played.start_ms[slot, 0]), float(played.end_ms[slot, 0]))
        for slot in range(len(played.template.slots))
        if played.alive[slot, 0]
    }


def yes() -> BoolArray:
    """For the one request."""
    return np.array([True])


def test_a_caller_waits_for_the_slowest_of_its_parallel_calls(template: Template, draws: Draws) -> None:
    """10 own, 11 for b (c is done earlier), 20 own, 7 query, 30 own: 78 ms."""
    played = run(template, draws)
    assert times(played) == {
        A: (0, 78),
        A_TO_B: (10, 21),
        B: (11, 20),
        A_TO_C: (10, 16),
        C: (10.5, 15.5),
        A_QUERY: (41, 48),
        B_QUERY: (13, 17),
    }
    assert played.marks_ms[A].ravel().tolist() == [10, 41, 78]
    assert not played.failed.any()


def test_an_operation_that_fails_stops_and_its_caller_gives_up(template: Template, draws: Draws) -> None:
    """b fails after its query, before it is done: a never asks its database."""
    draws.cut[B] = np.array([1])
    played = run(template, draws)
    b_end = 11 + 2 + 4 + 3 + HANDLING_MS
    assert times(played) == {
        A: (0, b_end + 1 + HANDLING_MS),
        A_TO_B: (10, b_end + 1),
        B: (11, b_end),
        A_TO_C: (10, 16),
        C: (10.5, 15.5),
        B_QUERY: (13, 17),
    }
    assert played.failed[:, 0].tolist() == [True, True, True, False, False, False, False]
    assert played.outcomes[B].raised[0]
    assert played.outcomes[A].gave_up[0]
    assert played.outcomes[A].reach[0] == 1


def test_a_call_that_is_not_made_takes_no_time(template: Template, draws: Draws) -> None:
    """Without b the step takes as long as c."""
    draws.taken[A_TO_B] = ~yes()
    played = run(template, draws)
    assert times(played) == {A: (0, 73), A_TO_C: (10, 16), C: (10.5, 15.5), A_QUERY: (36, 43)}


def test_a_failure_of_a_call_that_is_not_made_is_not_felt(template: Template, draws: Draws) -> None:
    """What would have failed was never asked."""
    draws.taken[A_TO_B] = ~yes()
    draws.cut[B] = np.array([0])
    assert not run(template, draws).failed.any()


def test_a_refused_call_has_no_span_on_the_other_side(template: Template, draws: Draws) -> None:
    """The client span fails after request and response leg alone."""
    draws.refused[A_TO_B] = yes()
    played = run(template, draws)
    assert times(played)[A_TO_B] == (10, 12)
    assert not {B, B_QUERY, A_QUERY} & set(times(played))
    assert played.failed[[A, A_TO_B], 0].all()


def test_a_misled_caller_skips_the_rest_without_failing(template: Template, draws: Draws) -> None:
    """It goes on as if there were nothing left to do."""
    draws.misled[A_TO_C] = yes()
    played = run(template, draws)
    assert times(played)[A] == (0, 21)
    assert A_QUERY not in times(played)
    assert not played.failed.any()
    assert played.outcomes[A].misled[0]


def test_an_operation_that_was_cut_before_its_calls_never_makes_them(
    template: Template, draws: Draws
) -> None:
    """Its own failure comes first, however wrong the callee's answer would have been."""
    draws.cut[A] = np.array([0])
    draws.misled[A_TO_C] = yes()
    played = run(template, draws)
    assert times(played) == {A: (0, 10 + HANDLING_MS)}
    assert played.outcomes[A].raised[0]


def test_a_request_to_a_crashed_entry_leaves_no_trace(template: Template, draws: Draws) -> None:
    """Nobody is there to record it."""
    draws.down[A] = yes()
    assert not run(template, draws).alive.any()


def test_nothing_is_cut_where_nothing_fails(template: Template, draws: Draws) -> None:
    """Every server slot runs to its end."""
    outcomes = run(template, draws).outcomes
    assert [int(outcomes[slot].reach[0]) for slot in (A, B, C)] == [NEVER, NEVER, NEVER]


def two(part: Call | Publish) -> Template:
    """Service a asks b something and has nothing else to do."""
    system = System(
        (Service("a", (Operation("get", steps=((part,),)),)), Service("b", (Operation("get"),))),
        (Entry("a", "get"),),
    )
    return build_template(system, system.entries[0])


def of_two(**changed: dict[int, BoolArray]) -> Draws:
    """a works 10 and 20 ms; the ask takes 5 ms to b, which works 50 ms, and 3 ms back, or an ack of 2 ms."""
    return Draws(
        arrival_s=np.zeros(1),
        own={0: np.array([[10.0], [20.0]]), 2: np.array([[50.0]])},
        request={1: np.array([5.0])},
        response={1: np.array([3.0])},
        query={1: np.array([2.0])},
        taken={},
        pod={},
        cut={},
        **changed,
    )


def test_a_producer_waits_for_the_broker_and_the_consumer_works_later() -> None:
    """10 own, 2 until the broker has it, 20 own; 5 in the queue, then 50, past the producer's end."""
    played = run(two(Publish("news", "b", "get")), of_two())
    assert times(played) == {0: (0, 32), 1: (10, 12), 2: (17, 67)}


def test_a_consumer_that_fails_fails_alone() -> None:
    """Nobody hears of it."""
    draws = of_two()
    draws.cut[2] = np.array([0])
    assert run(two(Publish("news", "b", "get")), draws).failed[:, 0].tolist() == [False, False, True]


def test_a_message_to_a_crashed_consumer_is_lost() -> None:
    """The producer does not notice."""
    played = run(two(Publish("news", "b", "get")), of_two(down={2: yes()}))
    assert times(played) == {0: (0, 32), 1: (10, 12)}
    assert not played.failed.any()


def test_a_message_that_no_broker_takes_fails_its_producer() -> None:
    """There is no consumer then."""
    played = run(two(Publish("news", "b", "get")), of_two(refused={1: yes()}))
    assert 2 not in times(played)
    assert played.failed[:, 0].tolist() == [True, True, False]
    assert played.refused[:, 0].tolist() == [False, True, False]


def test_a_callee_outlives_a_caller_that_gives_up_waiting() -> None:
    """At 30 of 58 ms; the caller then answers with an error."""
    played = run(two(Call("b", "get", timeout_ms=30.0)), of_two())
    assert times(played) == {0: (0, 40 + HANDLING_MS), 1: (10, 40), 2: (15, 65)}
    assert played.failed[:, 0].tolist() == [True, True, False]
    assert played.timed_out[:, 0].tolist() == [False, True, False]


def test_a_request_that_is_on_its_way_for_too_long_never_arrives() -> None:
    """After 4 of 5 ms the caller has hung up."""
    played = run(two(Call("b", "get", timeout_ms=4.0)), of_two())
    assert times(played) == {0: (0, 14 + HANDLING_MS), 1: (10, 14)}


def test_attempts_follow_each_other_in_time() -> None:
    """The first is refused after 8 ms; the second, of a place of its own, has 25 ms to wait."""
    draws = of_two(refused={1: yes()})
    for place, value in ((3, 5.0), (4, 0.0)):
        draws.request[place] = draws.response[place] = np.array([value])
    draws.own[4] = np.array([[50.0]])
    played = run(two(Call("b", "get", retries=1)), draws)
    assert times(played) == {0: (0, 10 + 8 + 25 + 60 + 20), 1: (10, 18), 3: (43, 103), 4: (48, 98)}
    assert played.failed[:, 0].tolist() == [False, True, False, False, False]
