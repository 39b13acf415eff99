"""Estimates by how much the clocks of the hosts of one trace disagree."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from statistics import median_low
from typing import TypeAlias

from rclagent.core.span import Span, SpanKind

Host: TypeAlias = tuple[str, str]
Room: TypeAlias = tuple[int, int]


def clock_offsets(spans: Sequence[Span], parents: Sequence[int], order: Sequence[int]) -> list[int]:
    """What to add to the times of each span so that callees fit into their callers, in nanoseconds.

    Every host has one offset, so that spans of one host never move against each other. A pair of
    caller's and callee's host is judged by all its calls: only where none of them fits, and all miss
    in the same direction, do the clocks disagree. One late child is no skew.

    Args:
        spans: Spans of one trace.
        parents: Index of each span's parent, -1 at the tops.
        order: All indices, parents before their children; the first host met keeps its clock.

    Source: the clock skew adjuster of Jaeger, with its centring of the child; it decides for each
        call alone.
    """
    hosts = [_host(span) for span in spans]
    rooms: defaultdict[tuple[Host, Host], list[Room]] = defaultdict(list)
    for index, parent in enumerate(parents):
        if parent >= 0 and hosts[index] != hosts[parent]:
            room = _room(spans[parent], spans[index])
            if room is not None:
                rooms[hosts[parent], hosts[index]].append(room)
    offsets: dict[Host, int] = {}
    for index in order:
        parent, offset = parents[index], 0
        if parent >= 0 and hosts[index] not in offsets:
            offset = offsets[hosts[parent]] + _disagreement(rooms[hosts[parent], hosts[index]])
        offsets.setdefault(hosts[index], offset)
    return [offsets[host] for host in hosts]


def _host(span: Span) -> Host:
    """The most telling name of the machine whose clock a span was measured with."""
    if span.node is not None:
        return "node", span.node
    if span.pod is not None:
        return "pod", span.pod
    return "service", span.service


def _room(parent: Span, child: Span) -> Room | None:
    """Smallest and largest shift of the child that fits it into its parent; None if any will do."""
    if parent.kind is SpanKind.PRODUCER or child.kind is SpanKind.CONSUMER:
        return None
    least, most = parent.start_ns - child.start_ns, parent.end_ns - child.end_ns
    if least <= most:
        return least, most
    # Not waited for, or given up on: only a start before its cause is impossible.
    return (least, least) if least > 0 else None


def _disagreement(rooms: Sequence[Room]) -> int:
    """The shift that fits all calls, in the middle of what they leave open, else that of most; or 0."""
    behind = all(least > 0 for least, _ in rooms)
    ahead = all(most < 0 for _, most in rooms)
    if not rooms or not (behind or ahead):
        return 0
    least, most = max(least for least, _ in rooms), min(most for _, most in rooms)
    if least <= most:
        return (least + most) // 2
    return median_low((least + most) // 2 for least, most in rooms)
