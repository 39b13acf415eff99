"""Weights: whose doing each observation is, and how much it counts, worked out by hand."""

from __future__ import annotations

import polars as pl
import pytest

from rclagent.core.evidence import FaultType
from rclagent.evidence.claims import charge_legs, claim_code, claim_legs, claim_resources

CHANGES = {"service": pl.String, "evidence_id": pl.String, "change": pl.Float64, "z": pl.Float64}
OF_CALLEES = CHANGES | {"callee": pl.String}
OF_CALLS = OF_CALLEES | {"unheard": pl.Boolean}


def leg_row(
    evidence_id: str | None, leg: str, caller: str, callee: str, **figures: float
) -> dict[str, object]:
    """A compared leg, of which all of 10 values are late by exactly 100 ms unless told otherwise."""
    row: dict[str, object] = {"leg": leg, "caller": caller, "callee": callee, "operation": "op"}
    row |= {"evidence_id": evidence_id, "slow": evidence_id is not None, "n": 10, "over": 10}
    row |= {"p50_ms": 110.0, "base_p50_ms": 10.0, "excess_ms": 99.5, "over_std_ms": 0.0}
    row |= {"base_std_ms": 0.2, "base_p95_ms": 10.4}
    return row | figures


def legs(*rows: dict[str, object]) -> pl.DataFrame:
    """A table of compared legs."""
    return pl.DataFrame(rows, schema_overrides={"evidence_id": pl.String})


def changes(*rows: tuple[object, ...]) -> pl.DataFrame:
    """Changes of services."""
    return pl.DataFrame(rows, schema=CHANGES, orient="row")


def of_callees(*rows: tuple[object, ...]) -> pl.DataFrame:
    """Changes of services in what concerns a callee."""
    return pl.DataFrame(rows, schema=OF_CALLEES, orient="row")


def of_calls(*rows: tuple[object, ...]) -> pl.DataFrame:
    """Changes of calls, and whether they go unheard."""
    return pl.DataFrame(rows, schema=OF_CALLS, orient="row")


def unrecorded(*rows: tuple[str, str, str]) -> pl.DataFrame:
    """Calls without a span of their own."""
    return pl.DataFrame(rows, schema=["service", "operation", "callee"], orient="row")


NO_CHANGES, NONE_OF_CALLEES, NO_CALLS = changes(), of_callees(), of_calls()


def test_a_leg_inside_a_service_is_charged_to_it_and_a_half_of_a_call_to_both_ends() -> None:
    table = charge_legs(
        legs(
            leg_row("e1", "self", "", "shelf"),
            leg_row("e2", "store", "", "shelf"),
            leg_row("e3", "request", "counter", "shelf"),
            leg_row("e4", "response", "counter", "shelf"),
            leg_row("e5", "gap", "counter", "shelf"),
        )
    )
    assert set(table.select("evidence_id", "service", "place").rows()) == {
        ("e1", "shelf", "self"),
        ("e2", "shelf", "store"),
        ("e3", "shelf", "in_request"),
        ("e3", "counter", "out_request"),
        ("e4", "shelf", "in_response"),
        ("e4", "counter", "out_response"),
    }


def test_a_wait_is_charged_to_the_peer_it_names_as_well_and_a_message_to_its_topic() -> None:
    table = charge_legs(
        legs(
            leg_row("e1", "store", "shelf", "shelf-db"),
            leg_row("e2", "message", "orders", "letters"),
        )
    )
    assert set(table.select("evidence_id", "service", "place").rows()) == {
        ("e1", "shelf", "out_store"),
        ("e1", "shelf-db", "in_store"),
        ("e2", "orders", "out_message"),
        ("e2", "letters", "in_message"),
    }


def test_own_time_that_holds_an_unrecorded_call_is_charged_to_the_callee_as_well() -> None:
    """Own time alone, and of that operation alone."""
    table = charge_legs(
        legs(leg_row("e1", "self", "", "counter"), leg_row("e2", "store", "", "counter")),
        unrecorded(("counter", "op", "shelf"), ("counter", "other", "till")),
    )
    assert set(table.select("evidence_id", "service", "place").rows()) == {
        ("e1", "counter", "self"),
        ("e1", "shelf", "in_wait"),
        ("e2", "counter", "store"),
    }


@pytest.mark.parametrize(("over", "mostly"), [(5, False), (6, True)])
def test_a_leg_is_late_in_most_calls_if_more_than_half_are_above(over: int, mostly: bool) -> None:
    table = charge_legs(legs(leg_row("e1", "self", "", "shelf", over=over)))
    assert table["mostly"].to_list() == [mostly]


def test_time_lost_is_calls_times_the_rise_of_the_median_or_the_mean_excess() -> None:
    """10 x 100 by the median; 10 x 30 where only the tail is late; nothing where it is not slow."""
    table = charge_legs(
        legs(
            leg_row("e1", "self", "", "shelf"),
            leg_row("e2", "self", "", "till", p50_ms=10.0, excess_ms=30.0, over=3),
            leg_row(None, "self", "", "letters"),
        )
    )
    assert table.sort("leg_id")["lost_ms"].to_list() == [1000, 300, 0]


@pytest.mark.parametrize(
    ("over_std_ms", "steady"), [(0.0, True), (5.0, True), (20.0, None), (60.0, False), (None, False)]
)
def test_late_values_that_hardly_scatter_are_late_by_a_constant(
    over_std_ms: float | None, steady: bool | None
) -> None:
    """Those above are 99.5 late on average; a fifth of that may be either."""
    row = leg_row("e1", "self", "", "shelf") | {"over_std_ms": over_std_ms}
    assert charge_legs(pl.DataFrame([row], schema_overrides={"over_std_ms": pl.Float64}))[
        "steady"
    ].to_list() == [steady]


def test_what_is_late_is_averaged_over_the_late_values_only() -> None:
    """One of ten is 100 late: 10 on average over all. A scatter of 8 is small beside 100, not beside 10."""
    row = leg_row("e1", "self", "", "shelf", excess_ms=10.0, over=1, over_std_ms=8.0)
    assert charge_legs(legs(row))["steady"].to_list() == [True]


def test_the_usual_variance_of_work_is_no_scatter_of_what_made_it_late() -> None:
    """Late by 100, scattered by 30 as ever: nothing was added. A half of a call holds no work: 30 / 100."""
    usual = {"excess_ms": 100.0, "over_std_ms": 30.0, "base_std_ms": 30.0, "base_p95_ms": 60.0}
    table = charge_legs(
        legs(
            leg_row("e1", "self", "", "shelf", **usual),
            leg_row("e2", "response", "counter", "shelf", **usual),
        )
    )
    assert table.unique("leg_id").sort("leg_id")["steady"].to_list() == [True, False]


def test_usual_values_above_the_limit_are_no_scatter_either() -> None:
    """Of 24 above (24 - 5) / 0.95 = 20 are 120 late, and 4 as usual: mean 100, variance 5 / 36 x 120^2."""
    row = leg_row("e1", "self", "", "shelf", n=100, over=24, excess_ms=24.0, over_std_ms=2000**0.5)
    assert charge_legs(legs(row))["steady"].to_list() == [True]
    other = leg_row("e1", "self", "", "shelf", n=100, over=100, excess_ms=100.0, over_std_ms=2000**0.5)
    assert charge_legs(legs(other))["steady"].to_list() == [False]


def test_weights_of_legs_are_shares_of_the_time_lost() -> None:
    """Of 1500 ms lost the shelf's network owns 1000 and the till's 500; all predicted legs are slow."""
    weights, owners, lost = claim_legs(
        legs(
            leg_row("e1", "response", "counter", "shelf"),
            leg_row("e2", "response", "counter", "till", n=5, over=5),
            leg_row(None, "self", "", "counter"),
        ),
        request_ms=10_000,
    )
    assert lost == {"shelf": pytest.approx(1000 / 500), "till": pytest.approx(1)}  # of 5 % of all time
    assert [owner.service for owner in owners] == ["shelf", "till"]
    assert weights["shelf"] == {"e1": pytest.approx(2 / 3)}
    assert weights["till"] == {"e2": pytest.approx(1 / 3)}


def test_a_mechanism_of_which_half_is_not_seen_counts_half() -> None:
    found = claim_legs(
        legs(
            leg_row("e1", "response", "counter", "shelf"),
            leg_row(None, "response", "depot", "shelf"),
            leg_row(None, "self", "", "counter"),
        ),
        request_ms=10_000,
    )
    assert found.weights["shelf"] == {"e1": pytest.approx(0.5)}


def test_time_lost_that_users_hardly_feel_counts_less() -> None:
    """1000 ms of 100,000 are 1 %, a fifth of the 5 % that are felt."""
    table = legs(leg_row("e1", "response", "counter", "shelf"), leg_row(None, "self", "", "counter"))
    found = claim_legs(table, request_ms=100_000)
    assert found.weights["shelf"] == {"e1": pytest.approx(0.2)}
    assert found.lost == {"shelf": pytest.approx(0.2)}
    assert claim_legs(table, request_ms=20_000).weights["shelf"] == {"e1": pytest.approx(1.0)}


def test_time_lost_beyond_what_is_felt_counts_no_more_but_is_told() -> None:
    """1000 ms of 2,000 are ten times the 5 %."""
    table = legs(leg_row("e1", "response", "counter", "shelf"), leg_row(None, "self", "", "counter"))
    found = claim_legs(table, request_ms=2000)
    assert found.weights["shelf"] == {"e1": pytest.approx(1.0)}
    assert found.lost == {"shelf": pytest.approx(10)}


def test_without_entries_there_is_no_telling_what_is_felt() -> None:
    table = legs(leg_row("e1", "response", "counter", "shelf"), leg_row(None, "self", "", "counter"))
    assert claim_legs(table, request_ms=0).weights["shelf"] == {"e1": pytest.approx(1.0)}


def test_nothing_slow_gives_no_weights() -> None:
    weights, owners, lost = claim_legs(legs(leg_row(None, "self", "", "counter")), request_ms=100)
    assert (dict(weights), owners, lost) == ({}, [], {})


VARYING_WAIT = (
    leg_row("e1", "store", "shelf", "shelf-db", over_std_ms=60.0),
    leg_row(None, "self", "", "shelf"),
)


def test_a_peer_that_may_own_a_wait_as_well_has_half_the_weight_of_the_service() -> None:
    """1000 ms of 10,000 are twice the 5 % that are felt."""
    found = claim_legs(legs(*VARYING_WAIT), 10_000)
    assert found.weights == {"shelf": {"e1": 1.0}, "shelf-db": {"e1": 0.5}}
    assert found.lost == {"shelf": pytest.approx(2), "shelf-db": pytest.approx(1)}
    assert [owner.service for owner in found.owners] == ["shelf", "shelf-db"]


@pytest.mark.parametrize(("deviates", "owner"), [(True, "shelf"), (False, "shelf-db")])
def test_resources_of_a_service_tell_it_from_the_peer_that_it_waits_for(deviates: bool, owner: str) -> None:
    found = claim_legs(legs(*VARYING_WAIT), 10_000, {"shelf": deviates})
    assert found.weights == {owner: {"e1": 1.0}}
    assert [item.service for item in found.owners] == [owner]


@pytest.mark.parametrize(
    ("strained", "owner"), [({}, "shelf"), ({"counter": False}, "shelf"), ({"counter": True}, "counter")]
)
def test_what_its_own_resources_explain_is_no_wait_for_an_unrecorded_call(
    strained: dict[str, bool], owner: str
) -> None:
    slow = legs(leg_row("e1", "self", "", "counter"))
    found = claim_legs(slow, 10_000, strained, unrecorded(("counter", "op", "shelf")))
    assert found.weights == {owner: {"e1": 1.0}}


def test_a_change_weighs_as_much_as_it_is_large_and_certain() -> None:
    """|-0.8| x 5 / 10; beyond z = 10 certainty is full, and a rate counts as one at most."""
    logs = changes(("shelf", "e1", -0.8, -5.0), ("shelf", "e2", 0.5, 40.0), ("till", "e3", 6.0, 20.0))
    weights, breakers = claim_code(logs, NO_CALLS, NONE_OF_CALLEES, NONE_OF_CALLEES, NONE_OF_CALLEES)
    assert weights == {"shelf": {"e1": pytest.approx(0.4), "e2": 0.5}, "till": {"e3": 1.0}}
    assert breakers == {}


def test_a_changed_call_counts_half_for_its_caller() -> None:
    calls = of_calls(("counter", "e1", -0.8, -20.0, "shelf", False))
    weights, _ = claim_code(NO_CHANGES, calls, NONE_OF_CALLEES, NONE_OF_CALLEES, NONE_OF_CALLEES)
    assert weights == {"counter": {"e1": pytest.approx(0.4)}}


def test_a_call_that_goes_unheard_counts_fully_for_its_callee_and_so_does_the_break() -> None:
    """The request ends for want of someone to take the call: half of 0.8."""
    calls = of_calls(("counter", "e1", -0.8, -20.0, "shelf", True))
    breaks = of_callees(("counter", "e2", 0.8, 20.0, ""))
    weights, breakers = claim_code(NO_CHANGES, calls, breaks, NONE_OF_CALLEES, NONE_OF_CALLEES)
    assert weights == {"shelf": {"e1": 0.8, "e2": pytest.approx(0.4)}}
    assert breakers == {}


def test_of_several_that_owe_an_answer_the_one_that_owes_most_breaks_the_request() -> None:
    breaks = of_callees(("counter", "e1", 0.8, 20.0, ""))
    errors = of_callees(("counter", "e2", 0.9, 20.0, "shelf-db"))
    silence = of_callees(("counter", "e3", 0.3, 20.0, "till"))
    weights, _ = claim_code(NO_CHANGES, NO_CALLS, breaks, errors, silence)
    assert weights == {"shelf-db": {"e1": pytest.approx(0.4), "e2": 0.9}, "till": {"e3": 0.3}}


def test_a_break_point_counts_half_for_the_callee_that_became_the_last() -> None:
    breaks = of_callees(("counter", "e1", 0.8, 20.0, "shelf"))
    weights, breakers = claim_code(NO_CHANGES, NO_CALLS, breaks, NONE_OF_CALLEES, NONE_OF_CALLEES)
    assert weights == {"shelf": {"e1": pytest.approx(0.4)}}
    assert breakers == {}


def test_requests_that_end_without_a_call_are_broken_by_the_service_itself() -> None:
    breaks = of_callees(("counter", "e1", 0.8, 20.0, ""), ("counter", "e2", 0.5, 20.0, ""))
    weights, breakers = claim_code(NO_CHANGES, NO_CALLS, breaks, NONE_OF_CALLEES, NONE_OF_CALLEES)
    assert weights == {"counter": {"e1": 0.8, "e2": 0.5}}
    assert breakers == {"counter": 0.8}


def test_requests_that_end_for_want_of_an_answer_are_broken_by_who_owes_it() -> None:
    breaks = of_callees(("counter", "e1", 0.8, 20.0, ""))
    silence = of_callees(("counter", "e2", 0.9, 20.0, "shelf"))
    weights, breakers = claim_code(NO_CHANGES, NO_CALLS, breaks, NONE_OF_CALLEES, silence)
    assert weights == {"shelf": {"e1": pytest.approx(0.4), "e2": 0.9}}
    assert breakers == {}


def test_a_service_in_which_errors_start_breaks_its_requests_itself_whomever_it_called_last() -> None:
    breaks = of_callees(("counter", "e1", 0.8, 20.0, "shelf"))
    errors = of_callees(("counter", "e2", 0.7, 20.0, None))
    weights, breakers = claim_code(NO_CHANGES, NO_CALLS, breaks, errors, NONE_OF_CALLEES)
    assert weights == {"counter": {"e1": 0.8, "e2": 0.7}}
    assert breakers == {"counter": 0.8}


def test_an_error_counts_where_it_starts_or_for_the_callee_that_is_missing() -> None:
    errors = of_callees(("shelf", "e1", 0.6, 20.0, None), ("counter", "e2", 0.7, 20.0, "till"))
    weights, _ = claim_code(NO_CHANGES, NO_CALLS, NONE_OF_CALLEES, errors, NONE_OF_CALLEES)
    assert weights == {"shelf": {"e1": 0.6}, "till": {"e2": 0.7}}


def series(*rows: tuple[object, ...]) -> pl.DataFrame:
    """Series that saturate or changed."""
    texts, flags = ("service", "evidence_id", "resource"), ("saturated", "is_node")
    schema = {**dict.fromkeys(texts, pl.String()), **dict.fromkeys(flags, pl.Boolean())}
    table = pl.DataFrame(rows, schema=schema, orient="row")
    return table.with_columns((pl.col("resource") == "connection pool").fill_null(False).alias("is_pool"))


def test_a_limit_reached_counts_fully_a_known_resource_less_an_anonymous_one_least() -> None:
    weights = claim_resources(
        series(
            ("shelf", "e1", "CPU", True, False),
            ("shelf", "e2", "memory", False, False),
            ("till", "e3", None, False, False),
        )
    )
    assert weights["shelf"] == {"e1": 1.0, "e2": 0.3}
    assert weights["till"] == {"e3": 0.15}


def test_a_full_pool_counts_like_a_change() -> None:
    """Its connections are held by whoever waits for somebody else."""
    assert claim_resources(series(("shelf", "e1", "connection pool", True, False)))["shelf"] == {"e1": 0.3}


def test_series_of_a_whole_machine_speak_for_nobody() -> None:
    weights = claim_resources(series(("shelf", "e1", "CPU", True, True), ("", "e2", "CPU", True, False)))
    assert dict(weights) == {}


def test_a_named_fault_type_comes_with_every_owner() -> None:
    found = claim_legs(
        legs(leg_row("e1", "response", "counter", "shelf"), leg_row(None, "self", "", "counter")), 10_000
    )
    assert found.owners[0].signature.fault_type is FaultType.NETWORK_DELAY
