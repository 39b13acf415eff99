"""From weights to suspicion: families add, witnesses of the same requests do not, and others explain."""

from __future__ import annotations

import networkx as nx
import pytest

from rclagent.evidence.fusion import Suspicion, explain_away, fuse, lost_share


def calls(*edges: tuple[str, str]) -> nx.DiGraph[str]:
    """Who calls whom."""
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_edges_from(edges)
    return graph


CHAIN = calls(("counter", "till"), ("till", "wallet"))


def test_a_change_without_rivals_stays_whole() -> None:
    assert explain_away({"till": 0.7}, {}, CHAIN) == ({"till": 0.7}, {})


def test_a_caller_is_discounted_by_a_stronger_change_below_it() -> None:
    """0.5 x (1 - 0.8); the caller shows the same later and weaker."""
    left, explained_by = explain_away({"till": 0.5, "wallet": 1.0}, {}, CHAIN)
    assert left == {"till": pytest.approx(0.1), "wallet": 1.0}
    assert explained_by == {"till": "wallet"}


def test_a_weaker_change_below_explains_its_share() -> None:
    """1 x (1 - 0.8 x 0.5 / 1)."""
    left, _ = explain_away({"till": 1.0, "wallet": 0.5}, {}, CHAIN)
    assert left == {"till": pytest.approx(0.6), "wallet": 0.5}


def test_changes_are_walked_down_through_services_that_show_none() -> None:
    left, explained_by = explain_away({"counter": 0.5, "wallet": 1.0}, {}, CHAIN)
    assert left["counter"] == pytest.approx(0.1)
    assert explained_by == {"counter": "wallet"}


def test_the_strongest_change_below_explains() -> None:
    left, explained_by = explain_away({"counter": 0.5, "till": 0.3, "wallet": 0.4}, {}, CHAIN)
    assert left["counter"] == pytest.approx(0.5 * (1 - 0.8 * 0.4 / 0.5))
    assert explained_by["counter"] == "wallet"


def test_of_equally_strong_changes_below_the_deepest_explains() -> None:
    """Whatever the names: the one between is explained by it too."""
    _, explained_by = explain_away({"counter": 1.0, "till": 1.0, "wallet": 1.0}, {}, CHAIN)
    assert explained_by == {"counter": "wallet", "till": "wallet"}


def test_a_callee_is_discounted_by_a_caller_that_breaks_its_requests_itself() -> None:
    """It is only asked differently; the caller keeps what the callee cannot explain."""
    left, explained_by = explain_away({"till": 1.0, "wallet": 0.5}, {"till": 1.0}, CHAIN)
    assert left["wallet"] == pytest.approx(0.1)
    assert explained_by["wallet"] == "till"


def test_a_break_that_is_weaker_than_the_change_below_explains_nothing() -> None:
    """Else cause and effect would both vanish."""
    left, _ = explain_away({"till": 0.4, "wallet": 0.5}, {"till": 0.4}, CHAIN)
    assert left["wallet"] == 0.5


def test_services_that_do_not_call_each_other_do_not_explain_each_other() -> None:
    left, explained_by = explain_away({"shelf": 0.5, "wallet": 1.0}, {}, CHAIN)
    assert (left, explained_by) == ({"shelf": 0.5, "wallet": 1.0}, {})


def test_services_that_call_each_other_are_discounted_alike() -> None:
    left, _ = explain_away({"a": 0.5, "b": 0.5}, {}, calls(("a", "b"), ("b", "a")))
    assert left == {"a": pytest.approx(0.1), "b": pytest.approx(0.1)}


def test_families_add_up() -> None:
    """0.25 + 0.35 of the time lost, the stronger of two changes, the fuller of two resources."""
    found = fuse(
        {"till": {"e1": 0.25, "e2": 0.35}},
        {"till": {"e3": 0.5, "e4": 0.2}},
        {"till": {"e5": 0.3, "e6": 0.15}},
        {},
        CHAIN,
    )["till"]
    families = (found.timing, found.code, found.code_left, found.resources)
    assert families == pytest.approx((0.6, 0.5, 0.5, 0.3))
    assert found.score == pytest.approx(1.4)
    assert found.weights == {"e1": 0.25, "e2": 0.35, "e3": 0.5, "e4": 0.2, "e5": 0.3, "e6": 0.15}


def test_time_owned_is_never_more_than_all_of_it() -> None:
    assert fuse({"till": {"e1": 0.7, "e2": 0.7}}, {}, {}, {}, CHAIN)["till"].score == 1.0


def test_what_is_explained_away_weighs_less_in_each_observation() -> None:
    """The caller keeps a fifth of its changes, and all of its resources."""
    found = fuse(
        {}, {"till": {"e1": 0.5, "e2": 0.25}, "wallet": {"e3": 1.0}}, {"till": {"e4": 0.3}}, {}, CHAIN
    )
    assert found["till"].weights == {"e1": 0.1, "e2": 0.05, "e4": 0.3}
    assert found["till"].score == pytest.approx(0.4)
    assert found["till"].explained_by == "wallet"
    assert found["wallet"].explained_by is None


def test_every_service_with_weights_is_found_in_order_of_name() -> None:
    found = fuse({"b": {"e1": 0.1}}, {"a": {"e2": 0.1}}, {"c": {"e3": 0.1}}, {}, calls())
    assert list(found) == ["a", "b", "c"]


def test_lost_time_is_measured_by_what_users_feel() -> None:
    """A twentieth of the time of all requests: 300 ms of 2000 are 3 times 100."""
    assert lost_share(300, 2000) == pytest.approx(3)


def test_without_requests_lost_time_is_one_unit() -> None:
    assert lost_share(300, 0) == 1


def test_nothing_shown_is_nothing_suspected() -> None:
    assert fuse({}, {}, {}, {}, CHAIN) == {}
    assert (Suspicion().score, Suspicion().chance) == (0, 1)


def test_scores_have_six_significant_digits() -> None:
    """Sums over many rows differ in the last ones."""
    assert Suspicion(timing=0.1 + 0.2).score == 0.3
