"""The traces of some windows, with what every aggregate needs of them, worked out once."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import polars as pl

from rclagent.telemetry.clocks import Halves
from rclagent.telemetry.coded_spans import CodedSpans
from rclagent.telemetry.codes import BoolArray, IntArray
from rclagent.telemetry.counting import Pieces
from rclagent.telemetry.legs import Legs, callees, cut
from rclagent.telemetry.repair import RepairedSpans
from rclagent.telemetry.requests import Steps, calls_made, calls_made_last, last_calls, steps_of


class TraceView:
    """Whole traces.

    Args:
        repaired: The table that they are in.
        kept: Which of its rows, all or none of each trace, shape (n,).
    """

    def __init__(self, repaired: RepairedSpans, kept: BoolArray) -> None:
        self._repaired = repaired
        self.spans: CodedSpans = repaired.spans.where(kept)
        """As numbers; a *place* is a place in these arrays."""
        self._pieces: tuple[Pieces, IntArray] | None = None

    @cached_property
    def callee(self) -> IntArray:
        """Place of the span that each span called, -1 where it is no call."""
        return callees(self.spans)

    @cached_property
    def legs(self) -> Legs:
        """Pieces of the traces' time."""
        return cut(self.spans, self.callee)

    @cached_property
    def halves(self) -> Halves:
        """The clocks that halves of calls are read on."""
        return Halves.of(self.spans, self.legs)

    @cached_property
    def steps(self) -> Steps:
        """What requests do inside a service."""
        return steps_of(self.spans, self.callee)

    @cached_property
    def calls_made(self) -> IntArray:
        """Each request with each operation that it called (rclagent.telemetry.requests.call_pairs)."""
        return calls_made(self.spans, self.steps)

    @cached_property
    def calls_made_last(self) -> IntArray:
        """Each request with the operation that it called last, or none."""
        return calls_made_last(self.spans, last_calls(self.spans, self.steps))

    @cached_property
    def requests(self) -> IntArray:
        """Places of the spans by which requests enter a service."""
        return np.flatnonzero(self.spans.enters)

    def piece(self, pieces: Pieces | None, places: IntArray) -> IntArray | None:
        """Piece of time of some spans; None where there are no pieces."""
        if pieces is None:
            return None
        if self._pieces is None or self._pieces[0] != pieces:
            self._pieces = pieces, pieces.of(self.spans.trace_ns)
        return self._pieces[1][places]

    def named(self, places: IntArray) -> pl.DataFrame:
        """``service`` and ``operation`` of some spans."""
        names = self.spans.names
        return names.operations[names.operation[places]]

    def texts(self, places: IntArray, *names: str) -> pl.DataFrame:
        """Other columns of some spans."""
        return self._repaired.texts(self.spans.row[places], *names)

    def frame(self) -> pl.DataFrame:
        """Repaired span rows."""
        return self._repaired.rows(self.spans)

    def exhibits(self, places: IntArray, keys: pl.DataFrame, **figures: pl.Series) -> pl.DataFrame:
        """Some spans with the columns of the keys that they belong to.

        Args:
            places: Spans to choose from.
            keys: ``service``, ``operation``, and ``peer`` where calls of one peer only are meant, with any
                columns to carry along.
            figures: A value of each span at ``places``.

        Returns:
            The columns of ``keys``, ``place`` (of the span), ``figures``, ``trace_id``, ``span_id``, ``pod``,
            ``start_ns``; a span as often as a key names its operation.
        """
        names = self.spans.names
        table, codes = (
            (names.calls, names.call) if "peer" in keys.columns else (names.operations, names.operation)
        )
        coded = keys.join(table.with_row_index("code"), on=table.columns, how="inner").with_columns(
            pl.col("code").cast(pl.Int64)
        )
        code = codes[places]
        asked = np.zeros(table.height, dtype=np.bool_)
        asked[coded["code"].to_numpy()] = True
        chosen = np.flatnonzero(asked[code])
        spans = pl.DataFrame({"code": code[chosen], "place": places[chosen]}).with_columns(
            value.gather(chosen).alias(name) for name, value in figures.items()
        )
        found = spans.join(coded, on="code", how="inner")
        place = found["place"].to_numpy()
        texts = self.texts(place, "trace_id", "span_id", "pod")
        return found.select(*keys.columns, "place", *figures).hstack(
            [*texts.get_columns(), pl.Series("start_ns", self.spans.start_ns[place])]
        )
