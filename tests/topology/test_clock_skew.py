"""Clock offsets between the hosts of one trace."""

from __future__ import annotations

from rclagent.core.span import Span, SpanKind
from rclagent.topology.clock_skew import clock_offsets


def on(host: str, start: int, end: int, kind: SpanKind = SpanKind.UNKNOWN, pod: str | None = None) -> Span:
    """A span on some node."""
    return Span("t", f"{host}{start}", None, "s", "op", start, end, kind=kind, node=host, pod=pod)


def offsets(spans: list[Span], parents: list[int]) -> list[int]:
    """Offsets of spans that are given parents first."""
    return clock_offsets(spans, parents, range(len(spans)))


def test_a_child_that_fits_stays() -> None:
    assert offsets([on("n", 0, 100), on("m", 90, 100)], [-1, 0]) == [0, 0]


def test_a_child_on_another_host_outside_its_parent_is_centred() -> None:
    assert offsets([on("n", 0, 100), on("m", 1000, 1020)], [-1, 0]) == [0, -960]


def test_a_child_on_the_same_host_is_never_moved() -> None:
    assert offsets([on("n", 0, 100), on("n", 1000, 1020)], [-1, 0]) == [0, 0]


def test_a_whole_subtree_moves_with_its_host() -> None:
    spans = [on("n", 0, 100), on("m", 1000, 1020), on("m", 1005, 1010), on("m", 1030, 1040)]
    assert offsets(spans, [-1, 0, 1, 2]) == [0, -960, -960, -960]


def test_a_host_called_by_a_skewed_host_is_measured_against_the_corrected_caller() -> None:
    """Two hosts share a clock that is 1000 ahead; the call back to the first host is left alone."""
    spans = [on("n", 0, 100), on("m", 1010, 1090), on("k", 1020, 1080), on("n", 30, 70)]
    assert offsets(spans, [-1, 0, 1, 2]) == [0, -1000, -1000, 0]


def test_one_late_child_among_children_that_fit_is_no_skew() -> None:
    spans = [on("n", 0, 100), on("m", 10, 90), on("m", 95, 105)]
    assert offsets(spans, [-1, 0, 0]) == [0, 0, 0]


def test_children_that_miss_in_both_directions_are_no_skew() -> None:
    spans = [on("n", 0, 100), on("m", -10, 20), on("m", 90, 110)]
    assert offsets(spans, [-1, 0, 0]) == [0, 0, 0]


def test_the_shift_fits_all_calls_where_one_can() -> None:
    """Centring each call gives 975 and 1010; only from 990 to 1000 do both fit."""
    spans = [on("n", 0, 100), on("m", -990, -940), on("n", 200, 300), on("m", -800, -680 - 30)]
    assert offsets(spans, [-1, 0, -1, 2])[1] == (1000 + 1010) // 2


def test_the_median_decides_where_no_shift_fits_all_calls() -> None:
    tops = [on("n", at, at + 10) for at in (0, 100, 200)]
    late = [on("m", 1000, 1010), on("m", 1110, 1120), on("m", 1290, 1300)]
    assert offsets(tops + late, [-1, -1, -1, 0, 1, 2])[3:] == [-1010] * 3


def test_messages_say_nothing_about_clocks() -> None:
    spans = [on("n", 0, 10), on("n", 5, 6, SpanKind.PRODUCER), on("m", 50, 60, SpanKind.CONSUMER)]
    assert offsets(spans, [-1, 0, 1]) == [0, 0, 0]


def test_a_child_longer_than_its_parent_moves_only_if_it_starts_before_it() -> None:
    assert offsets([on("n", 0, 10), on("m", 5, 60)], [-1, 0]) == [0, 0]
    assert offsets([on("n", 0, 10), on("m", -5, 60)], [-1, 0]) == [0, 5]


def test_pods_and_services_stand_in_for_unknown_nodes() -> None:
    top = Span("t", "a", None, "s", "op", 0, 100, pod="p")
    other_pod = Span("t", "b", "a", "s", "op", 200, 220, pod="q")
    same_service = Span("t", "b", "a", "s", "op", 200, 220)
    other_service = Span("t", "c", "b", "z", "op", 400, 410)
    assert offsets([top, other_pod], [-1, 0]) == [0, -160]
    assert offsets([same_service, other_service], [-1, 0]) == [0, -195]
