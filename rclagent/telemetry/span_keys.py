"""Finding spans by trace and id, millions at a time."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from rclagent.telemetry.codes import IntArray

KeyArray = npt.NDArray[np.uint64]

_MIX: Final = np.uint64(0x9E37_79B9_7F4A_7C15)
"""Odd, so that no two traces get the same product; any such number does."""
_NEAR: Final = 64
"""Rows above a span among which its parent is looked for first."""
_WORTHWHILE: Final = 1e-3
"""Share of all rows that must have their parent at one distance for the next to be looked at."""


class SpanKeys:
    """A 64-bit key for each pair of trace and span id, equal for equal pairs.

    Args:
        trace: Number of each span's trace, shape (n,).
        span_ids: Their ids.
        seed: Any number; another one makes other pairs share a key by chance.
    """

    def __init__(self, trace: IntArray, span_ids: pl.Series, seed: int = 0) -> None:
        self._trace, self._span_ids, self._seed = trace, span_ids, seed
        self.values = _keys(trace, span_ids, seed)
        """Shape (n,)."""

    @staticmethod
    def of_distinct(trace: IntArray, span_ids: pl.Series) -> SpanKeys:
        """Keys that are all different, of pairs that are."""
        keys, seed = SpanKeys(trace, span_ids), 0
        while keys.repeated:
            seed += 1
            keys = SpanKeys(trace, span_ids, seed)
        return keys

    @property
    def repeated(self) -> bool:
        """Whether two spans share a key: nearly always because they have one id."""
        return pl.Series(self.values).n_unique() < self.values.size

    def of(self, trace: IntArray, span_ids: pl.Series) -> KeyArray:
        """Keys of other pairs, by the same rule."""
        return _keys(trace, span_ids, self._seed)

    def find(self, trace: IntArray, span_ids: pl.Series) -> IntArray:
        """Row of each pair that is asked for, -1 where there is none; for keys that are all different."""
        row = find_keys(self.values, self.of(trace, span_ids))
        return self.checked(row, trace, span_ids)

    def parents(self, parent_ids: pl.Series, order: IntArray) -> IntArray:
        """Row of each span's parent, -1 where there is none, shape (n,); for keys that are all different.

        Args:
            parent_ids: Of each span.
            order: Puts the spans in order of trace and start; rows are rows in this order.
        """
        own, asked = self.values[order], self.of(self._trace, parent_ids)[order]
        parent = _near_parents(own, asked)
        missing = np.flatnonzero((parent < 0) & parent_ids.is_not_null().to_numpy()[order])
        # Parents that are far away, or below, are looked for among all spans of their traces.
        trace = self._trace[order]
        torn = np.zeros(int(trace[-1]) + 1 if trace.size else 0, dtype=np.bool_)
        torn[trace[missing]] = True
        among = np.flatnonzero(torn[trace])
        found = find_keys(own[among], asked[missing])
        parent[missing[found >= 0]] = among[found[found >= 0]]
        # Back to where the ids are, for the names decide.
        linked = np.flatnonzero(parent >= 0)
        place = np.full(order.size, -1, dtype=np.int64)
        place[order[linked]] = order[parent[linked]]
        sure = self.checked(place, self._trace, parent_ids) >= 0
        return np.where(sure[order], parent, -1)

    def checked(self, row: IntArray, trace: IntArray, span_ids: pl.Series) -> IntArray:
        """Rows whose trace and id are those asked for, else -1: different pairs may share a key by chance."""
        if not self.values.size:
            return np.full(row.size, -1, dtype=np.int64)
        same_id = (self._span_ids.gather(np.maximum(row, 0)) == span_ids).fill_null(False).to_numpy()
        return np.where((row >= 0) & same_id & (self._trace[row] == trace), row, -1)


def find_keys(keys: KeyArray, asked: KeyArray) -> IntArray:
    """Place of each key that is asked for, -1 where there is none.

    A hash table without chains: of keys that fall into one slot the last stays, and the others go
    into the next, smaller table, in which they fall elsewhere.

    Args:
        keys: All different, shape (n,).
        asked: Shape (asked,).
    """
    found = np.full(asked.size, -1, dtype=np.int64)
    left, open_ = np.arange(keys.size), np.arange(asked.size)
    turn = 0
    while left.size and open_.size:
        bits = left.size.bit_length() + 1
        table = np.zeros(1 << bits, dtype=np.int64)
        slot = _slots(keys[left], bits, turn)
        table[slot] = left
        place = table[_slots(asked[open_], bits, turn)]
        hit = keys[place] == asked[open_]
        found[open_[hit]] = place[hit]
        left, open_ = left[table[slot] != left], open_[~hit]
        turn += 1
    return found


def _near_parents(own: KeyArray, asked: KeyArray) -> IntArray:
    """Row of each parent that stands a few rows above, else -1: in order of start most do."""
    parent = np.full(own.size, -1, dtype=np.int64)
    for distance in range(1, min(_NEAR, own.size)):
        above = np.flatnonzero(own[:-distance] == asked[distance:])
        parent[above + distance] = above
        if above.size < _WORTHWHILE * own.size:
            break
    return parent


def _keys(trace: IntArray, span_ids: pl.Series, seed: int) -> KeyArray:
    keys: KeyArray = span_ids.hash(seed).to_numpy() ^ (trace.astype(np.uint64) * _MIX)
    return keys


def _slots(keys: KeyArray, bits: int, turn: int) -> IntArray:
    """Place of each key in a table; another one at each turn."""
    mixed = keys >> np.uint64(32)
    mixed ^= keys
    mixed *= _MIX - np.uint64(2 * turn)
    mixed >>= np.uint64(64 - bits)
    return mixed.view(np.int64)
