"""Which pod and node: the one that stands out, and none where none does."""

from __future__ import annotations

import polars as pl
import pytest

from rclagent.evidence.placement import place

COMPONENTS = pl.DataFrame(
    [
        ("shelf", "shelf-1", "n1"),
        ("shelf", "shelf-2", "n2"),
        ("shelf", "shelf-3", "n3"),
        ("till", "till-1", "n1"),
        ("ghost", "", ""),
    ],
    schema=["service", "pod", "node"],
    orient="row",
)
SHAPE = {
    "evidence_id": pl.String,
    "callee": pl.String,
    "caller": pl.String,
    "pod": pl.String,
    "caller_pod": pl.String,
    "odd": pl.Boolean,
}


def spans(
    *groups: tuple[str, str, int, int], callee: str = "shelf", caller: str | None = None
) -> pl.DataFrame:
    """Spans that could show evidence: pod and caller's pod, how many of how many do."""
    rows = [
        ("e1", callee, caller, pod, caller_pod, number < odd)
        for pod, caller_pod, odd, n in groups
        for number in range(n)
    ]
    return pl.DataFrame(rows, schema=SHAPE, orient="row")


NONE = spans()


def test_the_one_slow_replica_among_three_is_named_with_its_node() -> None:
    observed = spans(("shelf-1", "c", 1, 40), ("shelf-2", "c", 38, 40), ("shelf-3", "c", 2, 40))
    component = place("shelf", ["e1"], observed, COMPONENTS, [])
    assert (component.service, component.pod, component.node) == ("shelf", "shelf-2", "n2")


@pytest.mark.parametrize(
    "groups",
    [
        [("shelf-1", "c", 30, 40), ("shelf-2", "c", 32, 40), ("shelf-3", "c", 29, 40)],
        [("shelf-1", "c", 0, 3), ("shelf-2", "c", 2, 3), ("shelf-3", "c", 0, 3)],
        [("shelf-1", "c", 250, 500), ("shelf-2", "c", 450, 500), ("shelf-3", "c", 255, 500)],
        [],
    ],
)
def test_no_pod_is_named_where_none_stands_out(groups: list[tuple[str, str, int, int]]) -> None:
    """All alike; too few spans; certain, but less than twice as often as its siblings; none."""
    assert place("shelf", ["e1"], spans(*groups), COMPONENTS, []).pod is None


def test_evidence_of_others_does_not_place_a_service() -> None:
    observed = spans(("shelf-1", "c", 0, 40), ("shelf-2", "c", 40, 40))
    assert place("shelf", ["e2"], observed, COMPONENTS, []).pod is None


def test_calls_of_the_service_place_it_by_the_pod_that_called() -> None:
    """A service whose requests leave late: the callee's pods say nothing."""
    observed = spans(
        ("till-1", "shelf-1", 0, 40), ("till-1", "shelf-2", 40, 40), callee="till", caller="shelf"
    )
    assert place("shelf", ["e1"], observed, COMPONENTS, []).pod == "shelf-2"


def test_the_only_pod_of_a_service_is_named() -> None:
    component = place("till", [], NONE, COMPONENTS, [])
    assert (component.pod, component.node) == ("till-1", "n1")


def test_a_pod_that_resources_name_comes_first() -> None:
    observed = spans(("shelf-1", "c", 0, 40), ("shelf-2", "c", 40, 40))
    component = place("shelf", ["e1"], observed, COMPONENTS, ["shelf-3"])
    assert (component.pod, component.node) == ("shelf-3", "n3")


def test_a_pod_that_is_gone_has_no_node_in_the_incident() -> None:
    component = place("shelf", [], NONE, COMPONENTS, ["shelf-9"])
    assert (component.pod, component.node) == ("shelf-9", None)


def test_a_service_without_pods_is_named_alone() -> None:
    component = place("ghost", [], NONE, COMPONENTS, [])
    assert (component.service, component.pod, component.node) == ("ghost", None, None)


def test_a_pod_seen_on_two_nodes_has_no_node() -> None:
    moved = pl.concat([COMPONENTS, COMPONENTS.filter(service="till").with_columns(node=pl.lit("n2"))])
    component = place("till", [], NONE, moved, [])
    assert (component.pod, component.node) == ("till-1", None)


def test_a_limit_that_all_pods_reach_is_a_matter_of_the_service() -> None:
    pods = ["shelf-2", "shelf-1", "shelf-2", "shelf-3"]
    assert place("shelf", [], NONE, COMPONENTS, pods).pod is None
